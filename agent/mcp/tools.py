"""The tools that limner offers to assistants: what each is called, told, given and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp.types import CallToolResult, Tool, ToolAnnotations
from pydantic import ValidationError

from limner.agent.mcp import calls
from limner.agent.mcp.answers import (
    Answer,
    Briefed,
    Fetched,
    JobState,
    Pictured,
    Scored,
)
from limner.agent.mcp.asks import (
    Ask,
    AskBrief,
    AskJob,
    AskPicture,
    AskRefined,
    AskResult,
    AskScore,
    AskStart,
    AskTake,
)
from limner.agent.mcp.calls import Progress
from limner.agent.mcp.room import ServerState
from limner.errors import BadInput

__all__ = ["OFFERS", "ToolOffer", "listed"]


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """One tool: its words, the forms of its arguments and its answer, and what it does."""

    name: str
    title: str
    description: str
    ask: type[Ask]
    answer: type[Answer]
    do: Callable[[ServerState, Any, Progress], Awaitable[CallToolResult]]
    paints: bool = False

    def read(self, arguments: dict[str, Any] | None) -> Ask:
        """The arguments, checked. Raises `BadInput` with what is wrong with the first of them."""
        try:
            return self.ask.model_validate(arguments or {})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part)[:40] for part in first["loc"]) or "the arguments"
            there = ", ".join(self.ask.model_fields)
            raise BadInput(f"{where}: {first['msg']}", f"{self.name} takes: {there}") from None

    @property
    def tool(self) -> Tool:
        """As it is listed."""
        return Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=_plain(self.ask.model_json_schema()),
            output_schema=self.answer.model_json_schema(),
            annotations=ToolAnnotations(
                read_only_hint=not self.paints,
                destructive_hint=False,
                idempotent_hint=not self.paints,
                open_world_hint=False,
            ),
        )


OFFERS: tuple[ToolOffer, ...] = (
    ToolOffer(
        "imagine",
        "Paint a picture",
        "Paints a picture of a request on this machine: expands the request into a prompt, paints "
        "several takes, checks each against what was asked, rewords what failed, and returns the "
        "best take with its verdict, a preview, its seed and a link to the whole PNG. "
        "Takes from seconds to minutes and tells how far it is; where calls may not last that "
        "long, use start, status and result. Pass the request in the user's own words.",
        AskPicture,
        Pictured,
        calls.painted,
        paints=True,
    ),
    ToolOffer(
        "refine_image",
        "Say something to a picture",
        "Does what one line says about a take: paints it anew with a change and leaves the rest as "
        "it is ('make it night', 'without the hat'), finishes it ('brighter'), or answers a "
        "question about it without painting. take is the id that imagine or the gallery gave. "
        "Where limner asks back, choices are the answers: call it again with the whole change.",
        AskRefined,
        Pictured,
        calls.painted,
        paints=True,
    ),
    ToolOffer(
        "score_image",
        "Check statements about a picture",
        "Says how probable each statement is of a picture, from 0 to 1, as limner's critic sees "
        "it. Give a take's id, or a picture in base64. Short, single statements work best.",
        AskScore,
        Scored,
        calls.score_image,
    ),
    ToolOffer(
        "expand_prompt",
        "Write a prompt",
        "Turns a request into the prompt that limner would paint, and the claims that it would "
        "check, without painting anything; says what of it can't be checked or shown.",
        AskBrief,
        Briefed,
        calls.expand_prompt,
    ),
    ToolOffer(
        "describe_take",
        "Describe a picture",
        "Says what a take shows as far as limner's critic sees it, and how it was made.",
        AskTake,
        Pictured,
        calls.describe_take,
    ),
    ToolOffer(
        "start",
        "Start painting",
        "As imagine, but returns a job's id at once; with take, as refine_image. Then ask status "
        "now and again, and fetch the picture with result.",
        AskStart,
        JobState,
        calls.start,
        paints=True,
    ),
    ToolOffer(
        "status",
        "See how a job stands",
        "Says whether a job waits, runs, is done, failed or was cancelled, and how far it is.",
        AskJob,
        JobState,
        calls.status,
    ),
    ToolOffer(
        "result",
        "Fetch a job's picture",
        "Waits up to so many seconds for a job and returns its picture as imagine does, also the "
        "best take of a cancelled one; if it has not ended by then, how it stands.",
        AskResult,
        Fetched,
        calls.result,
    ),
    ToolOffer(
        "cancel",
        "Stop a job",
        "Stops a job between two painting steps. The best take so far is kept for result.",
        AskJob,
        JobState,
        calls.cancel,
        paints=True,
    ),
)


def listed() -> list[Tool]:
    """All tools, as they are listed; always the same."""
    return [offer.tool for offer in OFFERS]


def _plain(schema: Any) -> Any:
    """A schema that simple clients can read: no titles, and what may be left out is not null."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    options = schema.get("anyOf", ())
    if {"type": "null"} in options:
        (only,) = (option for option in options if option != {"type": "null"})
        kept = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        return _plain({**only, **kept})
    return {
        key: {name: _plain(part) for name, part in value.items()}
        if key == "properties"
        else _plain(value)
        for key, value in schema.items()
        if key != "title"
    }
