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

from limner.agent.brief.older import brief_now, critique_now
from limner.agent.plain import one_line
from limner.agent.records import Brief, Candidate, Critique, Result
from limner.errors import BadInput
from limner.pipelines.finish import MOST, Finish
from limner.pipelines.roles import ImageRequest, InitImage, Painter
from limner.pipelines.safety import UNCHECKED, Safety

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "PastRound",
    "PastTake",
    "Recipe",
    "past",
    "recipe_of",
    "software",
    "without_home",
    "written",
]


def written(order: ImageRequest) -> dict[str, Any]:
    """The order as JSON can hold it: of its start, all but the picture.

    An order that starts from nothing is written as it always was.
    """
    plain = asdict(replace(order, start=None))
    del plain["start"]
    return plain | ({"start": _start(order.start)} if order.start else {})


def past(order: ImageRequest) -> Iterator[ImageRequest]:
    """The orders that the order's start was painted from, the latest first."""
    while order.start and order.start.order:
        order = order.start.order
        yield order


def _start(start: InitImage) -> dict[str, Any]:
    plain: dict[str, Any] = {"strength": start.strength, "box": start.box}
    if start.company:
        plain["company"] = start.company
    if start.gone:
        plain["gone"] = start.gone
    return plain | ({"order": written(start.order)} if start.order else {})


Count = Annotated[int, Field(ge=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
Line = Annotated[str, Field(max_length=20_000)]


_TAKES_KEPT, _ROUNDS_KEPT = 500, 50  # the last ones: a picture is no logbook
_BATCH_AGAIN = 64  # a file from a stranger does not order a thousand pictures
_STARTS = 32  # nor a picture over a picture over a picture, for ever


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class PastTake(_Strict):
    """One take in short: how many of its claims hold, and how probable they are on average."""

    number: Count
    round: Count
    seed: Seed
    holds: Count
    claims: Count
    mean: float


class PastRound(_Strict):
    """What a round was painted from, and which claims failed in its best take."""

    number: Count
    prompt: Line
    failed: tuple[Line, ...] = ()


class Recipe(_Strict):
    """Everything about one picture that its file keeps.

    `seed` is that of the whole run, `order.seed` that of this take; `spent` is in
    image-equivalents; `safety` is what the picture check found of it; `finishes` were done to what
    was painted; `models` are the names of writer, painter and critic, each with the start of its
    manifest's SHA-256 where known; `threads` is torch's count of CPU threads where the painter uses
    torch, 0 if unknown; `company` the seeds of the batch it was painted in, where that is not just
    these takes, and `gone` after which step each was dropped, 0 where it was not. Nothing here
    depends on the clock, so that the same request and seed give the same file; `seconds`, how long
    it took, is kept of older files alone.
    """

    schema_version: Literal[1, 2] = 2
    request: Line
    brief: Brief
    order: Annotated[ImageRequest, PlainSerializer(written)]
    critique: Critique
    safety: Safety = UNCHECKED
    seed: Seed
    profile: Annotated[str, Field(max_length=100)] = ""
    takes: tuple[PastTake, ...] = ()
    rounds: tuple[PastRound, ...] = ()
    finishes: Annotated[tuple[Finish, ...], Field(max_length=MOST)] = ()
    ended: Annotated[str, Field(max_length=40)] = ""
    spent: float = 0.0
    seconds: float = 0.0
    notes: tuple[Line, ...] = ()
    models: dict[Literal["writer", "painter", "critic"], Annotated[str, Field(max_length=300)]]
    software: dict[str, Annotated[str, Field(max_length=100)]] = {}
    threads: Count = 0
    company: Annotated[tuple[Seed, ...], Field(max_length=_BATCH_AGAIN)] = ()
    gone: tuple[Count, ...] = ()

    @model_validator(mode="after")
    def _is_possible(self) -> Recipe:
        critique, orders = self.critique, [self.order, *past(self.order)]
        if len(orders) > _STARTS:
            raise ValueError("painted over too often")
        if sum(len(order.start.company) for order in orders if order.start) > _BATCH_AGAIN:
            raise ValueError("painted over in too much company")
        for order in orders:
            _check(order)
            if order.start and len(order.start.gone) not in (0, len(order.start.company)):
                raise ValueError("painted over in strange company")
        if len(self.gone) not in (0, len(self.company)):
            raise ValueError("painted in strange company")
        if len(critique.claims) != len(critique.probabilities):
            raise ValueError("not one probability for each claim")
        if len(critique.sketch) not in (0, len(critique.claims)):
            raise ValueError("a sketch of something else")
        return self

    @property
    def batch(self) -> tuple[int, ...]:
        """The seeds of the orders that were painted together with this picture's, in order."""
        if self.company:
            return self.company
        rounds = [take.round for take in self.takes if take.seed == self.order.seed]
        return tuple(take.seed for take in self.takes if take.round in rounds[:1])[:_BATCH_AGAIN]

    @classmethod
    def parse(cls, text: str, path: Path) -> Recipe:
        """The recipe in `text`, which came from the file at `path`; raises `BadInput`."""
        try:
            kept = json.loads(text)
            if isinstance(kept, dict):
                kept["brief"] = brief_now(kept.get("brief"))
                kept["critique"] = critique_now(kept.get("critique"))
            return cls.model_validate_json(json.dumps(kept))
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"{path} holds a recipe that this limner can't read",
                "choose a PNG that limner saved, or install a newer limner",
            ) from error


def recipe_of(
    result: Result, best: Candidate, request: str, studio: Studio, *, seed: int, profile: str = ""
) -> Recipe:
    """The recipe of the best take of a result."""
    return Recipe(
        request=request,
        brief=best.brief,
        order=best.order,
        critique=best.critique,
        safety=best.safety,
        seed=seed,
        profile=profile,
        takes=tuple(_short(take) for take in result.takes[-_TAKES_KEPT:]),
        rounds=tuple(_rounds(result.takes)[-_ROUNDS_KEPT:]),
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
        company=best.beside,
        gone=best.gone,
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


def _check(order: ImageRequest) -> None:
    if not (0 <= order.seed < 2**64 and 1 <= order.steps <= 1_000):
        raise ValueError("no such seed or number of steps")
    if not (0 < order.width <= 8_192 and 0 < order.height <= 8_192):
        raise ValueError("no such size")


def _short(take: Candidate) -> PastTake:
    holds, mean = take.critique.score
    return PastTake(
        number=take.number,
        round=take.round,
        seed=take.order.seed,
        holds=holds,
        claims=len(take.critique.claims),
        mean=round(mean, 4),
    )


def _rounds(takes: tuple[Candidate, ...]) -> list[PastRound]:
    rounds = []
    for number, painted in groupby(takes, key=lambda take: take.round):
        best = max(painted, key=lambda take: take.critique.score)
        failed = tuple(best.critique.claims[i].text for i in best.critique.failed)
        prompt = one_line(best.order.prompt, 1_000)
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
