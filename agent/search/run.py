"""One request at work: what was asked, what is spent, what was painted, and which take is best."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TypedDict

from limner.agent.records import Brief, Candidate, Claim, Result, Settings
from limner.errors import BadInput
from limner.pipelines.roles import PainterSpec

__all__ = [
    "Limits",
    "Repair",
    "Run",
    "settle",
]


class Limits(TypedDict, total=False):
    """What a request may cost and how it is worked on; what is left out is the profile's.

    `budget` in image-equivalents, `seconds` of time, `takes` per round, `size` as (width, height)
    in pixels; `refine` False for a single round; `preview_every` so many steps a rough picture,
    0 for none.
    """

    budget: float | None
    seconds: float | None
    takes: int | None
    size: tuple[int, int] | None
    refine: bool
    preview_every: int


@dataclass(frozen=True, slots=True)
class Repair:
    """A place in a take to be painted over: left, top, right and bottom in pixels."""

    take: Candidate
    box: tuple[int, int, int, int]


@dataclass(slots=True)
class Run:
    """The state of one request; only the loop writes to it.

    `ordered` counts the pictures ordered so far, `spent`
    image-equivalents, `round` is 0-based. `first_seed` is that of the first order, where it starts
    from the noise of an earlier picture; takes are numbered from `first_number` on. `repair` is
    what the next round paints over, `repaired` the numbers of the takes on which that was tried.
    """

    request: str
    seed: int
    settings: Settings
    brief: Brief
    refine: bool = True
    preview_every: int = 0
    first_seed: int | None = None
    first_number: int = 0
    claims: tuple[Claim, ...] = ()
    takes: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    repair: Repair | None = None
    repaired: set[int] = field(default_factory=set)
    round: int = 0
    ordered: int = 0
    spent: float = 0.0
    ended: str = "cancelled"
    started: float = field(default_factory=time.monotonic)

    @property
    def best(self) -> Candidate | None:
        """The take with the best critique, of those not blocked; of equals, the earliest."""
        shown = (take for take in self.takes if not take.blocked)
        return max(shown, key=lambda take: take.critique.score, default=None)

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
            self.best, tuple(self.takes), self.ended, self.spent, self.seconds, tuple(self.notes)
        )


def settle(settings: Settings, dialect: PainterSpec, limits: Limits) -> Settings:
    """The settings of one request: what the caller asks for, then the profile, then the painter.

    Raises `BadInput` for a budget, a time or a number that is not above zero.
    """
    for name in ("budget", "seconds", "takes"):
        value = limits.get(name)
        if isinstance(value, int | float) and not 0 < value < float("inf"):
            raise BadInput(f"{name} must be above 0, not {value}.", f"For instance: {name} 4")
    return replace(
        settings,
        budget=limits.get("budget") or settings.budget,
        seconds=limits.get("seconds") or settings.seconds,
        takes=limits.get("takes") or settings.takes,
        size=limits.get("size") or settings.size or dialect.size,
        steps=settings.steps or dialect.steps,
        guidance=dialect.guidance if settings.guidance is None else settings.guidance,
    )
