"""Waits for a job on behalf of a caller, and cancels it when the caller is gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any

from fastapi import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from limner.agent.events import Event
from limner.agent.jobs import Job
from limner.errors import Cancelled

__all__ = ["STREAMED", "EventStream", "moment", "outcome", "said_of"]

STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
"""For the document: what may answer instead of JSON, where that was asked for."""

_SILENCE = 15.0  # seconds after which a stream says that it is still there
_PING = ": still here\n\n"


async def outcome(job: Job, request: Request) -> object:
    """What came of a job; when the caller leaves before, the job is cancelled.

    Raises the job's error, or `Cancelled`.
    """
    listening = asyncio.ensure_future(_to_its_end(job))
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({listening, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            raise Cancelled("The caller has left.")
        await listening
    finally:
        await _stopped(listening, leaving)
    return job.result(0)


def moment(said: Any, event: str = "") -> str:
    """One server-sent event."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(said, separators=(',', ':'))}\n\n"


async def _moments(job: Job) -> AsyncIterator[Event | None]:
    """A job's events as they come; None whenever nothing has come for a while."""
    async with aclosing(job.astream()) as events:
        coming: asyncio.Future[Event | None] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(_next(events))
                done, _ = await asyncio.wait({coming}, timeout=_SILENCE)
                if not done:
                    yield None
                    continue
                event, coming = coming.result(), None
                if event is None:
                    return
                yield event
        finally:
            if coming:
                await _stopped(coming)


class EventStream(StreamingResponse):
    """Server-sent events; `leave` is called when the caller has heard the last, or has left."""

    media_type = "text/event-stream"

    def __init__(self, said: AsyncGenerator[str, None], leave: Callable[[], None]) -> None:
        super().__init__(said, headers={"X-Accel-Buffering": "no"})
        self._said, self._leave = said, leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them one by one."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()
            await self._said.aclose()


async def said_of(job: Job, tell: Callable[[Event], str]) -> AsyncIterator[str]:
    """A job's events as `tell` puts them, with a sign of life in between."""
    async for event in _moments(job):
        yield _PING if event is None else tell(event)


async def _to_its_end(job: Job) -> None:
    async with aclosing(job.astream(cancel=True)) as events:
        async for _ in events:
            pass


async def _next(events: AsyncGenerator[Event, None]) -> Event | None:
    return await anext(events, None)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _stopped(*tasks: asyncio.Future[Any]) -> None:
    """All of them cancelled and ended; what one of them raised is told elsewhere."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, Exception):
            await task
