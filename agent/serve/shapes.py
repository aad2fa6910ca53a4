"""What callers may send: OpenAI's fields, checked strictly, and a few of limner's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from limner.agent.plain import LONGEST_REQUEST
from limner.agent.search.run import Limits
from limner.agent.tools.arguments import pixels
from limner.errors import BadInput

__all__ = ["ChatAsked", "EditAsked", "ImageAsked", "Message", "limits_of"]

_SIZE = r"^(auto|[1-9]\d{0,4}x[1-9]\d{0,4})$"

Prompt = Annotated[str, Field(min_length=1, max_length=LONGEST_REQUEST)]
Quality = Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"]
Seed = Annotated[int, Field(ge=0, lt=2**32, description="limner's: same seed, same picture.")]
Budget = Annotated[
    float, Field(gt=0, le=256, description="limner's: pictures' worth of painting, at most.")
]
Seconds = Annotated[float, Field(gt=0, le=86_400, description="limner's: at most this long.")]


class _Asked(BaseModel):
    """A field that nobody reads is a mistake, and is told."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Limited(_Asked):
    """What the picture may be like and cost, whichever way it is asked for."""

    prompt: Prompt
    model: Annotated[str | None, Field(max_length=200)] = None
    n: Annotated[int, Field(ge=1, le=10, description="The best so many takes.")] = 1
    size: Annotated[str | None, Field(pattern=_SIZE, description="WxH in pixels, or auto.")] = None
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


class ImageAsked(_Limited):
    """A picture of `prompt`. `quality` "low" paints once and rewords nothing."""

    style: Literal["vivid", "natural"] | None = None


class EditAsked(_Limited):
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


class ChatAsked(BaseModel):
    """A conversation so far. Settings for sampling text have nothing to act on here."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    messages: Annotated[list[Message], Field(min_length=1, max_length=500)]
    model: Annotated[str | None, Field(max_length=200)] = None
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    n: Literal[1] | None = None
    seed: Seed | None = None
    budget: Budget | None = None
    seconds: Seconds | None = None
    size: Annotated[str | None, Field(pattern=_SIZE)] = None


def limits_of(asked: _Limited | ChatAsked) -> Limits:
    """What the asked may cost, as the studio takes it."""
    size = None if asked.size in (None, "auto") else pixels(asked.size)
    return Limits(budget=asked.budget, seconds=asked.seconds, size=size)
