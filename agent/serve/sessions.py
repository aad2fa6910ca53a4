"""Routes that the page calls: conversations, their jobs, and the archive."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Generator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from PIL.Image import Image
from pydantic import BaseModel, ConfigDict
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.archive.rows import ArchivedSession, CandidateRow, SessionRow
from limner.agent.brief.tool_call import Call
from limner.agent.conversation.session import Session
from limner.agent.events import CandidateReady, Event, PaintingStep
from limner.agent.jobs import Job
from limner.agent.plain import one_line, request_line
from limner.agent.search.run import Limits
from limner.agent.serve.commands import HELP, asks_for_help, call_of, typed_step
from limner.agent.serve.errors import NotFound
from limner.agent.serve.state import AppState, PageSession, TheState
from limner.agent.serve.streams import event_stream, png_base64, sse
from limner.agent.serve.transcript import Transcript
from limner.agent.tools.arguments import Budget, CandidateNumber, RequestText, Seed, SessionNumber
from limner.agent.tools.http_auth import Refused, error_body, error_line
from limner.agent.tools.outputs import cleaned, event_dict, judged, past_brief, take_dict
from limner.agent.tools.turns import drawn_seed
from limner.errors import BadInput, LimnerError

__all__ = ["routes"]

routes = APIRouter(prefix="/v1")

_PREVIEW_EVERY = 2  # steps: a rough picture for each of these is as fast as a page should change
_LISTED = 48  # sessions of the archive in one answer
_EXAMPLES = (  # where the painter has no world of its own
    "a knight in rusty armour, reading a newspaper",
    "an old lighthouse in a storm, oil painting",
    "a poster for a bakery that says FRESH BREAD",
    "雨中的老火车站，水彩画",
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OpenBody(_Body):
    """How a conversation begins: with a seed, or where a session of the archive was left."""

    seed: Seed | None = None
    budget: Budget | None = None
    resume: SessionNumber | None = None


class WordsBody(_Body):
    """A line of the conversation."""

    words: RequestText


class StepBody(_Body):
    """A step that needs no words; `number` is that of a candidate or version."""

    step: Literal["pick", "branch", "undo", "redo", "again"]
    number: CandidateNumber | None = None


@routes.post("/sessions", operation_id="open_session", tags=["page"])
async def open_session(body: OpenBody, state: TheState) -> dict[str, Any]:
    """Begin a conversation, or go on with one of the archive."""
    page = await run_in_threadpool(_opened, body, state)
    name = secrets.token_urlsafe(18)
    state.sessions.keep(name, page)
    return _session_json(name, page)


@routes.get("/sessions/{name}", operation_id="see_session", tags=["page"])
async def see_session(name: str, state: TheState) -> dict[str, Any]:
    """A conversation as it stands."""
    return _session_json(name, _page_session(name, state))


@routes.post("/sessions/{name}/words", operation_id="say", tags=["page"])
async def say(name: str, body: WordsBody, state: TheState) -> dict[str, Any]:
    """Say a line: a request, a change, which picture, a question; a job does it."""
    line = request_line(body.words)
    return await run_in_threadpool(_turn, name, state, line)


@routes.post("/sessions/{name}/steps", operation_id="step", tags=["page"])
async def step(name: str, body: StepBody, state: TheState) -> dict[str, Any]:
    """Pick a picture, go to a version, undo or redo, which is done at once; or paint again."""
    return await run_in_threadpool(_step, name, state, call_of(body.step, body.number))


@routes.get("/jobs/{job}", operation_id="see_job", tags=["jobs"])
async def see_job(job: str, state: TheState) -> dict[str, Any]:
    """How a job stands."""
    return _job_json(_job(job, state))


@routes.delete("/jobs/{job}", operation_id="cancel_job", tags=["jobs"])
async def cancel_job(job: str, state: TheState) -> dict[str, Any]:
    """Stop a job between two steps; what was painted so far is kept."""
    found = _job(job, state)
    found.cancel()
    return _job_json(found)


@routes.get(
    "/jobs/{job}/events",
    operation_id="watch_job",
    tags=["jobs"],
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def watch_job(job: str, state: TheState) -> EventSourceResponse:
    """All that happens in a job, from its beginning, as server-sent events."""
    return event_stream(_job_events(_job(job, state), state))


@routes.get("/archive", operation_id="search_archive", tags=["page"])
async def search_archive(
    state: TheState,
    search: Annotated[str, Query(max_length=200)] = "",
    skip: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> dict[str, Any]:
    """The sessions that have all of these words, the latest first."""
    return await run_in_threadpool(_listed, _archive(state), search, skip)


@routes.get("/archive/{number}", operation_id="see_archived", tags=["page"])
async def see_archived(number: SessionNumber, state: TheState) -> dict[str, Any]:
    """One session of the archive, with every version and candidate."""
    return await run_in_threadpool(_archived_json, _archive(state), number)


def _opened(body: OpenBody, state: AppState) -> PageSession:
    limits = Limits(budget=body.budget, preview_every=_PREVIEW_EVERY)
    if body.resume is not None:
        archive = _archive(state)
        session = Session.resumed(state.studio, archive, body.resume, state.profile)
        session.limits = limits
        return PageSession(session, Transcript.of(session, archive.load(body.resume)))
    recorder = SessionRecorder(state.archive, state.profile) if state.archive else None
    seed = drawn_seed() if body.seed is None else body.seed
    return PageSession(Session(state.studio, seed, limits, recorder=recorder), Transcript())


def _turn(name: str, state: AppState, line: str) -> dict[str, Any]:
    """What came of a line at once; where it takes models, the job that goes on with it."""
    if typed := typed_step(line) if not asks_for_help(line) else None:
        return _step(name, state, call_of(*typed), line)
    page = _page_session(name, state)
    with page.lock:
        _check_free(page)
        if asks_for_help(line):
            page.transcript.say(line, HELP)
        else:
            _submit(name, page, state, line, page.session.turn(line))
        return {"job": page.busy, "session": _session_json(name, page)}


def _step(name: str, state: AppState, call: Call, words: str = "") -> dict[str, Any]:
    page = _page_session(name, state)
    with page.lock:
        _check_free(page)
        if call.tool == "draw":
            if page.session.brief is None:
                raise BadInput("There is no picture yet.", "Say what you want to see.")
            _submit(name, page, state, words, page.session.do(call))
        else:
            with page.transcript.unless_refused():
                for _ in page.transcript.record(page.session, words, page.session.do(call)):
                    pass
        return {"job": page.busy, "session": _session_json(name, page)}


def _submit(
    name: str, page: PageSession, state: AppState, words: str, events: Generator[Event, None, None]
) -> None:
    with page.transcript.unless_refused():
        recorded = page.transcript.record(page.session, words, events)
        page.job = state.jobs.submit(lambda _: recorded, label=f"session {name}")


async def _job_events(job: Job, state: AppState) -> AsyncGenerator[dict[str, str], None]:
    """A job's events; of the page's, each with the lines that came to its turn since the last."""
    name = job.label.removeprefix("session ")
    page = state.sessions.find(name) if job.label.startswith("session ") else None
    turn = page.transcript.turns[-1] if page and page.job is job else None
    sent = 0
    try:
        async for event in job.astream():
            known = _event_json(event, name, page)
            if lines := turn.lines[sent:] if turn else []:
                known |= {"lines": lines, "first_line": sent}
                sent += len(lines)
            yield sse(known)
    except LimnerError as error:
        yield sse(error_body(500, error_line(error)), "error")
    yield sse(_job_json(job), "end")


def _session_json(name: str, page: PageSession) -> dict[str, Any]:
    """A conversation as it stands; pictures are addresses below this server's own."""
    session = page.session
    recorder = session.recorder
    problem = recorder.problem if recorder else None
    return {
        "id": name,
        "seed": session.seed,
        "archived": recorder.number if recorder else None,
        "unkept": f"Not all is in the archive: {error_line(problem)}" if problem else "",
        "job": page.busy,
        "version": session.version,
        "meant": session.meant,
        "examples": _examples(session),
        "turns": [asdict(turn) for turn in page.transcript.turns],
        **(judged(session.brief) if session.brief else {}),
        "versions": cleaned([asdict(past) for past in session.versions()]),
        "candidates": [
            {**take_dict(take), "number": number, "picture": _address(name, page, number)}
            for number, take in enumerate(session.candidates, start=1)
        ],
    }


def _examples(session: Session) -> list[str]:
    """Requests that the painter at hand can show."""
    world = getattr(session.studio.painter, "world", None)
    return [*(world.examples if world else _EXAMPLES)][:4]


def _event_json(event: Event, name: str, page: PageSession | None) -> dict[str, Any]:
    """What has just happened; a page's candidate has an address, any other is inline."""
    known = event_dict(event)
    if isinstance(event, PaintingStep):
        known["previews"] = {at: _inline(picture) for at, picture in event.previews.items()}
    elif isinstance(event, CandidateReady):
        number = event.candidate.number + 1
        known["picture"] = (
            _address(name, page, number) if page else _inline(event.candidate.picture)
        )
    return known


def _job_json(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state,
        "error": error_line(job.error) if job.error else None,
    }


def _listed(archive: Archive, search: str, skip: int) -> dict[str, Any]:
    rows = archive.sessions(search)
    shown = [_row_json(row, archive.load(row.id)) for row in rows[skip : skip + _LISTED]]
    return {"total": len(rows), "sessions": shown}


def _row_json(row: SessionRow, kept: ArchivedSession) -> dict[str, Any]:
    """A session of the archive in a list, with its best picture and the verdict on it."""
    best = next((take for take in kept.candidates if take.number == row.best), None)
    return {
        "id": row.id,
        "request": one_line(row.name or row.request),
        "changed": row.changed,
        "versions": row.versions,
        "candidates": row.candidates,
        "picture": f"/pictures/{best.picture}.png" if best else None,
        "verdict": _row_judged(best, kept)["verdict"] if best else None,
    }


def _archived_json(archive: Archive, number: int) -> dict[str, Any]:
    """A session of the archive with every version and candidate."""
    try:
        kept = archive.load(number)
    except BadInput as error:
        raise NotFound(error.message, "Look into the gallery.") from error
    history = [
        {
            "number": version.number,
            "words": one_line(version.words),
            "candidates": [
                {
                    "number": take.number,
                    "picture": f"/pictures/{take.picture}.png",
                    "prompt": one_line(take.image_request.prompt),
                    "seed": take.image_request.seed,
                    **_row_judged(take, kept),
                }
                for take in kept.candidates
                if take.version == version.number
            ],
        }
        for version in kept.versions
    ]
    return {**_row_json(kept.row, kept), "best": kept.row.best, "history": history}


def _row_judged(take: CandidateRow, kept: ArchivedSession) -> dict[str, Any]:
    version = next(one for one in kept.versions if one.number == take.version)
    return judged(past_brief(version), take.critique)


def _job(name: str, state: AppState) -> Job:
    try:
        return state.jobs.get(name)
    except BadInput as error:
        raise NotFound(error.message, error.hint) from error


def _page_session(name: str, state: AppState) -> PageSession:
    page = state.sessions.find(name)
    if page is None:
        raise NotFound("There is no such conversation.", "Begin one, or resume it by its number.")
    return page


def _check_free(page: PageSession) -> None:
    if page.busy:
        raise Refused(409, "painting", "A picture is being painted here.", "Wait, or stop it.")


def _archive(state: AppState) -> Archive:
    if state.archive is None:
        raise NotFound("Nothing is kept in an archive here.", "Start without --no-archive.")
    return state.archive


def _address(name: str, page: PageSession, number: int) -> str:
    """The address of a picture, another one whenever it is finished otherwise."""
    return f"/pictures/{name}/{number}.png?finishes={len(page.session.history.finishes(number))}"


def _inline(picture: Image) -> str:
    return f"data:image/png;base64,{png_base64(picture)}"
