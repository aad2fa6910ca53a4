"""One piece of work for the models: what happened in it so far, for any number of listeners."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from limner.agent.events import Event, Finished, PaintingStep, TakeReady
from limner.agent.plain import first_line
from limner.agent.records import Result
from limner.errors import Cancelled, LimnerError, ModelFailed

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = ["Job", "State"]

State = Literal["waiting", "running", "done", "failed", "cancelled"]


class Job:
    """What was asked of the models: its state, its events from the first, and its result.

    `id` is a token that nobody guesses, `label` what it was called when it was submitted. All
    methods may be called from any thread. Every event is remembered, but rough pictures only those
    of the last painting step.
    """

    def __init__(
        self,
        work: Callable[[Studio], Generator[Event, None, object]],
        studio: Studio,
        label: str = "",
    ) -> None:
        self.id = secrets.token_urlsafe(18)
        self.label = label
        self.state: State = "waiting"
        self.error: LimnerError | None = None
        self._task: tuple[Callable[[Studio], Generator[Event, None, object]], Studio] | None
        self._task = (work, studio)
        self._events: list[Event] = []
        self._previewed = 0  # where the last painting step with rough pictures is
        self._result: object = None
        self._stop = False
        self._changed = threading.Condition()
        self._wakers: set[Callable[[], object]] = set()

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in ("waiting", "running")

    def stream(self) -> Iterator[Event]:
        """All events from the first, waiting for those to come; at the end, the job's error.

        A cancelled job's events end with `Finished` where a take had been painted.
        """
        heard = 0
        while (event := self._at(heard)) is not None:
            heard += 1
            yield event
        if self.error:
            raise self.error

    async def astream(self, *, cancel: bool = False) -> AsyncGenerator[Event, None]:
        """The same for asyncio. With `cancel`, closing it early (`aclosing`) cancels the job."""
        heard, loop, told = 0, asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(told.set)

        with self._changed:
            self._wakers.add(wake)
        try:
            while True:
                told.clear()
                events, ended = self._since(heard)
                for event in events:
                    heard += 1
                    yield event
                if ended and not events:
                    break
                if not events:
                    await told.wait()
        finally:
            with self._changed:
                self._wakers.discard(wake)
            if cancel:
                self.cancel()
        if self.error:
            raise self.error

    def cancel(self) -> None:
        """Stops it: at once while it waits, between two denoising steps while it runs."""
        with self._changed:
            self._stop = True
            if self.state == "waiting":
                self._end("cancelled")

    def result(self, timeout: float | None = None) -> object:
        """What came of it, waiting up to `timeout` seconds (None: for ever).

        That is what the work returned, or else the `Result` of its last event. Raises the job's
        error, `Cancelled` where it was cancelled before the first take, and `TimeoutError`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended, timeout):
                raise TimeoutError(f"the job has not ended within {timeout:g} s")
        if self.error:
            raise self.error
        if self.state == "cancelled" and self._result is None:
            raise Cancelled("The request was cancelled.", "Nothing was painted yet.")
        return self._result

    def run(self) -> None:
        """Does the work, in the thread that calls; only the line's thread does."""
        with self._changed:
            if self.state != "waiting" or self._task is None:
                return
            self.state, (work, studio) = "running", self._task
        started = time.monotonic()
        state: State = "failed"
        problem: LimnerError | None = None
        try:
            state = self._follow(work(studio))
            if state == "cancelled":
                self._keep_takes(time.monotonic() - started)
        except LimnerError as error:
            problem = error
        except Exception as error:  # models are anyone's code; the thread has others to serve
            problem = ModelFailed(f"The request failed: {first_line(error)}")
            problem.__cause__ = error
        with self._changed:
            self.error = problem
            self._end(state)

    def _follow(self, events: Generator[Event, None, object]) -> State:
        with closing(events):
            while not self._stop:
                try:
                    self._tell(next(events))
                except StopIteration as end:
                    if end.value is not None:
                        self._result = end.value
                    return "done"
        return "cancelled"

    def _tell(self, event: Event) -> None:
        with self._changed:
            if isinstance(event, PaintingStep) and event.previews:
                self._drop_previews()
                self._previewed = len(self._events)
            elif isinstance(event, Finished):
                self._drop_previews()
                self._result = event.result
            self._events.append(event)
            self._wake()

    def _drop_previews(self) -> None:
        """Rough pictures are for those who watch; kept for ever, they would fill the memory."""
        if self._events and isinstance(old := self._events[self._previewed], PaintingStep):
            self._events[self._previewed] = replace(old, previews={})

    def _keep_takes(self, seconds: float) -> None:
        """What was painted before it was cancelled is its result, too."""
        painted = [event for event in self._events if isinstance(event, TakeReady)]
        if not painted or self._result is not None:
            return
        takes = tuple(event.take for event in painted)
        best = next((event.take for event in reversed(painted) if event.best), None)
        self._tell(Finished(Result(best, takes, "cancelled", painted[-1].spent, seconds)))

    def _end(self, state: State) -> None:
        self.state, self._task = state, None
        self._wake()

    def _wake(self) -> None:
        self._changed.notify_all()
        for wake in self._wakers:
            with suppress(RuntimeError):  # its loop is closed: nobody listens there any more
                wake()

    def _at(self, number: int) -> Event | None:
        """The event of that number, as soon as it is there; None where the job ended before."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) > number or self.ended)
            return self._events[number] if len(self._events) > number else None

    def _since(self, number: int) -> tuple[list[Event], bool]:
        with self._changed:
            return self._events[number:], self.ended
