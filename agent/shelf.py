"""Takes under short names such as t3, for those who ask by words: programs and other models."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.agent import keep
from limner.agent.locks import Lock
from limner.agent.plain import one_line
from limner.agent.records import Result, Take
from limner.errors import BadInput, ModelFailed

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = ["Kept", "Shelf"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A take with its name, its file, and what a change to it has to know.

    `words` is all that was asked for, "; " between the turns; `locks` what was stated and holds.
    """

    name: str
    take: Take
    words: str
    locks: tuple[Lock, ...]
    seed: int
    path: Path


class Shelf:
    """The takes that were handed out, by name; each is a file in `folder` under the same name.

    Names go on from the files that are there, and none is given twice. At most `most` takes are
    remembered, the oldest are forgotten first; their files stay. Any thread may use it.
    """

    def __init__(self, folder: Path, most: int = 256) -> None:
        self._folder = folder
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def add(
        self, result: Result, words: str, locks: Sequence[Lock], studio: Studio, seed: int
    ) -> Kept:
        """Names the best take of a result and writes its file.

        Raises `ModelFailed` where nothing was painted, and `BadInput` for a folder that can't be
        written.
        """
        best = result.best
        if best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        content = keep.stamped(result, best, words, studio, seed=seed)
        with self._lock:
            path = keep.write_new(self._folder / f"t{self._next()}.png", content)
            kept = Kept(path.stem, best, words, tuple(locks), seed, path)
            self._kept[kept.name] = kept
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return kept

    def get(self, name: str) -> Kept:
        """The take of that name. Raises `BadInput` where there is none, or it is forgotten."""
        with self._lock:
            if name in self._kept:
                return self._kept[name]
            known = ", ".join(self._kept) or "none yet"
        raise BadInput(
            f"There is no take {one_line(name, 20)!r}.", f"Takes that are known: {known}."
        )

    def _next(self) -> int:
        files = self._folder.glob("t*.png")
        taken = [int(found[1]) for f in files if (found := re.fullmatch(r"t(\d{1,9})", f.stem))]
        return max(taken, default=0) + 1
