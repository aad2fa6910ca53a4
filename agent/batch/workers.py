"""The workers of a batch on this machine: processes that take rows from the queue."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TypeVar

from limner.agent.archive import atomic_io
from limner.agent.batch.config import BatchConfig
from limner.agent.batch.events import Happening, began, ended, told
from limner.agent.batch.heartbeat import Heartbeat
from limner.agent.batch.ingest import terms_of
from limner.agent.batch.queue import Lease, NoRoom, Queue
from limner.agent.batch.row_group import PICTURES, RowGroup, RowResult, Studios
from limner.agent.batch.stop_signal import StopSignal
from limner.agent.events import BriefToken
from limner.agent.terminal.terminal import kept_clean
from limner.errors import BadInput, LimnerError, ModelFailed

__all__ = [
    "ResultStore",
    "WorkerPool",
    "gpus",
    "main",
    "use_threads",
    "work",
]


_Kept = TypeVar("_Kept")
_FULL = {errno.ENOSPC, errno.EDQUOT}
_LOOK_AGAIN = 0.5  # seconds, while the last rows are in others' hands


class ResultStore:
    """Has what came of rows on the disk: first the pictures, then the queue's word for it.

    Where the disk is full it says so, waits until there is room, and goes on; nothing is lost.
    `stop` ends the waiting. `write` has a file on disk under its name, as `whole.write_named`.
    """

    def __init__(
        self,
        queue: Queue,
        stop: threading.Event,
        write: Callable[[Path, bytes], None] = atomic_io.write_named,
        pause: float = 2.0,
    ) -> None:
        self.queue = queue
        self.stop = stop
        self._write = write
        self._pause = pause

    def keep(
        self, claim: Lease, worker: str, made: Sequence[RowResult]
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

    def _on_disk(self, made: RowResult) -> bool:
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
            raise atomic_io.cannot_save(path, error) from error
        return True


def work(
    queue: Queue, rooms: Studios, terms: BatchConfig, keeper: ResultStore
) -> Generator[Happening, None, None]:
    """Takes rows and paints them until none waits and none is in anyone's hands.

    When `keeper.stop` is set, what is in hand is given back after the step that it is at.
    Raises what can't be mended by going on: a queue or a folder that can't be used.
    """
    pulse, stop = Heartbeat(queue.workers), keeper.stop
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
    queue: Queue, claim: Lease, worker: str, rooms: Studios, terms: BatchConfig, keeper: ResultStore
) -> Generator[Happening, None, None]:
    """One claim from its start to its end; given back when it is not brought to its end."""
    kept = False
    yield began(claim)
    try:
        rooms.foresee([*claim.asked, *queue.upcoming()])
        group = RowGroup(claim, rooms, terms)
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


_LOST_AT_ONCE = 3  # times in a row that workers may end before they begin anything
_BETWEEN_LOOKS = 0.2  # seconds
_LAST_MOMENT = 5.0  # seconds, for workers when the command itself fails


@dataclass(slots=True)
class _Hand:
    """One worker: its place in the crew, its process, and whether it has told its last."""

    place: int
    process: subprocess.Popen[str]
    silent: bool = False


@dataclass(slots=True)
class WorkerPool:
    """So many workers on one folder; with GPUs, each has one of them for itself.

    A worker that is lost is replaced, and what it had in hand is done again; a row that ends its
    worker again and again is set aside by the queue.
    """

    folder: Path
    count: int
    _hands: list[_Hand] = field(default_factory=list)
    _said: SimpleQueue[tuple[_Hand, str]] = field(default_factory=SimpleQueue)
    _lost_at_once: int = 0

    def events(self, halt: StopSignal) -> Iterator[Happening]:
        """What the workers tell, until the last has gone; a "tick" while there is nothing.

        When they are to halt they are told so, and ended if that takes more than its patience.
        Raises what a worker could not begin for.
        """
        try:
            self._hands = [self._begun(place) for place in range(self.count)]
            while self._hands:
                if halt.asked():
                    yield from self._stopped(halt.patience)
                    return
                yield from self._heard()
        finally:
            self._end()

    def _heard(self) -> Iterator[Happening]:
        try:
            hand, line = self._said.get(timeout=_BETWEEN_LOOKS)
        except Empty:
            yield {"event": "tick"}
            return
        if line:
            yield self._read(line)
            return
        hand.silent = True
        code = hand.process.wait()
        self._hands.remove(hand)
        if code:
            yield {"event": "worker-lost", "exit": code}
            self._lost_at_once += 1
            if self._lost_at_once >= _LOST_AT_ONCE * self.count:
                raise ModelFailed(f"the workers end at once, with {_told(code)}", "see above")
            self._hands.append(self._begun(hand.place))

    def _read(self, line: str) -> Happening:
        happening: Happening = json.loads(line)
        if happening["event"] == "refused":
            kind = BadInput if happening["exit_code"] == 2 else LimnerError
            raise kind(happening["error"], happening["hint"])
        self._lost_at_once = 0
        return happening

    def _stopped(self, patience: float) -> Iterator[Happening]:
        """Tells the workers to stop, and hears them to their end."""
        for hand in self._hands:
            _close(hand)
        until = time.monotonic() + patience
        while any(not hand.silent for hand in self._hands) and time.monotonic() < until:
            try:
                hand, line = self._said.get(timeout=_BETWEEN_LOOKS)
            except Empty:
                continue
            if line:
                yield self._read(line)
            else:
                hand.silent = True

    def _end(self) -> None:
        """Ends whoever is left: those who were told to stop in vain at once."""
        told = [hand for hand in self._hands if _close(hand)]
        for hand in self._hands:
            try:
                hand.process.wait(_LAST_MOMENT if hand in told or hand.silent else 0)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                hand.process.kill()
                hand.process.wait()

    def _begun(self, place: int) -> _Hand:
        process = subprocess.Popen(
            [sys.executable, "-m", "limner.agent.batch.workers", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | _own_gpu(place, self.count),
        )
        hand = _Hand(place, process)
        Thread(target=self._listen, args=(hand,), daemon=True).start()
        return hand

    def _listen(self, hand: _Hand) -> None:
        """Passes on what a worker tells; "" when it has gone."""
        assert hand.process.stdout
        with hand.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # else it was cut off
                    self._said.put((hand, line))
        self._said.put((hand, ""))


def gpus() -> list[str]:
    """The GPUs that workers may use, as CUDA_VISIBLE_DEVICES names them; no library is asked."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip() not in ("", "-1")]
    known = Path("/proc/driver/nvidia/gpus")
    return [str(i) for i in range(len(list(known.iterdir())))] if known.is_dir() else []


def _own_gpu(place: int, count: int) -> dict[str, str]:
    known = gpus()
    return {"CUDA_VISIBLE_DEVICES": known[place % len(known)]} if known and count > 1 else {}


def _close(hand: _Hand) -> bool:
    """Tells a worker to stop; false where it had been told."""
    assert hand.process.stdin
    told = hand.process.stdin.closed
    with suppress(BrokenPipeError):  # it has gone already
        hand.process.stdin.close()
    return not told


def _told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


_PATIENCE = 30.0  # seconds that a worker may take to stop when nobody waits for it any more


def main() -> int:
    """Work through the batch in the folder that was named; returns the exit code."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command hears Ctrl-C, and closes our input
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output, kept_clean(True):
        try:
            for happening in _worked_child(Path(sys.argv[1]), stop):
                _say(happening, output, stop)
        except LimnerError as error:
            wrong = {"event": "refused", "error": error.message, "hint": error.hint}
            _say({**wrong, "exit_code": error.exit_code}, output, stop)
            return error.exit_code
    return 0


def _worked_child(folder: Path, stop: threading.Event) -> Iterator[Happening]:
    with Queue.open(folder) as queue:
        terms = terms_of(queue)
        rooms = Studios(terms)
        rooms.studio()
        use_threads(terms.threads)
        yield from work(queue, rooms, terms, ResultStore(queue, stop))


def _say(happening: Happening, output: IO[str], stop: threading.Event) -> None:
    try:
        print(json.dumps(happening), file=output, flush=True)
    except OSError:  # whoever began this has gone
        stop.set()


def use_threads(number: int) -> None:
    """Have torch use so many threads, if it is in use at all."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(number)


def _listen(stop: threading.Event) -> None:
    """Stop when standard input ends; end by force if that takes too long."""
    while os.read(0, 4096):
        pass
    stop.set()
    threading.Event().wait(_PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
