"""A painter that paints the same order once, and counts and times it every time it is ordered."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from PIL.Image import Image

from limner.benchmarks.arms.records import Cost
from limner.pipelines.roles import (
    GeneratedImage,
    ImageRequest,
    ImageStream,
    Painter,
    PainterSpec,
    Step,
)

__all__ = ["Easel"]


@dataclass(frozen=True, slots=True)
class _Kept:
    picture: Image
    seconds: float


class Easel:
    """Any painter, in batches of at most `batch`, with a memory of what it painted.

    Pictures come at the end and in the order of their orders, known or not.

    Arms often order the same picture. It is painted once, and whoever orders it again is charged
    its image-equivalents and its seconds all the same. (It is computed in the first one's company;
    in another, its last bits may differ.) Where previews are asked for, all is painted anew.
    """

    def __init__(self, painter: Painter, batch: int = 8) -> None:
        self.painter, self.batch = painter, batch
        self.name: str = painter.name
        self.dialect: PainterSpec = painter.dialect
        self.kept: dict[ImageRequest, _Kept] = {}
        self.charged, self.real = Cost(), 0.0
        self.marks: dict[ImageRequest, float] = {}

    def __getattr__(self, name: str) -> Any:
        """Whatever else the painter can do."""
        return getattr(self.painter, name)

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> ImageStream:
        """All orders: steps for those that are not known, then every picture."""
        return _Sitting(self, list(orders), preview_every)

    def cost(self, order: ImageRequest) -> float:
        """As the painter has it."""
        return self.painter.cost(order)

    def count_tokens(self, prompt: str) -> int:
        """As the painter has it."""
        return self.painter.count_tokens(prompt)

    def begin(self) -> None:
        """Start a trial's account."""
        self.charged, self.real, self.marks = Cost(), 0.0, {}
        self.dialect = self.painter.dialect

    def forget(self) -> None:
        """Forget every picture: the next case orders others."""
        self.kept.clear()

    def pictures(self, orders: Sequence[ImageRequest]) -> list[Image]:
        """The pictures of some orders, in their order."""
        found: dict[int, Image] = {}
        with closing(self.paint(orders)) as painting:
            found.update({d.index: d.picture for d in painting if isinstance(d, GeneratedImage)})
        return [found[index] for index in range(len(orders))]


class _Sitting:
    """Some orders at work, the unknown ones in real batches; see `roles.Painting`."""

    def __init__(self, easel: Easel, orders: list[ImageRequest], preview_every: int) -> None:
        self.spent = 0.0
        self._easel, self._orders, self._preview_every = easel, orders, preview_every
        self._dropped: set[int] = set()
        self._fresh: dict[int, Image] = {}
        self._now: tuple[ImageStream, list[int]] | None = None
        self._before, self._done = easel.charged.spent, set[int]()
        self._steps = self._work()

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        return self._steps

    def drop(self, index: int) -> None:
        """Spend nothing more on that order."""
        self._dropped.add(index)
        if self._now and index in self._now[1]:
            self._now[0].drop(self._now[1].index(index))

    def close(self) -> None:
        """Stop between two steps."""
        self._steps.close()

    def _work(self) -> Generator[Step | GeneratedImage, None, None]:
        every = range(len(self._orders))
        known = self._easel.kept
        new = [i for i in every if self._preview_every or self._orders[i] not in known]
        new = sorted({*new, *(i for i in every if not _named(self._orders[i]))})
        size = len(new) if self._preview_every else self._easel.batch
        try:
            for start in range(0, len(new), max(size, 1)):
                few = [i for i in new[start : start + size] if i not in self._dropped]
                yield from self._batch(few)
            for index in every:
                if index in self._fresh:
                    yield GeneratedImage(index, self._fresh[index])
                elif index not in new and index not in self._dropped:
                    yield self._again(index)
        finally:
            self._mark()

    def _batch(self, indices: list[int]) -> Generator[Step | GeneratedImage, None, None]:
        if not indices:
            return
        orders, done = [self._orders[i] for i in indices], list[GeneratedImage]()
        before, seconds = self.spent, 0.0
        with closing(self._easel.painter.paint(orders, self._preview_every)) as painting:
            self._now, steps = (painting, indices), iter(painting)
            try:
                while (told := _timed(steps)) is not None:
                    event, took = told
                    seconds += took
                    self._pay(before + painting.spent, took)
                    if isinstance(event, Step):
                        shown = {indices[i]: p for i, p in event.previews.items()}
                        yield replace(event, previews=shown)
                    else:
                        done.append(replace(event, index=indices[event.index]))
            finally:
                self._now = None
        for one in done:
            self._easel.kept[self._orders[one.index]] = _Kept(one.picture, seconds / len(done))
            self._done.add(one.index)
            self._fresh[one.index] = one.picture

    def _again(self, index: int) -> GeneratedImage:
        kept = self._easel.kept[self._orders[index]]
        cost = self._easel.cost(self._orders[index])
        self._easel.charged.painter += kept.seconds
        self._pay(self.spent + cost, 0.0)
        self._done.add(index)
        return GeneratedImage(index, kept.picture)

    def _mark(self) -> None:
        """Notes what this trial had spent when each picture was there; the first time counts."""
        for rank, index in enumerate(sorted(self._done), start=1):
            at = self._before + self.spent * rank / len(self._done)
            self._easel.marks.setdefault(self._orders[index], at)

    def _pay(self, spent: float, seconds: float) -> None:
        self._easel.charged.spent += spent - self.spent
        self._easel.charged.painter += seconds
        self._easel.real += seconds
        self.spent = spent


def _named(order: ImageRequest) -> bool:
    """Whether the order says all about its picture: of some that are painted over, none knows."""
    return order.start is None or order.start.order is not None


def _timed(steps: Iterator[Step | GeneratedImage]) -> tuple[Step | GeneratedImage, float] | None:
    start = time.perf_counter()
    event = next(steps, None)
    return None if event is None else (event, time.perf_counter() - start)
