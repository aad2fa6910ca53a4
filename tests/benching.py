"""What the tests of the comparison share: a room of fakes, and a case that nothing meets."""

from __future__ import annotations

from typing import Any

from PIL import Image

from limner.agent.records import Settings
from limner.agent.studio import Studio
from limner.benchmarks import cli
from limner.benchmarks.arms import Case, Harness
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

__all__ = ["WISH", "Slow", "bench", "case", "room"]

WISH = "two red cats and a dog at night"


class Slow(FakePainter):
    """Counts what it really paints."""

    def __init__(self, size: int = 128) -> None:
        super().__init__(size)
        self.batches: list[int] = []

    def paint(self, orders: Any, preview_every: int = 0) -> Any:
        self.batches.append(len(orders))
        return super().paint(orders, preview_every)


def room(painter: FakePainter | None = None, **parts: Any) -> Harness:
    writer, critic = parts.get("writer", FakeWriter()), parts.get("critic", FakeCritic())
    settings = Settings(images_per_round=4, budget=8)
    return Harness(Studio(writer, painter or FakePainter(128), critic, settings))


def never(_: Image.Image) -> tuple[bool, ...]:
    return (False, True)


def case(decide: Any = never, name: str = "made/up/1") -> Case:
    return Case(name, "made up", WISH, ("two cats", "a dog"), decide)


def bench(*words: str) -> int:
    return int(cli.bench(args=list(words), standalone_mode=False) or 0)
