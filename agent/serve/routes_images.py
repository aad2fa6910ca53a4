"""The addresses that paint: a picture of a request, and a picture that goes on from another."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from limner.agent.archive.recipe import Recipe
from limner.agent.events import Event
from limner.agent.plain import LONGEST_REQUEST, one_line
from limner.agent.records import Candidate
from limner.agent.search.run import Limits
from limner.agent.serve.house import AppState, TheHouse, drawn_seed
from limner.agent.serve.images import ImageJob, Paint, answer, stream
from limner.agent.serve.shapes import EditAsked, ImageAsked, limits_of
from limner.agent.serve.waiting import STREAMED, outcome
from limner.agent.studio import Studio
from limner.agent.tools.service import going_on
from limner.errors import BadInput
from limner.pipelines import stamp

__all__ = ["routes"]

routes = APIRouter(prefix="/v1/images", tags=["images"])

_SENT = Path("the picture")  # what an upload is called; its own name is nobody's business
_OWN = "Send a PNG that limner saved and no other program rewrote."
_MOST_CLAIMS = 128
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    **EditAsked.model_json_schema(),
                    "properties": {
                        **EditAsked.model_json_schema()["properties"],
                        "image": {"type": "string", "format": "binary"},
                    },
                    "required": ["image", "prompt"],
                }
            }
        },
    }
}


@routes.post("/generations", operation_id="generate", responses=STREAMED)
async def generate(asked: ImageAsked, request: Request, house: TheHouse) -> Response:
    """Paint a request, look at it claim by claim, and paint it better."""

    def paint(studio: Studio, limits: Limits) -> Generator[Event, None, None]:
        return studio.takes(asked.prompt, seed=seed, **limits)

    seed = drawn_seed() if asked.seed is None else asked.seed
    return await _commissioned(house, request, asked, asked.prompt, seed, paint)


@routes.post("/edits", operation_id="edit", openapi_extra=_FORM, responses=STREAMED)
async def edit(request: Request, house: TheHouse) -> Response:
    """Go on from a picture that limner painted: it carries the brief that it was painted from."""
    asked, content = await _form(request)
    before, wish = await run_in_threadpool(_read, content)

    def paint(studio: Studio, limits: Limits) -> Generator[Event, None, None]:
        session = going_on(studio, before, wish, seed, limits)
        yield from session.draft(asked.prompt)
        yield from session.paint()

    seed = drawn_seed() if asked.seed is None else asked.seed
    return await _commissioned(house, request, asked, f"{wish}; {asked.prompt}", seed, paint)


async def _commissioned(
    house: AppState,
    request: Request,
    asked: ImageAsked | EditAsked,
    said: str,
    seed: int,
    paint: Paint,
) -> Response:
    house.serves(asked.model)
    limits = limits_of(asked)
    limits["refine"] = asked.quality != "low"
    partial = asked.partial_images if asked.stream else 0
    kind = "image_generation" if isinstance(asked, ImageAsked) else "image_edit"
    order = ImageJob(house, said, seed, paint, limits, asked.n, partial, kind)
    job = house.jobs.submit(order.work, label="images")
    if asked.stream:
        return stream(order, job)
    await outcome(job, request)
    links = asked.response_format == "url"
    return JSONResponse(
        answer(order, str(request.base_url), links=links), headers={"X-Limner-Job": job.id}
    )


def _read(content: bytes) -> tuple[Candidate, str]:
    """The take that a picture shows, and what was asked for then; a stranger may have written it.

    Raises `BadInput` for a picture without a recipe, or with one that no writer could read.
    """
    try:
        sent = stamp.parse(content, _SENT)
        recipe = Recipe.parse(sent.recipe, _SENT)
    except BadInput as error:
        raise BadInput(
            f"limner goes on from its own pictures only: {error.message}", _OWN
        ) from error
    brief = recipe.brief
    if len(brief.prompt) > LONGEST_REQUEST or len(brief.claims) > _MOST_CLAIMS:
        raise BadInput("The picture's recipe is too long to go on from.", _OWN)
    take = Candidate(0, 0, brief, recipe.order, sent.picture, recipe.critique)
    return take, one_line(recipe.request, LONGEST_REQUEST)


async def _form(request: Request) -> tuple[EditAsked, bytes]:
    """What a multipart form asks for, and the one picture in it."""
    async with request.form(max_files=4, max_fields=40) as form:
        files = [(name, v) for name, v in form.multi_items() if isinstance(v, UploadFile)]
        told: dict[str, Any] = {n: v for n, v in form.multi_items() if isinstance(v, str)}
        _check_files([name for name, _ in files])
        try:
            asked = EditAsked.model_validate(told)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False)) from error
        return asked, await files[0][1].read()


def _check_files(names: list[str]) -> None:
    if "mask" in names:
        raise BadInput("A mask can't be used yet.", "Say in words what should be different.")
    if len(names) != 1 or names[0] not in ("image", "image[]"):
        raise BadInput("One picture is gone on from at a time.", "Send it as the file image.")
