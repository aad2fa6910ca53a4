"""Answers on their way out: fields for programs, words for a model, and a picture to look at."""

from __future__ import annotations

import base64

from mcp.types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from limner.agent.mcp.answers import ADDRESS, Answer, Fetched, JobState, Pictured
from limner.agent.mcp.preview import preview
from limner.agent.plain import clean, one_line, uncapped
from limner.agent.tools.service import IssuedCandidate, ToolRequest
from limner.errors import LimnerError

__all__ = ["of_job", "of_take", "refused", "told", "uri_of"]

_LONGEST_ERROR = 600  # characters


def told(said: str, answer: Answer, *more: ContentBlock) -> CallToolResult:
    """An answer in words and in fields, and what else goes with it."""
    text = TextContent(type="text", text=clean(said))
    return CallToolResult(content=[text, *more], structured_content=answer.model_dump(mode="json"))


def of_take(wish: ToolRequest, job: JobState | None = None) -> CallToolResult:
    """What came of a wish: what there is to say, a small picture, and where the whole file is.

    Where nothing was painted, there are only words. With a job, the answer tells of that, too.
    """
    kept = wish.answer
    picture = Pictured.model_validate({**wish.told, "uri": uri_of(kept), "file": str(kept.path)})
    answer = Fetched(job=job, picture=picture) if job else picture
    if not wish.shows:
        return told(wish.said, answer)
    content, kind = preview(kept.take.picture)
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
    lines = [wish.said, f"file: {kept.path} (sha256 {kept.sha256})", f"whole picture: {link.uri}"]
    if kept.session is not None:
        lines.append(f"all takes: {ADDRESS}gallery/{kept.session}")
    return told("\n".join(lines), answer, small, link)


def of_job(job: JobState, answer: Answer | None = None) -> CallToolResult:
    """How a job stands; `answer` are the fields to tell it in, where these are others."""
    line = f"job {job.job} is {job.state}: {job.doing} (seed {job.seed})"
    if job.take:
        line += f"; result gives take {job.take}"
    elif job.error:
        line += f" — {job.error}"
    return told(line, answer or job)


def refused(error: LimnerError) -> CallToolResult:
    """What went wrong and what to do about it, in one line."""
    hint = f" — {uncapped(error.hint)}" if error.hint else ""
    line = one_line(f"{uncapped(error.message)}{hint}", _LONGEST_ERROR)
    return CallToolResult(content=[TextContent(type="text", text=line)], is_error=True)


def uri_of(kept: IssuedCandidate) -> str:
    """Where a client finds the whole picture."""
    return f"{ADDRESS}takes/{kept.name}"
