"""Pairs of pictures, what people say of them, and how strong each side is: Bradley and Terry.

Ratings are judged as in R. A. Bradley, M. E. Terry, "Rank analysis of incomplete block designs"
(Biometrika 39, 1952), fitted by the steps of D. R. Hunter (Annals of Statistics 32, 2004); a tie is
half a win for each.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from limner.agent.archive.atomic_io import write_named
from limner.benchmarks.image_metrics import KINDS
from limner.errors import BadInput

__all__ = ["ANSWERS", "Pair", "Rating", "RatingSession", "pairs", "ratings", "strengths", "written"]

ANSWERS = {"1": 1.0, "2": 0.0, "=": 0.5}
"""What can be said of a pair, and how much of a win it is for the left one."""
STEPS, RESAMPLES = 200, 1_000


@dataclass(frozen=True, slots=True)
class Rating:
    """What somebody said of a pair from two folders: `said` is 1 (left), 2 (right) or =."""

    name: str
    left: str
    right: str
    said: str

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        """What it is of, whichever way round it was shown."""
        return self.name, frozenset({self.left, self.right})


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of the same name from two folders; which is left was drawn by lot."""

    name: str
    left: Path
    right: Path

    def rated(self, said: str) -> Rating:
        """The rating that says so."""
        return Rating(self.name, self.left.parent.name, self.right.parent.name, said)


@dataclass(slots=True)
class RatingSession:
    """The pairs that are still to be judged, and what was said; `keep` has it on disk each time."""

    pairs: Sequence[Pair]
    said: list[Rating]
    keep: Callable[[Sequence[Rating]], None]
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        done = {rating.key for rating in self.said}
        self.pairs = [pair for pair in self.pairs if pair.rated("").key not in done]

    def write(self, number: int, said: str) -> None:
        """Takes down what was said of the pair at `number`; once more puts it in its place."""
        new = self.pairs[number].rated(said)
        with self.lock:
            self.said = [*(one for one in self.said if one.key != new.key), new]
            self.keep(self.said)


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


def written(path: Path, said: Iterable[Rating]) -> None:
    """Writes JSON or, where the name ends so, CSV; whole or not at all."""
    every = list(said)
    rows = [asdict(one) for one in every]
    if path.suffix.lower() == ".csv":
        text = io.StringIO()
        table = csv.DictWriter(text, ["name", "left", "right", "said"])
        table.writeheader()
        table.writerows(rows)
        write_named(path, text.getvalue().encode())
        return
    whole = {"ratings": rows, "strengths": strengths(every)}
    write_named(path, json.dumps(whole, ensure_ascii=False, indent=1).encode())


def strengths(said: Sequence[Rating]) -> dict[str, dict[str, float]]:
    """Each side's strength with its interval (bootstrap over ratings, 95 %), and its wins.

    A strength is the chance to be preferred to the middle of the field, in 0..1.
    """
    if not said:
        return {}
    sides = sorted({side for one in said for side in (one.left, one.right)})
    rows = [(sides.index(r.left), sides.index(r.right), ANSWERS[r.said]) for r in said]
    games = np.array(rows, dtype=np.float64)
    drawn = np.random.default_rng(0).integers(len(games), size=(RESAMPLES, len(games)))
    samples = np.array([_fitted(games[few], len(sides)) for few in drawn])
    low, high = np.quantile(samples, (0.025, 0.975), axis=0)
    fitted, wins = _fitted(games, len(sides)), _wins(games, len(sides))
    return {
        side: {
            "strength": float(fitted[n]),
            "low": float(low[n]),
            "high": float(high[n]),
            "wins": float(wins[n]),
            "pairs": float(((games[:, :2] == n).any(axis=1)).sum()),
        }
        for n, side in enumerate(sides)
    }


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
