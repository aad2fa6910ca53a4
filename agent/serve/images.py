"""Routes for OpenAI's image clients: a picture of a request, or one that goes on from another."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from PIL.Image import Image
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from limner.agent.archive.pictures import stamped
from limner.agent.archive.recipe import Recipe
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.events import BriefReady, Event, Finished, PaintingStep
from limner.agent.jobs import Job
from limner.agent.plain import LONGEST_REQUEST, one_line
from limner.agent.records import Candidate, Result
from limner.agent.search.run import Limits
from limner.agent.serve.requests import EditBody, ImageBody, fitted_limits
from limner.agent.serve.state import AppState, TheState
from limner.agent.serve.streams import STREAMED, event_stream, job_result, png_base64, sse
from limner.agent.studio import Studio
from limner.agent.tools.http_auth import error_body, error_line
from limner.agent.tools.outputs import judged
from limner.agent.tools.service import going_on
from limner.agent.tools.turns import drawn_seed
from limner.errors import BadInput, Cancelled, LimnerError, ModelFailed
from limner.pipelines import stamp

__all__ = ["routes"]

routes = APIRouter(prefix="/v1/images", tags=["images"])

_UPLOAD = Path("the picture")  # what an upload is called; its own name is nobody's business
_OWN = "Send a PNG that limner saved and no other program rewrote."
_MOST_CLAIMS = 128
_EDIT_SCHEMA = EditBody.model_json_schema()
_EDIT_SCHEMA["properties"]["image"] = {"type": "string", "format": "binary"}
_EDIT_SCHEMA["required"] = ["image", "prompt"]
_FORM = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": _EDIT_SCHEMA}},
    }
}


@routes.post("/generations", operation_id="generate", responses=STREAMED)
async def generate(body: ImageBody, request: Request, state: TheState) -> Response:
    """Paint a request, look at it claim by claim, and paint it better."""

    def paint(studio: Studio, limits: Limits) -> Generator[Event, None, None]:
        return studio.stream(body.prompt, seed=seed, **limits)

    seed = drawn_seed() if body.seed is None else body.seed
    return await _respond(_image_job(state, body, body.prompt, seed, paint), body, request)


@routes.post("/edits", operation_id="edit", openapi_extra=_FORM, responses=STREAMED)
async def edit(request: Request, state: TheState) -> Response:
    """Go on from a picture that limner painted: it carries the brief that it was painted from."""
    body, content = await _form(request)
    before, words = await run_in_threadpool(_read, content)

    def paint(studio: Studio, limits: Limits) -> Generator[Event, None, None]:
        session = going_on(studio, before, words, seed, limits)
        yield from session.draft(body.prompt)
        yield from session.paint()

    seed = drawn_seed() if body.seed is None else body.seed
    said = f"{words}; {body.prompt}"
    return await _respond(_image_job(state, body, said, seed, paint), body, request)


@dataclass(slots=True)
class _ImageJob:
    """So many pictures of one request, as a job paints them.

    `paint` starts the work; the best `count` candidates become PNG files where the models are, so
    that what is in them is what the command line would have written. `partial` rough pictures are
    shown on the way. `made` are the files' bytes, each with the candidate that it shows.
    """

    state: AppState
    request: str
    seed: int
    paint: Callable[[Studio, Limits], Generator[Event, None, None]]
    limits: Limits
    count: int = 1
    partial: int = 0
    kind: str = "image_generation"
    notes: list[str] = field(default_factory=list)
    made: list[tuple[bytes, Candidate]] = field(default_factory=list)
    result: Result | None = None

    def work(self, studio: Studio) -> Generator[Event, None, None]:
        """What the job does."""
        events = self.paint(studio, self._all_limits(studio))
        recorder = None
        if self.state.archive:
            recorder = SessionRecorder(self.state.archive, self.state.profile)
            events = recorder.record(events, studio, self.seed)
        with closing(events):
            for event in events:
                if isinstance(event, BriefReady):
                    self.notes += event.notes
                if isinstance(event, Finished):
                    self.notes += event.result.notes
                    if recorder and recorder.problem:
                        self.notes.append(
                            f"not all is in the archive: {error_line(recorder.problem)}"
                        )
                    self._finish(event.result, studio)
                yield event

    def _all_limits(self, studio: Studio) -> Limits:
        """As asked; for more pictures than a round has, larger rounds and the budget for one."""
        limits = self.limits.copy()
        settings = studio.settings
        if self.partial:
            steps = settings.steps or studio.painter.spec.steps
            limits["preview_every"] = max(1, steps // (self.partial + 1))
        if self.count > settings.images_per_round:
            limits["images_per_round"] = self.count
            limits["budget"] = max(limits.get("budget") or settings.budget, float(self.count))
        return limits

    def _finish(self, result: Result, studio: Studio) -> None:
        self.result = result
        best = sorted(result.candidates, key=lambda take: take.critique.score, reverse=True)
        for take in best[: self.count]:
            content = stamped(
                result, take, self.request, studio, seed=self.seed, profile=self.state.profile
            )
            self.made.append((content, take))

    def painted(self) -> Result:
        """The result. Raises `Cancelled` or `ModelFailed` where there is no picture."""
        if self.result and self.made:
            return self.result
        if self.result is None or self.result.ended == "cancelled":
            raise Cancelled("The request was cancelled.", "Nothing was painted yet.")
        raise ModelFailed("Nothing was painted.", "; ".join(self.result.notes))

    def answer(self, base: str, *, links: bool) -> dict[str, Any]:
        """The whole answer, in OpenAI's shape and with what limner knows besides."""
        result = self.painted()
        return {
            "created": int(time.time()),
            "background": "opaque",
            "output_format": "png",
            "size": _size(self.made[0][1].picture),
            "data": [
                {
                    **({"url": self.state.link(file, base)} if links else {"b64_json": _b64(file)}),
                    "revised_prompt": take.image_request.prompt,
                    **judged(take.brief, take.critique),
                }
                for file, take in self.made
            ],
            "usage": self._usage(),
            "limner": {
                "seed": self.seed,
                "ended": result.ended,
                "candidates": len(result.candidates),
                "spent": round(result.spent, 4),
                "seconds": round(result.seconds, 3),
                "notes": self._all_notes(),
            },
        }

    async def events(self, job: Job) -> AsyncGenerator[dict[str, str], None]:
        """The same as server-sent events: rough pictures as they form, then each finished one."""
        shown = 0
        try:
            async for event in job.astream():
                previews = event.previews if isinstance(event, PaintingStep) else {}
                if previews and shown < self.partial:
                    rough = previews[min(previews)]  # a round shows its first
                    yield self._event(
                        "partial_image", rough, png_base64(rough), partial_image_index=shown
                    )
                    shown += 1
            self.painted()
        except LimnerError as error:
            yield sse(error_body(500, error_line(error)), "error")
            return
        for file, take in self.made:
            known = {"seed": self.seed, "notes": self._all_notes()}
            known |= judged(take.brief, take.critique)
            usage = self._usage()
            yield self._event("completed", take.picture, _b64(file), usage=usage, limner=known)

    def _event(self, name: str, picture: Image, b64_json: str, **more: Any) -> dict[str, str]:
        kind = f"{self.kind}.{name}"
        fields = {
            "type": kind,
            "b64_json": b64_json,
            "created_at": int(time.time()),
            "size": _size(picture),
            "quality": "auto",
            "background": "opaque",
            "output_format": "png",
        }
        return sse(fields | more, kind)

    def _all_notes(self) -> list[str]:
        """What did not go as asked, each once: a run repeats what was noted of its brief."""
        return [*dict.fromkeys(self.notes)]

    def _usage(self) -> dict[str, Any]:
        """Counts in OpenAI's fields: words that were asked, and candidates that were painted."""
        words = len(self.request.split())
        painted = len(self.result.candidates) if self.result else 0
        return {
            "input_tokens": words,
            "output_tokens": painted,
            "total_tokens": words + painted,
            "input_tokens_details": {"text_tokens": words, "image_tokens": 0},
        }


def _image_job(
    state: AppState,
    body: ImageBody | EditBody,
    words: str,
    seed: int,
    paint: Callable[[Studio, Limits], Generator[Event, None, None]],
) -> _ImageJob:
    limits, note = fitted_limits(body, state.studio.painter.spec)
    limits["refine"] = body.quality != "low"
    return _ImageJob(
        state,
        words,
        seed,
        paint,
        limits,
        count=body.n,
        partial=body.partial_images if body.stream else 0,
        kind="image_generation" if isinstance(body, ImageBody) else "image_edit",
        notes=[note] if note else [],
    )


async def _respond(work: _ImageJob, body: ImageBody | EditBody, request: Request) -> Response:
    job = work.state.jobs.submit(work.work, label="images")
    if body.stream:
        return event_stream(work.events(job), cancels=job)
    await job_result(job, request)
    answer = work.answer(str(request.base_url), links=body.response_format == "url")
    return JSONResponse(answer, headers={"X-Limner-Job": job.id})


def _read(content: bytes) -> tuple[Candidate, str]:
    """The candidate that a picture shows, and what was asked for; a stranger may have written it.

    Raises `BadInput` for a picture without a recipe, or with one that no writer could read.
    """
    try:
        sent = stamp.parse(content, _UPLOAD)
        recipe = Recipe.parse(sent.recipe, _UPLOAD)
    except BadInput as error:
        raise BadInput(
            f"limner goes on from its own pictures only: {error.message}", _OWN
        ) from error
    brief = recipe.brief
    if len(brief.prompt) > LONGEST_REQUEST or len(brief.claims) > _MOST_CLAIMS:
        raise BadInput("The picture's recipe is too long to go on from.", _OWN)
    take = Candidate(0, 0, brief, recipe.image_request, sent.picture, recipe.critique)
    return take, one_line(recipe.request, LONGEST_REQUEST)


async def _form(request: Request) -> tuple[EditBody, bytes]:
    """What a multipart form asks for, and the one picture in it."""
    async with request.form(max_files=4, max_fields=40) as form:
        files = [(name, v) for name, v in form.multi_items() if isinstance(v, UploadFile)]
        fields: dict[str, Any] = {n: v for n, v in form.multi_items() if isinstance(v, str)}
        if any(name == "mask" for name, _ in files):
            raise BadInput("A mask can't be used yet.", "Say in words what should be different.")
        if len(files) != 1 or files[0][0] not in ("image", "image[]"):
            raise BadInput("One picture is gone on from at a time.", "Send it as the file image.")
        try:
            body = EditBody.model_validate(fields)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False)) from error
        return body, await files[0][1].read()


def _size(picture: Image) -> str:
    return f"{picture.width}x{picture.height}"


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
