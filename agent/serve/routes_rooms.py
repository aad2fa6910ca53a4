"""The addresses that the page talks to: conversations, their jobs, and the archive."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Generator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from limner.agent.archive.archive import Archive
from limner.agent.brief.tool_call import Call
from limner.agent.conversation.recorder import SessionRecorder
from limner.agent.conversation.session import Session
from limner.agent.events import Event, Replied
from limner.agent.jobs import Job
from limner.agent.plain import request_line
from limner.agent.search.run import Limits
from limner.agent.serve.faults import NotThere, Refused, fault, line_of
from limner.agent.serve.house import AppState, PageConversation, TheHouse, drawn_seed
from limner.agent.serve.shapes import Budget, Prompt, Seed
from limner.agent.serve.told import archived_told, event_told, past_told, talk_told
from limner.agent.serve.waiting import EventStream, moment, said_of
from limner.errors import BadInput, LimnerError

__all__ = ["routes"]

routes = APIRouter(prefix="/v1")

PREVIEW_EVERY = 2  # steps: a rough picture for each of these is as fast as a page should change
_LISTED = 48  # sessions of the archive in one answer

Number = Annotated[int, Field(ge=1, lt=2**31)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Opened(_Asked):
    """How a conversation begins: with a seed, or where a session of the archive was left."""

    seed: Seed | None = None
    budget: Budget | None = None
    resume: Number | None = None


class Said(_Asked):
    """A line of the conversation."""

    words: Prompt


class Stepped(_Asked):
    """A step that needs no words; `number` is that of a take or version."""

    step: Literal["pick", "branch", "undo", "redo", "again"]
    number: Number | None = None


@routes.post("/sessions", operation_id="open_session", tags=["page"])
async def open_session(asked: Opened, house: TheHouse) -> dict[str, Any]:
    """Begin a conversation, or go on with one of the archive."""
    talk = await run_in_threadpool(_opened, asked, house)
    name = secrets.token_urlsafe(18)
    house.rooms.keep(name, talk)
    return talk_told(name, talk)


@routes.get("/sessions/{name}", operation_id="see_session", tags=["page"])
async def see_session(name: str, house: TheHouse) -> dict[str, Any]:
    """A conversation as it stands."""
    return talk_told(name, _talk(name, house))


@routes.post("/sessions/{name}/words", operation_id="say", tags=["page"])
async def say(name: str, asked: Said, house: TheHouse) -> dict[str, Any]:
    """Say a line: a wish, what should be different, which take, a question; a job does it."""
    line = request_line(asked.words)
    return await run_in_threadpool(_turned, name, house, line)


@routes.post("/sessions/{name}/steps", operation_id="step", tags=["page"])
async def step(name: str, asked: Stepped, house: TheHouse) -> dict[str, Any]:
    """Pick a take, go to a version, undo or redo, which is done at once; or paint again."""
    return await run_in_threadpool(_turned, name, house, _call(asked))


@routes.get("/jobs/{job}", operation_id="see_job", tags=["jobs"])
async def see_job(job: str, house: TheHouse) -> dict[str, Any]:
    """How a job stands."""
    return _state(_job(job, house))


@routes.delete("/jobs/{job}", operation_id="cancel_job", tags=["jobs"])
async def cancel_job(job: str, house: TheHouse) -> dict[str, Any]:
    """Stop a job between two steps; what was painted so far is kept."""
    found = _job(job, house)
    found.cancel()
    return _state(found)


@routes.get(
    "/jobs/{job}/events",
    operation_id="watch_job",
    tags=["jobs"],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def watch_job(job: str, house: TheHouse) -> EventStream:
    """All that happens in a job, from its beginning, as server-sent events."""
    found = _job(job, house)
    name, talk = found.label.removeprefix("session "), None
    if found.label.startswith("session "):
        talk = house.rooms.find(name)
    return EventStream(_told(found, name, talk), lambda: None)


@routes.get("/archive", operation_id="search_archive", tags=["page"])
async def search_archive(
    house: TheHouse,
    search: Annotated[str, Query(max_length=200)] = "",
    skip: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> dict[str, Any]:
    """The sessions that have all of these words, the latest first."""
    return await run_in_threadpool(_listed, _archive(house), search, skip)


@routes.get("/archive/{number}", operation_id="see_archived", tags=["page"])
async def see_archived(number: Number, house: TheHouse) -> dict[str, Any]:
    """One session of the archive, with every version and take."""
    return await run_in_threadpool(_archived, _archive(house), number)


def _opened(asked: Opened, house: AppState) -> PageConversation:
    limits = Limits(budget=asked.budget, preview_every=PREVIEW_EVERY)
    if asked.resume is not None:
        session = Session.resumed(house.studio, _archive(house), asked.resume, house.profile)
        session.limits = limits
        return PageConversation(session)
    diary = SessionRecorder(house.archive, house.profile) if house.archive else None
    seed = drawn_seed() if asked.seed is None else asked.seed
    return PageConversation(Session(house.studio, seed, limits, diary=diary))


def _call(asked: Stepped) -> Call:
    if asked.step in ("pick", "branch") and asked.number is None:
        raise BadInput("Which one?", f"Say its number: {asked.step} 2.")
    match asked.step:
        case "pick":
            return Call("select", candidate=asked.number)
        case "branch":
            return Call("back_to", version=asked.number)
        case "again":
            return Call("draw", candidate=asked.number)
        case step:
            return Call(step)


def _turned(name: str, house: AppState, what: str | Call) -> dict[str, Any]:
    """What came of a turn at once; where it takes models, the job that goes on with it."""
    talk = _talk(name, house)
    session, said = talk.session, list[str]()
    with talk.alone:
        _check_free(talk, house)
        job = None
        if isinstance(what, Call) and what.tool != "draw":
            said = [event.text for event in session.do(what) if isinstance(event, Replied)]
        elif isinstance(what, Call) and session.brief is None:
            raise BadInput("There is no picture yet.", "Say what you want to see.")
        else:
            job = house.jobs.submit(lambda _: _work(session, what), label=f"session {name}").id
            talk.job = job
        return {"said": said, "job": job, "session": talk_told(name, talk)}


def _work(session: Session, what: str | Call) -> Generator[Event, None, None]:
    return session.do(what) if isinstance(what, Call) else session.turn(what)


async def _told(job: Job, name: str, talk: PageConversation | None) -> AsyncGenerator[str, None]:
    def tell(event: Event) -> str:
        return moment(event_told(event, name, talk))

    try:
        async for said in said_of(job, tell):
            yield said
    except LimnerError as error:
        yield moment(fault(500, line_of(error)), "error")
    yield moment(_state(job), "end")


def _state(job: Job) -> dict[str, Any]:
    error = line_of(job.error) if job.error else None
    return {"id": job.id, "state": job.state, "error": error}


def _job(name: str, house: AppState) -> Job:
    try:
        return house.jobs.get(name)
    except BadInput as error:
        raise NotThere(error.message, error.hint) from error


def _talk(name: str, house: AppState) -> PageConversation:
    talk = house.rooms.find(name)
    if talk is None:
        raise NotThere("There is no such conversation.", "Begin one, or resume it by its number.")
    return talk


def _check_free(talk: PageConversation, house: AppState) -> None:
    busy = [job for job in house.jobs.all() if job.id == talk.job and not job.ended]
    if busy:
        raise Refused(409, "painting", "A picture is being painted here.", "Wait, or stop it.")


def _archive(house: AppState) -> Archive:
    if house.archive is None:
        raise NotThere("Nothing is kept in an archive here.", "Start without --no-archive.")
    return house.archive


def _listed(archive: Archive, search: str, skip: int) -> dict[str, Any]:
    rows = archive.sessions(search)
    told = [past_told(row, archive.load(row.id)) for row in rows[skip : skip + _LISTED]]
    return {"total": len(rows), "sessions": told}


def _archived(archive: Archive, number: int) -> dict[str, Any]:
    try:
        return archived_told(archive.load(number))
    except BadInput as error:
        raise NotThere(error.message, "Look into the gallery.") from error
