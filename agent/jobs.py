"""Work for the models, one piece after the other: a bounded line, and the thread that serves it."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING

from limner.agent.events import Event
from limner.agent.job import Job
from limner.errors import BadInput, Busy

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from limner.agent.studio import Studio

__all__ = ["Job", "Jobs", "Work", "calling"]

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
