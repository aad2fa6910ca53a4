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
from typing import IO, Any, TypeVar

from limner.agent.archive import atomic_io
from limner.agent.batch.config import BatchConfig
from limner.agent.batch.heartbeat import Heartbeat
from limner.agent.batch.ingest import config_of
from limner.agent.batch.queue import Lease, NoRoom, Queue
from limner.agent.batch.row_group import PICTURES, RowGroup, RowResult, Studios
from limner.agent.batch.rows import Outcome
from limner.agent.batch.stop_signal import StopSignal
from limner.agent.events import BriefToken
from limner.agent.terminal.terminal import kept_clean
from limner.agent.tools.outputs import event_dict
from limner.errors import BadInput, LimnerError, ModelFailed

__all__ = [
    "BatchEvent",
    "ResultStore",
    "WorkerPool",
    "gpus",
    "main",
    "row_ended",
    "rows_began",
    "use_threads",
    "work_through",
]

BatchEvent = dict[str, Any]
"""What happens in a batch, as an object that fits in one line of JSON.

`event` says what: began, progress, rows-began, row-ended, paused, resumed, worker-lost, ended; or,
with the number of its `row`, what `outputs.event_dict` tells: brief, step, take, decided, …
"""

_Kept = TypeVar("_Kept")
_FULL = {errno.ENOSPC, errno.EDQUOT}
_POLL_QUEUE = 0.5  # seconds, while others work on the last rows


def rows_began(lease: Lease) -> BatchEvent:
    """A worker has these rows."""
    rows = [{"number": queued.row.number, "id": queued.row.id} for queued in lease.rows]
    return {"event": "rows-began", "rows": rows, "how": lease.how}


def row_ended(outcome: Outcome) -> BatchEvent:
    """What came of a row is in the queue, and its picture on the disk."""
    return {"event": "row-ended", **outcome.as_mapping()}


class ResultStore:
    """Writes what came of rows to the disk: first the pictures, then the queue.

    Where the disk is full it says so, waits until there is room, and goes on; nothing is lost.
    `stop` ends the waiting. `write` writes a file under its name, as `atomic_io.write_named`.
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
        self, lease: Lease, worker: str, results: Sequence[RowResult]
    ) -> Generator[BatchEvent, None, bool]:
        """Keeps all of a lease; false where it is no longer that worker's, or it was stopped."""
        if lease.how != "probe":
            for result in results:
                if (yield from self.insist(partial(self._on_disk, result))) is None:
                    return False
        outcomes = [result.outcome for result in results]
        kept = yield from self.insist(lambda: self.queue.finish(lease, worker, outcomes))
        if kept and lease.how != "probe":
            yield from map(row_ended, outcomes)
        return bool(kept)

    def insist(self, action: Callable[[], _Kept]) -> Generator[BatchEvent, None, _Kept | None]:
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

    def _on_disk(self, result: RowResult) -> bool:
        """Writes a picture, flushed and read back; or deletes that of an earlier attempt."""
        path = self.queue.folder / PICTURES / f"{result.outcome.id}.png"
        try:
            if result.content:
                self._write(path, result.content)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in _FULL:
                raise NoRoom("the disk is full", "make room") from error
            raise atomic_io.cannot_save(path, error) from error
        return True


def work_through(
    queue: Queue, studios: Studios, config: BatchConfig, store: ResultStore
) -> Generator[BatchEvent, None, None]:
    """Takes rows and paints them until none waits and nobody works on any.

    When `store.stop` is set, the group is given back after the step that it is at. Raises what
    can't be mended by going on: a queue or a folder that can't be used.
    """
    heartbeat, stop = Heartbeat(queue.workers), store.stop
    try:
        while not stop.is_set():
            lease = yield from store.insist(lambda: queue.lease(heartbeat.name))
            if lease:
                yield from _work_on(lease, heartbeat.name, studios, config, store)
            elif not queue.unfinished():
                return
            else:
                stop.wait(_POLL_QUEUE)
    finally:
        studios.close()
        heartbeat.stop()


def _work_on(
    lease: Lease, worker: str, studios: Studios, config: BatchConfig, store: ResultStore
) -> Generator[BatchEvent, None, None]:
    """One lease from its start to its end; given back when it is not brought to its end."""
    kept = False
    yield rows_began(lease)
    try:
        studios.prefetch([*lease.rows, *store.queue.upcoming()])
        group = RowGroup(lease, studios, config)
        with closing(group.events()) as events:
            for number, event in events:
                if not isinstance(event, BriefToken):
                    fields = event_dict(event)
                    yield {"event": fields.pop("kind"), "row": number, **fields}
                if store.stop.is_set():
                    return
        kept = yield from store.keep(lease, worker, group.results)
    finally:
        if not kept:
            store.queue.release(lease, worker)


_LOST_AT_ONCE = 3  # times in a row that workers may end before they begin anything
_POLL_WORKERS = 0.2  # seconds
_LAST_MOMENT = 5.0  # seconds, for workers when the command itself fails


@dataclass(slots=True)
class _Worker:
    """A worker: its place in the pool, its process, and whether its output has ended."""

    place: int
    process: subprocess.Popen[str]
    silent: bool = False


@dataclass(slots=True)
class WorkerPool:
    """So many workers on one folder; with GPUs, each has one of them for itself.

    A worker that is lost is replaced, and its rows are done again; a row that crashes its worker
    again and again is set aside by the queue.
    """

    folder: Path
    count: int
    _workers: list[_Worker] = field(default_factory=list)
    _lines: SimpleQueue[tuple[_Worker, str]] = field(default_factory=SimpleQueue)
    _lost_at_once: int = 0

    def events(self, stop: StopSignal) -> Iterator[BatchEvent]:
        """What the workers report, until the last has ended; a "tick" while there is nothing.

        On `stop` they are told to stop, and killed if that takes longer than its patience. Raises
        what kept a worker from starting.
        """
        try:
            self._workers = [self._start(place) for place in range(self.count)]
            while self._workers:
                if stop.asked():
                    yield from self._stopped(stop.patience)
                    return
                yield from self._next()
        finally:
            self._end()

    def _next(self) -> Iterator[BatchEvent]:
        try:
            worker, line = self._lines.get(timeout=_POLL_WORKERS)
        except Empty:
            yield {"event": "tick"}
            return
        if line:
            yield self._read(line)
            return
        worker.silent = True
        code = worker.process.wait()
        self._workers.remove(worker)
        if code:
            yield {"event": "worker-lost", "exit": code}
            self._lost_at_once += 1
            if self._lost_at_once >= _LOST_AT_ONCE * self.count:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                raise ModelFailed(f"the workers end at once, with {how}", "see above")
            self._workers.append(self._start(worker.place))

    def _read(self, line: str) -> BatchEvent:
        event: BatchEvent = json.loads(line)
        if event["event"] == "refused":
            kind = BadInput if event["exit_code"] == 2 else LimnerError
            raise kind(event["error"], event["hint"])
        self._lost_at_once = 0
        return event

    def _stopped(self, patience: float) -> Iterator[BatchEvent]:
        """Tells the workers to stop, and passes on what they still report."""
        for worker in self._workers:
            _close(worker)
        until = time.monotonic() + patience
        while any(not worker.silent for worker in self._workers) and time.monotonic() < until:
            try:
                worker, line = self._lines.get(timeout=_POLL_WORKERS)
            except Empty:
                continue
            if line:
                yield self._read(line)
            else:
                worker.silent = True

    def _end(self) -> None:
        """Ends whoever is left; at once those who were told to stop and did not."""
        told = [worker for worker in self._workers if _close(worker)]
        for worker in self._workers:
            try:
                worker.process.wait(_LAST_MOMENT if worker in told or worker.silent else 0)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                worker.process.kill()
                worker.process.wait()

    def _start(self, place: int) -> _Worker:
        process = subprocess.Popen(
            [sys.executable, "-m", "limner.agent.batch.workers", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | _own_gpu(place, self.count),
        )
        worker = _Worker(place, process)
        Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        """Passes on what a worker prints; "" when it has ended."""
        assert worker.process.stdout
        with worker.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # else it was cut off
                    self._lines.put((worker, line))
        self._lines.put((worker, ""))


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


def _close(worker: _Worker) -> bool:
    """Tells a worker to stop; false where it was told before."""
    assert worker.process.stdin
    told = worker.process.stdin.closed
    with suppress(BrokenPipeError):  # it has ended already
        worker.process.stdin.close()
    return not told


_PATIENCE = 30.0  # seconds that a worker may take to stop when nobody waits for it any more


def main() -> int:
    """Work through the batch in the folder that was named; returns the exit code."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command gets Ctrl-C, and closes our input
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output, kept_clean(True):
        try:
            for event in _events(Path(sys.argv[1]), stop):
                _print(event, output, stop)
        except LimnerError as error:
            refused = {"event": "refused", "error": error.message, "hint": error.hint}
            _print({**refused, "exit_code": error.exit_code}, output, stop)
            return error.exit_code
    return 0


def _events(folder: Path, stop: threading.Event) -> Iterator[BatchEvent]:
    with Queue.open(folder) as queue:
        config = config_of(queue)
        studios = Studios(config)
        studios.studio()
        use_threads(config.threads)
        yield from work_through(queue, studios, config, ResultStore(queue, stop))


def _print(event: BatchEvent, output: IO[str], stop: threading.Event) -> None:
    try:
        print(json.dumps(event), file=output, flush=True)
    except OSError:  # the command has ended
        stop.set()


def use_threads(number: int) -> None:
    """Have torch use so many threads, if it is in use at all."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(number)


def _wait_for_end(stop: threading.Event) -> None:
    """Stop when standard input ends; exit by force if that takes too long."""
    while os.read(0, 4096):
        pass
    stop.set()
    threading.Event().wait(_PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
