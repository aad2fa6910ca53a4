"""Remembers things by name, and forgets those that nobody asked for longest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = [
    "RecentlyUsed",
]


T = TypeVar("T")


class RecentlyUsed(Generic[T]):
    """Items that weigh at most `most` together, and the latest however much it weighs.

    Each weighs 1, or what `weigh` says of it. Any thread may use it.
    """

    def __init__(self, most: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._items: OrderedDict[str, T] = OrderedDict()
        self._alone = threading.Lock()

    def keep(self, name: str, item: T) -> None:
        """Remembers an item, in the place of one of the same name."""
        with self._alone:
            self._items[name] = item
            self._items.move_to_end(name)
            while len(self._items) > 1 and sum(map(self._weigh, self._items.values())) > self._most:
                self._items.popitem(last=False)

    def find(self, name: str) -> T | None:
        """The item of that name; None where it is forgotten or never was."""
        with self._alone:
            if name in self._items:
                self._items.move_to_end(name)
            return self._items.get(name)

    def names(self) -> list[str]:
        """The names of all that is remembered, those first that nobody has asked for longest."""
        with self._alone:
            return list(self._items)

    def all(self) -> list[T]:
        """All that is remembered, in the order of `names`."""
        with self._alone:
            return list(self._items.values())
