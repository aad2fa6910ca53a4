"""Remembers a number of things by name, and forgets those that nobody has asked for longest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Memory"]

T = TypeVar("T")


class Memory(Generic[T]):
    """Things that weigh at most `most` together, and the latest however much it weighs.

    Each weighs 1, or what `weigh` says of it. Any thread may use it.
    """

    def __init__(self, most: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._things: OrderedDict[str, T] = OrderedDict()
        self._alone = threading.Lock()

    def keep(self, name: str, thing: T) -> None:
        """Remembers a thing, in the place of one of the same name."""
        with self._alone:
            self._things[name] = thing
            self._things.move_to_end(name)
            while len(self._things) > 1 and self._weight() > self._most:
                self._things.popitem(last=False)

    def find(self, name: str) -> T | None:
        """The thing of that name; None where it is forgotten or never was."""
        with self._alone:
            if name in self._things:
                self._things.move_to_end(name)
            return self._things.get(name)

    def names(self) -> list[str]:
        """The names of all that is remembered, those first that nobody has asked for longest."""
        with self._alone:
            return list(self._things)

    def all(self) -> list[T]:
        """All that is remembered, in the order of `names`."""
        with self._alone:
            return list(self._things.values())

    def _weight(self) -> int:
        return sum(map(self._weigh, self._things.values()))
