"""What callers are told when something is wrong: one line, in the shape of OpenAI's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from limner.agent.plain import one_line, uncapped
from limner.errors import (
    BadInput,
    Blocked,
    Busy,
    Cancelled,
    LimnerError,
    MissingExtra,
    ModelUnusable,
)

__all__ = ["NotThere", "Refused", "fault", "install", "line_of", "refusal"]

RETRY_AFTER = "5"  # seconds: about one small picture

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANSWERS: tuple[tuple[tuple[type[LimnerError], ...], int, str], ...] = (
    ((Busy,), 429, "line_full"),
    ((Cancelled,), 409, "cancelled"),
    ((BadInput,), 400, "invalid_value"),
    ((Blocked,), 400, "content_policy_violation"),
    ((ModelUnusable, MissingExtra), 503, "model_unusable"),
)
_CODES = {
    "extra_forbidden": "unknown_parameter",
    "missing": "missing_required_parameter",
}


class Refused(LimnerError):
    """A request that is understood and not done: `status` is HTTP's word for why."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status, self.code = status, code


class NotThere(Refused):
    """What was asked for is not, or no longer, here."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(404, "not_found", message, hint)


def line_of(error: LimnerError) -> str:
    """What happened and what to do about it, as one safe line."""
    hint = f" — {uncapped(error.hint)}" if error.hint else ""
    return one_line(f"{error.message.rstrip('.')}{hint}", 600)


def fault(
    status: int, message: str, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """The body of an error."""
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refusal(error: LimnerError) -> JSONResponse:
    """The answer to a request that ended in this error."""
    status, code = _status(error)
    headers = {"Retry-After": RETRY_AFTER} if status == 429 else None
    return JSONResponse(fault(status, line_of(error), code), status, headers)


def install(app: FastAPI) -> None:
    """Has the app tell every error in this shape."""
    app.add_exception_handler(LimnerError, _limner)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _status(error: LimnerError) -> tuple[int, str | None]:
    if isinstance(error, Refused):
        return error.status, error.code
    for kinds, status, code in _ANSWERS:
        if isinstance(error, kinds):
            return status, code
    return 500, "model_failed"


async def _limner(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LimnerError)  # it is registered for these alone
    return refusal(error)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # it is registered for these alone
    first: Mapping[str, Any] = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "form")]
    param = one_line(".".join(where), 80) or None
    said = one_line(str(first["msg"]), 300)
    code = _CODES.get(first["type"], "invalid_value")
    return JSONResponse(fault(400, f"{param}: {said}" if param else said, code, param), 400)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # it is registered for these alone
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    said = {404: "There is nothing at this address — see /openapi.json"}
    message = said.get(error.status_code, one_line(str(error.detail), 300))
    body = fault(error.status_code, message, codes.get(error.status_code))
    return JSONResponse(body, error.status_code, error.headers)
