"""How far a request has come, told from its events: rounds, steps, takes, and what holds so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

from limner.agent.brief.verdict import verdict, verdict_of
from limner.agent.events import (
    BriefReady,
    CandidateReady,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
    Replied,
)
from limner.agent.plain import one_line
from limner.agent.records import Verdict

__all__ = ["RequestProgress"]

_LONGEST = 200  # characters of what is being done
_PAINTING = 0.9  # of a round; the rest is looking and rewording


@dataclass(slots=True)
class RequestProgress:
    """The state of one request as its events tell it; `rounds` is how many it may have.

    `round` counts from 1, 0 before the first; `verdict` is on the best take so far. `done` only
    ever grows.
    """

    rounds: int = 1
    round: int = 0
    step: int = 0
    steps: int = 0
    candidates: int = 0
    verdict: Verdict | None = None
    doing: str = "waiting"
    done: float = 0.0

    def see(self, event: Event) -> bool:
        """Takes an event in; true when there is something new to tell."""
        line = self._line(event)
        if line:
            self.doing = one_line(line, _LONGEST)
            painted = self.round - 1 + _PAINTING * self.step / self.steps if self.steps else 0.0
            self.done = round(max(self.done + 0.001, painted), 3)
            self.rounds = max(self.rounds, math.ceil(self.done))
        return bool(line)

    def _line(self, event: Event) -> str:
        match event:
            case BriefReady(brief):
                return f"brief: {brief.prompt}; {verdict(brief).said}"
            case PaintingStep(number, step, of):
                self.round, self.step, self.steps = number + 1, step, of
                return f"round {self.round}: step {step} of {of}"
            case CandidateReady():
                return self._painted(event)
            case Decided(_, what, why):
                return f"{what}: {why}"
            case PromptRevised(_, _, after):
                return f"reworded: {after}"
            case Replied(text):
                return text
            case Finished(result):
                return f"ended: {result.ended}"
        return ""

    def _painted(self, event: CandidateReady) -> str:
        seen = verdict_of(event.candidate)
        self.candidates += 1
        if event.best or self.verdict is None:
            self.verdict = seen
        best = " (the best so far)" if event.best else ""
        return f"take {self.candidates}{best}: {seen.said}"
