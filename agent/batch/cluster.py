"""The workers of a batch on many machines, as actors of a Ray cluster."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from limner.agent.batch.config import BatchConfig
from limner.agent.batch.heartbeat import Heartbeat
from limner.agent.batch.queue import Lease, Queue
from limner.agent.batch.row_group import RowGroup, RowResult, Studios
from limner.agent.batch.workers import BatchEvent, ResultStore, rows_began, use_threads
from limner.errors import BadInput, MissingExtra, ModelFailed

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Cluster", "connected"]

_POLL = 0.5  # seconds
_LOST_AT_ONCE = 5  # times in a row that actors may be lost before anything came of one


class PainterActor:
    """One painter on some machine of the cluster: models are opened once, then leases come."""

    def __init__(self, config: BatchConfig) -> None:
        self._config = config
        self._studios = Studios(self._config)
        self._studios.studio()
        use_threads(self._config.threads)

    def ready(self) -> None:
        """Returns when the models are open."""

    def work(self, lease: Lease) -> list[RowResult]:
        """What came of each row of a lease."""
        group = RowGroup(lease, self._studios, self._config)
        for _ in group.events():
            pass
        return group.results


def connected(address: str) -> ModuleType:
    """Ray, in touch with the cluster at that address; "local" begins one on this machine.

    Raises `MissingExtra` without Ray, and `BadInput` where no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("--ray needs Ray", "type pip install 'limner[cluster]'") from error
    if ray.is_initialized():
        return ray
    _check_listening(address)
    own = {"include_dashboard": False, "object_store_memory": 256 * 2**20}
    more: dict[str, Any] = own if address == "local" else {}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **more)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"no Ray cluster answers at {address}", "type --ray local, or host:6379"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)  # Ray replaces it with its own
    return ray


def _check_listening(address: str) -> None:
    """Raises `BadInput` where nobody listens; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address in ("local", "auto") or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=30).close()
    except (OSError, OverflowError) as error:
        raise BadInput(
            f"no Ray cluster answers at {address}", "type --ray local, or host:6379"
        ) from error


@dataclass(slots=True)
class Cluster:
    """Actors on a cluster, this process their only master: it alone writes queue and pictures.

    `count` actors, None for one on each GPU or, where there is none, on each machine. Each has one
    lease and no more, so nothing piles up anywhere. An actor that is lost with its machine
    gives its lease back, which counts as an attempt, and another takes its place.
    """

    ray: ModuleType
    queue: Queue
    config: BatchConfig
    count: int | None = None
    _idle: list[Any] = field(default_factory=list)
    _starting: dict[Any, Any] = field(default_factory=dict)
    _busy: dict[Any, tuple[Any, Lease]] = field(default_factory=dict)
    _lost_at_once: int = 0

    def events(self, stop: Callable[[], bool]) -> Iterator[BatchEvent]:
        """What happens, until nothing waits or `stop` says so; then leases are given back."""
        heartbeat, stopped = Heartbeat(self.queue.workers), threading.Event()
        store = ResultStore(self.queue, stopped)
        try:
            for _ in range(self.count or self._places()):
                self._start()
            while not stop():
                yield from self._assign(store, heartbeat.name)
                if not self._busy and not self.queue.unfinished():
                    return
                yield from self._collect(store, heartbeat.name)
                yield {"event": "tick"}
        finally:
            self._leave(heartbeat.name)
            heartbeat.stop()

    def _assign(self, store: ResultStore, worker: str) -> Generator[BatchEvent, None, None]:
        while self._idle:
            lease = yield from store.insist(lambda: self.queue.lease(worker))
            if lease is None:
                return
            actor = self._idle.pop()
            self._busy[actor.work.remote(lease)] = actor, lease
            yield rows_began(lease)

    def _collect(self, store: ResultStore, worker: str) -> Generator[BatchEvent, None, None]:
        awaited = [*self._starting, *self._busy]
        if not awaited:  # another process works on the last rows
            store.stop.wait(_POLL)
            return
        ready, _ = self.ray.wait(awaited, timeout=_POLL)
        for reference in ready:
            actor = self._starting.pop(reference, None)
            actor, lease = (actor, None) if actor else self._busy.pop(reference)
            try:
                found = self.ray.get(reference)
            except self.ray.exceptions.RayError as problem:
                yield from self._lost(actor, lease, worker, problem)
                continue
            self._idle.append(actor)
            if lease:
                self._lost_at_once = 0
                yield from store.keep(lease, worker, found)

    def _lost(
        self, actor: Any, lease: Lease | None, worker: str, problem: Exception
    ) -> Iterator[BatchEvent]:
        yield {"event": "worker-lost", "why": type(problem).__name__}
        if lease:
            self.queue.release(lease, worker, crashed=True)
        self._lost_at_once += 1
        if self._lost_at_once > _LOST_AT_ONCE:
            why = str(problem).strip().splitlines()[-1:]
            raise ModelFailed("the cluster loses every worker at once", "".join(why))
        self._dismiss(actor)
        self._start()

    def _start(self) -> None:
        """Asks for an actor; it comes when the cluster has a place for it."""
        remote = self.ray.remote(PainterActor)
        gpu = {"num_gpus": 1} if self._gpus() else {}
        placed = remote.options(num_cpus=1, scheduling_strategy="SPREAD", max_restarts=0, **gpu)
        actor = placed.remote(self.config)
        self._starting[actor.ready.remote()] = actor

    def _dismiss(self, actor: Any) -> None:
        with suppress(Exception):  # the actor, or its cluster, may be gone already
            self.ray.kill(actor)

    def _gpus(self) -> int:
        return int(self.ray.cluster_resources().get("GPU", 0))

    def _places(self) -> int:
        machines = [node for node in self.ray.nodes() if node["Alive"]]
        able = [node for node in machines if node["Resources"].get("CPU", 0) >= 1]
        return self._gpus() or max(1, len(able))

    def _leave(self, worker: str) -> None:
        for actor, lease in self._busy.values():
            self._dismiss(actor)
            self.queue.release(lease, worker)
        for actor in [*self._idle, *self._starting.values()]:
            self._dismiss(actor)
