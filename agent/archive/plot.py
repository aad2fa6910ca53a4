"""Draws how the best score of a version grew with what was spent on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from limner.agent.archive.rows import TakeRow

__all__ = ["Plot", "Tick", "plot"]

_WIDTH, _HEIGHT = 360, 150  # of the drawing, in its own units
_LEFT, _RIGHT, _TOP, _BOTTOM = 24, 12, 12, 30  # margins
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and the number that stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Coordinates for SVG: `line` is the best so far as a path, `dots` are all takes."""

    line: str
    dots: list[tuple[float, float]]
    across: list[Tick]
    up: list[Tick]
    caption: str
    width: int = _WIDTH
    height: int = _HEIGHT


def plot(takes: Sequence[TakeRow]) -> Plot | None:
    """Claims that hold over image-equivalents; None where there is nothing to follow."""
    most = max((len(take.critique.decisive) for take in takes), default=0)
    spent = _spent(takes)
    if not most or len(set(spent)) < 2:
        return None
    xs = [_x(value / spent[-1]) for value in spent]
    scores = [take.critique.score[0] for take in takes]
    best = [max(scores[: i + 1]) for i in range(len(scores))]
    return Plot(
        line=_steps(xs, [_y(score / most) for score in best]),
        dots=[(x, _y(score / most)) for x, score in zip(xs, scores, strict=True)],
        across=[Tick(_x(v / spent[-1]), f"{v:g}") for v in _round_numbers(spent[-1])],
        up=[Tick(_y(v / most), f"{v:g}") for v in _round_numbers(most, least=1)],
        caption=f"{best[-1]} of {most} claims hold after {spent[-1]:.1f} pictures’ worth",
    )


def _spent(takes: Iterable[TakeRow]) -> list[float]:
    """What the version had cost by each take; every run on it counts from zero."""
    spent, before, earlier = [], 0.0, 0.0
    for take in takes:
        if take.spent < before:
            earlier += before
        before = take.spent
        spent.append(earlier + before)
    return spent


def _steps(xs: list[float], ys: list[float]) -> str:
    """From nothing to the first take, then a step for each take."""
    path = f"M{_x(0)} {_y(0)}"
    for x, y in zip(xs, ys, strict=True):
        path += f"H{x}V{y}"
    return path


def _round_numbers(end: float, least: float = 0) -> list[float]:
    """Zero and up to six more numbers to `end`, by steps of 1, 2 or 5 and their tens."""
    steps = (digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5))
    step = next(s for s in steps if s >= least and end / s <= _MOST_TICKS)
    return [i * step for i in range(int(end / step + 1e-9) + 1)]


def _x(share: float) -> float:
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)
