"""Pictures that callers were given a link to: the latest ones, each under a name nobody guesses."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from limner.agent.pictures import name_of

__all__ = ["Shelf"]

_ROOM = 256 * 2**20  # bytes


@dataclass(slots=True)
class Shelf:
    """PNG files in memory by the SHA-256 of their bytes; the oldest go when `room` is full.

    Who has a picture's name has seen the picture, so the name is its own permission.
    """

    room: int = _ROOM
    _pictures: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def put(self, content: bytes) -> str:
        """Keeps a picture and returns its name; the latest is kept however large it is."""
        name = name_of(content)
        with self._alone:
            self._pictures[name] = content
            self._pictures.move_to_end(name)
            while len(self._pictures) > 1 and sum(map(len, self._pictures.values())) > self.room:
                self._pictures.popitem(last=False)
        return name

    def get(self, name: str) -> bytes | None:
        """The picture of that name; None where it is gone or never was."""
        with self._alone:
            return self._pictures.get(name)
