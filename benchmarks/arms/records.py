"""The nouns of a comparison: a case to be met, a picture that an arm painted, its whole trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PIL.Image import Image

from limner import Brief, Critique
from limner.agent.brief.verdict import verdict
from limner.pipelines.roles import ImageRequest

__all__ = ["Case", "Cost", "Decide", "Shot", "Trial"]

Decide = Callable[[Image], tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """One request, its claims in words, and whoever decides which of them are true of a picture.

    `exact` is the brief that says just what was asked, where that is known without a writer;
    `second` another's word on the same claims, which nothing but a report is told.
    """

    id: str
    category: str
    request: str
    claims: tuple[str, ...]
    decide: Decide
    exact: Brief | None = None
    second: Decide | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture that an arm painted, what the critic says of it, and what had been spent by then.

    `at` counts image-equivalents to the end of this picture, as if those of a batch were painted
    one after the other.
    """

    order: ImageRequest
    picture: Image
    critique: Critique
    at: float


@dataclass(slots=True)
class Cost:
    """What a trial took: image-equivalents, seconds of each model and of everything, and calls."""

    spent: float = 0.0
    writer: float = 0.0
    painter: float = 0.0
    critic: float = 0.0
    whole: float = 0.0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """What an arm made of a case: its pictures, the one handed over, and the order whose prompt is.

    `brief` is what the claims are from, `ended` the arm's own word on why it stopped.
    """

    shots: tuple[Shot, ...]
    chosen: int
    told: ImageRequest
    brief: Brief
    ended: str = ""
    cost: Cost = field(default_factory=Cost)

    @property
    def best(self) -> Shot:
        """The picture that is handed over."""
        return self.shots[self.chosen]

    @property
    def claimed(self) -> bool:
        """Whether the arm itself says that the picture is all that was asked for."""
        return verdict(self.brief, self.best.critique).reached
