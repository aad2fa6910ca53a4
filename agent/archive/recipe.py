"""How a picture came to be, as it is written into the picture itself: enough to paint it again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from limner.agent.brief.older import recipe_now
from limner.agent.plain import one_line
from limner.agent.records import Brief, Candidate, Critique, Result
from limner.errors import BadInput
from limner.pipelines.finish import MOST, Finish
from limner.pipelines.roles import ImageRequest, InitImage, Painter
from limner.pipelines.safety import UNCHECKED, Safety

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "PastCandidate",
    "PastRound",
    "Recipe",
    "past",
    "recipe_of",
    "software",
    "without_home",
    "written",
]


def written(image_request: ImageRequest) -> dict[str, Any]:
    """The request as JSON can hold it: of its start, all but the picture.

    One that starts from nothing has no `start` at all.
    """
    plain = asdict(replace(image_request, start=None))
    del plain["start"]
    return plain | ({"start": _start(image_request.start)} if image_request.start else {})


def past(image_request: ImageRequest) -> Iterator[ImageRequest]:
    """The requests that its start was painted from, the latest first."""
    while image_request.start and image_request.start.image_request:
        image_request = image_request.start.image_request
        yield image_request


def _start(start: InitImage) -> dict[str, Any]:
    plain: dict[str, Any] = {"strength": start.strength, "box": start.box}
    if start.batch_seeds:
        plain["batch_seeds"] = start.batch_seeds
    if start.dropped_at:
        plain["dropped_at"] = start.dropped_at
    return plain | ({"image_request": written(start.image_request)} if start.image_request else {})


Count = Annotated[int, Field(ge=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
Line = Annotated[str, Field(max_length=20_000)]


_TAKES_KEPT, _ROUNDS_KEPT = 500, 50  # the last ones: a picture is no logbook
_BATCH_AGAIN = 64  # a file from a stranger does not order a thousand pictures
_STARTS = 32  # nor a picture over a picture over a picture, for ever


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class PastCandidate(_Strict):
    """One candidate in short: how many of its claims hold, and how probable they are on average."""

    number: Count
    round: Count
    seed: Seed
    holds: Count
    claims: Count
    mean: float


class PastRound(_Strict):
    """What a round was painted from, and which claims failed in its best picture."""

    number: Count
    prompt: Line
    failed: tuple[Line, ...] = ()


class Recipe(_Strict):
    """Everything about one picture that its file keeps.

    `seed` is that of the whole run, `image_request.seed` that of this picture; `spent` is in
    image-equivalents; `safety` is what the picture check found of it; `finishes` were done to what
    was painted; `models` are the names of writer, painter and critic, each with the start of its
    manifest's SHA-256 where known; `threads` is torch's count of CPU threads where the painter uses
    torch, 0 if unknown; `batch_seeds` the seeds of the batch it was painted in, where that is not
    just these `candidates`, and `dropped_at` after which step each was dropped, 0 where it was not.
    Nothing here depends on the clock, so that the same request and seed give the same file;
    `seconds`, how long it took, is kept of older files alone.
    """

    schema_version: Literal[3] = 3
    request: Line
    brief: Brief
    image_request: Annotated[ImageRequest, PlainSerializer(written)]
    critique: Critique
    safety: Safety = UNCHECKED
    seed: Seed
    profile: Annotated[str, Field(max_length=100)] = ""
    candidates: tuple[PastCandidate, ...] = ()
    rounds: tuple[PastRound, ...] = ()
    finishes: Annotated[tuple[Finish, ...], Field(max_length=MOST)] = ()
    ended: Annotated[str, Field(max_length=40)] = ""
    spent: float = 0.0
    seconds: float = 0.0
    notes: tuple[Line, ...] = ()
    models: dict[Literal["writer", "painter", "critic"], Annotated[str, Field(max_length=300)]]
    software: dict[str, Annotated[str, Field(max_length=100)]] = {}
    threads: Count = 0
    batch_seeds: Annotated[tuple[Seed, ...], Field(max_length=_BATCH_AGAIN)] = ()
    dropped_at: tuple[Count, ...] = ()

    @model_validator(mode="after")
    def _is_possible(self) -> Recipe:
        critique, requests = self.critique, [self.image_request, *past(self.image_request)]
        if len(requests) > _STARTS:
            raise ValueError("painted over too often")
        if (
            sum(
                len(image_request.start.batch_seeds)
                for image_request in requests
                if image_request.start
            )
            > _BATCH_AGAIN
        ):
            raise ValueError("painted over in too large a batch")
        for image_request in requests:
            _check(image_request)
            if image_request.start and len(image_request.start.dropped_at) not in (
                0,
                len(image_request.start.batch_seeds),
            ):
                raise ValueError("painted over in an impossible batch")
        if len(self.dropped_at) not in (0, len(self.batch_seeds)):
            raise ValueError("painted in an impossible batch")
        if len(critique.claims) != len(critique.probabilities):
            raise ValueError("not one probability for each claim")
        if len(critique.draft) not in (0, len(critique.claims)):
            raise ValueError("a draft of something else")
        return self

    @property
    def batch(self) -> tuple[int, ...]:
        """The seeds of all pictures of its batch, in order."""
        if self.batch_seeds:
            return self.batch_seeds
        rounds = [
            candidate.round
            for candidate in self.candidates
            if candidate.seed == self.image_request.seed
        ]
        return tuple(
            candidate.seed for candidate in self.candidates if candidate.round in rounds[:1]
        )[:_BATCH_AGAIN]

    @classmethod
    def parse(cls, text: str, path: Path) -> Recipe:
        """The recipe in `text`, which came from the file at `path`; raises `BadInput`."""
        try:
            return cls.model_validate_json(json.dumps(recipe_now(json.loads(text))))
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"{path} holds a recipe that this limner can't read",
                "choose a PNG that limner saved, or install a newer limner",
            ) from error


def recipe_of(
    result: Result, best: Candidate, request: str, studio: Studio, *, seed: int, profile: str = ""
) -> Recipe:
    """The recipe of a result's best candidate."""
    return Recipe(
        request=request,
        brief=best.brief,
        image_request=best.image_request,
        critique=best.critique,
        safety=best.safety,
        seed=seed,
        profile=profile,
        candidates=tuple(_short(candidate) for candidate in result.candidates[-_TAKES_KEPT:]),
        rounds=tuple(_rounds(result.candidates)[-_ROUNDS_KEPT:]),
        ended=result.ended,
        spent=round(result.spent, 4),
        notes=tuple(without_home(note) for note in result.notes),
        models={
            "writer": _public(studio.names.get("writer", "")),
            "painter": _public(studio.names.get("painter", "")),
            "critic": _public(studio.names.get("critic", "")),
        },
        software=software(),
        threads=_threads(studio.painter),
        batch_seeds=best.batch_seeds,
        dropped_at=best.dropped_at,
    )


def _threads(painter: Painter) -> int:
    """The painter's own count where it has one (our fake has 0), else what torch has here."""
    torch = sys.modules.get("torch")
    return int(getattr(painter, "threads", torch.get_num_threads() if torch else 0))


def software() -> dict[str, str]:
    """The versions of limner and of what its pictures depend on, where installed."""
    found = {}
    for name in ("limner", "torch", "diffusers", "transformers"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _check(image_request: ImageRequest) -> None:
    if not (0 <= image_request.seed < 2**64 and 1 <= image_request.steps <= 1_000):
        raise ValueError("no such seed or number of steps")
    if not (0 < image_request.width <= 8_192 and 0 < image_request.height <= 8_192):
        raise ValueError("no such size")


def _short(candidate: Candidate) -> PastCandidate:
    holds, mean = candidate.critique.score
    return PastCandidate(
        number=candidate.number,
        round=candidate.round,
        seed=candidate.image_request.seed,
        holds=holds,
        claims=len(candidate.critique.claims),
        mean=round(mean, 4),
    )


def _rounds(candidates: tuple[Candidate, ...]) -> list[PastRound]:
    rounds = []
    for number, painted in groupby(candidates, key=lambda candidate: candidate.round):
        best = max(painted, key=lambda candidate: candidate.critique.score)
        failed = tuple(best.critique.claims[i].text for i in best.critique.failed)
        prompt = one_line(best.image_request.prompt, 1_000)
        rounds.append(PastRound(number=number, prompt=prompt, failed=failed))
    return rounds


def _public(name: str) -> str:
    """A model's name without the folders above it: a picture must not tell where its user lives."""
    path = PurePath(name)
    hidden = path.is_absolute() or name.startswith(("~", "."))
    return (path.name if hidden else name)[:300]


def without_home(text: str) -> str:
    """The text with the user's home folder as ~: what is shared must not tell where they live."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
