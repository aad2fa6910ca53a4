"""A take that was handed out by name, for those who ask by words: programs and other models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limner.agent.archive.pictures import name_of
from limner.agent.desk.told import cleaned, judged
from limner.agent.looking.described import described
from limner.agent.plain import one_line
from limner.agent.records import Result, Take, company
from limner.agent.verdict import verdict_of
from limner.errors import BadInput, ModelFailed
from limner.pipelines.finish import Finish

__all__ = ["Kept"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A take with its name and its file at `path`, whose SHA-256 is `sha256`.

    `words` is all that was asked for, "; " between the turns; `before` is the name of the take that
    it came from, "" where it came from words alone. `finishes` were done to what was painted.
    `takes`, `rounds`, `spent`, `ended` and `notes` are of the result that it is the best of;
    `session` is the archive's number of it, where there is an archive.
    """

    name: str
    path: Path
    sha256: str
    take: Take
    words: str
    seed: int
    ended: str
    takes: int
    rounds: int
    spent: float
    notes: tuple[str, ...] = ()
    finishes: tuple[Finish, ...] = ()
    before: str = ""
    session: int | None = None

    @classmethod
    def of(cls, result: Result, path: Path, words: str, seed: int, name: str = "") -> Kept:
        """The best take of a result, which was saved at `path`.

        Without a name, it has the first 16 digits of its file's SHA-256. Raises `ModelFailed` where
        nothing was painted.
        """
        if result.best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        sha256 = name_of(path.read_bytes())
        seeds, gone = company(result.best, result.takes)
        return cls(
            name=name or sha256[:16],
            path=path,
            sha256=sha256,
            take=replace(result.best, beside=seeds, gone=gone),
            words=words,
            seed=seed,
            ended=result.ended,
            takes=len(result.takes),
            rounds=len({take.round for take in result.takes}),
            spent=result.spent,
            notes=result.notes,
        )

    @property
    def told(self) -> dict[str, Any]:
        """All that is known of it, as JSON has it."""
        order = self.take.order
        plain = {
            "take": self.name,
            "sha256": self.sha256,
            "request": self.words,
            "prompt": order.prompt,
            "seed": self.seed,
            "width": order.width,
            "height": order.height,
            "ended": self.ended,
            "takes": self.takes,
            "rounds": self.rounds,
            "spent": round(self.spent, 4),
            "session": self.session,
            "notes": [*self.notes],
        }
        return {**cleaned(plain), **judged(self.take.brief, self.take.critique)}

    @property
    def said(self) -> str:
        """The same in a few lines, for another model."""
        take = self.take
        size = f"{take.order.width} × {take.order.height} pixels"
        lines = [
            f"{self.name}: {one_line(verdict_of(take).said)} ({size}, seed {self.seed})",
            described(take.critique),
            f"prompt: {one_line(take.order.prompt, 400)}",
        ]
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
