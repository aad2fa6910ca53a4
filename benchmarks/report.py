"""Writes what a comparison found: tables, one JSON of all, and a page with curves and pictures."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import log2
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from limner.agent.archive.atomic_io import write_named
from limner.agent.plain import one_line
from limner.benchmarks import trials
from limner.benchmarks.arms import SINGLE
from limner.benchmarks.figures import AGAINST, Cell, Table, area, catches_up, cells, right
from limner.benchmarks.judge_validation import kept_agreement, summary_lines
from limner.benchmarks.trials import SHOWN, TrialRow, picture_path
from limner.errors import BadInput

__all__ = ["EXACT", "BenchReport", "aligned", "chart", "markdown", "page", "report", "written"]

EXACT, SECOND = "the exact judge", "the second judge"
TRUST = "On painted pictures that were labelled by eye, the exact judge agrees with the eye on"
WIDTH, HEIGHT = 640, 300  # of a chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 14, 40  # its margins

BenchReport = dict[str, Any]
"""`about` the run, its `cases`, the `table` of cells, the `summary` and the `trials`.

`trust` says in a line each how often the exact judge agrees with the eye, where it was the judge.
"""


def report(out: Path, against: str = AGAINST, *, second: bool = False) -> BenchReport:
    """Everything that is known of the run in a folder, as the judge or the `second` judge sees it.

    Raises `BadInput` where there is none.
    """
    rows = trials.read(out)
    if not rows:
        raise BadInput(f"There is no run in {out}.", "type limner bench quick --out FOLDER")
    rows = trials.as_second_judge(rows) if second else rows
    table = cells(rows, against)
    cases = map(json.loads, (out / trials.CASES).read_text(encoding="utf-8").splitlines())
    about = json.loads((out / trials.RUN).read_text(encoding="utf-8"))
    about |= {"judge": SECOND} if second else {}
    rival = table.get(against, {})
    return {
        "about": about,
        "trust": list(summary_lines(kept_agreement())) if about.get("judge") == EXACT else [],
        "cases": {case["id"]: case for case in cases},
        "table": table,
        "summary": {
            "against": against,
            "area": {arm: area(by) for arm, by in table.items()},
            "catches_up": {
                arm: {b: catches_up(rival, cell["right"]) for b, cell in by.items()}
                for arm, by in table.items()
            },
        },
        "trials": rows,
    }


def written(out: Path, found: BenchReport) -> list[Path]:
    """Writes bench.json, results.md and index.html into the folder, and returns their paths."""
    contents = {
        "bench.json": json.dumps(found, ensure_ascii=False),
        "results.md": markdown(found) + "\n",
        "index.html": page(out, found),
    }
    for name, content in contents.items():
        write_named(out / name, content.encode())
    return [out / name for name in contents]


# Tables.

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


def markdown(found: BenchReport) -> str:
    """The tables, which are as readable in a terminal."""
    table, parts = found["table"], list[str]()
    budgets = sorted({b for by in table.values() for b in by})
    if found["trust"]:
        parts.append(f"{TRUST}\n\n" + "\n".join(f"- {part}" for part in found["trust"]))
    for budget in budgets:
        rows = [_line(arm, by[budget]) for arm, by in table.items() if budget in by]
        parts.append(f"## At a budget of {budget:g}\n\n{aligned([HEAD, *rows])}")
    by_budget = aligned(_by_budget(table, found["summary"], budgets))
    parts.append(f"## All right, by budget\n\n{by_budget}")
    arms = [(arm, by[max(by)]["by_category"]) for arm, by in table.items()]
    names = dict.fromkeys(name for _, by in arms for name in by)
    rows = [[name, *(f"{by[name]:.2f}" if name in by else "" for _, by in arms)] for name in names]
    by_category = aligned([["category", *(arm for arm, _ in arms)], *rows])
    parts.append(f"## All right, by category, at B = {budgets[-1]}\n\n{by_category}")
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


def _line(arm: str, cell: Cell) -> list[str]:
    return [
        arm,
        _share(cell),
        _gain(cell["over"]),
        _share(cell["fresh"]) if cell["fresh"] else "-",
        f"{cell['precision']:.2f} of {cell['sure']}" if cell["sure"] else "-",
        f"{cell['hacked']:.1%}",
        f"{100 * cell['goodhart']:+.1f}",
        f"{cell['spent']:.2f}",
        *(f"{cell['seconds'][part]:.2f}" for part in ("writer", "painter", "critic", "whole")),
    ]


def _share(found: dict[str, float]) -> str:
    return f"{found['right']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def _gain(over: dict[str, float] | None) -> str:
    """In points; what is under two standard errors is no gain, and says so by a question mark."""
    if over is None:
        return "-"
    points = 100 * over["mean"]
    doubt = "" if abs(over["mean"]) >= 2 * over["error"] or not points else " ?"
    return f"{points:+.1f} ({100 * over['low']:+.1f} to {100 * over['high']:+.1f}){doubt}"


def _by_budget(table: Table, summary: dict[str, Any], budgets: Sequence[int]) -> list[list[str]]:
    rival = summary["against"]
    rows = [["arm", *(f"B = {b}" for b in budgets), "area", "first right at", f"{rival} needs"]]
    for arm, by in table.items():
        most = max(by)
        height, success = summary["area"][arm], by[most]["success"]
        needs = summary["catches_up"][arm][most]
        rows.append(
            [
                arm,
                *(f"{by[b]['right']:.3f}" if b in by else "" for b in budgets),
                "-" if height is None else f"{height:.3f}",
                f"over {most}" if success is None else f"{success:.1f}",
                f"over {budgets[-1]}" if needs is None else f"{needs:.1f}",
            ]
        )
    return rows


# The page.


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One arm: its path, the outline of its interval's band, its dots, and its number."""

    name: str
    number: int
    line: str
    band: str
    dots: list[tuple[float, float, str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the page needs to draw lines over a logarithmic budget, each with its band.

    `across` and `up` are the places and labels on the axes.
    """

    lines: list[ChartLine]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def chart(series: Mapping[str, Mapping[int, Mapping[str, float]]]) -> Chart | None:
    """A chart of arms, budgets and shares (`right`, `low`, `high`, in 0..1).

    None where there are no two budgets to go between.
    """
    budgets = sorted({budget for by in series.values() for budget in by})
    if len(budgets) < 2:
        return None
    highest = max(share["high"] for by in series.values() for share in by.values())
    top = max(0.1, min(1.0, (int(highest * 10) + 1) / 10))  # so that small shares are not flat
    span = log2(budgets[-1]) - log2(budgets[0])

    def place(budget: float, share: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * (log2(budget) - log2(budgets[0])) / span
        return round(across, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share / top, 1)

    lines = []
    for number, (name, by) in enumerate(series.items()):
        points = sorted(by.items())
        if points:
            middle, upper, lower = (
                [place(budget, share[part]) for budget, share in points]
                for part in ("right", "high", "low")
            )
            told = [f"{name}, B = {budget:g}: {share['right']:.3f}" for budget, share in points]
            dots = [(x, y, text) for (x, y), text in zip(middle, told, strict=True)]
            band = f"{_path([*upper, *reversed(lower)])}Z"
            lines.append(ChartLine(name, number, _path(middle), band, dots))
    across = [(place(b, 0)[0], f"{b:g}") for b in budgets]
    up = [(place(budgets[0], top * n / 5)[1], f"{100 * top * n / 5:.0f}") for n in range(6)]
    return Chart(lines, across, up)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def page(out: Path, found: BenchReport) -> str:
    """A page that needs nothing else: no script, no font, no other file."""
    folder = files("limner.benchmarks")
    css = folder.joinpath("page.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["line"] = one_line
    template = environment.from_string(folder.joinpath("page.html.j2").read_text(encoding="utf-8"))
    kept = {arm: by for arm, by in found["table"].items() if arm not in SINGLE}
    fresh = {arm: {b: c["fresh"] for b, c in by.items() if c["fresh"]} for arm, by in kept.items()}
    charts = (
        ("The picture returned: all right, %", chart(kept)),
        ("The prompt returned, on fresh seeds: all right, %", chart(fresh)),
    )
    return template.render(
        about=found["about"],
        trust=found["trust"],
        css=Markup(css),
        css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
        charts=[(title, drawn) for title, drawn in charts if drawn],
        tables=_tables(markdown(found)),
        rows=_side_by_side(out, found),
    )


def _tables(text: str) -> list[tuple[str, list[list[str]]]]:
    """The report's tables as titles and cells."""
    found: list[tuple[str, list[list[str]]]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            found.append((line[3:], []))
        elif line.startswith("| "):
            found[-1][1].append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def _side_by_side(out: Path, found: BenchReport) -> list[tuple[dict[str, Any], list[Any]]]:
    """The cases whose pictures were kept, each with every arm's: at the largest budget."""
    rows: dict[tuple[str, str], TrialRow] = {}
    for row in found["trials"]:
        key = row["id"], row["arm"]
        rank = row["budget"], -row["seed"]
        if key not in rows or rank > (rows[key]["budget"], -rows[key]["seed"]):
            rows[key] = row
    rows = {key: row for key, row in rows.items() if picture_path(out, *key).is_file()}
    shown = []
    for name in list(dict.fromkeys(name for name, _ in rows))[:SHOWN]:
        case = found["cases"][name]
        mine = [rows[name, arm] for arm in found["table"] if (name, arm) in rows]
        shown.append((case, [_shown(out, row, case["claims"]) for row in mine]))
    return shown


def _shown(out: Path, row: TrialRow, claims: Sequence[str]) -> dict[str, Any]:
    """One arm's picture for a case: whether all is right, what is not, and what it cost."""
    content = picture_path(out, row["id"], row["arm"]).read_bytes()
    told = row["pictures"][row["chosen"]]["t"]
    return {
        "arm": row["arm"],
        "source": "data:image/png;base64," + base64.b64encode(content).decode(),
        "right": right(row),
        "wrong": [text for text, digit in zip(claims, told, strict=True) if digit == "0"],
        "spent": row["spent"],
    }
