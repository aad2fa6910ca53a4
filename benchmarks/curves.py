"""Draws curves over a budget on a logarithmic axis, each with the band of its interval, for SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

__all__ = ["Chart", "Curve", "Point", "Tick", "chart"]

WIDTH, HEIGHT = 640, 300  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 14, 40  # margins


@dataclass(frozen=True, slots=True)
class Point:
    """A measured share in 0..1 at a budget, with its interval."""

    budget: float
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One arm: its path, the outline of its band, its dots, and its number among the curves."""

    name: str
    number: int
    line: str
    band: str
    dots: list[tuple[float, float, str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """All that a page needs to draw the curves."""

    curves: list[Curve]
    across: list[Tick]
    up: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def chart(series: Mapping[str, Sequence[Point]]) -> Chart | None:
    """The curves of some arms; None where there are no two budgets to go between."""
    budgets = sorted({point.budget for points in series.values() for point in points})
    if len(budgets) < 2:
        return None
    top = _top(max(p.high for points in series.values() for p in points))
    span = log2(budgets[-1]) - log2(budgets[0])

    def place(budget: float, share: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (log2(budget) - log2(budgets[0])) / span
        return round(across, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share / top, 1)

    curves = []
    for number, (name, points) in enumerate(series.items()):
        if points:
            middle = [place(p.budget, p.share) for p in points]
            upper = [place(p.budget, p.high) for p in points]
            lower = [place(p.budget, p.low) for p in points]
            told = [f"{name}, B = {p.budget:g}: {p.share:.3f}" for p in points]
            dots = [(x, y, text) for (x, y), text in zip(middle, told, strict=True)]
            band = f"{_path([*upper, *reversed(lower)])}Z"
            curves.append(Curve(name, number, _path(middle), band, dots))
    across = [Tick(place(b, 0)[0], f"{b:g}") for b in budgets]
    up = [Tick(place(budgets[0], top * n / 5)[1], f"{100 * top * n / 5:.0f}") for n in range(6)]
    return Chart(curves, across, up)


def _top(highest: float) -> float:
    """The next tenth, so that small shares are not drawn flat."""
    return max(0.1, min(1.0, (int(highest * 10) + 1) / 10))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)
