"""Looks at every caller before they come in: by which name they call, from where, with what."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner.agent.plain import first_line
from limner.agent.serve.faults import Refused, fault, refusal

__all__ = ["AuthMiddleware", "Door"]

LARGEST_BODY = 2**20  # bytes of a request in JSON
LARGEST_UPLOAD = 24 * 2**20  # bytes of a request with pictures in it

_UPLOADS = ("/v1/images/edits",)
_OPEN = ("/", "/health/live")  # no secret is behind these
_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in.

    `token` is what a caller must bring, "" for nothing; `names` the host names that this server
    goes by. With `any_address`, so do all numeric addresses, which no name service can turn.
    """

    token: str = ""
    names: frozenset[str] = frozenset({"localhost", "127.0.0.1", "::1"})
    any_address: bool = False

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server."""
        name = _name(host)
        return name in self.names or (self.any_address and _is_address(name))

    def opens_for(self, authorization: str) -> bool:
        """Whether this Authorization header brings the token."""
        scheme, _, brought = authorization.partition(" ")
        same = hmac.compare_digest(brought.strip().encode(), self.token.encode())
        return not self.token or (scheme.lower() == "bearer" and same)


@dataclass(slots=True)
class AuthMiddleware:
    """An ASGI app around the app: it refuses before anything is read, and caps what is read.

    Whatever breaks behind it is told to the caller in one line; no traceback leaves the house.
    """

    app: ASGIApp
    door: Door = field(default_factory=Door)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request in, or answers it at the door."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = _Visit(scope, receive, send)
        try:
            self._check(scope)
            visit.measure()
            await self.app(scope, visit.hear, visit.say)
        except Refused as error:
            await visit.end(refusal(error))
        except Exception as problem:  # any bug of ours: the caller is told, and the log
            line = first_line(problem)
            logging.getLogger("limner.http").error(
                "%s %s: %s", scope["method"], scope["path"], line
            )
            await visit.end(JSONResponse(fault(500, "limner broke on this request"), 500))

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self.door.knows(host):
            raise Refused(
                403, "unknown_host", "This server is not called that", "start it with --allow-host"
            )
        if not _from_home(scope["method"], headers, host):
            raise Refused(
                403, "foreign_page", "Another website's page may not call this server", ""
            )
        free = scope["path"] in _OPEN or scope["path"].startswith(("/page/", "/pictures/"))
        if not free and not self.door.opens_for(headers.get("authorization", "")):
            raise Refused(
                401, "invalid_api_key", "The token is missing or wrong", "send it as the API key"
            )


@dataclass(slots=True)
class _Visit:
    """One request: counts what is read, and puts our headers on what is said."""

    scope: Scope
    receive: Receive
    send: Send
    read: int = 0
    begun: bool = False

    @property
    def most(self) -> int:
        """How many bytes this request may have."""
        return LARGEST_UPLOAD if self.scope["path"] in _UPLOADS else LARGEST_BODY

    def measure(self) -> None:
        """Refuses what says at the door that it is too large."""
        told = Headers(scope=self.scope).get("content-length", "0")
        if not told.isdecimal() or int(told) > self.most:
            raise Refused(413, "too_large", self._larger())

    async def hear(self) -> Message:
        """The next piece; FastAPI hands no error on from here but its own."""
        message = await self.receive()
        self.read += len(message.get("body", b""))
        if self.read > self.most:
            raise HTTPException(413, self._larger())
        return message

    def _larger(self) -> str:
        return f"The request is larger than {self.most // 2**20} MiB"

    async def say(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await self.send(message)

    async def end(self, response: JSONResponse) -> None:
        """The last word, where none was said yet."""
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        if not self.begun:
            await response(self.scope, self.receive, self.say)


def _from_home(method: str, headers: Headers, host: str) -> bool:
    """False for what a page of another website has a browser send.

    Programs send neither of the two headers. What changes nothing may come from anywhere, since
    no other page is let read the answer.
    """
    if method in _SAFE:
        return True
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return False
    return site in ("same-origin", "none")


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
