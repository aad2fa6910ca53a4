"""Variation: more pictures of what a candidate shows, each painted over it."""

from __future__ import annotations

from dataclasses import replace

from limner.agent.events import Decided
from limner.agent.records import Candidate
from limner.agent.search.rounds import Attempt, Rounds, holding
from limner.agent.search.run import Run
from limner.pipelines.roles import InitImage, Painter

__all__ = ["Variation"]


class Variation(Rounds):
    """Paints one round over a candidate, each picture with a noise of its own.

    `strength`, above 0 and up to 1, is how much is painted anew (SDEdit, arXiv:2108.01073); `batch`
    is what the candidate itself was painted in (`records.batch_of`).
    """

    def __init__(
        self,
        candidate: Candidate,
        strength: float,
        batch: tuple[tuple[int, ...], tuple[int, ...]] = ((), ()),
    ) -> None:
        self.candidate = candidate
        self.start = InitImage(candidate.picture, strength, None, candidate.image_request, *batch)

    def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
        """As many as a round has and the budget pays for; none after the first round."""
        if run.candidates:
            return []
        fresh = super().attempts(run, painter)
        over = replace(self.candidate.image_request, start=self.start)
        return [Attempt(replace(over, seed=one.image_request.seed), run.brief) for one in fresh]

    def decide(self, run: Run, painter: Painter) -> Decided:
        """Stop after the one round, whatever came of it."""
        best = run.best
        if best and best.critique.holds:
            return Decided(run.round, "done", holding(best))
        return Decided(run.round, "stop", f"One round near #{self.candidate.number + 1}.")
