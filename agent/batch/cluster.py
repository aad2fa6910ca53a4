"""The workers of a batch on many machines, as actors of a Ray cluster."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from limner.agent.batch.config import BatchConfig
from limner.agent.batch.events import Happening, began
from limner.agent.batch.heartbeat import Heartbeat
from limner.agent.batch.queue import Lease, Queue, QueuedRow
from limner.agent.batch.row_group import RowGroup, RowResult, Studios
from limner.agent.batch.rows import BatchRow, Outcome
from limner.agent.batch.workers import ResultStore
from limner.errors import BadInput, MissingExtra, ModelFailed

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Cluster", "connected"]

_BETWEEN_LOOKS = 0.5  # seconds
_LOST_AT_ONCE = 5  # times in a row that actors may be lost before anything came of one


class PainterActor:
    """One painter on some machine of the cluster: models are opened once, then claims come."""

    def __init__(self, terms: str) -> None:
        from limner.agent.batch.workers import use_threads

        self._terms = BatchConfig.parse(terms)
        self._rooms = Studios(self._terms)
        self._rooms.studio()
        use_threads(self._terms.threads)

    def ready(self) -> None:
        """Returns when the models are open."""

    def work(self, claim: dict[str, Any]) -> list[tuple[str, bytes]]:
        """What came of each row of a claim: a line of the manifest, and its picture."""
        group = RowGroup(_claim(claim), self._rooms, self._terms)
        for _ in group.events():
            pass
        return [(made.outcome.as_json(), made.content) for made in group.made]


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
    _knock(address)
    own = {"include_dashboard": False, "object_store_memory": 256 * 2**20}
    more: dict[str, Any] = own if address == "local" else {}
    heeded = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **more)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"no Ray cluster answers at {address}", "type --ray local, or host:6379"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, heeded)  # Ray puts its own in the place of ours
    return ray


def _knock(address: str) -> None:
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
    claim in hand and no more, so nothing piles up anywhere. An actor that is lost with its machine
    gives its claim back, which counts as an attempt, and another takes its place.
    """

    ray: ModuleType
    queue: Queue
    terms: BatchConfig
    count: int | None = None
    _idle: list[Any] = field(default_factory=list)
    _coming: dict[Any, Any] = field(default_factory=dict)
    _busy: dict[Any, tuple[Any, Lease]] = field(default_factory=dict)
    _lost_at_once: int = 0

    def events(self, stop: Callable[[], bool]) -> Iterator[Happening]:
        """What happens, until nothing waits or `stop` says so; then claims are given back."""
        pulse, stopped = Heartbeat(self.queue.workers), threading.Event()
        keeper = ResultStore(self.queue, stopped)
        try:
            for _ in range(self.count or self._places()):
                self._begin()
            while not stop():
                yield from self._hand_out(keeper, pulse.name)
                if not self._busy and not self.queue.at_work():
                    return
                yield from self._take_in(keeper, pulse.name)
                yield {"event": "tick"}
        finally:
            self._leave(pulse.name)
            pulse.stop()

    def _hand_out(self, keeper: ResultStore, worker: str) -> Generator[Happening, None, None]:
        while self._idle:
            claim = yield from keeper.insist(lambda: self.queue.claim(worker))
            if claim is None:
                return
            actor = self._idle.pop()
            self._busy[actor.work.remote(_plain(claim))] = actor, claim
            yield began(claim)

    def _take_in(self, keeper: ResultStore, worker: str) -> Generator[Happening, None, None]:
        awaited = [*self._coming, *self._busy]
        if not awaited:  # the last rows are in the hands of another process
            keeper.stop.wait(_BETWEEN_LOOKS)
            return
        ready, _ = self.ray.wait(awaited, timeout=_BETWEEN_LOOKS)
        for reference in ready:
            actor = self._coming.pop(reference, None)
            actor, claim = (actor, None) if actor else self._busy.pop(reference)
            try:
                found = self.ray.get(reference)
            except self.ray.exceptions.RayError as problem:
                yield from self._lost(actor, claim, worker, problem)
                continue
            self._idle.append(actor)
            if claim:
                self._lost_at_once = 0
                made = [RowResult(Outcome.parse(line), content) for line, content in found]
                yield from keeper.keep(claim, worker, made)

    def _lost(
        self, actor: Any, claim: Lease | None, worker: str, problem: Exception
    ) -> Iterator[Happening]:
        yield {"event": "worker-lost", "why": type(problem).__name__}
        if claim:
            self.queue.release(claim, worker, crashed=True)
        self._lost_at_once += 1
        if self._lost_at_once > _LOST_AT_ONCE:
            why = str(problem).strip().splitlines()[-1:]
            raise ModelFailed("the cluster loses every worker at once", "".join(why))
        self._dismiss(actor)
        self._begin()

    def _begin(self) -> None:
        """Asks for an actor; it comes when the cluster has a place for it."""
        remote = self.ray.remote(PainterActor)
        gpu = {"num_gpus": 1} if self._gpus() else {}
        placed = remote.options(num_cpus=1, scheduling_strategy="SPREAD", max_restarts=0, **gpu)
        actor = placed.remote(self.terms.as_json())
        self._coming[actor.ready.remote()] = actor

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
        for actor, claim in self._busy.values():
            self._dismiss(actor)
            self.queue.release(claim, worker)
        for actor in [*self._idle, *self._coming.values()]:
            self._dismiss(actor)


def _plain(claim: Lease) -> dict[str, Any]:
    """A claim in numbers and texts: nothing but those travels."""
    asked = [{**asdict(one), "row": one.row.as_json()} for one in claim.asked]
    return {"party": claim.party, "how": claim.how, "asked": asked}


def _claim(plain: dict[str, Any]) -> Lease:
    asked = tuple(QueuedRow(**{**one, "row": BatchRow.parse(one["row"])}) for one in plain["asked"])
    return Lease(plain["party"], asked, plain["how"])
