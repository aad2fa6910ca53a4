"""The takes that an assistant has been shown and may ask for again, by their ids."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from limner.agent.pictures import name_of
from limner.agent.records import Result, Take
from limner.errors import BadInput, ModelFailed

__all__ = ["ADDRESS", "Kept", "Shelf"]

ADDRESS = "limner://"
_ID = 16  # digits of the file's SHA-256
_HINT = "look into limner://gallery for what is kept, or paint it again from its request and seed"


@dataclass(frozen=True, slots=True)
class Kept:
    """A take that was painted here and saved; `sha256` is that of the file at `path`."""

    take: Take
    path: Path
    sha256: str
    request: str
    seed: int
    ended: str
    takes: int
    rounds: int
    spent: float
    notes: tuple[str, ...]
    session: int | None = None

    @property
    def id(self) -> str:
        """The start of the file's SHA-256."""
        return self.sha256[:_ID]

    @property
    def uri(self) -> str:
        """Where a client finds the whole picture."""
        return f"{ADDRESS}takes/{self.id}"

    @classmethod
    def of(
        cls, result: Result, path: Path, request: str, seed: int, session: int | None = None
    ) -> Kept:
        """The best take of a result, which was saved at `path`."""
        if result.best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        return cls(
            take=result.best,
            path=path,
            sha256=name_of(path.read_bytes()),
            request=request,
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
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise BadInput(f"the picture of take {self.id} is gone", _HINT) from error
        if name_of(content) != self.sha256:
            raise BadInput(f"the picture of take {self.id} was changed", _HINT)
        return content


class Shelf:
    """The last `most` takes, by id; any thread may use it."""

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._alone = threading.Lock()

    def put(self, kept: Kept) -> None:
        """Takes one more in; the one that was shown longest ago is forgotten, its file is not."""
        with self._alone:
            self._kept[kept.id] = kept
            self._kept.move_to_end(kept.id)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def get(self, id: str) -> Kept:
        """The take of that id. Raises `BadInput` for one that is not here, or not any more."""
        with self._alone:
            if id in self._kept:
                return self._kept[id]
        raise BadInput(f"there is no take {id}", _HINT)

    def all(self) -> list[Kept]:
        """All of them, the latest first."""
        with self._alone:
            return list(reversed(self._kept.values()))
