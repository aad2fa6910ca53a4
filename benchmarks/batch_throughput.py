"""How fast a batch is beside the bare painter: the same orders by diffusers alone, eight at a time.

Run it from an installed checkout: `python -m benchmarks.batch_throughput`. What counts is the
processor's time of this one process, which other processes hardly change.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path

from limner.agent.batch.config import BatchConfig
from limner.agent.batch.ingest import add, settle
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import Studios
from limner.agent.batch.rows import BatchRow
from limner.agent.batch.workers import ResultStore, work
from limner.benchmarks.by_hand import ByHand, weights
from limner.benchmarks.prompts import prompts
from limner.pipelines.roles import GeneratedImage, ImageRequest, ImageStream, Painter, Step

AT_ONCE = 8
PARTS = {
    "rows-began": "queue and disk",
    "row-ended": "queue and disk",
    "brief": "writer",
    "reworded": "writer",
    "step": "rest",
}
"""Whose work ended with an event, the painter's aside; with all others, it was the critic's."""


def main() -> None:
    """Work through a batch, paint what it painted by hand, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8, help="requests")
    parser.add_argument("--budget", type=float, default=None, help="of each, in pictures")
    parser.add_argument(
        "--group", type=int, default=BatchConfig().group, help="rows painted together"
    )
    given = parser.parse_args()
    hand = ByHand(weights("painter", None), weights("critic", None))
    terms = BatchConfig(models=BatchConfig.digest("pocket"), budget=given.budget, group=given.group)
    rooms = Studios(terms)
    studio = rooms.studio()
    studio.painter = easel = Easel(studio.painter)
    requests = [prompt.request for prompt in islice(cycle(prompts("development")), given.count)]
    worked([requests[0]] * 2, rooms, replace(terms, budget=2), easel)  # slow, once
    easel.clean()
    parts = worked(requests, rooms, terms, easel)
    bare = by_hand(hand, easel.fresh)
    print(json.dumps(figures(given.count, easel, parts, bare), indent=2))


class Easel:
    """The painter, with what it was ordered and how long it took; see `roles.Painter`."""

    def __init__(self, painter: Painter) -> None:
        self.name, self.dialect = painter.name, painter.dialect
        self.cost, self.count_tokens = painter.cost, painter.count_tokens
        self.device = getattr(painter, "device", None)
        self.world = getattr(painter, "world", None)
        self._painter = painter
        self.clean()

    def clean(self) -> None:
        """Forget all that was painted so far."""
        self.batches: list[Sequence[ImageRequest]] = []
        self.seconds = self.equivalents = 0.0

    @property
    def threads(self) -> int:
        """Torch's, of the last batch."""
        return int(getattr(self._painter, "threads", 0))

    @property
    def fresh(self) -> list[ImageRequest]:
        """The orders that started from nothing."""
        return [order for batch in self.batches for order in batch if not order.start]

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> ImageStream:
        """Paints, against the clock."""
        self.batches.append(orders)
        return _Clocked(self, self._painter.paint(orders, preview_every))


@dataclass
class _Clocked:
    """A batch at work, against the clock."""

    easel: Easel
    painting: ImageStream
    spent: float = field(default=0.0)

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        pieces = iter(self.painting)
        while True:
            begun = time.process_time()
            piece = next(pieces, None)
            self.easel.seconds += time.process_time() - begun
            self.easel.equivalents += self.painting.spent - self.spent
            self.spent = self.painting.spent
            if piece is None:
                return
            yield piece

    def drop(self, index: int) -> None:
        self.painting.drop(index)

    def close(self) -> None:
        self.painting.close()


@contextmanager
def a_queue(terms: BatchConfig, requests: Sequence[str]) -> Iterator[tuple[Queue, BatchConfig]]:
    """A queue on a disk with those requests."""
    with tempfile.TemporaryDirectory() as folder, Queue.open(Path(folder)) as queue:
        terms = settle(queue, terms)
        rows = [BatchRow(n, n, f"r{n}", request) for n, request in enumerate(requests, 1)]
        add(queue, terms, rows, name="requests", sha256="requests")
        yield queue, terms


def worked(
    requests: Sequence[str], rooms: Studios, terms: BatchConfig, easel: Easel
) -> dict[str, float]:
    """A batch from its queue to its pictures on the disk: seconds by whose they were."""
    parts = dict.fromkeys([*PARTS.values(), "critic"], 0.0)
    with a_queue(terms, requests) as (queue, settled):
        last = time.process_time() - easel.seconds
        for happening in work(queue, rooms, settled, ResultStore(queue, threading.Event())):
            now = time.process_time() - easel.seconds
            parts[PARTS.get(happening["event"], "critic")] += now - last
            last = now
    return parts


def by_hand(hand: ByHand, orders: Sequence[ImageRequest]) -> float:
    """Pictures a second that bare diffusers paints of some orders, eight at a time."""
    whole = [orders[i : i + AT_ONCE] for i in range(0, len(orders) - AT_ONCE + 1, AT_ONCE)]
    if not whole:
        raise SystemExit("there is not one whole batch: try more requests, or a larger budget")
    hand.paint(whole[0])
    begun = time.process_time()
    for eight in whole:
        hand.paint(eight)
    return len(whole) * AT_ONCE / (time.process_time() - begun)


def figures(count: int, easel: Easel, parts: dict[str, float], bare: float) -> dict[str, object]:
    """What was measured; rates are in image-equivalents a second of the processor's time."""
    whole = easel.seconds + sum(parts.values())
    pictures = sum(map(len, easel.batches))
    found = {
        "bare painter, pictures a second": bare,
        "painting, over bare": easel.equivalents / easel.seconds / bare,
        "whole batch, over bare": easel.equivalents / whole / bare,
        "image-equivalents": easel.equivalents,
        "pictures a batch": pictures / len(easel.batches),
        "seconds": whole,
        "painter": easel.seconds,
        **parts,
    }
    return {"requests": count, **{name: round(figure, 3) for name, figure in found.items()}}


if __name__ == "__main__":
    main()
