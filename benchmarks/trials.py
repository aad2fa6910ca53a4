"""Trials on disk, one JSON line each: all that the figures need, and enough to paint all again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL.Image import Image

from limner.agent.archive.recipe import software
from limner.benchmarks.arms import Case, Room, Trial
from limner.errors import BadInput
from limner.pipelines.roles import ImageRequest

__all__ = ["Row", "add", "by_second", "key_of", "opened", "read", "row_of"]

Row = dict[str, Any]
"""One trial, as `row_of` writes it."""

VERSION = 1
TRIALS, RUN = "trials.jsonl", "run.json"
FIXED = ("width", "height", "steps", "guidance")


def row_of(case: Case, where: tuple[str, int, int], trial: Trial, room: Room) -> Row:
    """A trial for JSON; `where` is its arm, seed and budget.

    `wordings` are pairs of prompt and negative prompt, `claims` lists of the critic's claims;
    a picture names its own by number (`w`, `c`), and has its seed, the claims' probabilities
    (`p`), the judge's word on each claim of the case (`t`, a digit each) and the second judge's
    (`s`), where there is one, and the image-equivalents spent by then (`at`). What an order has
    that is not as in `order` stands in the picture; what was painted over another has its
    `strength`, its `box` and, in `over`, that other's number.
    """
    arm, seed, budget = where
    wordings = _distinct([s.order.prompt, s.order.negative] for s in trial.shots)
    claims = _distinct([c.text for c in s.critique.claims] for s in trial.shots)
    usual = trial.told
    seconds = {
        p: round(getattr(trial.cost, p), 3) for p in ("writer", "painter", "critic", "whole")
    }
    return {
        "id": case.id,
        "category": case.category,
        "arm": arm,
        "seed": seed,
        "budget": budget,
        "chosen": trial.chosen,
        "claimed": trial.claimed,
        "ended": trial.ended,
        "spent": round(trial.cost.spent, 4),
        "seconds": seconds,
        "asked": trial.cost.asked,
        "threshold": trial.best.critique.threshold,
        "order": {name: getattr(usual, name) for name in FIXED},
        "told": wordings.index([usual.prompt, usual.negative]),
        "wordings": wordings,
        "claims": claims,
        "pictures": [
            {
                "w": wordings.index([shot.order.prompt, shot.order.negative]),
                "c": claims.index([c.text for c in shot.critique.claims]),
                "seed": shot.order.seed,
                "p": [None if p is None else round(p, 4) for p in shot.critique.probabilities],
                "t": digits(room.truth(case, shot.picture)),
                **_second(case, shot.picture, room),
                "at": round(shot.at, 4),
                **_unusual(shot.order, usual),
                **_over(shot.order, trial),
            }
            for shot in trial.shots
        ],
    }


def digits(truths: Sequence[bool]) -> str:
    """1 for a claim that is true, 0 for one that is not."""
    return "".join("1" if true else "0" for true in truths)


def by_second(rows: Iterable[Row]) -> list[Row]:
    """The trials as the second judge saw them; it saw no fresh seeds. `BadInput` if it saw none."""
    found = []
    for row in rows:
        if any("s" not in picture for picture in row["pictures"]):
            raise BadInput("The second judge did not see this run.", "Leave out --second.")
        pictures = [{**picture, "t": picture["s"]} for picture in row["pictures"]]
        found.append({**row, "pictures": pictures, "fresh": []})
    return found


def key_of(row: Row) -> tuple[str, str, int, int]:
    """What a trial is known by: its prompt, arm, seed and budget."""
    return row["id"], row["arm"], row["seed"], row["budget"]


def opened(out: Path, about: dict[str, Any]) -> set[tuple[str, str, int, int]]:
    """Begins a run in a folder, or goes on with the one that is there; returns what it has.

    Raises `BadInput` where the run in the folder was made with other models or settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    now = {"version": VERSION, **about}
    path = out / RUN
    if not path.exists():
        path.write_text(json.dumps({**now, "software": software()}, indent=1), encoding="utf-8")
    then = json.loads(path.read_text(encoding="utf-8"))
    other = sorted(name for name in now if then.get(name) != now[name])
    if other:
        raise BadInput(
            f"The run in {out} was made with another {' and '.join(other)}.",
            "Name another folder with --out, or remove this one.",
        )
    _mend(out / TRIALS)
    return {key_of(row) for row in read(out)}


def read(out: Path) -> list[Row]:
    """The trials of a run; none where there are none."""
    path = out / TRIALS
    return list(_rows(path)) if path.exists() else []


def add(out: Path, row: Row) -> None:
    """Adds a trial, in one write: several processes may add to one file."""
    line = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
    with (out / TRIALS).open("ab", buffering=0) as file:
        file.write(line.encode())


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield json.loads(line)
            except ValueError:
                raise BadInput(f"Line {number} of {path} is no trial.", "Remove it.") from None


def _mend(path: Path) -> None:
    """Cuts off a last line that was not finished when a run was stopped."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        path.write_bytes(content[:whole])


def _distinct(lists: Iterable[list[str]]) -> list[list[str]]:
    found: list[list[str]] = []
    for one in lists:
        if one not in found:
            found.append(one)
    return found


def _second(case: Case, picture: Image, room: Room) -> Row:
    told = room.second(case, picture)
    return {"s": digits(told)} if told else {}


def _unusual(order: ImageRequest, usual: ImageRequest) -> Row:
    values = {name: getattr(order, name) for name in FIXED}
    return {n: v for n, v in values.items() if v != getattr(usual, n)}


def _over(order: ImageRequest, trial: Trial) -> Row:
    if order.start is None:
        return {}
    orders = [shot.order for shot in trial.shots]
    over = orders.index(order.start.order) if order.start.order in orders else None
    return {"strength": order.start.strength, "box": order.start.box, "over": over}
