"""Runs every arm on every case at every budget, and keeps each trial as a JSON line.

A trial's line has all that the figures need, and enough to paint everything again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from limner.agent.archive.pictures import slug
from limner.agent.archive.recipe import software
from limner.agent.search.rounds import seed_of
from limner.benchmarks.arms import ARMS, SINGLE, Case, Harness, TrialRecord
from limner.benchmarks.arms.harness import FRESH
from limner.errors import BadInput

__all__ = [
    "Progress",
    "RunPlan",
    "TrialRow",
    "as_second_judge",
    "digits",
    "opened",
    "picture_path",
    "read",
    "row_of",
    "run",
    "shown",
]

VERSION = 1
TRIALS, RUN, CASES = "trials.jsonl", "run.json", "cases.jsonl"
FIXED = ("width", "height", "steps", "guidance")
SHOWN = 24  # cases whose pictures are kept for the page

TrialRow = dict[str, Any]
"""One trial, as `row_of` writes it."""
Progress = Callable[[int, int, float], None]
"""Is told how many trials are done, of how many, and how many seconds are left."""


@dataclass(frozen=True, slots=True)
class RunPlan:
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

    def jobs(self) -> list[tuple[Case, str, int, int]]:
        """Every trial as case, arm, seed, budget: by case and seed, so that arms share pictures.

        The largest budget comes first.
        """
        found = []
        own, of = self.share
        for case, seed in product(self.cases[own - 1 :: of], self.seeds):
            for budget in sorted(self.budgets, reverse=True):
                found += [(case, arm, seed, budget) for arm in self.arms if arm not in SINGLE]
            found += [(case, arm, seed, 1) for arm in self.arms if arm in SINGLE]
        return found


def run(
    harness: Harness, plan: RunPlan, about: dict[str, Any], tell: Progress = lambda *_: None
) -> None:
    """Runs what is missing in the plan's folder. `about` says with which models and settings.

    Raises `BadInput` where the folder holds a run of another kind.
    """
    done = opened(plan.out, about)
    _describe_cases(plan)
    jobs = [job for job in plan.jobs() if (job[0].id, *job[1:]) not in done]
    started, now = time.monotonic(), ("", -1)
    for number, (case, arm, seed, budget) in enumerate(jobs, start=1):
        if now != (case.id, seed):
            now = case.id, seed
            harness.next_case()
        trial = harness.run(ARMS[arm], case, seed, budget)
        row = row_of(case, (arm, seed, budget), trial, harness)
        _add(plan.out, row | {"fresh": _fresh(harness, case, trial, seed, plan.fresh)})
        largest = arm in SINGLE or budget == max(plan.budgets)
        if largest and seed == plan.seeds[0] and case in shown(plan.cases):
            path = picture_path(plan.out, case.id, arm)
            path.parent.mkdir(exist_ok=True)
            trial.best.picture.save(path, optimize=True)
        tell(number, len(jobs), (time.monotonic() - started) / number * (len(jobs) - number))


def shown(cases: Sequence[Case]) -> list[Case]:
    """The cases whose pictures are kept, at the first seed: evenly spread, at most 24."""
    step = max(1, -(-len(cases) // SHOWN))
    return list(cases)[::step][:SHOWN]


def picture_path(out: Path, case: str, arm: str) -> Path:
    """Where the picture that an arm returned for a case is kept."""
    return out / "pictures" / f"{slug(case)}--{slug(arm)}.png"


def _fresh(harness: Harness, case: Case, trial: TrialRecord, seed: int, count: int) -> list[str]:
    """The judge's word on the returned prompt, painted from seeds that no arm has seen."""
    seeds = [seed_of(seed + FRESH, number) for number in range(count)]
    pictures = harness.painter.pictures([replace(trial.told, seed=fresh) for fresh in seeds])
    return [digits(harness.truth(case, picture)) for picture in pictures]


def row_of(
    case: Case, where: tuple[str, int, int], trial: TrialRecord, harness: Harness
) -> TrialRow:
    """A trial for JSON; `where` is its arm, seed and budget.

    `wordings` are pairs of prompt and negative prompt, `claims` lists of the critic's claims;
    a picture names its own by number (`w`, `c`), and has its seed, the claims' probabilities
    (`p`), the judge's word on each claim of the case (`t`, a digit each) and the second judge's
    (`s`), where there is one, and the image-equivalents spent by then (`at`). What an order has
    that is not as in `order` stands in the picture; what was painted over another has its
    `strength`, its `box` and, in `over`, that other's number.
    """
    arm, seed, budget = where
    usual, cost = trial.told, trial.cost
    wordings = _distinct([s.image_request.prompt, s.image_request.negative] for s in trial.samples)
    claims = _distinct([c.text for c in s.critique.claims] for s in trial.samples)
    orders, pictures = [s.image_request for s in trial.samples], list[dict[str, Any]]()
    for sample in trial.samples:
        order, critique = sample.image_request, sample.critique
        picture: dict[str, Any] = {
            "w": wordings.index([order.prompt, order.negative]),
            "c": claims.index([c.text for c in critique.claims]),
            "seed": order.seed,
            "p": [None if p is None else round(p, 4) for p in critique.probabilities],
            "t": digits(harness.truth(case, sample.picture)),
        }
        if second := harness.second(case, sample.picture):
            picture["s"] = digits(second)
        picture["at"] = round(sample.at, 4)
        values = {name: getattr(order, name) for name in FIXED}
        picture |= {name: v for name, v in values.items() if v != getattr(usual, name)}
        if start := order.start:
            over = orders.index(start.image_request) if start.image_request in orders else None
            picture |= {"strength": start.strength, "box": start.box, "over": over}
        pictures.append(picture)
    seconds = {part: round(getattr(cost, part), 3) for part in _PARTS}
    return {
        "id": case.id,
        "category": case.category,
        "arm": arm,
        "seed": seed,
        "budget": budget,
        "chosen": trial.chosen,
        "claimed": trial.claimed,
        "ended": trial.ended,
        "spent": round(cost.spent, 4),
        "seconds": seconds,
        "asked": cost.asked,
        "threshold": trial.best.critique.threshold,
        "order": {name: getattr(usual, name) for name in FIXED},
        "told": wordings.index([usual.prompt, usual.negative]),
        "wordings": wordings,
        "claims": claims,
        "pictures": pictures,
    }


_PARTS = ("writer", "painter", "critic", "whole")


def digits(truths: Sequence[bool]) -> str:
    """1 for a claim that is true, 0 for one that is not."""
    return "".join("1" if true else "0" for true in truths)


def as_second_judge(rows: Iterable[TrialRow]) -> list[TrialRow]:
    """The trials as the second judge saw them; it saw no fresh seeds. `BadInput` if it saw none."""
    found = []
    for row in rows:
        if any("s" not in picture for picture in row["pictures"]):
            raise BadInput("The second judge did not see this run.", "Leave out --second.")
        pictures = [{**picture, "t": picture["s"]} for picture in row["pictures"]]
        found.append({**row, "pictures": pictures, "fresh": []})
    return found


def opened(out: Path, about: dict[str, Any]) -> set[tuple[str, str, int, int]]:
    """Begins a run in a folder, or goes on with the one that is there.

    Returns the prompt, arm, seed and budget of each trial that it has. Raises `BadInput` where the
    run in the folder was made with other models or settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    now = {"version": VERSION, **about}
    path, trials = out / RUN, out / TRIALS
    if not path.exists():
        path.write_text(json.dumps({**now, "software": software()}, indent=1), encoding="utf-8")
    then = json.loads(path.read_text(encoding="utf-8"))
    other = sorted(name for name in now if then.get(name) != now[name])
    if other:
        raise BadInput(
            f"The run in {out} was made with another {' and '.join(other)}.",
            "Name another folder with --out, or remove this one.",
        )
    if trials.exists():  # a last line that was not finished when a run was stopped
        content = trials.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            trials.write_bytes(content[:whole])
    return {(row["id"], row["arm"], row["seed"], row["budget"]) for row in read(out)}


def read(out: Path) -> list[TrialRow]:
    """The trials of a run; none where there are none."""
    path, rows = out / TRIALS, list[TrialRow]()
    if not path.exists():
        return rows
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                rows.append(json.loads(line))
            except ValueError:
                raise BadInput(f"Line {number} of {path} is no trial.", "Remove it.") from None
    return rows


def _add(out: Path, row: TrialRow) -> None:
    """Adds a trial, in one write: several processes may add to one file."""
    line = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
    with (out / TRIALS).open("ab", buffering=0) as file:
        file.write(line.encode())


def _describe_cases(plan: RunPlan) -> None:
    """What was asked, beside the trials."""
    path, known = plan.out / CASES, dict[str, dict[str, Any]]()
    if path.exists():
        known = {r["id"]: r for r in map(json.loads, path.read_text("utf-8").splitlines())}
    for c in plan.cases:
        row = {"id": c.id, "category": c.category, "request": c.request, "claims": c.claims}
        known[c.id] = row
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in known.values())
    path.write_text("".join(lines), encoding="utf-8")


def _distinct(lists: Iterable[list[str]]) -> list[list[str]]:
    found: list[list[str]] = []
    for one in lists:
        if one not in found:
            found.append(one)
    return found
