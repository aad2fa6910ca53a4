"""What the tests of a batch share: rows in a queue, leases, and groups that are worked on."""

from __future__ import annotations

from collections.abc import Sequence

from limner.agent.batch.config import BatchConfig
from limner.agent.batch.ingest import add_rows, settle_config
from limner.agent.batch.queue import Lease, Queue, QueuedRow
from limner.agent.batch.row_group import RowGroup, RowResult, Studios
from limner.agent.batch.rows import BatchRow, Outcome
from limner.agent.events import Event
from limner.agent.studio import Studio

FAKE = BatchConfig(profile="fake")


def rows_of(requests: Sequence[str], **fields: object) -> list[BatchRow]:
    """Rows r1, r2, … with these requests."""
    return [BatchRow(n, n, f"r{n}", text, **fields) for n, text in enumerate(requests, 1)]  # type: ignore[arg-type]


def fill(queue: Queue, requests: Sequence[str], config: BatchConfig = FAKE) -> BatchConfig:
    """Puts the requests into the queue; returns its config."""
    settled = settle_config(queue, config)
    add_rows(queue, settled, rows_of(requests), name="wishes.txt", sha256="abc")
    return settled


def filled(queue: Queue, count: int = 8, config: BatchConfig = FAKE) -> Queue:
    fill(queue, [f"wish {n}" for n in range(1, count + 1)], config)
    return queue


def leased(queue: Queue, worker: str = "me") -> Lease:
    lease = queue.lease(worker)
    assert lease
    return lease


def done(lease: Lease, **more: object) -> list[Outcome]:
    return [queued.row.outcome("done", **more) for queued in lease.rows]


def numbers(lease: Lease | None) -> list[int]:
    return [queued.row.number for queued in lease.rows] if lease else []


def queued(requests: Sequence[str], seed: int | None = None, **fields: object) -> list[QueuedRow]:
    """Rows with these requests, as from a queue; their seeds are 101, 102, … or all the same."""
    rows = rows_of(requests, **fields)
    return [QueuedRow(row, 100 + row.number if seed is None else seed, 1) for row in rows]


def run_group(
    rows: Sequence[QueuedRow], studio: Studio, config: BatchConfig = FAKE
) -> tuple[list[RowResult], list[tuple[int, Event]]]:
    """What came of a group of rows, and everything that happened."""
    group = RowGroup(Lease(0, tuple(rows)), Studios(config, studio), config)
    events = list(group.events())
    return group.results, events
