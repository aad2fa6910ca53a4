"""A take that was handed out by name, for those who ask by words: programs and other models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.agent.archive.pictures import name_of
from limner.agent.language.locks import Lock
from limner.agent.records import Result, Take
from limner.errors import BadInput, ModelFailed

__all__ = ["Before", "Kept"]


@dataclass(frozen=True, slots=True)
class Before:
    """What a change to a take has to know of it.

    `words` is all that was asked for, "; " between the turns; `locks` what was stated and holds.
    """

    take: Take
    words: str
    locks: tuple[Lock, ...]


@dataclass(frozen=True, slots=True)
class Kept(Before):
    """A take with its name and its file at `path`, whose SHA-256 is `sha256`.

    `takes`, `rounds`, `spent`, `ended` and `notes` are of the result that it is the best of;
    `session` is the archive's number of it, where there is an archive.
    """

    name: str
    path: Path
    sha256: str
    seed: int
    ended: str
    takes: int
    rounds: int
    spent: float
    notes: tuple[str, ...]
    session: int | None = None

    @classmethod
    def of(  # noqa: PLR0913
        cls,
        result: Result,
        path: Path,
        words: str,
        locks: Sequence[Lock],
        seed: int,
        name: str = "",
        session: int | None = None,
    ) -> Kept:
        """The best take of a result, which was saved at `path`.

        Without a name, it has the first 16 digits of its file's SHA-256. Raises `ModelFailed` where
        nothing was painted.
        """
        if result.best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        sha256 = name_of(path.read_bytes())
        return cls(
            take=result.best,
            words=words,
            locks=tuple(locks),
            name=name or sha256[:16],
            path=path,
            sha256=sha256,
            seed=seed,
            ended=result.ended,
            takes=len(result.takes),
            rounds=1 + max(take.round for take in result.takes),
            spent=result.spent,
            notes=result.notes,
            session=session,
        )

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
