"""Writes what a comparison found: tables for the terminal and for Markdown, and one JSON of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limner.agent.archive.atomic_io import write_named
from limner.benchmarks import figures, trials
from limner.benchmarks.by_eye import kept, lines
from limner.benchmarks.figures import Cell, Table
from limner.benchmarks.summary import AGAINST, summary
from limner.errors import BadInput

__all__ = ["EXACT", "Report", "aligned", "markdown", "report", "written"]

EXACT, SECOND = "the exact judge", "the second judge"
TRUST = "On painted pictures that were labelled by eye, the exact judge agrees with the eye on"

Report = dict[str, Any]
"""`about` the run, its `cases`, the `table` of cells, the `summary` and the `trials`.

`trust` says in a line each how often the exact judge agrees with the eye, where it was the judge.
"""


def report(out: Path, against: str = AGAINST, *, second: bool = False) -> Report:
    """Everything that is known of the run in a folder, as the judge or the `second` judge sees it.

    Raises `BadInput` where there is none.
    """
    rows = trials.read(out)
    if not rows:
        raise BadInput(f"There is no run in {out}.", "type limner bench quick --out FOLDER")
    rows = trials.by_second(rows) if second else rows
    table = figures.cells(rows, against)
    cases = map(json.loads, (out / "cases.jsonl").read_text(encoding="utf-8").splitlines())
    about = json.loads((out / trials.RUN).read_text(encoding="utf-8"))
    about |= {"judge": SECOND} if second else {}
    return {
        "about": about,
        "trust": list(lines(kept())) if about.get("judge") == EXACT else [],
        "cases": {case["id"]: case for case in cases},
        "table": table,
        "summary": summary(table, against),
        "trials": rows,
    }


def written(out: Path, found: Report) -> list[Path]:
    """Writes bench.json and results.md into the folder, and returns their paths."""
    whole, page = out / "bench.json", out / "results.md"
    write_named(whole, json.dumps(found, ensure_ascii=False).encode())
    write_named(page, (markdown(found) + "\n").encode())
    return [whole, page]


def markdown(found: Report) -> str:
    """The tables, which are as readable in a terminal."""
    table, whole = found["table"], found["summary"]
    budgets = sorted({b for by in table.values() for b in by})
    trust = [f"{TRUST}\n\n" + "\n".join(f"- {part}" for part in found["trust"])]
    parts = trust if found["trust"] else []
    parts += [f"## At a budget of {b:g}\n\n{aligned(_at(table, b))}" for b in budgets]
    parts.append(f"## All right, by budget\n\n{aligned(_by_budget(table, whole, budgets))}")
    parts.append(f"## All right, by category, at B = {budgets[-1]}\n\n{aligned(_kinds(table))}")
    if whole["targets"]:
        rows = [[*row[:3], "yes" if row[3] else "no"] for row in whole["targets"]]
        head = ["figure", "target", "measured", "met"]
        parts.append(f"## Targets\n\n{aligned([head, *rows])}")
    return "\n\n".join(parts)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with columns as wide as their widest cell; the first row is its head."""
    wide = [max(3, *(len(row[n]) for row in rows)) for n in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in wide) + "|")
    return "\n".join(lines)


HEAD = [
    "arm",
    "all right",
    "over best-of-N",
    "fresh seeds",
    "says so, and is",
    "hacked",
    "Goodhart",
    "spent",
    "writer s",
    "painter s",
    "critic s",
    "whole s",
]


def _at(table: Table, budget: int) -> list[list[str]]:
    return [HEAD, *(_line(arm, by[budget]) for arm, by in table.items() if budget in by)]


def _line(arm: str, cell: Cell) -> list[str]:
    sure = f"{cell['precision']:.2f} of {cell['sure']}" if cell["sure"] else "-"
    fresh = cell["fresh"]
    return [
        arm,
        f"{cell['right']:.3f} ({cell['low']:.3f} to {cell['high']:.3f})",
        _gain(cell["over"]),
        f"{fresh['right']:.3f} ({fresh['low']:.3f} to {fresh['high']:.3f})" if fresh else "-",
        sure,
        f"{cell['hacked']:.1%}",
        f"{100 * cell['goodhart']:+.1f}",
        f"{cell['spent']:.2f}",
        *(f"{cell['seconds'][part]:.2f}" for part in ("writer", "painter", "critic", "whole")),
    ]


def _gain(over: dict[str, float] | None) -> str:
    """In points; what is under two standard errors is no gain, and says so by a question mark."""
    if over is None:
        return "-"
    points = 100 * over["mean"]
    doubt = "" if abs(over["mean"]) >= 2 * over["error"] or not points else " ?"
    return f"{points:+.1f} ({100 * over['low']:+.1f} to {100 * over['high']:+.1f}){doubt}"


def _by_budget(table: Table, whole: Report, budgets: Sequence[int]) -> list[list[str]]:
    rival = whole["against"]
    head = ["arm", *(f"B = {b}" for b in budgets), "area", "first right at", f"{rival} needs"]
    rows = []
    for arm, by in table.items():
        most = max(by)
        area, success = whole["area"][arm], by[most]["success"]
        needs = whole["catches_up"][arm][most]
        rows.append(
            [
                arm,
                *(f"{by[b]['right']:.3f}" if b in by else "" for b in budgets),
                "-" if area is None else f"{area:.3f}",
                f"over {most}" if success is None else f"{success:.1f}",
                f"over {budgets[-1]}" if needs is None else f"{needs:.1f}",
            ]
        )
    return [head, *rows]


def _kinds(table: Table) -> list[list[str]]:
    arms = [(arm, by[max(by)]["by_category"]) for arm, by in table.items()]
    names = list(dict.fromkeys(name for _, by in arms for name in by))
    rows = [[name, *(f"{by[name]:.2f}" if name in by else "" for _, by in arms)] for name in names]
    return [["category", *(arm for arm, _ in arms)], *rows]
