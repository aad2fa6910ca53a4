"""Lets models take turns in a memory that holds one of them: who works is open, others closed."""

from __future__ import annotations

from typing import Protocol

from limner.pipelines.relief import free

__all__ = ["Closable", "Swap"]


class Closable(Protocol):
    """A model that can let go of its weights, and opens again by itself when it has work."""

    def join(self, swap: Swap) -> None:
        """From now on, ask for a turn before any work."""
        ...

    def release(self) -> None:
        """Let go of all weights. Doing it twice is harmless."""
        ...


class Swap:
    """Models that ask for their turn before they work, so that others can be closed meanwhile."""

    def __init__(self) -> None:
        self._closed_in_turn: list[Closable] = []

    def add(self, model: Closable, closes: bool) -> None:
        """From now on the model asks for turns, and, if it `closes`, is closed in others'."""
        model.join(self)
        if closes:
            self._closed_in_turn.append(model)

    def turn(self, model: Closable | None) -> None:
        """Closes the others (None: all), and gives back what they took, before it works."""
        others = [other for other in self._closed_in_turn if other is not model]
        for other in others:
            other.release()
        if others:
            free()
