"""Work for the models, one job after the other: a bounded queue, its thread, and its listeners."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from limner.agent.events import CandidateReady, Event, Finished, PaintingStep
from limner.agent.plain import first_line
from limner.agent.records import Result
from limner.errors import BadInput, Busy, Cancelled, LimnerError, ModelFailed

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from limner.agent.studio import Studio


__all__ = [
    "Job",
    "Jobs",
    "State",
    "Work",
    "calling",
]


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

        A cancelled job's events end with `Finished` where a candidate had been painted.
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
        error, `Cancelled` where it was cancelled before the first candidate, and `TimeoutError`.
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
                self._keep_candidates(time.monotonic() - started)
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

    def _keep_candidates(self, seconds: float) -> None:
        """What was painted before it was cancelled is its result, too."""
        painted = [event for event in self._events if isinstance(event, CandidateReady)]
        if not painted or self._result is not None:
            return
        candidates = tuple(event.candidate for event in painted)
        best = next((event.candidate for event in reversed(painted) if event.best), None)
        self._tell(Finished(Result(best, candidates, "cancelled", painted[-1].spent, seconds)))

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


Work = Callable[["Studio"], Generator[Event, None, object]]
"""What a job does: it is called in the models' thread, and its events are the job's."""


def calling(call: Callable[[Studio], object]) -> Work:
    """Work that has a result and no events: `jobs.submit(calling(lambda s: s.score(…)))`."""

    def work(studio: Studio) -> Generator[Event, None, object]:
        yield from ()
        return call(studio)

    return work


class Jobs:
    """One thread that alone touches a studio's models, and a bounded line before it.

    At most `waiting` jobs stand in line besides the one that runs; of those that ended, the last
    `kept` are remembered, with their pictures. One thread for all also means one pool of workers
    below torch. Close it, or use it in a `with` statement; left alone, its thread ends with it.
    """

    def __init__(self, studio: Studio, waiting: int = 16, kept: int = 64) -> None:
        self._studio = studio
        self._line = _Line(waiting, kept)
        self._end = weakref.finalize(self, _Line.close, self._line)  # also when Python exits

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, work: Work, *, label: str = "") -> Job:
        """Puts work at the end of the line; `label` says what it is, for lists of jobs.

        Raises `Busy` when the line is full or was closed. What `work` itself raises, and be it
        when it is called, is the job's `error`.
        """
        job = Job(work, self._studio, label)
        self._line.add(job)
        return job

    def get(self, id: str) -> Job:
        """The job of that id. Raises `BadInput` for one that never was, or is forgotten."""
        for job in self.all():
            if job.id == id:
                return job
        raise BadInput("There is no such job.", "Ask for it sooner, or start it again.")

    def all(self) -> list[Job]:
        """The jobs that are remembered: ended, running and waiting, in the order they came."""
        return self._line.known()

    def close(self) -> None:
        """Cancels what runs and what waits, and returns when the thread has ended."""
        self._end()
        self._line.wait()


class _Line:
    """What the thread and the doors share; it knows no studio, so that neither keeps one alive."""

    def __init__(self, waiting: int, kept: int) -> None:
        self._waiting, self._kept = waiting, kept
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, job: Job) -> None:
        with self._changed:
            waiting = sum(other.state == "waiting" for other in self._jobs)
            running = any(other.state == "running" for other in self._jobs)
            if self._closed or waiting - (not running) >= self._waiting:
                why = "has closed" if self._closed else f"has {waiting} requests in line already"
                raise Busy(f"limner {why}.", "Try again in a while.")
            self._jobs.append(job)
            self._forget()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, name="limner-models", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def known(self) -> list[Job]:
        with self._changed:
            return list(self._jobs)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        for job in self.known():
            job.cancel()
        if not threading.main_thread().is_alive():  # Python exits, and would tear torch apart
            self.wait()

    def wait(self) -> None:
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()

    def _serve(self) -> None:
        while job := self._next():
            job.run()
            with self._changed:
                self._forget()
            del job  # what is not remembered is freed, and not only when the next one comes

    def _next(self) -> Job | None:
        """The first that waits; None when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or _first(self._jobs))
            return None if self._closed else _first(self._jobs)

    def _forget(self) -> None:
        ended = [job for job in self._jobs if job.ended]
        for job in ended[: max(0, len(ended) - self._kept)]:
            self._jobs.remove(job)


def _first(jobs: Iterable[Job]) -> Job | None:
    return next((job for job in jobs if job.state == "waiting"), None)
