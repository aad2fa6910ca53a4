"""Waits for jobs on behalf of callers, and streams what happens; one who leaves cancels the job."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from io import BytesIO
from typing import Any

from fastapi import Request
from PIL.Image import Image
from sse_starlette import EventSourceResponse
from starlette.types import Message

from limner.agent.jobs import Job

__all__ = ["STREAMED", "event_stream", "job_result", "png_base64", "sse"]

STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}
"""For the document: what may answer instead of JSON, where that was asked for."""


async def job_result(job: Job, request: Request) -> object:
    """What came of a job; when the caller leaves before, the job is cancelled.

    Raises the job's error, or `Cancelled`.
    """
    leaving = asyncio.ensure_future(_cancelled_on_leaving(job, request))
    try:
        async for _ in job.astream(cancel=True):
            pass
    finally:
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
    return job.result(0)


def sse(said: Any, event: str = "") -> dict[str, str]:
    """One server-sent event."""
    data = {"data": json.dumps(said, separators=(",", ":"))}
    return {"event": event, **data} if event else data


def png_base64(picture: Image) -> str:
    """A picture's PNG, in base64."""
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def event_stream(
    events: AsyncGenerator[dict[str, str], None], cancels: Job | None = None
) -> EventSourceResponse:
    """Server-sent events, with a sign of life every 15 s; who leaves cancels the job `cancels`."""

    async def left(_: Message) -> None:
        if cancels:
            cancels.cancel()

    return EventSourceResponse(events, sep="\n", client_close_handler_callable=left)


async def _cancelled_on_leaving(job: Job, request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    job.cancel()
