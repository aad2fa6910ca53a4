"""Answers every error with one line, in the shape of OpenAI's errors."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from limner.agent.plain import one_line
from limner.agent.tools.field_errors import field_error, field_name
from limner.agent.tools.http_auth import Refused, error_body, error_line
from limner.errors import (
    BadInput,
    Blocked,
    Busy,
    Cancelled,
    LimnerError,
    MissingExtra,
    ModelUnusable,
)

__all__ = ["NotFound", "add_error_handlers"]

_RETRY_AFTER = "5"  # seconds: about one small picture

_STATUS: tuple[tuple[tuple[type[LimnerError], ...], int, str], ...] = (
    ((Busy,), 429, "line_full"),
    ((Cancelled,), 409, "cancelled"),
    ((BadInput,), 400, "invalid_value"),
    ((Blocked,), 400, "content_policy_violation"),
    ((ModelUnusable, MissingExtra), 503, "model_unusable"),
)
_CODES = {"extra_forbidden": "unknown_parameter", "missing": "missing_required_parameter"}


class NotFound(Refused):
    """What was asked for is not, or no longer, here."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(404, "not_found", message, hint)


def add_error_handlers(app: FastAPI) -> None:
    """Has the app answer every error in this shape."""

    @app.exception_handler(LimnerError)
    async def limner(_: Request, error: LimnerError) -> JSONResponse:
        status, code = _status(error)
        headers = {"Retry-After": _RETRY_AFTER} if status == 429 else None
        return JSONResponse(error_body(status, error_line(error), code), status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        code = _CODES.get(first["type"], "invalid_value")
        body = error_body(400, field_error(first), code, field_name(first) or None)
        return JSONResponse(body, 400)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
        known = {404: "There is nothing at this address — see /openapi.json"}
        message = known.get(error.status_code, one_line(str(error.detail), 300))
        body = error_body(error.status_code, message, codes.get(error.status_code))
        return JSONResponse(body, error.status_code, error.headers)


def _status(error: LimnerError) -> tuple[int, str]:
    if isinstance(error, Refused):
        return error.status, error.code
    for kinds, status, code in _STATUS:
        if isinstance(error, kinds):
            return status, code
    return 500, "model_failed"
