"""Work that waits at a gate until a test opens it."""

from __future__ import annotations

import threading
from collections.abc import Generator

from limner.agent.events import Decided, Event
from limner.agent.studio import Studio

PATIENCE = 120  # seconds, on a machine that has much else to do


class Gate:
    """Work that has begun when `begun` is set and goes on, event by event, once `open` is."""

    def __init__(self, events: int = 10_000) -> None:
        self.begun, self.open, self.closed = threading.Event(), threading.Event(), False
        self._events = events

    def __call__(self, studio: Studio) -> Generator[Event, None, object]:
        try:
            for number in range(self._events):
                yield Decided(number, "repaint", "waiting")
                self.begun.set()
                assert self.open.wait(PATIENCE)
            return "through"
        finally:
            self.closed = True
