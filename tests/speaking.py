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

from limner.agent.serve.running import listen
from limner.pipelines.registry import open_writer

PATIENCE = 120  # seconds


@dataclass
class Speaking:
    """The server: where it is, which models it says that it has, what it was sent.

    The model in `folder` speaks under all of these names. `holds` is whether it takes a schema,
    `key` what it wants to be shown, `lists` whether it tells its models. `left` is set when a
    listener hung up before the end.
    """

    folder: Path
    models: tuple[str, ...] = ("small",)
    holds: bool = True
    key: str = ""
    lists: bool = True
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
        call = {"seed": asked["seed"], "max_tokens": asked["max_tokens"]}
        call |= {"json_schema": form["json_schema"]["schema"]} if form else {}
        said = [(m["role"], m["content"]) for m in asked["messages"]]
        pieces = writer.stream(said, temperature=asked["temperature"], **call)
        return StreamingResponse(_events(pieces, state), media_type="text/event-stream")

    return web


async def _events(pieces: Iterator[Any], state: Speaking) -> AsyncIterator[str]:
    done = False
    try:
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            told = {"delta": {"content": piece.text}, "index": 0, "finish_reason": None}
            told["finish_reason"] = piece.response_metadata.get("finish_reason")
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "small"}
            yield f"data: {json.dumps({**chunk, 'choices': [told]})}\n\n"
        yield "data: [DONE]\n\n"
        done = True
    finally:
        pieces.close()  # type: ignore[attr-defined]
        if not done:
            state.left.set()


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
