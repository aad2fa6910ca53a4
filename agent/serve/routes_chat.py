"""The address for chat clients: a conversation about a picture, answered in words and links."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from limner.agent.events import Event
from limner.agent.jobs import Job
from limner.agent.serve.chat import Reply, seed_from, words_in
from limner.agent.serve.faults import fault, line_of
from limner.agent.serve.house import MODEL, TheHouse
from limner.agent.serve.shapes import ChatAsked, limits_of
from limner.agent.serve.waiting import STREAMED, EventStream, moment, outcome, said_of
from limner.errors import BadInput, LimnerError

__all__ = ["routes"]

routes = APIRouter(prefix="/v1/chat", tags=["chat"])


@routes.post("/completions", operation_id="chat", responses=STREAMED)
async def chat(asked: ChatAsked, request: Request, house: TheHouse) -> Response:
    """Say what you want to see, then what should be different; pictures come as links."""
    house.serves(asked.model)
    lines = _lines(asked)
    seed = seed_from(lines) if asked.seed is None else asked.seed
    reply = Reply(house, lines, seed, limits_of(asked), str(request.base_url))
    job = house.jobs.submit(reply.work, label="chat")
    if asked.stream:
        return EventStream(_told(asked, reply, job), job.cancel)
    await outcome(job, request)
    return JSONResponse(_whole(asked, reply, job))


def _lines(asked: ChatAsked) -> list[str]:
    if asked.messages[-1].role != "user":
        raise BadInput("The last message is not the user's.", "End with what you want to see.")
    lines = [message.text.strip() for message in asked.messages if message.role == "user"]
    if not lines[-1]:
        raise BadInput("The last message is empty.", "Say what you want to see.")
    return [line for line in lines if line]


def _whole(asked: ChatAsked, reply: Reply, job: Job) -> dict[str, Any]:
    message = {"role": "assistant", "content": "\n\n".join(reply.said), "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return {
        **_head(job, "chat.completion"),
        "choices": [choice],
        "usage": _usage(asked, reply),
        "limner": {"seed": reply.seed, **reply.told},
    }


async def _told(asked: ChatAsked, reply: Reply, job: Job) -> AsyncGenerator[str, None]:
    told = 0

    def news(_: Event | None = None) -> str:
        nonlocal told
        fresh = "".join(f"{paragraph}\n\n" for paragraph in reply.said[told:])
        told = len(reply.said)
        return _delta(job, {"content": fresh}) if fresh else ""

    yield _delta(job, {"role": "assistant", "content": ""})
    try:
        async for said in said_of(job, news):
            if said:
                yield said
    except LimnerError as error:
        yield moment(fault(500, line_of(error)))
        return
    if rest := news():
        yield rest
    yield _delta(job, {}, "stop", limner={"seed": reply.seed, **reply.told})
    if (asked.stream_options or {}).get("include_usage"):
        head = _head(job, "chat.completion.chunk")
        yield moment({**head, "choices": [], "usage": _usage(asked, reply)})
    yield "data: [DONE]\n\n"


def _delta(job: Job, delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return moment({**_head(job, "chat.completion.chunk"), "choices": [choice], **more})


def _head(job: Job, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{job.id}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "system_fingerprint": None,
    }


def _usage(asked: ChatAsked, reply: Reply) -> dict[str, int]:
    read = sum(words_in(message.text) for message in asked.messages)
    written = words_in("\n\n".join(reply.said))
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }
