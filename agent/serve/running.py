"""Runs the web app until it is told to stop, and stops it in order."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from limner.agent.serve.house import AppState
from limner.errors import BadInput

__all__ = ["listen", "run"]

_FAREWELL = 5  # seconds that open connections have to end


class _Server(uvicorn.Server):
    """On the way out it first stops what is painted, so that nobody waits for it.

    The first Ctrl-C or SIGTERM ends it in order, the second at once; both are no failure.
    """

    def __init__(self, config: uvicorn.Config, house: AppState, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._house, self._ready = house, ready

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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops in order."""
        await run_in_threadpool(self._house.jobs.close)
        await super().shutdown(sockets)


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


def run(app: FastAPI, bound: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is called once it answers."""
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=256,
        timeout_graceful_shutdown=_FAREWELL,
        ws="none",
    )
    _Server(config, app.state.house, ready).run(sockets=[bound])
