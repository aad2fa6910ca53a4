"""A real server on a free port that speaks OpenAI's chat completions with a tiny language model."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from limner.agent.serve.app import listen
from limner.pipelines.registry import open_writer

PATIENCE = 120  # seconds


@dataclass
class Speaking:
    """The server: where it is, which models it says that it has, what it was sent.

    The model in `folder` speaks under all of these names. `holds` is whether it takes a schema,
    `key` what it wants to be shown, `lists` whether it tells its models. Tools are refused with the
    status `refuses`; else `calls` are the answers to them in order, the last for ever: texts, or
    names and arguments (as the model writes them) of calls; where there are none, the model itself
    calls one. `left` is set when a listener hung up before the end.
    """

    folder: Path
    models: tuple[str, ...] = ("small",)
    holds: bool = True
    key: str = ""
    lists: bool = True
    refuses: int = 0
    calls: tuple[str | list[tuple[str, str]], ...] = ()
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    def refusal(self, request: Request, model: str = "") -> Response | None:
        """What it answers to whom it does not serve."""
        self.keys.append(request.headers.get("authorization", ""))
        if self.key and self.keys[-1] != f"Bearer {self.key}":
            return _wrong(401, "invalid API key")
        if model and model.removesuffix(":latest") not in self.models:
            return _wrong(404, f"model {model!r} not found")
        return None


def _wrong(status: int, why: str) -> Response:
    return JSONResponse({"error": {"message": why, "type": "invalid_request_error"}}, status)


def app(state: Speaking) -> FastAPI:
    """The two paths that such servers have."""
    web, writer = FastAPI(), open_writer(state.folder, {"device": "cpu"})

    @web.get("/v1/models")
    def models(request: Request) -> Response:
        if not state.lists:
            return _wrong(404, "not found")
        listed = [{"id": name, "object": "model", "created": 0} for name in state.models]
        return state.refusal(request) or JSONResponse({"object": "list", "data": listed})

    @web.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        asked = await request.json()
        state.asked.append(asked)
        if refused := state.refusal(request, asked["model"]):
            return refused
        form = asked.get("response_format")
        if form and not state.holds:
            return _wrong(400, "response_format is not supported")
        if asked.get("tools"):
            if state.refuses:
                return _wrong(state.refuses, "tools are not supported")
            if state.calls:
                said, state.calls = state.calls[0], state.calls[1:] or state.calls
                return StreamingResponse(_called(said), media_type="text/event-stream")
        call = {"seed": asked["seed"], "max_tokens": asked["max_tokens"]}
        call |= {"json_schema": form["json_schema"]["schema"]} if form else {}
        told = [(m["role"], m["content"]) for m in asked["messages"]]
        bound = writer.bind_tools(asked["tools"], tool_choice="any") if "tools" in asked else writer
        pieces = bound.stream(told, temperature=asked["temperature"], **call)
        return StreamingResponse(_events(pieces, state), media_type="text/event-stream")

    return web


async def _events(pieces: Iterator[Any], state: Speaking) -> AsyncIterator[str]:
    done = False
    try:
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            delta = {"content": piece.text}
            if chunks := piece.tool_call_chunks:
                delta["tool_calls"] = [_call(c["index"], c["name"], c["args"]) for c in chunks]
            yield _event(delta, piece.response_metadata.get("finish_reason"))
        yield "data: [DONE]\n\n"
        done = True
    finally:
        pieces.close()  # type: ignore[attr-defined]
        if not done:
            state.left.set()


async def _called(said: str | list[tuple[str, str]]) -> AsyncIterator[str]:
    """A text, or calls as OpenAI streams them: the name first, then the arguments in pieces."""
    if isinstance(said, str):
        yield _event({"content": said})
    for index, (name, args) in enumerate(said if isinstance(said, list) else ()):
        yield _event({"tool_calls": [_call(index, name, "")]})
        for start in range(0, len(args), 7):
            yield _event({"tool_calls": [_call(index, None, args[start : start + 7])]})
    yield _event({}, "stop" if isinstance(said, str) else "tool_calls")
    yield "data: [DONE]\n\n"


def _call(index: int, name: str | None, args: str) -> dict[str, Any]:
    call = {"index": index, "function": {"name": name, "arguments": args}}
    return call | ({"id": f"call_{index}", "type": "function"} if name else {})


def _event(delta: dict[str, Any], ended: str | None = None) -> str:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "small"}
    told = {"delta": delta, "index": 0, "finish_reason": ended}
    return f"data: {json.dumps({**chunk, 'choices': [told]})}\n\n"


@contextmanager
def speaking(folder: Path, **settings: Any) -> Iterator[Speaking]:
    """Speaks from another thread; ends with the block."""
    state = Speaking(folder, **settings)
    with listen("127.0.0.1", 0) as bound:
        state.url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        server = uvicorn.Server(uvicorn.Config(app(state), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                thread.join(0.02)
            yield state
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
