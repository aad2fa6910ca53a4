"""Models without weights: instant and repeatable; for tests, for docs and for `--profile fake`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from PIL import Image, ImageDraw
from pydantic import ConfigDict

from limner.errors import BadInput
from limner.pipelines.init_image import check, check_batch, pasted, runs
from limner.pipelines.roles import GeneratedImage, ImageRequest, PainterSpec, Step

__all__ = [
    "FakeCaller",
    "FakeCritic",
    "FakeImageStream",
    "FakePainter",
    "FakeWriter",
]


class FakeWriter(BaseChatModel):
    """Notes the request's own phrases, at its commas and small words, and repeats the request.

    `replies`, when given, are said instead, one after the other, the last for ever; with them a
    test can make it say anything. `pace` characters come at a time.
    """

    model_config = ConfigDict(extra="forbid")

    holds_json: ClassVar[bool] = True
    name: str | None = "fake"
    replies: tuple[str, ...] = ()
    pace: int = 16

    device: ClassVar[str] = "nowhere"

    @property
    def _llm_type(self) -> str:
        return "limner-fake"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **call: Any,
    ) -> Iterator[ChatGenerationChunk]:
        said = _answer(messages[-1].text, call.get("json_schema") or {})
        if self.replies:
            said = self.replies[0]
            self.replies = self.replies[1:] or self.replies
        for start in range(0, len(said), self.pace):
            yield ChatGenerationChunk(
                message=AIMessageChunk(content=said[start : start + self.pace])
            )
        yield ChatGenerationChunk(message=AIMessageChunk(content="", chunk_position="last"))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **settings))


class FakePainter:
    """Paints stripes that follow from the prompt and the seed alone, without delay.

    Over a picture they are as thick as the start's strength. `breaks_at` makes it fail at that
    step of every batch (1-based; 0: never).
    """

    device = "nowhere"

    def __init__(self, size: int = 64, steps: int = 4, breaks_at: int = 0) -> None:
        self.name = "fake"
        self.threads = 0  # it computes nothing with torch
        self.paints_anything = False
        self.spec = PainterSpec(
            size=(size, size), steps=steps, largest=512, starts=True, repairs=True
        )
        self.breaks_at = breaks_at

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
        """All orders in one batch.

        Raises `BadInput` for a side that 8 does not divide, and for a start that does not fit.
        """
        check_batch(orders)
        for order in orders:
            check(order, self.spec)
            self.cost(order)
        return FakeImageStream(self, list(orders), preview_every)

    def cost(self, order: ImageRequest) -> float:
        """Steps really done x area, over the native ones.

        Raises `BadInput` for a size it cannot paint.
        """
        for side in (order.width, order.height):
            if side % 8 or not 8 <= side <= self.spec.largest:
                raise BadInput(
                    f"The painter cannot paint {order.width} x {order.height}.",
                    "Sides are multiples of 8, up to 512.",
                )
        width, height = self.spec.size
        area = order.width * order.height / (width * height)
        return area * runs(order) / self.spec.steps

    def count_tokens(self, prompt: str) -> int:
        """One token for each word."""
        return len(prompt.split())


class FakeImageStream:
    """A batch of stripes at work; see `roles.Painting`."""

    def __init__(
        self, painter: FakePainter, orders: list[ImageRequest], preview_every: int
    ) -> None:
        self.spent = 0.0
        self.live = set(range(len(orders)))
        self._orders = orders
        self._steps = self._work(painter, preview_every)

    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        return self._steps

    def drop(self, index: int) -> None:
        """Spend nothing more on that order."""
        self.live.discard(index)

    def close(self) -> None:
        """Stop between two steps."""
        self._steps.close()

    def _work(
        self, painter: FakePainter, preview_every: int
    ) -> Generator[Step | GeneratedImage, None, None]:
        of = runs(self._orders[0])
        for number in range(1, of + 1):
            if not self.live:
                return
            if number == painter.breaks_at:
                raise RuntimeError("the brush broke")
            self.spent += sum(painter.cost(self._orders[i]) for i in self.live) / of
            shown = preview_every and number % preview_every == 0
            previews = {i: _stripes(self._orders[i]) for i in sorted(self.live)} if shown else {}
            yield Step(number, of, previews)
        for index in sorted(self.live):
            yield GeneratedImage(index, _stripes(self._orders[index]))


class FakeCritic:
    """Draws the probability of each claim from the picture and the text, 3 in 4 of them above half.

    `scores`, when given, are handed out instead: a row for each new picture in the order of
    looking, the last row for ever; within a row the last number goes for all further claims.
    """

    def __init__(self, scores: Sequence[Sequence[float]] = ()) -> None:
        self.name = "fake"
        self.scores = [list(row) for row in scores]
        self._handed: dict[bytes, list[float]] = {}

    def look(
        self,
        pictures: Sequence[Image.Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        """A probability for each claim of each picture, the same for the same pixels and words."""
        if not all(foils):
            raise BadInput("A claim without foils cannot be weighed.", "Give it at least one foil.")
        return [self._row(picture, claims) for picture in pictures]

    def _row(self, picture: Image.Image, claims: Sequence[str]) -> list[float]:
        seen = picture.convert("RGB").tobytes()
        if not self.scores:
            return [min(1.0, 0.33 + _chance(seen, claim.encode()) * 0.68) for claim in claims]
        if seen not in self._handed:
            self._handed[seen] = self.scores[0]
            self.scores = self.scores[1:] or self.scores
        row = self._handed[seen]
        return (row + row[-1:] * len(claims))[: len(claims)]


def _chance(*parts: bytes) -> float:
    """A number in 0..1 that follows from the bytes alone."""
    digest = hashlib.sha256(b"\0".join(parts)).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _stripes(order: ImageRequest) -> Image.Image:
    picture = Image.new("RGB", (order.width, order.height))
    pen, wide = ImageDraw.Draw(picture), max(1, order.width // 8)
    for i in range(0, order.width, wide):
        digest = hashlib.sha256(f"{order.prompt}|{order.seed}|{i // wide}".encode()).digest()
        pen.rectangle((i, 0, i + wide, order.height), fill=(digest[0], digest[1], digest[2]))
    start = order.start
    if start and start.picture:
        before = start.picture.convert("RGB")
        picture = Image.blend(before, picture, start.strength)
    return pasted(start, picture)


def _answer(message: str, schema: dict[str, Any]) -> str:
    """The JSON that answers one of limner's tasks, told by the form that is asked for."""
    lines = {key.casefold(): text.strip() for key, _, text in _pairs(message)}
    line = lines.get("line") or lines.get("request") or message.rpartition("\n")[2]
    if calls := [call["properties"]["tool"]["enum"] for call in schema.get("anyOf", ())]:
        return _json(_call(line, ["edit"] in calls))
    if "asked" in schema.get("properties", {}):
        return _json({"asked": _asked(line), "prompt": line})
    if "wrong" in lines:
        wrong = re.sub(r" \(looks like: [^)]*\)", "", lines["wrong"]).split("; ")
        told = " and ".join(_phrases(wrong))
        return _json({"prompt": f"{lines.get('description', '')}, really {told}"})
    if "statements" in lines:
        return _json(
            {"prompt": ", ".join(_phrases(message.partition("\nBefore: ")[0].split("\n")))}
        )
    return _json({"prompt": line})


def _pairs(message: str) -> Iterator[tuple[str, str, str]]:
    return (line.strip().partition(":") for line in message.split("\n"))


def _phrases(statements: Sequence[str]) -> list[str]:
    """What the statements say is shown."""
    shown = (said for said in statements if not said.startswith(("There is no ", "Statements:")))
    return [said.removeprefix("The picture shows ").rstrip(".") for said in shown]


def _call(line: str, begun: bool) -> dict[str, Any]:
    if not begun:
        return {"tool": "draw", "request": line}
    return {"tool": "edit", "add": _asked(line), "remove": [], "change": [], "instruction": line}


def _asked(request: str) -> list[dict[str, str]]:
    """Each run of words between commas and small words, as it was said."""
    found = re.split(rf"[^\w\s'-]+|(?:(?<=\s)|^)(?:{_SMALL})(?=\s|$)", request, flags=re.IGNORECASE)
    phrases = [phrase.strip() for phrase in found if phrase.strip()]
    return [
        {"quote": phrase, "text": f"The picture shows {phrase}.", "kind": "other"}
        for phrase in dict.fromkeys(phrases)
    ]


_SMALL = "a|an|the|of|in|on|at|and|with|make|it|is|are|but|or|to|by|one"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class FakeCaller(BaseChatModel):
    """Makes the next of its `calls` (a tool's name and arguments) at each turn, then says `last`.

    It counts the calls in the conversation, and so can be asked again.
    """

    model_config = ConfigDict(extra="forbid")

    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    last: str = "That is all."

    @property
    def _llm_type(self) -> str:
        return "limner-fake-caller"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **_: Any
    ) -> Runnable[Any, AIMessage]:
        """The same model: its script knows the tools."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> ChatResult:
        made = sum(isinstance(m, AIMessage) and bool(m.tool_calls) for m in messages)
        said = AIMessage(self.last)
        if made < len(self.calls):
            name, args = self.calls[made]
            said = AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call_{made}"}])
        return ChatResult(generations=[ChatGeneration(message=said)])
