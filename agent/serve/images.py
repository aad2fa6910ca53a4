"""Pictures for OpenAI's image clients: of a request, or of a picture that limner painted before."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL.Image import Image

from limner.agent.archive.pictures import stamped
from limner.agent.archive.recorder import RequestRecorder
from limner.agent.events import BriefReady, Event, Finished, PaintingStep
from limner.agent.jobs import Job
from limner.agent.records import Candidate, Result
from limner.agent.search.run import Limits
from limner.agent.serve.faults import fault, line_of
from limner.agent.serve.house import AppState
from limner.agent.serve.waiting import EventStream, moment, said_of
from limner.agent.studio import Studio
from limner.agent.tools.outputs import judged
from limner.errors import Cancelled, LimnerError, ModelFailed

__all__ = ["FinishedImage", "ImageJob", "answer", "stream"]

Paint = Callable[[Studio, Limits], Generator[Event, None, None]]


@dataclass(frozen=True, slots=True)
class FinishedImage:
    """A finished picture: the bytes of its PNG file, and the take that it shows."""

    content: bytes
    take: Candidate


@dataclass(slots=True)
class ImageJob:
    """So many pictures of one request, as a job does them.

    `paint` starts the work; the best `count` takes become PNG files where the models are, so that
    what is in them is what the command line would have written. `partial` rough pictures are shown
    on the way.
    """

    house: AppState
    request: str
    seed: int
    paint: Paint
    limits: Limits
    count: int = 1
    partial: int = 0
    kind: str = "image_generation"
    made: list[FinishedImage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    result: Result | None = None
    problem: LimnerError | None = None

    def work(self, studio: Studio) -> Generator[Event, None, None]:
        """What the job does."""
        events = self.paint(studio, self._limits(studio))
        recorder = None
        if self.house.archive:
            recorder = RequestRecorder(self.house.archive, studio, self.seed, self.house.profile)
            events = recorder.record(events)
        with closing(events):
            for event in events:
                if isinstance(event, BriefReady):
                    self.notes = [*event.notes]
                if isinstance(event, Finished):
                    self.problem = recorder.problem if recorder else None
                    self._finish(event.result, studio)
                yield event

    def _limits(self, studio: Studio) -> Limits:
        """As asked; for more pictures than a round has, larger rounds and the budget for one."""
        limits = self.limits.copy()
        settings = studio.settings
        if self.partial:
            steps = settings.steps or studio.painter.dialect.steps
            limits["preview_every"] = max(1, steps // (self.partial + 1))
        if self.count > settings.takes:
            limits["takes"] = self.count
            limits["budget"] = max(limits.get("budget") or settings.budget, float(self.count))
        return limits

    def _finish(self, result: Result, studio: Studio) -> None:
        self.result = result
        takes = sorted(result.takes, key=lambda take: take.critique.score, reverse=True)
        for take in takes[: self.count]:
            content = stamped(
                result, take, self.request, studio, seed=self.seed, profile=self.house.profile
            )
            self.made.append(FinishedImage(content, take))


def answer(commission: ImageJob, base: str, *, links: bool) -> dict[str, Any]:
    """The whole answer, in OpenAI's shape and with what limner knows besides.

    Raises `Cancelled` or `ModelFailed` where there is no picture.
    """
    result = commission.result
    if result is None or not commission.made:
        raise _nothing(result)
    return {
        "created": int(time.time()),
        "background": "opaque",
        "output_format": "png",
        "size": _size(commission.made[0]),
        "data": [_datum(commission.house, made, base, links) for made in commission.made],
        "usage": _usage(commission),
        "limner": {
            "seed": commission.seed,
            "ended": result.ended,
            "takes": len(result.takes),
            "spent": round(result.spent, 4),
            "seconds": round(result.seconds, 3),
            "notes": _notes(commission, result),
        },
    }


def stream(commission: ImageJob, job: Job) -> EventStream:
    """The same as server-sent events: rough pictures as they form, then each finished one."""
    return EventStream(_told(commission, job), job.cancel)


async def _told(commission: ImageJob, job: Job) -> AsyncGenerator[str, None]:
    shown = 0

    def tell(event: Event) -> str:
        nonlocal shown
        rough = _rough(event)
        if rough is None or shown >= commission.partial:
            return ""
        shown += 1
        return _partial(commission.kind, rough, shown - 1)

    try:
        async for said in said_of(job, tell):
            if said:
                yield said
        if not commission.made:
            raise _nothing(commission.result)
    except LimnerError as error:
        yield moment(fault(500, line_of(error)), "error")
        return
    for made in commission.made:
        yield _completed(commission, made)


def _rough(event: Event) -> Image | None:
    """The rough picture of an event; a round shows its first take."""
    previews = event.previews if isinstance(event, PaintingStep) else {}
    return previews[min(previews)] if previews else None


def _partial(kind: str, rough: Image, number: int) -> str:
    kind = f"{kind}.partial_image"
    return moment(
        {
            "type": kind,
            "b64_json": _text(_png(rough)),
            "created_at": int(time.time()),
            "partial_image_index": number,
            "size": f"{rough.width}x{rough.height}",
            "quality": "auto",
            "background": "opaque",
            "output_format": "png",
        },
        kind,
    )


def _completed(commission: ImageJob, made: FinishedImage) -> str:
    kind = f"{commission.kind}.completed"
    return moment(
        {
            "type": kind,
            "b64_json": _text(made.content),
            "created_at": int(time.time()),
            "size": _size(made),
            "quality": "auto",
            "background": "opaque",
            "output_format": "png",
            "usage": _usage(commission),
            "limner": {"seed": commission.seed, **_judged(made)},
        },
        kind,
    )


def _datum(house: AppState, made: FinishedImage, base: str, links: bool) -> dict[str, Any]:
    link = house.link(made.content, base) if links else None
    return {
        ("url" if links else "b64_json"): link or _text(made.content),
        "revised_prompt": made.take.order.prompt,
        **_judged(made),
    }


def _judged(made: FinishedImage) -> dict[str, Any]:
    return judged(made.take.brief, made.take.critique)


def _usage(commission: ImageJob) -> dict[str, Any]:
    """Counts in OpenAI's fields: words that were asked, and takes that were painted."""
    words = len(commission.request.split())
    takes = len(commission.result.takes) if commission.result else 0
    return {
        "input_tokens": words,
        "output_tokens": takes,
        "total_tokens": words + takes,
        "input_tokens_details": {"text_tokens": words, "image_tokens": 0},
    }


def _notes(commission: ImageJob, result: Result) -> list[str]:
    """What did not go as it should, each once: a run repeats what was noted of its brief."""
    problem = commission.problem
    unkept = [f"not all is in the archive: {line_of(problem)}"] if problem else []
    return [*dict.fromkeys((*commission.notes, *result.notes, *unkept))]


def _nothing(result: Result | None) -> LimnerError:
    if result is None or result.ended == "cancelled":
        return Cancelled("The request was cancelled.", "Nothing was painted yet.")
    return ModelFailed("Nothing was painted.", "; ".join(result.notes))


def _size(made: FinishedImage) -> str:
    return f"{made.take.picture.width}x{made.take.picture.height}"


def _png(picture: Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
