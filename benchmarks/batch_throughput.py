"""How fast a batch is beside its bare painter: pictures a second, at eight pictures a batch.

Run it alone on the machine, from an installed checkout: `python -m benchmarks.batch_throughput`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from limner.agent.batch.group import Rooms
from limner.agent.batch.intake import add, settle
from limner.agent.batch.queue import Queue
from limner.agent.batch.rows import Row
from limner.agent.batch.terms import Terms
from limner.agent.batch.worker import Keeper, work
from limner.agent.studio import Studio
from limner.benchmarks.prompts import prompts
from limner.pipelines.roles import Order, Painted

BATCH = 8


@dataclass(frozen=True)
class Way:
    """Pictures that were painted, and the seconds that it took."""

    pictures: float
    seconds: float

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds


def main() -> None:
    """Measure both ways in one process, the bare painter before and after, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8, help="requests; four share a batch")
    parser.add_argument("--profile", default="pocket")
    given = parser.parse_args()
    terms = Terms(profile=given.profile, models=Terms.digest(given.profile), most=BATCH)
    rooms = Rooms(terms)
    studio = rooms.studio()
    bare(studio, 1)  # what is only slow the first time
    before = bare(studio, 2)
    whole, painting = batch(given.count, rooms, terms)
    after = bare(studio, 2)
    both = Way(before.pictures + after.pictures, before.seconds + after.seconds)
    figures = {
        "bare painter, pictures/s": both.rate,
        "batch, pictures/s": whole.rate,
        "ratio": whole.rate / both.rate,
        "batch while it paints, pictures/s": painting.rate,
        "ratio while it paints": painting.rate / both.rate,
        "requests": given.count,
        "pictures": whole.pictures,
    }
    print(json.dumps({name: round(figure, 3) for name, figure in figures.items()}, indent=2))


def bare(studio: Studio, times: int) -> Way:
    """Batches of eight on the painter alone."""
    dialect, settings = studio.painter.dialect, studio.settings
    steps = settings.steps or dialect.steps
    guidance = dialect.guidance if settings.guidance is None else settings.guidance
    wanted = islice(cycle(prompts("development")), BATCH)
    width, height = settings.size or dialect.size
    orders = [
        Order(prompt.request, seed, width, height, steps, guidance)
        for seed, prompt in enumerate(wanted)
    ]
    begun = time.monotonic()
    painted = sum(
        isinstance(piece, Painted) for _ in range(times) for piece in studio.painter.paint(orders)
    )
    return Way(painted, time.monotonic() - begun)


def batch(count: int, rooms: Rooms, terms: Terms) -> tuple[Way, Way]:
    """A batch from its queue to its pictures on disk; also, what of it was painting."""
    with tempfile.TemporaryDirectory() as folder, Queue.open(Path(folder)) as queue:
        wanted = islice(cycle(prompts("development")), count)
        rows = [Row(n, n, f"r{n}", prompt.request) for n, prompt in enumerate(wanted, 1)]
        terms = settle(queue, replace(terms, group=max(1, BATCH // rooms.studio().settings.takes)))
        add(queue, terms, rows, name="requests", sha256="requests")
        begun = last = time.monotonic()
        painting = 0.0
        for happening in work(queue, rooms, terms, Keeper(queue, threading.Event())):
            now = time.monotonic()
            painting += now - last if happening["event"] == "step" else 0.0
            last = now
        pictures = sum(outcome.spent for outcome in queue.outcomes())
        return Way(pictures, time.monotonic() - begun), Way(pictures, painting)


if __name__ == "__main__":
    main()
