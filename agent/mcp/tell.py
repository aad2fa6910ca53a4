"""Answers on their way out: fields for programs, words for a model, and a picture to look at."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from mcp.types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from limner.agent.desk.handed_out import Kept
from limner.agent.mcp.answers import (
    Answer,
    Briefed,
    Checked,
    Described,
    Fetched,
    JobState,
    Pictured,
    Scored,
    pictured,
    uri_of,
)
from limner.agent.mcp.preview import preview
from limner.agent.plain import one_line, uncapped
from limner.errors import LimnerError

__all__ = ["refused", "showing", "told"]

_LONGEST_ERROR = 600  # characters


def told(answer: Answer, *more: ContentBlock) -> CallToolResult:
    """An answer in words and in fields, and what else goes with it."""
    text = TextContent(type="text", text=_words(answer))
    fields = answer.model_dump(mode="json")
    return CallToolResult(content=[text, *more], structured_content=fields)


def showing(kept: Kept, job: JobState | None = None) -> CallToolResult:
    """A picture that was painted here: what it is, a small copy, and where the whole file is.

    With a job, the answer tells of that, too.
    """
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
    picture = pictured(kept)
    return told(Fetched(job=job, picture=picture) if job else picture, small, link)


def refused(error: LimnerError) -> CallToolResult:
    """What went wrong and what to do about it, in one line."""
    hint = f" — {uncapped(error.hint)}" if error.hint else ""
    line = one_line(f"{uncapped(error.message)}{hint}", _LONGEST_ERROR)
    return CallToolResult(content=[TextContent(type="text", text=line)], is_error=True)


def _words(answer: Answer) -> str:
    match answer:
        case Pictured():
            return "\n".join(_pictured(answer))
        case Scored():
            return "\n".join([f"{_holding(answer.claims)}:", *_claims(answer.claims)])
        case Described():
            return f"take {answer.take}, of: {answer.request}\n{answer.description}"
        case Briefed():
            return "\n".join(_briefed(answer))
        case JobState():
            return _standing(answer)
        case Fetched():
            return _words(answer.picture or answer.job)
    return answer.model_dump_json()


def _pictured(answer: Pictured) -> list[str]:
    size = f"{answer.width} x {answer.height} pixels"
    lines = [
        f"take {answer.take}, seed {answer.seed}, {size}: {_holding(answer.claims)}",
        *_claims(answer.claims),
        f"prompt: {answer.prompt}",
        f"ended: {answer.ended}; takes: {answer.takes}; rounds: {answer.rounds}",
        f"file: {answer.file} (sha256 {answer.sha256})",
        f"whole picture: {answer.uri}",
    ]
    if answer.session is not None:
        lines.append(f"all takes: limner://gallery/{answer.session}")
    return lines + [f"note: {note}" for note in answer.notes]


def _briefed(answer: Briefed) -> list[str]:
    lines = [f"prompt: {answer.prompt}", f"seed: {answer.seed}"]
    lines += [f"claim: {claim}" for claim in answer.claims]
    lines += [f"must not be there: {name}" for name in answer.avoid]
    return lines + [f"note: {note}" for note in answer.notes]


def _standing(answer: JobState) -> str:
    line = f"job {answer.job} is {answer.state}: {answer.doing} (seed {answer.seed})"
    if answer.take:
        return f"{line}; result gives take {answer.take}"
    return f"{line} — {answer.error}" if answer.error else line


def _holding(claims: Sequence[Checked]) -> str:
    holds = sum(bool(claim.holds) for claim in claims)
    return f"{holds} of {len(claims)} claims hold" if claims else "it makes no claim"


def _claims(claims: Sequence[Checked]) -> list[str]:
    marks = {True: "holds", False: "does not hold", None: "not checked"}
    return [
        f"- {claim.text}: {marks[claim.holds]}"
        + ("" if claim.probability is None else f" ({claim.probability:.2f})")
        for claim in claims
    ]
