"""A writer and a critic whose seconds are counted; the same question is put to the writer once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from PIL.Image import Image
from pydantic import PrivateAttr

from limner.benchmarks.arms.records import Cost
from limner.pipelines.roles import Critic, TaskWriter, World

__all__ = ["WatchedCritic", "WatchedWriter", "watched"]


class WatchedWriter(BaseChatModel):
    """Any writer, with a memory of what it answered within a case, and a clock.

    All arms start from the same brief, then; each is charged the seconds that it took.
    """

    holds_json: ClassVar[bool] = True
    name: str | None = None
    inner: BaseChatModel
    _kept: dict[str, tuple[str, float]] = PrivateAttr(default_factory=dict)
    _charged: Cost = PrivateAttr(default_factory=Cost)
    _real: float = PrivateAttr(default=0.0)

    @property
    def charged(self) -> Cost:
        """The seconds and calls of this trial."""
        return self._charged

    @property
    def real(self) -> float:
        """The seconds of this trial that were really spent."""
        return self._real

    def begin(self) -> None:
        """Start a trial's account."""
        self._charged, self._real = Cost(), 0.0

    def forget(self) -> None:
        """Forget every answer."""
        self._kept.clear()

    @property
    def _llm_type(self) -> str:
        return "limner-watched"

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
        self._charged.asked += 1
        if key in self._kept:
            text, seconds = self._kept[key]
            self._charged.writer += seconds
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
        self._charged.writer += seconds
        self._real += seconds
        self._kept[key] = "".join(pieces), seconds

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **settings))


class _WatchedTaskWriter(WatchedWriter):
    """The same of a writer that takes tasks as they are."""

    def write_task(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        """The inner writer's answer to a task."""
        key = json.dumps([task, dict(values), seed], sort_keys=True, default=str)
        inner: Any = self.inner
        yield from self._told(key, inner.write_task(task, values, seed))


def watched(writer: Any, name: str) -> WatchedWriter:
    """The writer, watched: one that takes tasks still takes them."""
    kind = _WatchedTaskWriter if isinstance(writer, TaskWriter) else WatchedWriter
    return kind(name=name, inner=writer)


class WatchedCritic:
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
