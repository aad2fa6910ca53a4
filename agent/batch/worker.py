"""Works through a batch: takes rows from the queue, paints them, and has each picture on disk."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from limner.agent.archive import whole
from limner.agent.batch.alive import Pulse
from limner.agent.batch.group import PICTURES, Group, Made, Rooms
from limner.agent.batch.happenings import Happening, began, ended, told
from limner.agent.batch.queue import Claim, Queue
from limner.agent.batch.queue_schema import NoRoom
from limner.agent.batch.terms import Terms
from limner.agent.events import BriefToken

__all__ = ["Keeper", "work"]

_Kept = TypeVar("_Kept")
_FULL = {errno.ENOSPC, errno.EDQUOT}
_LOOK_AGAIN = 0.5  # seconds, while the last rows are in others' hands


class Keeper:
    """Has what came of rows on the disk: first the pictures, then the queue's word for it.

    Where the disk is full it says so, waits until there is room, and goes on; nothing is lost.
    `stop` ends the waiting. `write` has a file on disk under its name, as `whole.write_named`.
    """

    def __init__(
        self,
        queue: Queue,
        stop: threading.Event,
        write: Callable[[Path, bytes], None] = whole.write_named,
        pause: float = 2.0,
    ) -> None:
        self.queue = queue
        self.stop = stop
        self._write = write
        self._pause = pause

    def keep(
        self, claim: Claim, worker: str, made: Sequence[Made]
    ) -> Generator[Happening, None, bool]:
        """Keeps all of a claim; false where it is no longer that worker's, or it was stopped."""
        if claim.how != "probe":
            for one in made:
                if (yield from self.insist(partial(self._on_disk, one))) is None:
                    return False
        outcomes = [one.outcome for one in made]
        kept = yield from self.insist(lambda: self.queue.finish(claim, worker, outcomes))
        if kept and claim.how != "probe":
            yield from map(ended, outcomes)
        return bool(kept)

    def insist(self, action: Callable[[], _Kept]) -> Generator[Happening, None, _Kept | None]:
        """Does it as soon as there is room on the disk; None where it was stopped before that."""
        paused = False
        while True:
            try:
                done = action()
            except NoRoom as problem:
                if not paused:
                    yield {"event": "paused", "why": problem.message, "hint": "make room"}
                paused = True
                if self.stop.wait(self._pause):
                    return None
                continue
            if paused:
                yield {"event": "resumed"}
            return done

    def _on_disk(self, made: Made) -> bool:
        """Writes a picture, flushed and read back; or takes away that of an earlier attempt."""
        path = self.queue.folder / PICTURES / f"{made.outcome.id}.png"
        try:
            if made.content:
                self._write(path, made.content)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in _FULL:
                raise NoRoom("the disk is full", "make room") from error
            raise whole.cannot_save(path, error) from error
        return True


def work(
    queue: Queue, rooms: Rooms, terms: Terms, keeper: Keeper
) -> Generator[Happening, None, None]:
    """Takes rows and paints them until none waits and none is in anyone's hands.

    When `keeper.stop` is set, what is in hand is given back after the step that it is at.
    Raises what can't be mended by going on: a queue or a folder that can't be used.
    """
    pulse, stop = Pulse(queue.workers), keeper.stop
    try:
        while not stop.is_set():
            claim = yield from keeper.insist(lambda: queue.claim(pulse.name))
            if claim:
                yield from _worked(queue, claim, pulse.name, rooms, terms, keeper)
            elif not queue.at_work():
                return
            else:
                stop.wait(_LOOK_AGAIN)
    finally:
        rooms.close()
        pulse.stop()


def _worked(
    queue: Queue, claim: Claim, worker: str, rooms: Rooms, terms: Terms, keeper: Keeper
) -> Generator[Happening, None, None]:
    """One claim from its start to its end; given back when it is not brought to its end."""
    kept = False
    yield began(claim)
    try:
        rooms.foresee([*claim.asked, *queue.upcoming()])
        group = Group(claim, rooms, terms)
        with closing(group.events()) as events:
            for number, event in events:
                if not isinstance(event, BriefToken):
                    yield told(number, event)
                if keeper.stop.is_set():
                    return
        kept = yield from keeper.keep(claim, worker, group.made)
    finally:
        if not kept:
            queue.release(claim, worker)
