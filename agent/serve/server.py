"""Routes about the server itself: its health, its models, its page, and pictures by address."""

from __future__ import annotations

import mimetypes
import time
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from limner.agent.archive.recipe import software
from limner.agent.jobs import calling
from limner.agent.serve.errors import NotFound
from limner.agent.serve.health import check_models
from limner.agent.serve.state import MODEL, AppState, TheState
from limner.errors import BadInput, LimnerError

__all__ = ["page_files", "routes"]

routes = APIRouter()

_PICTURE: dict[str, Any] = {
    "tags": ["pictures"],
    "response_class": Response,
    "responses": {200: {"content": {"image/png": {}}}},
}
_FRESH = 10.0  # seconds for which a check of the models holds
_PATIENCE = 60.0  # seconds that a check of the models may take


@routes.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page."""
    return FileResponse(str(files("limner.agent.serve").joinpath("page/index.html")))


def page_files() -> StaticFiles:
    """The page's other files, for the address /page."""
    mimetypes.add_type("text/javascript", ".js")  # a Windows may know it by another name
    return StaticFiles(packages=[("limner.agent.serve", "page")])


@routes.get("/health/live", operation_id="alive", tags=["health"])
async def alive() -> dict[str, str]:
    """That the server answers; says nothing of the models."""
    return {"status": "ok"}


@routes.get("/health", operation_id="health", tags=["health"])
async def health(state: TheState) -> JSONResponse:
    """Whether each model works: the least that it can do is done, at most every ten seconds.

    While a picture is being painted nothing else is tried, and the last finding is told.
    """
    busy = [job for job in state.jobs.all() if not job.ended]
    found = state.checked
    if not busy and (not found or time.monotonic() - state.checked_at > _FRESH):
        found = await run_in_threadpool(_checked, state)
    well = all(finding == "ok" for finding in found.values())
    status = "failing" if not well else "ok" if found else "busy"
    body = {"status": status, "models": found, "jobs": len(busy)}
    return JSONResponse(body, 200 if well else 503)


@routes.get("/v1/models", operation_id="models", tags=["models"])
async def models(state: TheState) -> dict[str, Any]:
    """What answers, whatever is asked for as `model`: one name for the three that work together."""
    return {"object": "list", "data": [_model(state)]}


@routes.get("/v1/models/{name}", operation_id="model", tags=["models"])
async def model(name: str, state: TheState) -> dict[str, Any]:
    """The same of one name."""
    if name not in (MODEL, state.profile):
        raise NotFound("There is no such model here", f'ask for "{MODEL}", or for none')
    return _model(state)


@routes.head("/pictures/{name}.png", include_in_schema=False)
@routes.get("/pictures/{name}.png", operation_id="picture", **_PICTURE)
async def picture(
    name: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], state: TheState
) -> Response:
    """A picture that this server gave a link to, or that the archive has."""
    return _png(await run_in_threadpool(_kept, state, name), lasting=True)


@routes.head("/pictures/{session}/{number}.png", include_in_schema=False)
@routes.get("/pictures/{session}/{number}.png", operation_id="take", **_PICTURE)
async def take(
    session: str, number: Annotated[int, Path(ge=1, lt=2**31)], state: TheState
) -> Response:
    """A picture of a conversation, as it stands."""
    page = state.sessions.find(session)
    if page is None or number > len(page.session.candidates):
        raise NotFound("There is no such picture.")
    return _png(await run_in_threadpool(page.session.stamped, number, state.profile))


def _checked(state: AppState) -> dict[str, str]:
    """What a check finds, in the models' own thread."""
    try:
        job = state.jobs.submit(calling(check_models), label="health")
        found: Any = job.result(_PATIENCE)
    except (LimnerError, TimeoutError) as problem:
        return {"models": str(problem)}
    state.checked, state.checked_at = found, time.monotonic()
    return state.checked


def _model(state: AppState) -> dict[str, Any]:
    size = state.studio.settings.size or state.studio.painter.spec.size
    return {
        "id": MODEL,
        "object": "model",
        "created": 0,
        "owned_by": "limner",
        "limner": {
            "version": software().get("limner", ""),
            "profile": state.profile,
            "size": f"{size[0]}x{size[1]}",
        },
    }


def _kept(state: AppState, name: str) -> bytes:
    content = state.pictures.find(name)
    if content is None and state.archive and state.archive.pictures.path(name).is_file():
        try:
            content = state.archive.pictures.read(name)
        except BadInput as error:
            raise NotFound("The picture is damaged.") from error
    if content is None:
        raise NotFound("There is no such picture, or no longer.", "Ask for it again.")
    return content


def _png(content: bytes, *, lasting: bool = False) -> Response:
    """Another website's page may show a picture whose address it was told."""
    headers = {"Cross-Origin-Resource-Policy": "cross-origin"}
    if lasting:
        headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return Response(content, media_type="image/png", headers=headers)
