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
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from limner.agent.batch.config import BatchConfig
from limner.agent.batch.ingest import add_rows, settle_config
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import Studios
from limner.agent.batch.rows import BatchRow
from limner.agent.batch.workers import ResultStore, work_through
from limner.benchmarks.cases import eval_prompts
from limner.benchmarks.speed import AT_ONCE, Baseline, weights
from limner.pipelines.roles import GeneratedImage, ImageRequest, ImageStream, Painter, Step

PARTS = {
    "rows-began": "queue and disk",
    "row-ended": "queue and disk",
    "brief": "writer",
    "revised": "writer",
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
    baseline = Baseline(weights("painter", None), weights("critic", None))
    models = BatchConfig.digest("pocket")
    config = BatchConfig(models=models, budget=given.budget, group=given.group)
    studios = Studios(config)
    studio = studios.studio()
    studio.painter = painter = ClockedPainter(studio.painter)
    known = cycle(eval_prompts("development"))
    requests = [prompt.request for prompt in islice(known, given.count)]
    worked([requests[0]] * 2, studios, replace(config, budget=2), painter)  # slow, once
    painter.clear()
    parts = worked(requests, studios, config, painter)
    bare = bare_rate(baseline, painter.fresh)
    print(json.dumps(figures(given.count, painter, parts, bare), indent=2))


class ClockedPainter:
    """The painter, with what it was ordered and how long it took; see `roles.Painter`."""

    def __init__(self, painter: Painter) -> None:
        self.name, self.spec = painter.name, painter.spec
        self.cost, self.count_tokens = painter.cost, painter.count_tokens
        self.device = getattr(painter, "device", None)
        self.world = getattr(painter, "world", None)
        self._painter = painter
        self.clear()

    def clear(self) -> None:
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
        return _ClockedStream(self, self._painter.paint(orders, preview_every))


class _ClockedStream:
    """A batch at work, against the clock."""

    def __init__(self, painter: ClockedPainter, stream: ImageStream) -> None:
        self.spent = 0.0
        self.drop, self.close = stream.drop, stream.close
        self._painter, self._stream = painter, stream

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        pieces = iter(self._stream)
        while True:
            begun = time.process_time()
            piece = next(pieces, None)
            self._painter.seconds += time.process_time() - begun
            self._painter.equivalents += self._stream.spent - self.spent
            self.spent = self._stream.spent
            if piece is None:
                return
            yield piece


def worked(
    requests: Sequence[str], studios: Studios, config: BatchConfig, painter: ClockedPainter
) -> dict[str, float]:
    """A batch from its queue to its pictures on the disk: seconds by whose they were."""
    parts = dict.fromkeys([*PARTS.values(), "critic"], 0.0)
    with tempfile.TemporaryDirectory() as folder, Queue.open(Path(folder)) as queue:
        settled = settle_config(queue, config)
        rows = [BatchRow(n, n, f"r{n}", request) for n, request in enumerate(requests, 1)]
        add_rows(queue, settled, rows, name="requests", sha256="requests")
        last = time.process_time() - painter.seconds
        for event in work_through(queue, studios, settled, ResultStore(queue, threading.Event())):
            now = time.process_time() - painter.seconds
            parts[PARTS.get(event["event"], "critic")] += now - last
            last = now
    return parts


def bare_rate(baseline: Baseline, orders: Sequence[ImageRequest]) -> float:
    """Pictures a second that bare diffusers paints of some orders, eight at a time."""
    whole = [orders[i : i + AT_ONCE] for i in range(0, len(orders) - AT_ONCE + 1, AT_ONCE)]
    if not whole:
        raise SystemExit("there is not one whole batch: try more requests, or a larger budget")
    baseline.paint(whole[0])
    begun = time.process_time()
    for eight in whole:
        baseline.paint(eight)
    return len(whole) * AT_ONCE / (time.process_time() - begun)


def figures(
    count: int, painter: ClockedPainter, parts: dict[str, float], bare: float
) -> dict[str, object]:
    """What was measured; rates are in image-equivalents a second of the processor's time."""
    whole = painter.seconds + sum(parts.values())
    found = {
        "bare painter, pictures a second": bare,
        "painting, over bare": painter.equivalents / painter.seconds / bare,
        "whole batch, over bare": painter.equivalents / whole / bare,
        "image-equivalents": painter.equivalents,
        "pictures a batch": sum(map(len, painter.batches)) / len(painter.batches),
        "seconds": whole,
        "painter": painter.seconds,
        **parts,
    }
    return {"requests": count, **{name: round(figure, 3) for name, figure in found.items()}}


if __name__ == "__main__":
    main()
