"""limner over HTTP: a studio as a web app that OpenAI's clients and a browser can talk to."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from limner.agent.archive.archive import Archive
from limner.agent.archive.recipe import software
from limner.agent.jobs import Jobs
from limner.agent.serve import chat, images, server, sessions
from limner.agent.serve.errors import add_error_handlers
from limner.agent.serve.state import AppState
from limner.agent.studio import Studio
from limner.agent.tools.http_auth import Access, AuthMiddleware
from limner.errors import BadInput

__all__ = ["create_app", "listen", "serve_app"]

_OPEN_PATHS = re.compile(r"/|/health/live|/(?:page|pictures)/.*")  # no secret is behind these
_UPLOADS = {"/v1/images/edits": 24 * 2**20}  # bytes
_GRACE = 5  # seconds that open connections have to end


def create_app(
    studio: Studio,
    *,
    profile: str = "",
    archive: Archive | None = None,
    access: Access | None = None,
    waiting: int = 16,
) -> FastAPI:
    """The studio as an ASGI app, for uvicorn or another server.

    `profile` is the name that pictures are stamped with; what is painted is kept in `archive`,
    where there is one. `access` says who may call: by default, programs of this machine by its
    loopback names, without a token. `waiting` requests may stand in line, one more gets 429. The
    queue is closed when the server ends.
    """
    jobs = Jobs(studio, waiting=waiting, kept=8)  # each with all of its pictures

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        jobs.close()

    app = FastAPI(
        title="limner",
        summary="Say what you want to see.",
        version=software().get("limner", "0"),
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.limner = AppState(studio, jobs, profile, archive)
    add_error_handlers(app)
    for part in (server, images, chat, sessions):
        app.include_router(part.routes)
    app.mount("/page", server.page_files())
    app.add_middleware(
        AuthMiddleware, access=access or Access(), open_paths=_OPEN_PATHS, limits=_UPLOADS
    )
    return app


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound, so that a port in use is known before models are opened.

    Port 0 takes any free one. Raises `BadInput` where it can't be had.
    """
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(kind, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise BadInput(
            f"can't listen on {host}:{port}: {error.strerror}", "type another --port, or --port 0"
        ) from error
    return bound


def serve_app(app: FastAPI, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is called once it answers."""
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=256,
        timeout_graceful_shutdown=_GRACE,
        ws="none",
    )
    _Server(config, app.state.limner.jobs, ready).run(sockets=[bound])


class _Server(uvicorn.Server):
    """On the way out it first stops what is painted, so that nobody waits for it.

    The first Ctrl-C or SIGTERM ends it in order, the second at once; both are no failure.
    """

    def __init__(self, config: uvicorn.Config, jobs: Jobs, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._jobs, self._ready = jobs, ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without uvicorn's habit of raising the signal again when all is over."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        heeded = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in heeded}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal ends it in order, the next at once, though a model is at work."""
        if self.should_exit:
            os._exit(0)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops in order."""
        await run_in_threadpool(self._jobs.close)
        await super().shutdown(sockets)
