"""Turns a long call that reports by callback into an iterator that whoever reads it can stop."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from greenlet import error as of_another_thread
from greenlet import getcurrent, greenlet

from limner.errors import BadInput

__all__ = ["relay"]

Item = TypeVar("Item")


class _Stopped(Exception):
    """Nobody listens any more; raised inside the work to end it."""


def relay(work: Callable[[Callable[[Item], None]], None]) -> Generator[Item, None, None]:
    """Runs `work(tell)` and yields each item that it tells, strictly in turn.

    `tell` returns when the next item is asked for, so what the listener changes in between is
    seen by the work before it goes on. Closing the iterator ends the work where it told last.
    What the work raises is raised here; `BadInput`, when it is read in two threads.

    The work has a stack of its own (a greenlet) in the listener's thread, not a thread of its own:
    each thread that computes gets its own pool of OpenMP threads, and where these outnumber the
    processors all of them become slow. So one iterator is read in one thread.
    """
    told: list[Item] = []

    def tell(item: Item) -> None:
        told.append(item)
        listener = getattr(worker, "parent", None)
        assert listener is not None  # set whenever the work is gone on with
        listener.switch()

    def run() -> None:
        work(tell)

    worker = greenlet(run)
    try:
        while _goes_on(worker):
            yield told.pop()
    finally:
        _end(worker)


def _goes_on(worker: greenlet) -> bool:
    """Lets the work go on until it tells something; False when it is done."""
    try:
        worker.parent = getcurrent()
    except (of_another_thread, ValueError):
        raise BadInput(
            "This was begun in another thread.", "Read it in one thread, or use Studio.astream."
        ) from None
    worker.switch()
    return not worker.dead


def _end(worker: greenlet) -> None:
    if worker.dead or not worker:  # at its end, or never begun
        return
    try:
        worker.parent = getcurrent()
        worker.throw(_Stopped)
    except _Stopped:
        pass
    except (of_another_thread, ValueError):
        pass  # thrown away elsewhere: it ends when its own thread runs greenlets next
