"""One request at work: what may be spent, what was painted, and which candidate is best."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TypedDict

from limner.agent.records import Brief, Candidate, Claim, Result, Settings
from limner.agent.syntax.reader import ParsedPrompt
from limner.errors import BadInput
from limner.pipelines.roles import PainterSpec

__all__ = [
    "LONGEST_SIDE",
    "Limits",
    "Repair",
    "Run",
    "pixels",
    "settle",
]

LONGEST_SIDE = 8_192  # pixels


class Limits(TypedDict, total=False):
    """What a request may cost and how it is worked on; what is left out is the profile's.

    `budget` in image-equivalents, `seconds` of time, `size` as (width, height) or "WxH", in pixels;
    `refine` False for a single round; `preview_every` so many steps a rough picture,
    0 for none.
    """

    budget: float | None
    seconds: float | None
    images_per_round: int | None
    size: tuple[int, int] | str | None
    refine: bool
    preview_every: int


@dataclass(frozen=True, slots=True)
class Repair:
    """A place in a candidate to be painted over: left, top, right and bottom in pixels."""

    candidate: Candidate
    box: tuple[int, int, int, int]


@dataclass(slots=True)
class Run:
    """The state of one request; only the loop writes to it.

    `parsed` is the request without other tools' syntax. `requested` counts the pictures that were
    asked of the painter so far, `spent` image-equivalents, `round` is 0-based. `first_seed` is that
    of the first picture, where it starts from the noise of an earlier one; candidates are numbered
    from `first_number` on. `repair` is what the next round paints over, `repaired` the numbers of
    the candidates on which that was tried.
    """

    request: str
    parsed: ParsedPrompt
    seed: int
    settings: Settings
    brief: Brief
    refine: bool = True
    preview_every: int = 0
    first_seed: int | None = None
    first_number: int = 0
    claims: tuple[Claim, ...] = ()
    candidates: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repair: Repair | None = None
    repaired: set[int] = field(default_factory=set)
    round: int = 0
    requested: int = 0
    spent: float = 0.0
    ended: str = "cancelled"
    started: float = field(default_factory=time.monotonic)

    @property
    def best(self) -> Candidate | None:
        """The candidate with the best critique, of those not blocked; of equals, the earliest."""
        shown = (candidate for candidate in self.candidates if not candidate.blocked)
        return max(shown, key=lambda candidate: candidate.critique.score, default=None)

    @property
    def seconds(self) -> float:
        """How long the request has been worked on."""
        return time.monotonic() - self.started

    @property
    def out_of_time(self) -> bool:
        """True when the request has had its seconds."""
        return self.settings.seconds is not None and self.seconds >= self.settings.seconds

    def note(self, line: str) -> None:
        """Keep a line for the result, once."""
        if line and line not in self.notes:
            self.notes.append(line)

    def result(self) -> Result:
        """What there is to show for it."""
        return Result(
            self.best,
            tuple(self.candidates),
            self.ended,
            self.spent,
            self.seconds,
            tuple(self.notes),
            self.request,
            self.seed,
        )


def settle(settings: Settings, spec: PainterSpec, limits: Limits) -> Settings:
    """The settings of one request: what the caller asks for, then the profile, then the painter.

    Raises `BadInput` for a budget, a time or a number that is not above zero, for a size that is
    none, and for a limit that there is not.
    """
    if unknown := limits.keys() - Limits.__annotations__.keys():
        names = Limits.__annotations__
        near = [name for word in sorted(unknown) for name in get_close_matches(word, names, 1)]
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(names)}."
        raise BadInput(f"There is no argument {', '.join(sorted(unknown))}.", hint)
    for name in ("budget", "seconds", "images_per_round"):
        value = limits.get(name)
        if isinstance(value, int | float) and not 0 < value < float("inf"):
            raise BadInput(f"{name} must be above 0, not {value}.", f"For instance: {name} 4")
    size = limits.get("size")
    return replace(
        settings,
        budget=limits.get("budget") or settings.budget,
        seconds=limits.get("seconds") or settings.seconds,
        images_per_round=limits.get("images_per_round") or settings.images_per_round,
        size=(pixels(size, "512x512") if isinstance(size, str) else size)
        or settings.size
        or spec.size,
        steps=settings.steps or spec.steps,
        guidance=spec.guidance if settings.guidance is None else settings.guidance,
    )


def pixels(text: str | None, typed: str = "--size 128x128") -> tuple[int, int] | None:
    """Width and height in pixels, each 1 to 8,192; None for None.

    Raises `BadInput` for anything else than `WxH`, with `typed` as an example.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})[x×*](\d{1,5})", text.strip().lower())
    if not found:
        raise BadInput(f"{text!r} is no size", f"type {typed}: width x height in pixels")
    width, height = int(found[1]), int(found[2])
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE):
        raise BadInput(f"{text!r} is no size", f"type {typed}: each side 1 to {LONGEST_SIDE:,}")
    return width, height
