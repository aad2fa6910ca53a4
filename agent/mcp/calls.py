"""What happens when an assistant calls a tool: the wish is put in line, followed, and answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar, cast

import anyio
from mcp.types import CallToolResult

from limner.agent.events import BriefReady
from limner.agent.jobs import Job, Work, calling
from limner.agent.mcp.answers import Briefed, Fetched, JobState, Scored, VerdictFields
from limner.agent.mcp.asks import (
    AskBrief,
    AskJob,
    AskPicture,
    AskRefined,
    AskResult,
    AskScore,
    AskStart,
    AskTake,
)
from limner.agent.mcp.preview import picture_in
from limner.agent.mcp.room import ServerState
from limner.agent.mcp.tell import of_job, of_take, told
from limner.agent.mcp.watch import RequestProgress
from limner.agent.mcp.work import ToolJob, drawn, ticket_for
from limner.agent.plain import one_line, request_line
from limner.agent.records import Critique
from limner.agent.tools.outputs import cleaned, drafted, scored, verdict_dict
from limner.agent.tools.service import ToolRequest, briefed
from limner.errors import BadInput

__all__ = [
    "Progress",
    "cancel",
    "describe_take",
    "expand_prompt",
    "painted",
    "result",
    "score_image",
    "start",
    "status",
]

T = TypeVar("T")

Progress = Callable[[float, float | None, str | None], Awaitable[None]]
"""Tells the caller how far its call is: so much, of so much, in words."""


async def painted(
    room: ServerState, ask: AskPicture | AskRefined, progress: Progress
) -> CallToolResult:
    """Paints a picture, or does what a line says about one; whoever stops waiting cancels it."""
    await progress(0.0, None, "waiting for the models")
    ticket = await _aside(ticket_for, ask, room)
    await _followed(room, ticket, progress, ticket)
    return await _aside(of_take, ticket.wish)


async def start(room: ServerState, ask: AskStart, progress: Progress) -> CallToolResult:
    """Puts a wish in line and returns at once."""
    ticket = await _aside(ticket_for, ask, room)
    job = room.jobs.submit(ticket, label=ticket.wish.request)
    room.note(job, ticket)
    return of_job(_state(job, ticket))


async def status(room: ServerState, ask: AskJob, progress: Progress) -> CallToolResult:
    """How a job stands."""
    return of_job(_state(*room.ticket(ask.job)))


async def result(room: ServerState, ask: AskResult, progress: Progress) -> CallToolResult:
    """What came of a job, if it ends in time; else how it stands. Its picture, if it has one."""
    job, ticket = room.ticket(ask.job)
    with anyio.move_on_after(ask.seconds):
        await _heard(job, progress, ticket)
    state = _state(job, ticket)
    if state.take is None:
        return of_job(state, Fetched(job=state, picture=None))
    return await _aside(of_take, ticket.wish, state)


async def cancel(room: ServerState, ask: AskJob, progress: Progress) -> CallToolResult:
    """Stops a job between two steps; the best take so far is kept."""
    job, ticket = room.ticket(ask.job)
    job.cancel()
    return of_job(_state(job, ticket))


async def expand_prompt(room: ServerState, ask: AskBrief, progress: Progress) -> CallToolResult:
    """Writes a request's brief; paints nothing."""
    request, seed = request_line(ask.request), drawn(ask.seed)
    work = partial(briefed, request=request, seed=seed)
    ready = cast("BriefReady", await _followed(room, work, progress))
    said, fields = drafted(ready, seed)
    return told(said, Briefed.model_validate(fields))


async def score_image(room: ServerState, ask: AskScore, progress: Progress) -> CallToolResult:
    """How true statements are of a picture."""
    if (ask.take is None) == (ask.picture is None):
        raise BadInput("one picture is looked at", "give either a take or a picture")
    if ask.picture is not None:
        picture = await _aside(picture_in, ask.picture)
    else:
        picture = (await _aside(room.take, cast("str", ask.take))).take.picture
    lines = [one_line(claim) for claim in ask.claims]
    if not all(lines):
        raise BadInput("a claim is empty", 'say what should be true: "the door is red"')
    work = calling(lambda studio: studio.score(picture, lines))
    said, fields = scored(cast("Critique", await _followed(room, work, progress)))
    return told(said, Scored.model_validate(fields))


async def describe_take(room: ServerState, ask: AskTake, progress: Progress) -> CallToolResult:
    """What a take shows, and how it was made."""
    kept = await _aside(room.take, ask.take)
    return of_take(ToolRequest("describe", kept.seed, tool="answer", kept=kept))


async def _followed(
    room: ServerState, work: Work, progress: Progress, ticket: ToolJob | None = None
) -> object:
    """Does work, tells how far it is, and returns its result; cancelled with whoever waits."""
    job = room.jobs.submit(work, label=ticket.wish.request if ticket else "")
    try:
        await _heard(job, progress, ticket)
        return job.result(0)
    finally:
        job.cancel()  # which changes nothing where it has ended


async def _heard(job: Job, progress: Progress, ticket: ToolJob | None) -> None:
    """Tells of a job until it ends; raises its error."""
    watch = RequestProgress()
    async with aclosing(job.astream()) as events:
        async for event in events:
            if watch.see(event):
                rounds = max(watch.rounds, ticket.watch.rounds if ticket else 1)
                await progress(watch.done, rounds, watch.doing)


def _state(job: Job, ticket: ToolJob) -> JobState:
    watch, kept = ticket.watch, ticket.wish.kept
    error = job.error
    seen = cleaned(verdict_dict(watch.verdict)) if watch.verdict else None
    return JobState(
        job=job.id,
        state=job.state,
        seed=ticket.wish.seed,
        round=watch.round,
        step=watch.step,
        steps=watch.steps,
        takes=watch.takes,
        verdict=VerdictFields.model_validate(seen) if seen else None,
        doing=watch.doing,
        take=kept.name if kept and job.ended else None,
        error=one_line(" — ".join(filter(None, (error.message, error.hint)))) if error else None,
    )


async def _aside(call: Callable[..., T], *given: object) -> T:
    """Calls what takes long, without keeping other callers waiting."""
    return await anyio.to_thread.run_sync(partial(call, *given), abandon_on_cancel=True)
