"""What happens when an assistant calls a tool: its work is queued, followed, and answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import cache, partial
from typing import Any, TypeVar, cast

import anyio
from mcp.types import CallToolResult, Tool, ToolAnnotations
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from limner.agent.jobs import Job, Work
from limner.agent.mcp.content import PictureAnswer, answer_of, picture_fields, text_result
from limner.agent.mcp.progress import RequestProgress
from limner.agent.mcp.state import ServerState, ToolJob
from limner.agent.plain import one_line
from limner.agent.tools.arguments import (
    Arguments,
    JobArguments,
    ResultArguments,
    StartArguments,
)
from limner.agent.tools.field_errors import field_error
from limner.agent.tools.outputs import JobJson, PictureJson, cleaned, verdict_dict
from limner.agent.tools.toolset import TOOLSET, ToolAnswer, ToolDefinition, start_turn
from limner.errors import BadInput

__all__ = ["Progress", "call_tool", "listed_tools"]

T = TypeVar("T")

Progress = Callable[[float, float | None, str | None], Awaitable[None]]
"""Tells the caller how far its call is: so much, of so much, in words."""


@with_config(ConfigDict(extra="forbid"))
class JobResult(TypedDict):
    """A job, and its picture if it has one."""

    job: JobJson
    picture: PictureAnswer | None


async def _start(state: ServerState, given: StartArguments, _: Progress) -> CallToolResult:
    """Puts a turn in line and returns at once."""
    work = ToolJob(await _aside(start_turn, state.service, given), state.service)
    return _job_result(_job_fields(state.start(work), work))


async def _status(state: ServerState, given: JobArguments, _: Progress) -> CallToolResult:
    """How a job stands."""
    return _job_result(_job_fields(*state.started(given.job)))


async def _result(state: ServerState, given: ResultArguments, progress: Progress) -> CallToolResult:
    """What came of a job, if it ends in time; else how it stands. Its picture, if it has one."""
    job, work = state.started(given.job)
    with anyio.move_on_after(given.wait):
        await _followed(job, progress, work)
    fields = _job_fields(job, work)
    if fields["take"] is None:
        return _job_result(fields, {"job": fields, "picture": None})
    answer = ToolAnswer.of(work.request)
    whole = {"job": fields, "picture": picture_fields(answer)}
    return await _aside(answer_of, answer, whole)


async def _cancel(state: ServerState, given: JobArguments, _: Progress) -> CallToolResult:
    """Stops a job between two steps; the best take so far is kept."""
    job, work = state.started(given.job)
    job.cancel()
    return _job_result(_job_fields(job, work))


_Doing = Callable[[ServerState, Any, Progress], Awaitable[CallToolResult]]

_JOB_TOOLS: tuple[tuple[ToolDefinition, _Doing], ...] = (
    (
        ToolDefinition(
            "start",
            "Start painting",
            "As imagine, but returns a job's id at once; with take, as refine_image. Then ask "
            "status now and again, and fetch the picture with result.",
            StartArguments,
            JobJson,
        ),
        _start,
    ),
    (
        ToolDefinition(
            "status",
            "See how a job stands",
            "Says whether a job waits, runs, is done, failed or was cancelled, and how far it is.",
            JobArguments,
            JobJson,
            paints=False,
        ),
        _status,
    ),
    (
        ToolDefinition(
            "result",
            "Fetch a job's picture",
            "Waits up to so many seconds for a job and returns its picture as imagine does, also "
            "the best take of a cancelled one; if it has not ended by then, how it stands.",
            ResultArguments,
            JobResult,
            paints=False,
        ),
        _result,
    ),
    (
        ToolDefinition(
            "cancel",
            "Stop a job",
            "Stops a job between two painting steps. The best take so far is kept for result.",
            JobArguments,
            JobJson,
        ),
        _cancel,
    ),
)


async def call_tool(
    state: ServerState, name: str, given: dict[str, Any] | None, progress: Progress
) -> CallToolResult | None:
    """Does what a tool does, and returns its answer; None where there is no such tool.

    Raises `LimnerError`. Whoever stops waiting cancels what is painted for the call.
    """
    for job_tool, do in _JOB_TOOLS:
        if job_tool.name == name:
            return await do(state, _read(job_tool, given), progress)
    for tool in TOOLSET:
        if tool.name == name:
            return await _call(state, tool, _read(tool, given), progress)
    return None


async def _call(
    state: ServerState, tool: ToolDefinition, given: Arguments, progress: Progress
) -> CallToolResult:
    service = state.service
    work: Work = partial(tool.run, service, given)
    if tool.instant:
        job = Job(work, state.studio)
        await _aside(job.run)
        return await _aside(answer_of, job.result(0))
    turn: ToolJob | None = None
    if tool.turn:
        work = turn = ToolJob(await _aside(tool.turn, service, given), service)
    await progress(0.0, None, "waiting for the models")
    job = state.jobs.submit(work, label=turn.request.label if turn else tool.name)
    try:
        await _followed(job, progress, turn)
        answer = cast("ToolAnswer", job.result(0))
    finally:
        job.cancel()  # which changes nothing where it has ended
    return await _aside(answer_of, answer)


def _read(tool: ToolDefinition, given: dict[str, Any] | None) -> Arguments:
    """The arguments, checked. Raises `BadInput` with what is wrong with the first of them."""
    try:
        return tool.arguments.model_validate(given or {})
    except ValidationError as error:
        line = field_error(error.errors(include_input=False, include_url=False)[0])
        there = ", ".join(tool.arguments.model_fields)
        raise BadInput(line, f"{tool.name} takes: {there}") from None


async def _followed(job: Job, progress: Progress, turn: ToolJob | None) -> None:
    """Tells of a job until it ends; raises its error."""
    seen = RequestProgress()
    async with aclosing(job.astream()) as events:
        async for event in events:
            if seen.see(event):
                rounds = max(seen.rounds, turn.progress.rounds if turn else 1)
                await progress(seen.done, rounds, seen.doing)


def _job_fields(job: Job, work: ToolJob) -> JobJson:
    seen, kept, error = work.progress, work.request.kept, job.error
    return {
        "job": job.id,
        "state": job.state,
        "seed": work.request.seed,
        "round": seen.round,
        "step": seen.step,
        "steps": seen.steps,
        "candidates": seen.candidates,
        "verdict": cleaned(verdict_dict(seen.verdict)) if seen.verdict else None,
        "doing": seen.doing,
        "take": kept.name if kept and job.ended else None,
        "error": one_line(" — ".join(filter(None, (error.message, error.hint)))) if error else None,
    }


def _job_result(job: JobJson, fields: dict[str, Any] | None = None) -> CallToolResult:
    """How a job stands; `fields` are the whole answer, where that is more."""
    line = f"job {job['job']} is {job['state']}: {job['doing']} (seed {job['seed']})"
    if job["take"]:
        line += f"; result gives take {job['take']}"
    elif job["error"]:
        line += f" — {job['error']}"
    return text_result(line, fields or dict(job))


@cache
def listed_tools() -> list[Tool]:
    """All tools, as they are listed; always the same."""
    return [
        Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=_plain_schema(tool.arguments.model_json_schema()),
            output_schema=TypeAdapter(
                PictureAnswer if tool.answer is PictureJson else tool.answer
            ).json_schema(),
            annotations=ToolAnnotations(
                read_only_hint=not tool.paints,
                destructive_hint=False,
                idempotent_hint=not tool.paints,
                open_world_hint=False,
            ),
        )
        for tool in (*TOOLSET, *(tool for tool, _ in _JOB_TOOLS))
    ]


def _plain_schema(schema: Any) -> Any:
    """A schema that simple clients can read: no titles, and what may be left out is not null."""
    if isinstance(schema, list):
        return [_plain_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    options = schema.get("anyOf", ())
    if {"type": "null"} in options:
        (only,) = (option for option in options if option != {"type": "null"})
        kept = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        return _plain_schema({**only, **kept})
    return {
        key: {name: _plain_schema(part) for name, part in value.items()}
        if key == "properties"
        else _plain_schema(value)
        for key, value in schema.items()
        if key != "title"
    }


async def _aside(call: Callable[..., T], *given: object) -> T:
    """Calls what takes long, without keeping other callers waiting."""
    return await anyio.to_thread.run_sync(partial(call, *given), abandon_on_cancel=True)
