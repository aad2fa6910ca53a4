"""A painter, a writer and a critic that are timed and charged, and asked the same thing once.

Arms often order the same picture, or put the same question. It is answered once, and whoever asks
again is charged its image-equivalents and its seconds all the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from PIL.Image import Image
from pydantic import Field, PrivateAttr

from limner.pipelines.roles import (
    Critic,
    GeneratedImage,
    ImageRequest,
    ImageStream,
    Painter,
    PainterSpec,
    Step,
    TaskWriter,
    World,
)

__all__ = ["Cost", "MeteredCritic", "MeteredPainter", "MeteredWriter", "metered_writer"]


@dataclass(slots=True)
class Cost:
    """What a trial took: image-equivalents, seconds of each model and of everything, and calls."""

    spent: float = 0.0
    writer: float = 0.0
    painter: float = 0.0
    critic: float = 0.0
    whole: float = 0.0
    asked: int = 0


class MeteredPainter:
    """Any painter, in batches of at most `batch`, with a memory of what it painted.

    Pictures come at the end and in the order of their orders, known or not. (A picture is computed
    in the first one's company; in another, its last bits may differ.) Where previews are asked for,
    all is painted anew. `marks` is what a trial had spent when each picture was there.
    """

    def __init__(self, painter: Painter, batch: int = 8) -> None:
        self.painter, self.batch = painter, batch
        self.name: str = painter.name
        self.spec: PainterSpec = painter.spec
        self.kept: dict[ImageRequest, tuple[Image, float]] = {}
        self.charged, self.real = Cost(), 0.0
        self.marks: dict[ImageRequest, float] = {}

    def __getattr__(self, name: str) -> Any:
        """Whatever else the painter can do."""
        return getattr(self.painter, name)

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> ImageStream:
        """All orders: steps for those that are not known, then every picture."""
        return _MeteredPainting(self, list(orders), preview_every)

    def cost(self, order: ImageRequest) -> float:
        """As the painter has it."""
        return self.painter.cost(order)

    def count_tokens(self, prompt: str) -> int:
        """As the painter has it."""
        return self.painter.count_tokens(prompt)

    def begin(self) -> None:
        """Start a trial's account."""
        self.charged, self.real, self.marks = Cost(), 0.0, {}
        self.spec = self.painter.spec

    def forget(self) -> None:
        """Forget every picture."""
        self.kept.clear()

    def pictures(self, orders: Sequence[ImageRequest]) -> list[Image]:
        """The pictures of some orders, in their order."""
        with closing(self.paint(orders)) as painting:
            found = {d.index: d.picture for d in painting if isinstance(d, GeneratedImage)}
        return [found[index] for index in range(len(orders))]


class _MeteredPainting:
    """Some orders at work, the unknown ones in real batches; see `roles.ImageStream`."""

    def __init__(
        self, meter: MeteredPainter, orders: list[ImageRequest], preview_every: int
    ) -> None:
        self.spent = 0.0
        self._meter, self._orders, self._preview_every = meter, orders, preview_every
        self._before = meter.charged.spent
        self._dropped, self._done = set[int](), set[int]()
        self._fresh: dict[int, Image] = {}
        self._now: tuple[ImageStream, list[int]] | None = None
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
        new = [i for i, order in enumerate(self._orders) if self._unknown(order)]
        size = len(new) if self._preview_every else self._meter.batch
        try:
            for start in range(0, len(new), max(size, 1)):
                few = [i for i in new[start : start + size] if i not in self._dropped]
                yield from self._batch(few)
            for index, order in enumerate(self._orders):
                if index in self._fresh:
                    yield GeneratedImage(index, self._fresh[index])
                elif index not in new and index not in self._dropped:
                    picture, seconds = self._meter.kept[order]
                    self._meter.charged.painter += seconds
                    self._pay(self.spent + self._meter.cost(order), 0.0)
                    self._done.add(index)
                    yield GeneratedImage(index, picture)
        finally:  # what this trial had spent when each picture was there; the first time counts
            for rank, index in enumerate(sorted(self._done), start=1):
                at = self._before + self.spent * rank / len(self._done)
                self._meter.marks.setdefault(self._orders[index], at)

    def _unknown(self, order: ImageRequest) -> bool:
        """Whether it must be painted; an order over a picture of no known order says too little."""
        nameless = order.start is not None and order.start.image_request is None
        return bool(self._preview_every) or nameless or order not in self._meter.kept

    def _batch(self, indices: list[int]) -> Generator[Step | GeneratedImage, None, None]:
        if not indices:
            return
        orders, done = [self._orders[i] for i in indices], list[GeneratedImage]()
        before, seconds = self.spent, 0.0
        with closing(self._meter.painter.paint(orders, self._preview_every)) as painting:
            self._now, steps = (painting, indices), iter(painting)
            try:
                while True:
                    start = time.perf_counter()
                    event = next(steps, None)
                    if event is None:
                        break
                    took = time.perf_counter() - start
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
            self._meter.kept[self._orders[one.index]] = one.picture, seconds / len(done)
            self._done.add(one.index)
            self._fresh[one.index] = one.picture

    def _pay(self, spent: float, seconds: float) -> None:
        self._meter.charged.spent += spent - self.spent
        self._meter.charged.painter += seconds
        self._meter.real += seconds
        self.spent = spent


class MeteredWriter(BaseChatModel):
    """Any writer, with a memory of what it answered within a case, and a clock.

    All arms start from the same brief, then. `charged` and `real` are the seconds and calls of a
    trial, and the seconds of it that were really spent.
    """

    holds_json: ClassVar[bool] = True
    name: str | None = None
    inner: BaseChatModel
    charged: Cost = Field(default_factory=Cost)
    real: float = 0.0
    _kept: dict[str, tuple[str, float]] = PrivateAttr(default_factory=dict)

    def begin(self) -> None:
        """Start a trial's account."""
        self.charged, self.real = Cost(), 0.0

    def forget(self) -> None:
        """Forget every answer."""
        self._kept.clear()

    @property
    def _llm_type(self) -> str:
        return "limner-metered"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **call: Any,
    ) -> Iterator[ChatGenerationChunk]:
        said = [[message.type, message.text] for message in messages]
        held = call if getattr(self.inner, "holds_json", False) else {}
        key = json.dumps([said, call], sort_keys=True, default=str)
        pieces = (p.text for p in self.inner.stream(messages, stop=stop, **held))
        for text in self._told(key, pieces):
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        yield ChatGenerationChunk(message=AIMessageChunk(content="", chunk_position="last"))

    def _told(self, key: str, answer: Iterator[str]) -> Iterator[str]:
        """The inner writer's answer; it is remembered once it was read to its end."""
        self.charged.asked += 1
        if key in self._kept:
            text, seconds = self._kept[key]
            self.charged.writer += seconds
            yield text
            return
        pieces, seconds, start = list[str](), 0.0, time.perf_counter()
        for piece in answer:
            seconds += time.perf_counter() - start
            if piece:
                pieces.append(piece)
                yield piece
            start = time.perf_counter()
        seconds += time.perf_counter() - start
        self.charged.writer += seconds
        self.real += seconds
        self._kept[key] = "".join(pieces), seconds

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **settings))


class _MeteredTaskWriter(MeteredWriter):
    """The same of a writer that takes tasks as they are."""

    def write_task(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        """The inner writer's answer to a task."""
        key = json.dumps([task, dict(values), seed], sort_keys=True, default=str)
        inner: Any = self.inner
        yield from self._told(key, inner.write_task(task, values, seed))


def metered_writer(writer: Any, name: str) -> MeteredWriter:
    """The writer, metered: one that takes tasks still takes them."""
    kind = _MeteredTaskWriter if isinstance(writer, TaskWriter) else MeteredWriter
    return kind(name=name, inner=writer)


class MeteredCritic:
    """Any critic, with a clock; `instead`, where given, looks in its place."""

    def __init__(self, critic: Critic) -> None:
        self.critic = critic
        self.name: str = critic.name
        self.charged, self.real = Cost(), 0.0
        self.instead: Critic | None = None

    def __getattr__(self, name: str) -> Any:
        """Whatever else the critic can do."""
        return getattr(self.critic, name)

    @property
    def world(self) -> World | None:
        """What whoever looks was taught to look at; see `roles.World`."""
        return getattr(self.instead or self.critic, "world", None)

    def begin(self) -> None:
        """Start a trial's account."""
        self.charged, self.real, self.instead = Cost(), 0.0, None

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """As the critic has it."""
        start = time.perf_counter()
        rows = (self.instead or self.critic).look(pictures, claims, foils)
        took = time.perf_counter() - start
        self.charged.critic += took
        self.real += took
        return rows
