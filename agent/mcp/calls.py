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
from limner.agent.looking.described import described
from limner.agent.mcp.answers import (
    Briefed,
    Described,
    Fetched,
    JobState,
    Scored,
    checked,
    texts,
)
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
from limner.agent.mcp.room import Room, Ticket
from limner.agent.mcp.tell import showing, told
from limner.agent.mcp.watch import Watch
from limner.agent.mcp.work import briefing, drawn, wish_for
from limner.agent.plain import clean, one_line
from limner.agent.records import Critique
from limner.errors import BadInput, ModelFailed

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


async def painted(room: Room, ask: AskPicture | AskRefined, progress: Progress) -> CallToolResult:
    """Paints a picture, or a change to one; whoever stops waiting cancels it."""
    await progress(0.0, None, "waiting for the models")
    wish = await _aside(wish_for, ask, room)
    await _followed(room, wish, progress, wish.ticket)
    if wish.ticket.kept is None:
        raise ModelFailed("nothing was painted", "try again")
    return await _aside(showing, wish.ticket.kept)


async def start(room: Room, ask: AskStart, progress: Progress) -> CallToolResult:
    """Puts a wish in line and returns at once."""
    wish = await _aside(wish_for, ask, room)
    job = room.jobs.submit(wish, label=wish.ticket.request)
    room.note(job, wish.ticket)
    return told(_state(job, wish.ticket))


async def status(room: Room, ask: AskJob, progress: Progress) -> CallToolResult:
    """How a job stands."""
    return told(_state(*room.ticket(ask.job)))


async def result(room: Room, ask: AskResult, progress: Progress) -> CallToolResult:
    """What came of a job, if it ends in time; else how it stands. Its picture, if it has one."""
    job, ticket = room.ticket(ask.job)
    with anyio.move_on_after(ask.seconds):
        await _heard(job, progress, ticket)
    state = _state(job, ticket)
    if state.take is None or ticket.kept is None:
        return told(Fetched(job=state, picture=None))
    return await _aside(showing, ticket.kept, state)


async def cancel(room: Room, ask: AskJob, progress: Progress) -> CallToolResult:
    """Stops a job between two steps; the best take so far is kept."""
    job, ticket = room.ticket(ask.job)
    job.cancel()
    return told(_state(job, ticket))


async def expand_prompt(room: Room, ask: AskBrief, progress: Progress) -> CallToolResult:
    """Writes a request's brief; paints nothing."""
    seed = drawn(ask.seed)
    work = briefing(ask.request, seed)
    ready = cast("BriefReady", await _followed(room, work, progress))
    notes = [ready.fallback, ready.why, *(f"put back: {lost}" for lost in ready.repaired)]
    brief = ready.brief
    return told(
        Briefed(
            request=work.request,
            prompt=clean(brief.prompt),
            seed=seed,
            claims=texts(ready.claims),
            avoid=[clean(name) for name in brief.avoid],
            reply=one_line(brief.reply, 500),
            notes=[clean(note) for note in notes if note],
        )
    )


async def score_image(room: Room, ask: AskScore, progress: Progress) -> CallToolResult:
    """How true statements are of a picture."""
    if (ask.take is None) == (ask.picture is None):
        raise BadInput("one picture is looked at", "give either a take or a picture")
    if ask.picture is not None:
        picture = await _aside(picture_in, ask.picture)
    else:
        picture = (await _aside(room.take, cast("str", ask.take))).take.picture
    lines = [one_line(claim) for claim in ask.claims]
    if not all(lines):
        raise BadInput("a claim is empty", 'say what should be true: "the cat is red"')
    work = calling(lambda studio: studio.score(picture, lines))
    critique = cast("Critique", await _followed(room, work, progress))
    holds, mean = critique.score
    return told(Scored(claims=checked(critique), holds=holds, score=round(mean, 4)))


async def describe_take(room: Room, ask: AskTake, progress: Progress) -> CallToolResult:
    """What a take shows, and how it was made."""
    take = (await _aside(room.take, ask.take)).take
    return told(
        Described(
            take=ask.take,
            description=clean(described(take)),
            request=clean(take.brief.request),
            prompt=clean(take.order.prompt),
            claims=checked(take.critique),
            width=take.picture.width,
            height=take.picture.height,
        )
    )


async def _followed(
    room: Room, work: Work, progress: Progress, ticket: Ticket | None = None
) -> object:
    """Does work, tells how far it is, and returns its result; cancelled with whoever waits."""
    job = room.jobs.submit(work, label=ticket.request if ticket else "")
    try:
        await _heard(job, progress, ticket)
        return job.result(0)
    finally:
        job.cancel()  # which changes nothing where it has ended


async def _heard(job: Job, progress: Progress, ticket: Ticket | None) -> None:
    """Tells of a job until it ends; raises its error."""
    watch = Watch()
    async with aclosing(job.astream()) as events:
        async for event in events:
            if watch.see(event):
                rounds = max(watch.rounds, ticket.watch.rounds if ticket else 1)
                await progress(watch.done, rounds, watch.doing)


def _state(job: Job, ticket: Ticket) -> JobState:
    watch = ticket.watch
    error = job.error
    return JobState(
        job=job.id,
        state=job.state,
        seed=ticket.seed,
        round=watch.round,
        step=watch.step,
        steps=watch.steps,
        takes=watch.takes,
        holds=watch.holds,
        claims=watch.claims,
        doing=watch.doing,
        take=ticket.kept.name if ticket.kept and job.ended else None,
        error=one_line(" — ".join(filter(None, (error.message, error.hint)))) if error else None,
    )


async def _aside(call: Callable[..., T], *given: object) -> T:
    """Calls what takes long, without keeping other callers waiting."""
    return await anyio.to_thread.run_sync(partial(call, *given), abandon_on_cancel=True)
