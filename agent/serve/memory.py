"""Remembers a number of things by name, and forgets those that nobody has asked for longest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Memory"]

T = TypeVar("T")


class Memory(Generic[T]):
    """At most `most` things; threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[str, T] = OrderedDict()
        self._alone = threading.Lock()

    def keep(self, name: str, thing: T) -> None:
        """Remembers a thing, in the place of one of the same name."""
        with self._alone:
            self._things[name] = thing
            self._things.move_to_end(name)
            while len(self._things) > self._most:
                self._things.popitem(last=False)

    def find(self, name: str) -> T | None:
        """The thing of that name; None where it is forgotten or never was."""
        with self._alone:
            if name in self._things:
                self._things.move_to_end(name)
            return self._things.get(name)
