"""The figures of a comparison, from its trials alone: shares, intervals, gaps and costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.benchmarks.arms import ARMS
from limner.benchmarks.runner import SINGLE
from limner.benchmarks.trials import Row

__all__ = ["Cell", "Table", "cells", "interval", "right", "score"]

RESAMPLES = 10_000
AT_A_TIME = 500

Table = dict[str, dict[int, "Cell"]]
"""Arms, budgets, and what was measured there."""

Cell = dict[str, Any]
"""The figures of one arm at one budget; see `cells`."""

Value = Callable[[Row], float]


def right(row: Row, number: int | None = None) -> bool:
    """Whether a picture of a trial is all right by the judge; the chosen one, if none is named."""
    return "0" not in row["pictures"][row["chosen"] if number is None else number]["t"]


def score(row: Row, number: int) -> tuple[int, float]:
    """The critic's score of a picture: claims that hold, then the mean probability."""
    known = [p for p in row["pictures"][number]["p"] if p is not None]
    return sum(p >= row["threshold"] for p in known), fmean(known) if known else 0.0


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of the mean over bootstrap samples (percentile method), seeded."""
    chance, means = np.random.default_rng(0), list[NDArray[np.float64]]()
    for _ in range(RESAMPLES // AT_A_TIME):
        rows = chance.integers(len(values), size=(AT_A_TIME, len(values)))
        means.append(values[rows].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return float(low), float(high)


def cells(rows: Iterable[Row], against: str) -> Table:
    """Every arm at every budget, with its difference to the arm `against` at the same budget.

    Shares are means over the seeds of a prompt, then over prompts; intervals are a paired bootstrap
    over the prompts that both have, 95 %. Of an arm that paints one picture at every budget, the
    same trials stand at each.
    """
    sorted_rows: dict[str, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        sorted_rows[row["arm"]][row["budget"]].append(row)
    budgets = sorted({b for arm, by in sorted_rows.items() if arm not in SINGLE for b in by} or {1})
    found: Table = {}
    for arm in _in_order(sorted_rows):
        by = sorted_rows[arm]
        of = {b: by.get(1 if arm in SINGLE else b, []) for b in budgets}
        known = (
            {b: rival[b] for b in budgets} if (rival := _of(sorted_rows, against, budgets)) else {}
        )
        found[arm] = {b: _cell(mine, known.get(b, [])) for b, mine in of.items() if mine}
    return found


def _in_order(arms: Iterable[str]) -> list[str]:
    known = list(ARMS)
    return sorted(arms, key=lambda arm: known.index(arm) if arm in known else len(known))


def _of(
    rows: dict[str, dict[int, list[Row]]], arm: str, budgets: Sequence[int]
) -> dict[int, list[Row]]:
    if arm not in rows:
        return {}
    return {b: rows[arm].get(1 if arm in SINGLE else b, []) for b in budgets}


def _cell(rows: Sequence[Row], rival: Sequence[Row]) -> Cell:
    mine = _by_prompt(rows, right)
    values = np.array(list(mine.values()))
    low, high = interval(values)
    sure = [right(row) for row in rows if row["claimed"]]
    good = [row["claimed"] for row in rows if right(row)]
    return {
        "prompts": len(mine),
        "trials": len(rows),
        "right": float(values.mean()),
        "low": low,
        "high": high,
        "by_category": _by_category(rows),
        "over": _over(mine, _by_prompt(rival, right)),
        "fresh": _fresh(rows),
        "hacked": fmean(map(_hacked, rows)),
        "goodhart": _goodhart(rows),
        "sure": len(sure),
        "precision": fmean(sure) if sure else None,
        "recall": fmean(good) if good else None,
        "success": _success(rows),
        "spent": fmean(row["spent"] for row in rows),
        "asked": fmean(row["asked"] for row in rows),
        "seconds": {
            part: fmean(row["seconds"][part] for row in rows) for part in rows[0]["seconds"]
        },
    }


def _by_prompt(rows: Iterable[Row], value: Value) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        found[row["id"]].append(float(value(row)))
    return {name: fmean(values) for name, values in found.items()}


def _by_category(rows: Sequence[Row]) -> dict[str, float]:
    names = dict.fromkeys(row["category"] for row in rows)
    return {
        name: fmean(_by_prompt((r for r in rows if r["category"] == name), right).values())
        for name in names
    }


def _over(mine: dict[str, float], rival: dict[str, float]) -> dict[str, float] | None:
    """The mean difference on the prompts of both, its interval and its standard error."""
    shared = [name for name in mine if name in rival]
    if not shared:
        return None
    gaps = np.array([mine[name] - rival[name] for name in shared])
    low, high = interval(gaps)
    error = float(gaps.std(ddof=1) / len(gaps) ** 0.5) if len(gaps) > 1 else 0.0
    return {"mean": float(gaps.mean()), "low": low, "high": high, "error": error}


def _fresh(rows: Sequence[Row]) -> dict[str, float] | None:
    """How often the returned prompt is all right on seeds that nobody chose."""
    known = [row for row in rows if row.get("fresh")]
    if not known:
        return None
    shares = _by_prompt(known, lambda row: fmean("0" not in told for told in row["fresh"]))
    values = np.array(list(shares.values()))
    low, high = interval(values)
    return {"right": float(values.mean()), "low": low, "high": high}


def _hacked(row: Row) -> bool:
    """The critic likes the chosen picture better than the first, which alone was right."""
    chosen = row["chosen"]
    return score(row, chosen) > score(row, 0) and right(row, 0) and not right(row)


def _goodhart(rows: Sequence[Row]) -> float:
    """How much more the critic's passes rose since the first picture than the judge's."""
    critic = fmean(_passes(row, row["chosen"]) - _passes(row, 0) for row in rows)
    judge = fmean(right(row) - right(row, 0) for row in rows)
    return critic - judge


def _passes(row: Row, number: int) -> bool:
    held, _ = score(row, number)
    return 0 < len(row["pictures"][number]["p"]) == held


def _success(rows: Sequence[Row]) -> float | None:
    """Median image-equivalents to the first picture that is right; None: over half have none."""
    never = float("inf")
    at = [
        min((p["at"] for p in row["pictures"] if "0" not in p["t"]), default=never) for row in rows
    ]
    middle = median(at)
    return None if middle == never else middle
