"""What the figures come to: areas, how far best-of-N must go to catch up, gaps, and the targets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log2
from statistics import fmean
from typing import Any

from limner.benchmarks.figures import Cell, Table

__all__ = ["AGAINST", "OURS", "area", "catches_up", "gap_closed", "summary", "targets"]

OURS, AGAINST, CEILING, ONE = "limner", "best of expanded", "ceiling", "expanded"
NEAR = ("colour", "two things")  # what "out of distribution" asks for, in colours that training has
PLAIN = ("k=2", "k=3")  # what "wild" asks for, in other words


def summary(table: Table, against: str = AGAINST) -> dict[str, Any]:
    """All figures of a comparison that are not of one arm at one budget."""
    return {
        "against": against,
        "area": {arm: area(by) for arm, by in table.items()},
        "catches_up": {
            arm: {b: catches_up(table.get(against, {}), cell["right"]) for b, cell in by.items()}
            for arm, by in table.items()
        },
        "gap_closed": {
            b: gap_closed(table, b) for b in table.get(OURS, {}) if b in table.get(CEILING, {})
        },
        "out_of_distribution_gap": _gaps(table, NEAR, "out of distribution"),
        "wild_gap": _gaps(table, PLAIN, "wild"),
        "targets": targets(table, against),
    }


def area(by: dict[int, Cell]) -> float | None:
    """The mean height of the curve over log2 of the budget (trapezoids); None for one budget."""
    points = [(log2(b), cell["right"]) for b, cell in sorted(by.items())]
    if len(points) < 2:
        return None
    pairs = pairwise(points)
    under = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairs)
    return float(under / (points[-1][0] - points[0][0]))


def catches_up(rival: dict[int, Cell], share: float) -> float | None:
    """The budget at which a rival is right as often, between budgets by log2; None: at none."""
    points = [(log2(b), cell["right"]) for b, cell in sorted(rival.items())]
    for number, (x, y) in enumerate(points):
        if y >= share:
            before, low = points[number - 1] if number else (x, y)
            part = 1.0 if y == low else (share - low) / (y - low)
            return float(2 ** (before + (x - before) * part))
    return None


def gap_closed(table: Table, budget: int) -> float | None:
    """How much of the way from one picture to the ceiling the loop goes at a budget."""
    if ONE not in table or budget not in table[ONE]:
        return None
    low, high = (table[arm][budget]["right"] for arm in (ONE, CEILING))
    return (table[OURS][budget]["right"] - low) / (high - low) if high > low else None


def targets(table: Table, against: str) -> list[tuple[str, str, str, bool]]:
    """Each target that this run can speak to: figure, target, measured, met."""
    found = []
    ours, rival = table.get(OURS, {}), table.get(against, {})
    if over := ours.get(4, {}).get("over"):
        found.append(_row("all right at B = 4, over best-of-4", ">= +15", 100 * over["mean"], 15))
    if {4} <= ours.keys() & rival.keys() and "k=5" in ours[4]["by_category"]:
        gap = 100 * (ours[4]["by_category"]["k=5"] - rival[4]["by_category"].get("k=5", 0.0))
        found.append(_row("the same, k = 5", ">= +20", gap, 20))
    if 8 in ours and 32 in rival:
        gap = 100 * (ours[8]["right"] - rival[32]["right"])
        found.append(_row("B = 8 over best-of-32", ">= 0", gap, 0))
    if 8 in ours and 8 in table.get(CEILING, {}) and (share := gap_closed(table, 8)) is not None:
        found.append(
            _row("share of the gap to the ceiling closed at B = 8", ">= 90 %", 100 * share, 90)
        )
    return found + _honesty(table)


def _honesty(table: Table) -> list[tuple[str, str, str, bool]]:
    ours = table.get(OURS, {})
    if not ours:
        return []
    most = max(ours)
    cell, found = ours[most], []
    found.append(_most(f"hack rate at B = {most}", "<= 2 %", 100 * cell["hacked"], 2))
    found.append(_most(f"Goodhart gap at B = {most}", "<= 3", 100 * cell["goodhart"], 3))
    if cell["precision"] is not None:
        found.append(_row("precision of “it matches”", ">= 95 %", 100 * cell["precision"], 95))
    for name, least, near, far in (
        ("out-of-distribution gap", 8, NEAR, "out of distribution"),
        ("wild gap", 3, PLAIN, "wild"),
    ):
        if (gap := _gap(cell, near, far)) is not None:
            found.append(_most(name, f"<= {least}", 100 * gap, least))
    return found


def _row(name: str, target: str, value: float, least: float) -> tuple[str, str, str, bool]:
    return name, target, f"{value:+.1f}", value >= least


def _most(name: str, target: str, value: float, most: float) -> tuple[str, str, str, bool]:
    return name, target, f"{value:+.1f}", value <= most


def _gaps(table: Table, near: Sequence[str], far: str) -> dict[str, float]:
    """For each arm at its largest budget."""
    found = {arm: _gap(by[max(by)], near, far) for arm, by in table.items() if by}
    return {arm: gap for arm, gap in found.items() if gap is not None}


def _gap(cell: Cell, near: Sequence[str], far: str) -> float | None:
    by = cell["by_category"]
    if far not in by or not all(name in by for name in near):
        return None
    return fmean(by[name] for name in near) - float(by[far])
