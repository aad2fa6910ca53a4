"""Who may use the models now: several threads share a studio, and only one at a time computes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from limner.agent.events import Event, PaintingStep
from limner.errors import BadInput

__all__ = [
    "LockedStream",
    "ModelLock",
]


class ModelLock:
    """The right to use a studio's models; one request or one thread has it at a time.

    A request has it while its iterator is advanced, and between two painting steps, too, since a
    pipeline that is half-way through a batch can't begin another. The thread that reads such an
    iterator may meanwhile have a brief written or a picture looked at, for nothing computes then.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: object = None
        self._thread = 0  # the number of the thread that the holder was last advanced in

    @contextmanager
    def turn(self, *, paints: bool = False) -> Iterator[None]:
        """Wait for the models, and have them for the `with` block. Raises as `acquire` does."""
        me = object()
        self.acquire(me, paints=paints)
        try:
            yield
        finally:
            self.release(me)

    def acquire(
        self, who: object, *, paints: bool, unwanted: Callable[[], bool] = lambda: False
    ) -> bool:
        """Wait for the models; False as soon as they are `unwanted`, which `wake` has looked at.

        Raises `BadInput` where the wait would never end, because this very thread has a painting
        of the same studio half done.
        """
        here = threading.get_ident()
        with self._changed:
            if self._holder not in (None, who) and self._thread == here:
                return self._while_painting(paints)
            self._changed.wait_for(lambda: self._holder in (None, who) or unwanted())
            if unwanted():
                return False
            self._holder, self._thread = who, here
            return True

    def release(self, who: object) -> None:
        """Leave the models to the next one, if `who` has them."""
        with self._changed:
            if self._holder is who:
                self._holder = None
                self._changed.notify_all()

    def wake(self) -> None:
        """Has those who wait look whether they still want to."""
        with self._changed:
            self._changed.notify_all()

    @staticmethod
    def _while_painting(paints: bool) -> bool:
        if paints:
            raise BadInput(
                "The painter is in the middle of another picture, in this same thread.",
                "Read its events to the end, or close them, before the next request.",
            )
        return True


class LockedStream(Generator[Event, None, None]):
    """The events of one request, which any thread may read and any other close.

    Closing waits for the step that is being computed, and no longer; whoever reads sees the end.
    """

    def __init__(
        self, events: Generator[Event, None, object], models: ModelLock, *, paints: bool = True
    ) -> None:
        self._events = events
        self._models = models
        self._paints = paints
        self._me = object()
        self._closed = False
        self._reading = threading.RLock()

    def send(self, value: None) -> Event:
        """The next event, as soon as the models are free."""
        with self._reading:
            if not self._acquired():
                self._shut()
                raise StopIteration
            try:
                event = next(self._events)
            except BaseException:  # handed on; whatever it was, the request is over
                self._models.release(self._me)
                raise
            if self._closed:
                self._shut()
                raise StopIteration
            if not isinstance(event, PaintingStep):
                self._models.release(self._me)
            return event

    def throw(self, *problem: Any) -> Event:
        """Raises the problem where the request stands, as for any generator."""
        with self._reading:
            try:
                return self._events.throw(*problem)
            finally:
                self._models.release(self._me)

    def close(self) -> None:
        """Stop between two denoising steps. Closing twice is harmless."""
        self._closed = True
        self._models.wake()
        with self._reading:
            self._shut()

    def __del__(self) -> None:
        self.close()

    def _acquired(self) -> bool:
        return not self._closed and self._models.acquire(
            self._me, paints=self._paints, unwanted=lambda: self._closed
        )

    def _shut(self) -> None:
        try:
            self._events.close()
        finally:
            self._models.release(self._me)
