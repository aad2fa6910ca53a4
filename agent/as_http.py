"""limner over HTTP: a studio as a web app that OpenAI's clients and a browser can talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from limner.agent.jobs import Jobs
from limner.errors import MissingExtra

if TYPE_CHECKING:
    from fastapi import FastAPI

    from limner.agent.archive.archive import Archive
    from limner.agent.serve.porter import Door
    from limner.agent.studio import Studio

__all__ = ["as_http"]


def as_http(
    studio: Studio,
    *,
    profile: str = "",
    archive: Archive | None = None,
    door: Door | None = None,
    waiting: int = 16,
) -> FastAPI:
    """The studio as an ASGI app, for uvicorn or another server.

    `profile` is the name that pictures are stamped with; what is painted is kept in `archive`,
    where there is one. `door` says who may come in: by default, callers of this machine by its
    loopback names, without a token. `waiting` requests may stand in line, one more gets 429. The
    line is closed when the server ends. Raises `MissingExtra` without FastAPI.
    """
    try:
        from fastapi import FastAPI
    except ImportError as error:
        raise missing() from error
    from limner.agent.archive.recipe import software
    from limner.agent.serve import faults, routes_chat, routes_house, routes_images, routes_rooms
    from limner.agent.serve.house import AppState
    from limner.agent.serve.porter import AuthMiddleware, Door

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
    app.state.house = AppState(studio, jobs, profile, archive)
    faults.install(app)
    for part in (routes_house, routes_images, routes_chat, routes_rooms):
        app.include_router(part.routes)
    app.add_middleware(AuthMiddleware, door=door or Door())
    return app


def missing() -> MissingExtra:
    """What to say where FastAPI or uvicorn is not installed."""
    return MissingExtra("limner serve needs FastAPI", "type pip install 'limner[serve]'")
