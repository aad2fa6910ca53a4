"""Runs every arm on every case at every budget, judges what comes of it, and keeps each trial."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from limner.agent.archive.pictures import slug
from limner.agent.search.rounds import seed_of
from limner.benchmarks import trials
from limner.benchmarks.arms import ARMS, Case, Room, Trial
from limner.benchmarks.arms.room import FRESH
from limner.benchmarks.trials import Row

__all__ = ["SINGLE", "Plan", "Progress", "face", "run", "shown"]

SINGLE = frozenset({"raw", "expanded"})
"""Arms that paint one picture at every budget: they are run at one."""

SHOWN = 24
"""Cases whose pictures are kept for the page."""

Progress = Callable[[int, int, float], None]
"""Is told how many trials are done, of how many, and how many seconds are left."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run; `fresh` is on how many new seeds the prompt that an arm returns is painted.

    `share` is this process's part of the cases, as in "1 of 2": several may work in one folder.
    """

    cases: Sequence[Case]
    arms: Sequence[str]
    budgets: Sequence[int]
    seeds: Sequence[int]
    fresh: int
    out: Path
    share: tuple[int, int] = (1, 1)

    def jobs(self) -> list[tuple[Case, int, int, str]]:
        """Every trial: by case and seed, so that arms share pictures; the largest budget first."""
        found = []
        (own, of) = self.share
        for case, seed in product(self.cases[own - 1 :: of], self.seeds):
            for budget in sorted(self.budgets, reverse=True):
                found += [(case, seed, budget, arm) for arm in self.arms if arm not in SINGLE]
            found += [(case, seed, 1, arm) for arm in self.arms if arm in SINGLE]
        return found


def run(room: Room, plan: Plan, about: Row, tell: Progress = lambda *_: None) -> None:
    """Runs what is missing in the plan's folder. `about` says with which models and settings.

    Raises `BadInput` where the folder holds a run of another kind.
    """
    done = trials.opened(plan.out, about)
    _describe(plan)
    jobs = [j for j in plan.jobs() if (j[0].id, j[3], j[1], j[2]) not in done]
    started, now = time.monotonic(), ("", -1)
    for number, (case, seed, budget, arm) in enumerate(jobs):
        if now != (case.id, seed):
            now = case.id, seed
            room.enter()
        trial = room.run(ARMS[arm], case, seed, budget)
        row = trials.row_of(case, (arm, seed, budget), trial, room)
        trials.add(plan.out, row | {"fresh": _fresh(room, case, trial, seed, plan.fresh)})
        _keep(plan, (case, arm, seed, budget), trial)
        each = (time.monotonic() - started) / (number + 1)
        tell(number + 1, len(jobs), each * (len(jobs) - number - 1))


def shown(cases: Sequence[Case]) -> list[Case]:
    """The cases whose pictures are kept: evenly spread, at most 24."""
    step = max(1, -(-len(cases) // SHOWN))
    return list(cases)[::step][:SHOWN]


def face(out: Path, case: str, arm: str) -> Path:
    """Where the picture that an arm returned for a case is kept."""
    return out / "pictures" / f"{slug(case)}--{slug(arm)}.png"


def _fresh(room: Room, case: Case, trial: Trial, seed: int, count: int) -> list[str]:
    """The judge's word on the returned prompt, painted from seeds that no arm has seen."""
    told = trial.told
    seeds = [seed_of(seed + FRESH, number) for number in range(count)]
    pictures = room.easel.pictures([replace(told, seed=fresh) for fresh in seeds])
    return [trials.digits(room.truth(case, picture)) for picture in pictures]


def _keep(plan: Plan, job: tuple[Case, str, int, int], trial: Trial) -> None:
    """Keeps the picture for the page, at the first seed and the largest budget."""
    case, arm, seed, budget = job
    largest = arm in SINGLE or budget == max(plan.budgets)
    if not largest or seed != plan.seeds[0] or case not in shown(plan.cases):
        return
    path = face(plan.out, case.id, arm)
    path.parent.mkdir(exist_ok=True)
    trial.best.picture.save(path, optimize=True)


def _describe(plan: Plan) -> None:
    """What was asked, beside the trials."""
    rows = [
        {"id": c.id, "category": c.category, "request": c.request, "claims": c.claims}
        for c in plan.cases
    ]
    path, known = plan.out / "cases.jsonl", dict[str, Row]()
    if path.exists():
        known = {r["id"]: r for r in map(json.loads, path.read_text("utf-8").splitlines())}
    known |= {str(row["id"]): row for row in rows}
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in known.values())
    path.write_text("".join(lines), encoding="utf-8")
