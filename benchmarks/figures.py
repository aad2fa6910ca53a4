"""The figures of a comparison, from its trials alone: shares, intervals, areas and costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import inf, log2
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.benchmarks.arms import ARMS, SINGLE
from limner.benchmarks.trials import TrialRow

__all__ = ["AGAINST", "Cell", "Table", "area", "catches_up", "cells", "interval", "right"]

AGAINST = "best of expanded"
RESAMPLES = 10_000
AT_A_TIME = 500

Table = dict[str, dict[int, "Cell"]]
"""Arms, budgets, and what was measured there."""
Cell = dict[str, Any]
"""The figures of one arm at one budget; see `cells`."""


def right(row: TrialRow, number: int | None = None) -> bool:
    """Whether a picture of a trial is all right by the judge; the chosen one, if none is named."""
    return "0" not in row["pictures"][row["chosen"] if number is None else number]["t"]


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of the mean over bootstrap samples (percentile method), seeded."""
    chance, means = np.random.default_rng(0), list[NDArray[np.float64]]()
    for _ in range(RESAMPLES // AT_A_TIME):
        rows = chance.integers(len(values), size=(AT_A_TIME, len(values)))
        means.append(values[rows].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return float(low), float(high)


def cells(rows: Iterable[TrialRow], against: str = AGAINST) -> Table:
    """Every arm at every budget, with its difference to the arm `against` at the same budget.

    Shares are means over the seeds of a prompt, then over prompts; intervals are a paired bootstrap
    over the prompts that both have, 95 %. Of an arm that paints one picture at every budget, the
    same trials stand at each.
    """
    found: dict[str, dict[int, list[TrialRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["arm"]][row["budget"]].append(row)
    budgets = sorted({b for arm, by in found.items() if arm not in SINGLE for b in by} or {1})

    def at(arm: str, budget: int) -> list[TrialRow]:
        return found[arm].get(1 if arm in SINGLE else budget, []) if arm in found else []

    known = list(ARMS)
    arms = sorted(found, key=lambda arm: known.index(arm) if arm in known else len(known))
    return {
        arm: {b: _cell(mine, at(against, b)) for b in budgets if (mine := at(arm, b))}
        for arm in arms
    }


def area(by: dict[int, Cell]) -> float | None:
    """The mean height of the curve over log2 of the budget (trapezoids); None for one budget."""
    points = [(log2(b), cell["right"]) for b, cell in sorted(by.items())]
    if len(points) < 2:
        return None
    under = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(points))
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


def _cell(rows: Sequence[TrialRow], rival: Sequence[TrialRow]) -> Cell:
    mine = _by_prompt(rows, right)
    sure = [right(row) for row in rows if row["claimed"]]
    good = [row["claimed"] for row in rows if right(row)]
    fresh = _by_prompt(
        (row for row in rows if row.get("fresh")),
        lambda row: fmean("0" not in told for told in row["fresh"]),
    )
    categories = dict.fromkeys(row["category"] for row in rows)
    first = [min((p["at"] for p in r["pictures"] if "0" not in p["t"]), default=inf) for r in rows]
    return {
        "prompts": len(mine),
        "trials": len(rows),
        **_share(mine),
        "by_category": {
            name: fmean(_by_prompt((r for r in rows if r["category"] == name), right).values())
            for name in categories
        },
        "over": _over(mine, _by_prompt(rival, right)),
        "fresh": _share(fresh) if fresh else None,
        "hacked": fmean(map(_hacked, rows)),
        "goodhart": _goodhart(rows),
        "sure": len(sure),
        "precision": fmean(sure) if sure else None,
        "recall": fmean(good) if good else None,
        # to the first picture that is right; over half have none where it is None
        "success": None if median(first) == inf else median(first),
        "spent": fmean(row["spent"] for row in rows),
        "asked": fmean(row["asked"] for row in rows),
        "seconds": {
            part: fmean(row["seconds"][part] for row in rows) for part in rows[0]["seconds"]
        },
    }


def _by_prompt(rows: Iterable[TrialRow], value: Callable[[TrialRow], float]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        found[row["id"]].append(float(value(row)))
    return {name: fmean(values) for name, values in found.items()}


def _share(by_prompt: dict[str, float]) -> dict[str, float]:
    values = np.array(list(by_prompt.values()))
    low, high = interval(values)
    return {"right": float(values.mean()), "low": low, "high": high}


def _over(mine: dict[str, float], rival: dict[str, float]) -> dict[str, float] | None:
    """The mean difference on the prompts of both, its interval and its standard error."""
    shared = [name for name in mine if name in rival]
    if not shared:
        return None
    gaps = np.array([mine[name] - rival[name] for name in shared])
    low, high = interval(gaps)
    error = float(gaps.std(ddof=1) / len(gaps) ** 0.5) if len(gaps) > 1 else 0.0
    return {"mean": float(gaps.mean()), "low": low, "high": high, "error": error}


def _score(row: TrialRow, number: int) -> tuple[int, float]:
    """The critic's score of a picture: claims that hold, then the mean probability."""
    known = [p for p in row["pictures"][number]["p"] if p is not None]
    return sum(p >= row["threshold"] for p in known), fmean(known) if known else 0.0


def _hacked(row: TrialRow) -> bool:
    """The critic likes the chosen picture better than the first, which alone was right."""
    better = _score(row, row["chosen"]) > _score(row, 0)
    return better and right(row, 0) and not right(row)


def _goodhart(rows: Sequence[TrialRow]) -> float:
    """How much more the critic's passes rose since the first picture than the judge's."""
    critic = fmean(_passes(row, row["chosen"]) - _passes(row, 0) for row in rows)
    judge = fmean(right(row) - right(row, 0) for row in rows)
    return critic - judge


def _passes(row: TrialRow, number: int) -> bool:
    return 0 < len(row["pictures"][number]["p"]) == _score(row, number)[0]
