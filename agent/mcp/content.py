"""Answers on their way out: fields for programs, words for a model, and a picture to look at."""

from __future__ import annotations

import base64
import io
from typing import Any

from mcp.types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from PIL import Image
from pydantic import ConfigDict, with_config

from limner.agent.plain import clean, one_line, uncapped
from limner.agent.scoring.inputs import without_metadata
from limner.agent.tools.outputs import PictureJson
from limner.agent.tools.toolset import ToolAnswer
from limner.agent.tools.turns import IssuedCandidate
from limner.errors import LimnerError
from limner.pipelines import finish

__all__ = [
    "ADDRESS",
    "LARGEST_PREVIEW",
    "PictureAnswer",
    "answer_of",
    "error_result",
    "picture_fields",
    "preview",
    "text_result",
    "uri_of",
]

ADDRESS = "limner://"
LARGEST_PREVIEW = 200_000  # bytes of a preview; hosts refuse results of more than 1 MB in all
_LONGEST_ERROR = 600  # characters
_SIDE, _SMALLEST = 768, 64  # pixels


@with_config(ConfigDict(extra="forbid"))
class PictureAnswer(PictureJson):
    """The same with `uri`, the address of the whole picture as a resource."""

    uri: str


def text_result(text: str, fields: dict[str, Any], *more: ContentBlock) -> CallToolResult:
    """An answer in words and in fields, and what else goes with it."""
    said = TextContent(type="text", text=clean(text))
    return CallToolResult(content=[said, *more], structured_content=fields)


def picture_fields(answer: ToolAnswer) -> dict[str, Any]:
    """The fields of an answer; of one about a take, with its address."""
    uri = {"uri": uri_of(answer.request.answer)} if answer.request else {}
    return {**answer.fields, **uri}


def answer_of(answer: ToolAnswer, fields: dict[str, Any] | None = None) -> CallToolResult:
    """What a tool answers: words, and where there is a picture to see, that and its address.

    `fields` are the whole answer, where that is more.
    """
    fields = fields or picture_fields(answer)
    if answer.request is None or not answer.request.shows:
        return text_result(answer.text, fields)
    kept = answer.request.answer
    content, kind = preview(finish.apply(kept.take.picture, kept.finishes))
    small = ImageContent(
        type="image", data=base64.b64encode(content).decode("ascii"), mime_type=kind
    )
    link = ResourceLink(
        type="resource_link",
        uri=uri_of(kept),
        name=kept.name,
        title=one_line(kept.words, 80),
        mime_type="image/png",
        size=kept.path.stat().st_size if kept.path.is_file() else None,
    )
    lines = [answer.text, f"file: {kept.path} (sha256 {kept.sha256})", f"whole picture: {link.uri}"]
    return text_result("\n".join(lines), fields, small, link)


def error_result(error: LimnerError) -> CallToolResult:
    """What went wrong and what to do about it, in one line."""
    hint = f" — {uncapped(error.hint)}" if error.hint else ""
    line = one_line(f"{uncapped(error.message)}{hint}", _LONGEST_ERROR)
    return CallToolResult(content=[TextContent(type="text", text=line)], is_error=True)


def uri_of(kept: IssuedCandidate) -> str:
    """Where a client finds the whole picture."""
    return f"{ADDRESS}takes/{kept.name}"


def preview(picture: Image.Image, largest: int = LARGEST_PREVIEW) -> tuple[bytes, str]:
    """The picture as a small file of at most `largest` bytes, and its media type.

    It holds pixels and nothing else. PNG where that is small enough, else JPEG.
    """
    small = without_metadata(picture)
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    if len(content := _file(small, "PNG")) <= largest:
        return content, "image/png"
    while True:
        for quality in (88, 75, 60, 40):
            content = _file(small, "JPEG", quality=quality)
            if len(content) <= largest or max(small.size) <= _SMALLEST:
                return content, "image/jpeg"
        small.thumbnail((small.width * 3 // 4, small.height * 3 // 4))


def _file(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, optimize=True, **options)
    return buffer.getvalue()
