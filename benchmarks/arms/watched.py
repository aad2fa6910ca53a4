"""A writer and a critic whose seconds are counted; the same question is put to the writer once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from PIL.Image import Image
from pydantic import PrivateAttr

from limner.benchmarks.arms.records import Cost
from limner.errors import LimnerError
from limner.pipelines.roles import Critic

__all__ = ["WatchedCritic", "WatchedWriter"]


class WatchedWriter(BaseChatModel):
    """Any writer, with a memory of what it answered within a case, and a clock.

    All arms start from the same brief, then; each is charged the seconds that it took.
    `rewords` False has it refuse to reword a prompt, as if it could not.
    """

    holds_json: ClassVar[bool] = True
    name: str | None = None
    inner: BaseChatModel
    rewords: bool = True
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
        self._charged, self._real, self.rewords = Cost(), 0.0, True

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
        if not self.rewords and messages[-1].text.startswith("prompt: "):
            raise LimnerError("This arm rewords nothing.")
        said = [[message.type, message.text] for message in messages]
        key = json.dumps([said, call], sort_keys=True, default=str)
        if key not in self._kept:
            yield from self._ask(key, messages, stop, call)
        else:
            text, seconds = self._kept[key]
            self._charged.writer += seconds
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        self._charged.asked += 1
        yield ChatGenerationChunk(message=AIMessageChunk(content="", chunk_position="last"))

    def _ask(
        self, key: str, messages: list[BaseMessage], stop: list[str] | None, call: dict[str, Any]
    ) -> Iterator[ChatGenerationChunk]:
        """The inner writer's answer; it is remembered once it was read to its end."""
        held = call if getattr(self.inner, "holds_json", False) else {}
        pieces, seconds, start = list[str](), 0.0, time.perf_counter()
        for piece in self.inner.stream(messages, stop=stop, **held):
            seconds += time.perf_counter() - start
            if piece.text:
                pieces.append(piece.text)
                yield ChatGenerationChunk(message=AIMessageChunk(content=piece.text))
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
