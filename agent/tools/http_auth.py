"""Guards an HTTP server: checks each request's host, origin, token and size before it is read."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_config_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.agent.plain import first_line, one_line, uncapped
from limner.errors import BadInput, LimnerError

__all__ = [
    "LOOPBACK_HOSTS",
    "Access",
    "AuthMiddleware",
    "Refused",
    "error_body",
    "error_line",
    "kept_token",
    "read_token",
]

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_SHORTEST, _LONGEST = 16, 512  # characters of a token
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Refused(LimnerError):
    """A request that is understood and not done: `status` is HTTP's code, `code` a word for it."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status, self.code = status, code


def error_line(error: LimnerError) -> str:
    """What happened and what to do about it, as one safe line."""
    hint = f" — {uncapped(error.hint)}" if error.hint else ""
    return one_line(f"{error.message.rstrip('.')}{hint}", 600)


def error_body(
    status: int, message: str, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """The body of an error, in the shape of OpenAI's."""
    kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: with which token ("" for none), by which of the server's host names.

    With `any_address`, all numeric addresses are names of the server, too: no name service can turn
    them into another server's.
    """

    token: str = ""
    hosts: frozenset[str] = LOOPBACK_HOSTS
    any_address: bool = False

    def knows_host(self, header: str) -> bool:
        """Whether a Host header names this server."""
        try:
            name = (urlsplit(f"//{header}").hostname or "").rstrip(".")
            return name in self.hosts or (self.any_address and bool(ipaddress.ip_address(name)))
        except ValueError:
            return False

    def knows_token(self, authorization: str) -> bool:
        """Whether an Authorization header bears the token."""
        scheme, _, given = authorization.partition(" ")
        same = hmac.compare_digest(given.strip().encode(errors="replace"), self.token.encode())
        return not self.token or (scheme.lower() == "bearer" and same)


class AuthMiddleware:
    """An ASGI app around an app: refuses strangers before anything is read, and limits the body.

    Paths that match the regular expression `open_paths` need no token. A body may have `limit`
    bytes, or what `limits` says of its path. Whatever breaks inside is answered in one line.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        *,
        open_paths: re.Pattern[str] | None = None,
        limit: int = 2**20,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._app, self._access, self._open_paths = app, access, open_paths
        self._limit, self._limits = limit, limits or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        body = _Body(receive, self._limits.get(scope["path"], self._limit))
        answer = _Answer(send)
        try:
            self._check(scope)
            body.check_length(Headers(scope=scope).get("content-length", "0"))
            await self._app(scope, body, answer)
        except Exception as problem:
            response = _error_response(problem, scope)
            if not answer.started:
                await response(scope, receive, answer)

    def _check(self, scope: Scope) -> None:
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if not self._access.knows_host(host):
            raise Refused(
                403, "unknown_host", "This server is not called that", "start it with --allow-host"
            )
        if not _same_site(scope["method"], headers, host):
            raise Refused(403, "foreign_page", "Another website's page may not call this server")
        free = self._open_paths and self._open_paths.fullmatch(path)
        if not free and not self._access.knows_token(headers.get("authorization", "")):
            raise Refused(
                401, "invalid_api_key", "The token is missing or wrong", "send it as the API key"
            )


@dataclass(slots=True)
class _Body:
    """Reads a request's body, of at most `limit` bytes."""

    receive: Receive
    limit: int
    received: int = 0

    async def __call__(self) -> Message:
        message = await self.receive()
        self.received += len(message.get("body", b""))
        if self.received > self.limit:  # FastAPI passes on no other exception from here
            raise HTTPException(413, self._too_large())
        return message

    def check_length(self, header: str) -> None:
        """Refuses a body that says at once that it is too large."""
        if not header.isdecimal() or int(header) > self.limit:
            raise Refused(413, "too_large", self._too_large())

    def _too_large(self) -> str:
        return f"The request is larger than {self.limit // 2**20} MiB"


@dataclass(slots=True)
class _Answer:
    """Sends an answer with the headers that keep a browser safe; `started` says that it began."""

    send: Send
    started: bool = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self.send(message)


def _error_response(problem: Exception, scope: Scope) -> Response:
    """The answer to what is refused or broke; no traceback leaves the server."""
    if isinstance(problem, HTTPException):
        body = error_body(problem.status_code, one_line(str(problem.detail), 300))
        return JSONResponse(body, problem.status_code)
    if isinstance(problem, Refused):
        headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else None
        body = error_body(problem.status, error_line(problem), problem.code)
        return JSONResponse(body, problem.status, headers)
    log = logging.getLogger("limner.http")
    log.error("%s %s: %s", scope["method"], scope["path"], first_line(problem))
    return JSONResponse(error_body(500, "limner broke on this request"), 500)


def _same_site(method: str, headers: Headers, host: str) -> bool:
    """False for what a page of another website has a browser send.

    Programs send neither of the two headers. What changes nothing may come from anywhere: no other
    page is allowed to read the answer.
    """
    if method in _SAFE_METHODS:
        return True
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return False
    return site in ("same-origin", "none")


def kept_token(name: str) -> str:
    """The user's own token of that name, drawn when it is first asked for and kept since.

    It is in the user's configuration folder, in a file that nobody else can read. Raises `BadInput`
    where that can't be.
    """
    file = user_config_path("limner") / f"{name}.token"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_token(file)
    except OSError as error:
        raise BadInput(
            f"can't keep a token in {file}: {error.strerror}", "type --token-file and a file"
        ) from error
    with os.fdopen(opened, "w", encoding="ascii") as opened_file:
        token = secrets.token_urlsafe(24)
        opened_file.write(f"{token}\n")
    return token


def read_token(file: Path) -> str:
    """The token in a file that only its user can read. Raises `BadInput` for any other."""
    try:
        token = file.read_text(encoding="ascii").strip()
        others = file.stat().st_mode & 0o077 if os.name == "posix" else 0
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not plain text"
        raise BadInput(f"can't read {file}: {reason}", "type the path of a file") from error
    if others:
        raise BadInput(f"other users can read {file}", f"type chmod 600 {file}")
    if not _SHORTEST <= len(token) <= _LONGEST or not token.isprintable() or " " in token:
        raise BadInput(
            f"{file} holds no token",
            f"put one line of {_SHORTEST} to {_LONGEST} letters and digits into it",
        )
    return token
