"""The door over HTTP, for assistants on this machine that know the token."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from limner.errors import BadInput

__all__ = ["TokenGuard", "app_of", "over_http", "read_token"]

_HOST = "127.0.0.1"
_SHORTEST, _LONGEST = 16, 512  # characters of a token
_HINT = "put one line of 16 to 512 letters and digits into it; no --token-file draws one"


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

    Host and Origin are checked, so that no page in a browser gets at it by a name of its own (DNS
    rebinding).
    """
    names = (_HOST, "localhost")
    security = TransportSecuritySettings(
        allowed_hosts=[f"{name}:{port}" for name in names],
        allowed_origins=[f"http://{name}:{port}" for name in names],
    )
    return TokenGuard(server.streamable_http_app(transport_security=security), token)


class TokenGuard:
    """Lets requests through that bear the token; all others get 401 and nothing else."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or refuses it."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._knows(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = {"error": "invalid_token"}
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            await JSONResponse(refusal, 401, headers)(scope, receive, send)

    def _knows(self, scope: Scope) -> bool:
        kind, _, said = Headers(scope=scope).get("authorization", "").partition(" ")
        same = hmac.compare_digest(said.strip().encode(errors="replace"), self._token)
        return kind.lower() == "bearer" and same


def read_token(file: Path | None) -> str:
    """The token in a file, or a fresh one. Raises `BadInput` for a file without a good one."""
    if file is None:
        return secrets.token_urlsafe(32)
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise BadInput(f"can't read a token from {file}: {reason}", _HINT) from error
    if not (_SHORTEST <= len(token) <= _LONGEST and token.isascii() and token.isprintable()):
        raise BadInput(f"{file} holds no good token", _HINT)
    if " " in token:
        raise BadInput(f"{file} holds no good token", _HINT)
    return token


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "it can't be had"
        raise BadInput(
            f"can't listen on port {port}: {reason}", "type --port 0 for any that is free"
        ) from error
