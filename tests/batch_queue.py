"""What the tests of a batch's queue share: rows in it, claims, and what came of them."""

from __future__ import annotations

from limner.agent.batch.config import BatchConfig
from limner.agent.batch.ingest import add, settle
from limner.agent.batch.queue import Lease, Queue
from limner.agent.batch.rows import BatchRow, Outcome

FAKE = BatchConfig(profile="fake")


def filled(queue: Queue, count: int = 8, terms: BatchConfig = FAKE) -> Queue:
    rows = [BatchRow(n, n, f"r{n}", f"wish {n}") for n in range(1, count + 1)]
    add(queue, settle(queue, terms), rows, name="wishes.txt", sha256="abc")
    return queue


def claimed(queue: Queue, worker: str = "me") -> Lease:
    claim = queue.claim(worker)
    assert claim
    return claim


def done(claim: Lease, **more: object) -> list[Outcome]:
    rows = [asked.row for asked in claim.asked]
    return [Outcome(r.id, r.number, r.line, r.request, "done", **more) for r in rows]  # type: ignore[arg-type]


def numbers(claim: Lease | None) -> list[int]:
    return [asked.row.number for asked in claim.asked] if claim else []
