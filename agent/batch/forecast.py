"""Says what a batch would cost, before any of it is painted for good."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from limner.agent.batch.group import Rooms
from limner.agent.batch.rows import BadRow, Row
from limner.agent.batch.terms import Terms
from limner.agent.events import BriefReady, TakeReady
from limner.agent.studio import Studio
from limner.errors import LimnerError
from limner.pipelines.roles import Order

__all__ = ["Forecast", "forecast"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a batch holds and may cost: `pictures` and `equivalents` (image-equivalents) at most.

    `seconds` is an estimate for one worker, from one brief and one picture that were made for it;
    None where there was nothing to measure.
    """

    rows: int = 0
    bad: int = 0
    pictures: int = 0
    equivalents: float = 0.0
    seconds: float | None = None

    def as_mapping(self) -> dict[str, Any]:
        """All of it by name."""
        return asdict(self)


def forecast(rows: Iterable[Row | BadRow], terms: Terms) -> Forecast:
    """What the rows would cost; the models are opened and tried on the first of them."""
    studio, found, first = Rooms(terms).studio(), Forecast(), None
    for row in rows:
        if isinstance(row, BadRow):
            found = replace(found, rows=found.rows + 1, bad=found.bad + 1)
            continue
        first = first or row
        budget = 0.0 if terms.expand_only else row.budget or terms.budget or studio.settings.budget
        found = replace(
            found,
            rows=found.rows + 1,
            pictures=found.pictures + int(budget / _cost(studio, row, terms) + 1e-6),
            equivalents=found.equivalents + budget,
        )
    if first is None:
        return found
    brief, picture = _tried(studio, first, terms)
    seconds = (found.rows - found.bad) * brief + found.equivalents * picture
    return replace(found, equivalents=round(found.equivalents, 2), seconds=round(seconds, 1))


def _cost(studio: Studio, row: Row, terms: Terms) -> float:
    """What one picture of a row costs, in image-equivalents."""
    settings, dialect = studio.settings, studio.painter.dialect
    width, height = row.size or terms.size or settings.size or dialect.size
    order = Order("", 0, width, height, settings.steps or dialect.steps, dialect.guidance)
    with suppress(LimnerError):  # a size that it can't paint: the row will say so
        return max(studio.painter.cost(order), 1e-3)
    return float("inf")


def _tried(studio: Studio, row: Row, terms: Terms) -> tuple[float, float]:
    """The seconds of one brief, and of painting for one image-equivalent; 0 where it failed."""
    brief = painting = spent = 0.0
    with suppress(LimnerError):
        for _ in studio.expand(row.request, seed=0):
            pass  # what is only slow the first time
        begun = time.monotonic()
        for _ in studio.expand(row.request, seed=0):
            pass
        brief = time.monotonic() - begun
        if terms.expand_only:
            return brief, 0.0
        with closing(studio.takes(row.request, seed=0, takes=1, refine=False)) as events:
            for event in events:
                if isinstance(event, BriefReady):
                    begun = time.monotonic()
                elif isinstance(event, TakeReady):
                    spent += studio.painter.cost(event.take.order)
            painting = time.monotonic() - begun
    return brief, painting / spent if spent else 0.0
