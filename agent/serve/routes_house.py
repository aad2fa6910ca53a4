"""The addresses that tell about the server itself: its health, its models, its page, pictures."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from limner.agent.archive.recipe import software
from limner.agent.jobs import calling
from limner.agent.serve.checkup import examine
from limner.agent.serve.faults import NotThere
from limner.agent.serve.house import MODEL, AppState, TheHouse
from limner.errors import BadInput, LimnerError

__all__ = ["routes"]

routes = APIRouter()

_KINDS = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_NAME = r"^[0-9a-f]{64}$"
_PATIENCE = 60.0  # seconds that a check of the models may take


@routes.get("/", include_in_schema=False)
async def page() -> Response:
    """The page."""
    return _file("index.html")


@routes.get("/page/{name}", include_in_schema=False)
async def page_file(name: str) -> Response:
    """A file of the page."""
    return _file(name)


@routes.get("/health/live", operation_id="alive", tags=["health"])
async def alive() -> dict[str, str]:
    """That the server answers; says nothing of the models."""
    return {"status": "ok"}


@routes.get("/health", operation_id="health", tags=["health"])
async def health(house: TheHouse) -> JSONResponse:
    """Whether each model works: the least that it can do is done, at most every ten seconds.

    While a picture is being painted nothing else is tried, and the last finding is told.
    """
    busy = [job for job in house.jobs.all() if not job.ended]
    found = house.checkup.fresh
    if found is None and not busy:
        found = await run_in_threadpool(_examined, house)
    found = found or house.checkup.found or {}
    well = all(state == "ok" for state in found.values())
    status = "failing" if not well else "ok" if found else "busy"
    said = {"status": status, "models": found, "jobs": len(busy)}
    return JSONResponse(said, 200 if well else 503)


@routes.get("/v1/models", operation_id="models", tags=["models"])
async def models(house: TheHouse) -> dict[str, Any]:
    """What can be asked for as `model`: one name for the three that work together."""
    return {"object": "list", "data": [_model(house)]}


@routes.get("/v1/models/{name}", operation_id="model", tags=["models"])
async def model(name: str, house: TheHouse) -> dict[str, Any]:
    """The same of one name."""
    house.serves(name)
    return _model(house)


@routes.get(
    "/pictures/{name}.png",
    operation_id="picture",
    tags=["pictures"],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
async def picture(name: Annotated[str, Path(pattern=_NAME)], house: TheHouse) -> Response:
    """A picture that this server gave a link to, or that the archive has."""
    return _png(await run_in_threadpool(_kept, house, name), lasting=True)


@routes.get(
    "/pictures/{room}/{number}.png",
    operation_id="take",
    tags=["pictures"],
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
async def take(
    room: str, number: Annotated[int, Path(ge=1, lt=2**31)], house: TheHouse
) -> Response:
    """A take of a conversation, as it stands."""
    talk = house.rooms.find(room)
    if talk is None or number > len(talk.session.takes):
        raise NotThere("There is no such picture.")
    return _png(await run_in_threadpool(talk.session.stamped, number, house.profile))


def _examined(house: AppState) -> dict[str, str]:
    """What an examination finds, in the models' own thread."""
    try:
        job = house.jobs.submit(calling(examine), label="health")
        found: Any = job.result(_PATIENCE)
    except (LimnerError, TimeoutError) as problem:
        return {"models": str(problem)}
    house.checkup.note(found)
    return dict(found)


def _model(house: AppState) -> dict[str, Any]:
    size = house.studio.settings.size or house.studio.painter.dialect.size
    return {
        "id": MODEL,
        "object": "model",
        "created": 0,
        "owned_by": "limner",
        "limner": {
            "version": software().get("limner", ""),
            "profile": house.profile,
            "size": f"{size[0]}x{size[1]}",
        },
    }


def _kept(house: AppState, name: str) -> bytes:
    content = house.pictures.find(name)
    if content is None and house.archive and house.archive.pictures.path(name).is_file():
        try:
            content = house.archive.pictures.read(name)
        except BadInput as error:
            raise NotThere("The picture is damaged.") from error
    if content is None:
        raise NotThere("There is no such picture, or no longer.", "Ask for it again.")
    return content


def _png(content: bytes, *, lasting: bool = False) -> Response:
    """Another website's page may show a picture whose address it was told."""
    headers = {"Cross-Origin-Resource-Policy": "cross-origin"}
    if lasting:
        headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return Response(content, media_type="image/png", headers=headers)


def _file(name: str) -> Response:
    found = _files().get(name)
    if found is None:
        raise NotThere("The page has no such file.")
    kind = _KINDS[name.rpartition(".")[2]]
    return Response(found, media_type=kind, headers={"Cache-Control": "no-cache"})


@cache
def _files() -> dict[str, bytes]:
    """All files of the page by their names: no name that is asked for becomes a path."""
    folder = files("limner.agent.serve").joinpath("page")
    return {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _KINDS
    }
