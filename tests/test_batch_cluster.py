"""A batch on many machines: one of them dies, and nothing is lost or painted twice."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from batch_queue import fill

from limner.agent.archive.pictures import name_of
from limner.agent.batch.cluster import Cluster, connected
from limner.agent.batch.config import BatchConfig
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import Studios
from limner.agent.batch.workers import BatchEvent, ResultStore, work_through
from limner.errors import BadInput

# Ray's processes talk over sockets of this machine.
pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(900)]

ray = pytest.importorskip("ray")


@pytest.fixture
def machines() -> Iterator[Any]:
    """Three machines of one core each, as far as Ray can tell."""
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0",
        RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
        RAY_health_check_failure_threshold="20",
    )
    from ray.cluster_utils import Cluster as Machines

    size: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    machines: Any = Machines()
    patiently(lambda: machines.add_node(**size, include_dashboard=False))
    machines.others = [patiently(lambda: machines.add_node(**size)) for _ in range(2)]
    machines.wait_for_nodes(timeout=300)
    yield machines
    ray.shutdown()
    machines.shutdown()


def patiently(begin: Callable[[], Any]) -> Any:
    """Ray gives a machine 30 seconds to begin, which is not enough where others are busy."""
    for _ in range(9):
        with suppress(Exception):  # Ray raises nothing more special
            return begin()
    return begin()


def filled(queue: Queue, count: int) -> BatchConfig:
    wishes = ["a red cat on the grass", "two dogs in the snow", "a castle", "a tree"]
    return fill(queue, [f"{n} cats and {wishes[n % 4]}" for n in range(1, count + 1)])


def finished(events: list[BatchEvent]) -> list[int]:
    return sorted(h["number"] for h in events if h["event"] == "row-ended")


def test_a_machine_dies_and_the_rest_does_its_work(machines: Any, tmp_path: Path) -> None:
    with Queue.open(tmp_path / "out") as queue:
        config = filled(queue, 60)
        cluster = Cluster(connected(machines.address), queue, config, 3)
        events: list[BatchEvent] = []
        for event in cluster.events(lambda: False):
            events.append(event)
            if len(finished(events)) == 20 and machines.others:
                machines.remove_node(machines.others.pop())
        assert finished(events) == list(range(1, 61))
        assert queue.counts() == {"done": 60}
        for outcome in queue.outcomes():
            assert name_of((queue.folder / outcome.picture).read_bytes()) == outcome.sha256
        assert len(list((queue.folder / "pictures").iterdir())) == 60
    with Queue.open(tmp_path / "alone") as queue:
        config = filled(queue, 60)
        for _ in work_through(
            queue, Studios(config), config, ResultStore(queue, threading.Event())
        ):
            pass
    for path in (tmp_path / "alone" / "pictures").iterdir():
        assert path.read_bytes() == (tmp_path / "out" / "pictures" / path.name).read_bytes()


def test_no_cluster_is_said_to_be_none() -> None:
    with pytest.raises(BadInput, match="no Ray cluster answers"):
        connected("127.0.0.1:1")
