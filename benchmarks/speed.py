"""How much faster each of a painter's own settings makes it, on this machine.

`limner bench speed` opens the painter twice, without and with a setting, and lets both paint the
same pictures in turns, so that whatever else the machine does falls on both. On a CPU it takes the
processor's time of this process alone, which others that share the CPU hardly change.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL.Image import Image

from limner.agent.archive.pictures import difference
from limner.benchmarks.overhead import AT_ONCE, REQUEST, SEED, in_turns
from limner.errors import BadInput
from limner.pipelines.registry import open_painter
from limner.pipelines.roles import GeneratedImage, ImageRequest, Painter

__all__ = ["Gain", "gains"]

BATCHES = (1, AT_ONCE)


@dataclass(frozen=True, slots=True)
class Gain:
    """What a setting did: how many times as fast a batch of each size was painted with it.

    `apart` is the largest difference of any pixel, of 255; `first` how many seconds the first batch
    of each size took, with all that is done once. `refused` says why nothing was measured.
    """

    setting: str
    ratios: tuple[float, ...] = ()
    apart: int = 0
    first: float = 0.0
    refused: str = ""


def gains(
    spec: str | Path,
    settings: Mapping[str, Any],
    tried: Sequence[Mapping[str, Any]],
    repeat: int,
) -> Iterator[Gain]:
    """What each of the settings does to that painter, beside those that it has anyway."""
    plain = open_painter(spec, dict(settings))
    for one in tried:
        said = ", ".join(f"{key}: {value}".lower() for key, value in one.items())
        try:
            fast = open_painter(spec, {**settings, **one})
        except BadInput as problem:
            yield Gain(said, refused=problem.message)
        else:
            yield _gain(said, plain, fast, repeat)


def _gain(said: str, plain: Painter, fast: Painter, repeat: int) -> Gain:
    ratios, apart, first = list[float](), 0, 0.0
    clock = time.process_time if getattr(plain, "device", "") == "cpu" else time.perf_counter
    for size in BATCHES:
        orders = _orders(plain, size)
        works = [partial(_painted, who, orders) for who in (plain, fast)]
        start = time.perf_counter()
        made = works[1]()
        first += time.perf_counter() - start
        slow, quick = in_turns(works, repeat, clock)
        ratios.append(slow / quick)
        pairs = zip(works[0](), made, strict=True)
        apart = max(apart, *(difference(before, after) for before, after in pairs))
    return Gain(said, tuple(ratios), apart, first)


def _orders(painter: Painter, size: int) -> list[ImageRequest]:
    of = painter.dialect
    seeds = range(SEED, SEED + size)
    return [ImageRequest(REQUEST, seed, *of.size, of.steps, of.guidance) for seed in seeds]


def _painted(painter: Painter, orders: Sequence[ImageRequest]) -> list[Image]:
    with closing(painter.paint(orders)) as painting:
        return [done.picture for done in painting if isinstance(done, GeneratedImage)]
