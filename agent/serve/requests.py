"""What callers may send: OpenAI's fields, checked strictly, and a few of limner's own."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from limner.agent.brief.prompt import sized
from limner.agent.search.run import Limits, pixels
from limner.agent.tools.arguments import Budget, RequestText, Seconds, Seed
from limner.errors import BadInput
from limner.pipelines.roles import PainterSpec

__all__ = ["ChatBody", "EditBody", "ImageBody", "Message", "fitted_limits"]


def _size(text: str) -> str:
    if not re.fullmatch(r"auto|[1-9]\d{0,3}x[1-9]\d{0,3}", text):
        raise ValueError("send auto, or width x height in pixels, such as 1024x1024")
    return text


Size = Annotated[str, AfterValidator(_size), Field(description="WxH in pixels, or auto.")]
Quality = Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"]
Model = Annotated[str, Field(max_length=200, description="Any name: it is this server's model.")]

_OPENAI_SIZES = {
    *("256x256", "512x512", "1024x1024"),
    *("1536x1024", "1024x1536", "1792x1024", "1024x1792"),
}
_MOST = 2.5  # times the painter's own pixels, up to which an OpenAI size is painted as it is


class _Body(BaseModel):
    """A field that nobody reads is a mistake; one that is null or "" was left out."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_unset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        kept = ("prompt", "messages")
        return {k: v for k, v in given.items() if v is not None and (v != "" or k in kept)}


class _Painting(_Body):
    """What a picture may be like and cost, whichever way it is asked for."""

    prompt: RequestText
    model: Model | None = None
    n: Annotated[int, Field(ge=1, le=10, description="The best so many pictures.")] = 1
    size: Size | None = None
    response_format: Literal["b64_json", "url"] = "b64_json"
    quality: Quality | None = None
    background: Literal["auto", "opaque"] | None = None
    output_format: Literal["png"] | None = None
    moderation: Literal["auto", "low"] | None = None
    user: Annotated[str | None, Field(max_length=512)] = None
    safety_identifier: Annotated[str | None, Field(max_length=512)] = None
    stream: bool = False
    partial_images: Annotated[int, Field(ge=0, le=3)] = 0
    seed: Seed | None = None
    budget: Budget | None = None
    seconds: Seconds | None = None


class ImageBody(_Painting):
    """A picture of `prompt`. `quality` "low" paints once and rewords nothing."""

    style: Literal["vivid", "natural"] | None = None


class EditBody(_Painting):
    """A picture that limner painted, with what should be different."""

    input_fidelity: Literal["low", "high"] | None = None


class Message(BaseModel):
    """One message of a conversation; what else a client notes in it is not looked at."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, Field(max_length=200_000)] | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """What it says. Raises `BadInput` for a message with anything but text in it."""
        if not isinstance(self.content, list):
            return self.content or ""
        if any(not isinstance(part.get("text"), str) for part in self.content):
            raise BadInput(
                "Only text can be read in a message.", "Send a picture to /v1/images/edits."
            )
        return "\n".join(part["text"] for part in self.content)


class ChatBody(_Body):
    """A conversation so far. Settings for sampling text have nothing to act on here."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    messages: Annotated[list[Message], Field(min_length=1, max_length=500)]
    model: Model | None = None
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    n: Literal[1] | None = None
    seed: Seed | None = None
    budget: Budget | None = None
    seconds: Seconds | None = None
    size: Size | None = None


def fitted_limits(body: _Painting | ChatBody, spec: PainterSpec) -> tuple[Limits, str]:
    """What the asked may cost, as the studio takes it; and a line where the size is another.

    Of the sizes that OpenAI's clients send, those far beyond the painter's own are taken as a
    shape: it paints its own number of pixels in it. Any other size is taken as it is.
    """
    size, note = None, ""
    if body.size not in (None, "auto"):
        size = pixels(body.size)
    if size and body.size in _OPENAI_SIZES:
        width, height = size
        too_many = width * height > _MOST * spec.size[0] * spec.size[1]
        if too_many or max(size) > spec.largest or any(side % spec.multiple for side in size):
            size = sized(width, height, spec)
            note = (
                f"painted {size[0]}x{size[1]}: this painter's own size, in the shape of {body.size}"
            )
    return Limits(budget=body.budget, seconds=body.seconds, size=size), note
