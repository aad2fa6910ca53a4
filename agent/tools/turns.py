"""One turn that a tool takes, and the candidate that it hands out, as text and as JSON."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from limner.agent.archive.pictures import name_of
from limner.agent.brief.tool_call import Call
from limner.agent.brief.verdict import verdict_of
from limner.agent.events import BriefReady, CandidateReady, Event, Replied, TurnHeard
from limner.agent.plain import one_line, request_line
from limner.agent.records import Brief, Candidate, Result, batch_of
from limner.agent.scoring.evaluate import described
from limner.agent.search.run import Limits
from limner.agent.tools.outputs import PictureJson, cleaned, judged
from limner.errors import BadInput, ModelFailed
from limner.pipelines.finish import Finish

__all__ = [
    "DRAFTS",
    "MOVES",
    "IssuedCandidate",
    "ToolRequest",
    "drawn_seed",
]


@dataclass(frozen=True, slots=True)
class IssuedCandidate:
    """A take with its name and its file at `path`, whose SHA-256 is `sha256`.

    `words` is all that was asked for, "; " between the turns; `before` is the name of the take that
    it came from, "" where it came from words alone. `finishes` were done to what was painted.
    `takes`, `rounds`, `spent`, `ended` and `notes` are of the result that it is the best of.
    `session` is the number of its conversation, `candidate` and `version` count from 1 in that.
    """

    name: str
    path: Path
    sha256: str
    take: Candidate
    words: str
    seed: int
    ended: str
    candidates: int
    rounds: int
    spent: float
    notes: tuple[str, ...] = ()
    finishes: tuple[Finish, ...] = ()
    before: str = ""
    session: int | None = None
    version: int = 0
    candidate: int = 0

    @classmethod
    def of(
        cls, result: Result, path: Path, words: str, seed: int, name: str = ""
    ) -> IssuedCandidate:
        """The best take of a result, whose file is at `path`.

        Without a `name` it is called by its file's SHA-256. Raises `ModelFailed` where nothing was
        painted.
        """
        if result.best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        sha256 = name_of(path.read_bytes())
        seeds, gone = batch_of(result.best, result.candidates)
        return cls(
            name=name or sha256[:16],
            path=path,
            sha256=sha256,
            take=replace(result.best, batch_seeds=seeds, dropped_at=gone),
            words=words,
            seed=seed,
            ended=result.ended,
            candidates=len(result.candidates),
            rounds=len({take.round for take in result.candidates}),
            spent=result.spent,
            notes=result.notes,
        )

    def as_json(self, tool: str, reply: str, choices: tuple[str, ...]) -> PictureJson:
        """All that is known of it, and what is said to the turn that it came of."""
        order = self.take.image_request
        plain = {
            "take": self.name,
            "file": str(self.path),
            "sha256": self.sha256,
            "tool": tool,
            "reply": one_line(reply),
            "choices": [*choices],
            "request": self.words,
            "prompt": order.prompt,
            "seed": self.seed,
            "width": order.width,
            "height": order.height,
            "ended": self.ended,
            "candidates": self.candidates,
            "rounds": self.rounds,
            "spent": round(self.spent, 4),
            "session": self.session,
            "version": self.version,
            "candidate": self.candidate,
            "notes": [*self.notes],
        }
        seen = judged(self.take.brief, self.take.critique)
        return cast("PictureJson", {**cleaned(plain), **seen})

    @property
    def as_text(self) -> str:
        """The same in a few lines, for another model."""
        take = self.take
        size = f"{take.image_request.width} × {take.image_request.height} pixels"
        lines = [
            f"{self.name}: {one_line(verdict_of(take).said)} ({size}, seed {self.seed})",
            described(take.critique),
            f"prompt: {one_line(take.image_request.prompt, 400)}",
        ]
        if self.session:
            where = f"#{self.candidate}, version {self.version}"
            lines.append(f"session {self.session}: {where}")
        return "\n".join(lines + [f"note: {one_line(note, 200)}" for note in self.notes])

    def content(self) -> bytes:
        """The whole PNG. Raises `BadInput` where the file is gone or not what it was."""
        hint = "paint it again from its request and seed"
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise BadInput(f"the picture of take {self.name} is gone", hint) from error
        if name_of(content) != self.sha256:
            raise BadInput(f"the picture of take {self.name} was changed", hint)
        return content


DRAFTS = ("draw", "edit")  # these make a version, and paint it


MOVES = ("select", "undo", "redo", "back_to")  # these need a session's history


@dataclass(slots=True)
class ToolRequest:
    """One turn that somebody asks for, and then what came of it.

    `turn` is a line of plain words, a call of a tool, or makes such a call of the brief at hand. It
    goes on from `take` alone, or in the open session of that number, or begins a session. With
    `answers_only`, a line that is no question is not done. Without a seed, one is drawn, or the
    session's next one is used.

    `kept` is the take that was painted, or the one at hand where nothing was; `tool` is what the
    line was understood as, `reply` what is said to it, and `choices` are the answers to a question.
    """

    turn: str | Call | Callable[[Brief], Call]
    seed: int | None = None
    limits: Limits = field(default_factory=lambda: Limits())
    style: str = ""
    take: IssuedCandidate | None = None
    session: int | None = None
    answers_only: bool = False
    tool: str = "draw"
    reply: str = ""
    choices: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    painted: list[CandidateReady] = field(default_factory=list)
    kept: IssuedCandidate | None = None

    def __post_init__(self) -> None:
        if isinstance(self.turn, str):
            self.turn = request_line(self.turn)
        elif isinstance(self.turn, Call) and self.turn.request:
            line = request_line(self.turn.request)
            self.turn = replace(self.turn, line=line, request=line)
        if self.session is None and self.seed is None:
            self.seed = drawn_seed()

    @property
    def label(self) -> str:
        """What is asked for, in short."""
        turn = self.turn
        return turn if isinstance(turn, str) else turn.line if isinstance(turn, Call) else "edit"

    @property
    def answer(self) -> IssuedCandidate:
        """The take that the answer is about. Raises `ModelFailed` where there is none."""
        if self.kept is None:
            raise ModelFailed("nothing was painted", "try again")
        return self.kept

    @property
    def shows(self) -> bool:
        """Whether there is another picture to look at than before."""
        return bool(self.painted) or self.tool in ("adjust", *MOVES)

    @property
    def as_json(self) -> PictureJson:
        """What came of it."""
        return self.answer.as_json(self.tool, self.reply, self.choices)

    @property
    def as_text(self) -> str:
        """The same in words: the take that was painted, or the reply where nothing was."""
        if self.shows or not self.reply:
            reply = f"\nlimner says: {one_line(self.reply)}" if self.reply else ""
            return self.answer.as_text + reply
        choices = f" ({'; '.join(self.choices)})" if self.choices else ""
        again = " Say the whole change once more, without a doubt." if self.tool == "ask" else ""
        reply = f"{one_line(self.reply)}{choices}{again}"
        return f"{reply}\n{self.answer.name} is as it was; nothing was painted."

    def see(self, event: Event) -> None:
        """Takes in what happens while it is worked on."""
        match event:
            case TurnHeard(call):
                self.tool = call.tool
            case Replied(text, choices):
                self.reply, self.choices = text, choices
            case BriefReady():
                self.reply, self.notes = event.brief.reply, [*event.notes]
            case CandidateReady():
                self.painted.append(event)

    @property
    def best(self) -> int | None:
        """The number in its session of the best take so far."""
        best = (one.candidate for one in reversed(self.painted) if one.best)
        return next((take.number + 1 for take in best), None)


def drawn_seed() -> int:
    """A seed for a caller who gave none; the answer tells it."""
    return secrets.randbelow(2**32)
