"""Pairs of pictures, what people say of them, and how strong each side is: Bradley and Terry.

Ratings are judged as in R. A. Bradley, M. E. Terry, "Rank analysis of incomplete block designs"
(Biometrika 39, 1952), fitted by the steps of D. R. Hunter (Annals of Statistics 32, 2004); a tie is
half a win for each.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.agent.archive.atomic_io import write_named
from limner.errors import BadInput

__all__ = ["ANSWERS", "Pair", "Rating", "pairs", "ratings", "strengths", "table", "written"]

KINDS = {".png", ".jpg", ".jpeg", ".webp"}
ANSWERS = {"1": 1.0, "2": 0.0, "=": 0.5}
"""What can be said of a pair, and how much of a win it is for the left one."""

STEPS, RESAMPLES = 200, 1_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of the same name from two folders; which is left was drawn by lot."""

    name: str
    left: Path
    right: Path

    @property
    def key(self) -> str:
        """What it is known by, whichever way round it is shown."""
        return "|".join([self.name, *sorted((str(self.left.parent), str(self.right.parent)))])


@dataclass(frozen=True, slots=True)
class Rating:
    """What somebody said of a pair: `said` is 1 (left), 2 (right) or =."""

    name: str
    left: str
    right: str
    said: str


def pairs(folders: Sequence[Path], seed: int, most: int = 0) -> list[Pair]:
    """Every two pictures of one name, shuffled; `most` 0 for all.

    Raises `BadInput` where no two of the folders share a name.
    """
    chance, found = Random(seed), list[Pair]()
    for one, other in combinations(folders, 2):
        named = {p.name for p in one.glob("*") if p.suffix.lower() in KINDS}
        for name in sorted(named & {p.name for p in other.glob("*")}):
            sides = [one / name, other / name]
            chance.shuffle(sides)
            found.append(Pair(name, *sides))
    if not found:
        raise BadInput(
            "No picture has the same name in two of the folders.",
            "Give folders in which cat.png is of the same request.",
        )
    chance.shuffle(found)
    return found[: most or None]


def ratings(path: Path) -> list[Rating]:
    """The ratings in a file that `written` wrote; none where there is none."""
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["ratings"]
        found = [Rating(**row) for row in rows]
    except (ValueError, KeyError, TypeError) as problem:
        raise BadInput(f"{path} holds no ratings.", "Name another file with --out.") from problem
    return [one for one in found if one.said in ANSWERS]


def strengths(said: Sequence[Rating]) -> dict[str, dict[str, float]]:
    """Each side's strength with its interval (bootstrap over ratings, 95 %), and its wins.

    A strength is the chance to be preferred to the middle of the field, in 0..1.
    """
    sides = sorted({side for one in said for side in (one.left, one.right)})
    if not said:
        return {}
    rows = [(sides.index(r.left), sides.index(r.right), ANSWERS[r.said]) for r in said]
    games = np.array(rows, dtype=np.float64)
    chance = np.random.default_rng(0)
    drawn = chance.integers(len(games), size=(RESAMPLES, len(games)))
    samples = np.array([_fitted(games[few], len(sides)) for few in drawn])
    low, high = np.quantile(samples, (0.025, 0.975), axis=0)
    fitted = _fitted(games, len(sides))
    return {
        side: {
            "strength": float(fitted[n]),
            "low": float(low[n]),
            "high": float(high[n]),
            "wins": float(_wins(games, len(sides))[n]),
            "pairs": float(((games[:, :2] == n).any(axis=1)).sum()),
        }
        for n, side in enumerate(sides)
    }


def table(said: Sequence[Rating]) -> list[list[str]]:
    """The strengths as rows of a table, the strongest first."""
    found = sorted(strengths(said).items(), key=lambda one: -one[1]["strength"])
    rows = [
        [
            side,
            f"{s['strength']:.3f} ({s['low']:.3f} to {s['high']:.3f})",
            f"{s['wins']:g} of {s['pairs']:.0f}",
        ]
        for side, s in found
    ]
    return [["side", "strength", "preferred"], *rows]


def written(path: Path, said: Iterable[Rating]) -> None:
    """Writes JSON or, where the name ends so, CSV; whole or not at all."""
    every = list(said)
    if path.suffix.lower() == ".csv":
        text = io.StringIO()
        rows = csv.DictWriter(text, ["name", "left", "right", "said"])
        rows.writeheader()
        rows.writerows(asdict(one) for one in every)
        write_named(path, text.getvalue().encode())
        return
    whole: dict[str, Any] = {
        "ratings": [asdict(one) for one in every],
        "strengths": strengths(every),
    }
    write_named(path, json.dumps(whole, ensure_ascii=False, indent=1).encode())


def _wins(games: NDArray[np.float64], sides: int) -> NDArray[np.float64]:
    left, right = games[:, 0].astype(int), games[:, 1].astype(int)
    won = np.bincount(left, games[:, 2], sides) + np.bincount(right, 1 - games[:, 2], sides)
    return np.asarray(won, np.float64)


def _fitted(games: NDArray[np.float64], sides: int) -> NDArray[np.float64]:
    """Chances against the middle, of power 1, with which a game more is drawn by each side."""
    left, right = games[:, 0].astype(int), games[:, 1].astype(int)
    wins, power = _wins(games, sides) + 0.5, np.ones(sides)
    for _ in range(STEPS):
        shared = 1 / (power[left] + power[right])
        met = np.bincount(left, shared, sides) + np.bincount(right, shared, sides)
        power = wins / (met + 1 / (power + 1))
    return np.asarray(power / (power + 1))
