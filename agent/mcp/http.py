"""MCP over HTTP, for assistants on this machine that know the token."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp

from limner.agent.tools.http_auth import Access, AuthMiddleware
from limner.errors import BadInput

__all__ = ["app_of", "over_http"]

_HOST = "127.0.0.1"
_LARGEST_BODY = 4 * 2**20  # bytes; the SDK takes no more, either


def over_http(server: Server[object], port: int, token: str, ready: Callable[[str], None]) -> None:
    """Serves any number of clients of this machine, until Ctrl-C; `ready` is told the address.

    Port 0 takes one that is free. Raises `BadInput` for a port that can't be had.
    """
    with _listening(port) as listening:
        port = listening.getsockname()[1]
        config = uvicorn.Config(
            app_of(server, port, token),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        ready(f"http://{_HOST}:{port}/mcp")
        uvicorn.Server(config).run(sockets=[listening])


def app_of(server: Server[object], port: int, token: str) -> ASGIApp:
    """The server as an ASGI application that only listens to this machine, and to the token.

    Host and Origin are checked with their port, so that no page in a browser gets at it by a name
    of its own (DNS rebinding).
    """
    names = (_HOST, "localhost")
    security = TransportSecuritySettings(
        allowed_hosts=[f"{name}:{port}" for name in names],
        allowed_origins=[f"http://{name}:{port}" for name in names],
    )
    app = server.streamable_http_app(transport_security=security)
    return AuthMiddleware(app, Access(token), limit=_LARGEST_BODY)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "it can't be had"
        raise BadInput(
            f"can't listen on port {port}: {reason}", "type --port 0 for any that is free"
        ) from error
