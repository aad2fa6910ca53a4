"""Makes one HTML page of a comparison: curves, tables, and what each arm painted side by side."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from limner.agent.archive.atomic_io import write_named
from limner.agent.plain import one_line
from limner.benchmarks import report
from limner.benchmarks.curves import Chart, Point, chart
from limner.benchmarks.figures import Table, right
from limner.benchmarks.report import Report
from limner.benchmarks.runner import SHOWN, SINGLE, face
from limner.benchmarks.trials import Row

__all__ = ["page", "write_page"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One arm's picture for a case: whether all is right, what is not, and what it cost."""

    arm: str
    source: str
    right: bool
    wrong: tuple[str, ...]
    spent: float


def write_page(out: Path, found: Report) -> Path:
    """Writes index.html into the run's folder and returns its path."""
    path = out / "index.html"
    write_named(path, page(out, found).encode())
    return path


def page(out: Path, found: Report) -> str:
    """A page that needs nothing else: no script, no font, no other file."""
    folder = files("limner.benchmarks")
    css = folder.joinpath("page.css").read_text(encoding="utf-8")
    room = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    room.filters["line"] = one_line
    template = room.from_string(folder.joinpath("page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        about=found["about"],
        trust=found["trust"],
        css=Markup(css),
        css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
        charts=_charts(found["table"]),
        tables=_tables(report.markdown(found)),
        rows=_side_by_side(out, found),
    )


def _charts(table: Table) -> list[tuple[str, Chart]]:
    """The picture returned, and the prompt returned on fresh seeds."""
    kept = {arm: by for arm, by in table.items() if arm not in SINGLE}
    picture = {
        arm: [Point(b, c["right"], c["low"], c["high"]) for b, c in sorted(by.items())]
        for arm, by in kept.items()
    }
    fresh = {
        arm: [
            Point(b, c["fresh"]["right"], c["fresh"]["low"], c["fresh"]["high"])
            for b, c in sorted(by.items())
            if c["fresh"]
        ]
        for arm, by in kept.items()
    }
    every = (
        ("The picture returned: all right, %", chart(picture)),
        ("The prompt returned, on fresh seeds: all right, %", chart(fresh)),
    )
    return [(title, drawn) for title, drawn in every if drawn]


def _tables(text: str) -> list[tuple[str, list[list[str]]]]:
    """The report's tables as titles and cells."""
    found: list[tuple[str, list[list[str]]]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            found.append((line[3:], []))
        elif line.startswith("| "):
            found[-1][1].append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def _side_by_side(out: Path, found: Report) -> list[tuple[Row, list[Shown]]]:
    """The cases whose pictures were kept, each with every arm's."""
    rows: dict[tuple[str, str], Row] = {}
    for row in found["trials"]:
        if face(out, row["id"], row["arm"]).is_file():
            best = rows.get((row["id"], row["arm"]))
            if best is None or (row["budget"], -row["seed"]) > (best["budget"], -best["seed"]):
                rows[row["id"], row["arm"]] = row
    ids = list(dict.fromkeys(case for case, _ in rows))[:SHOWN]
    return [
        (
            found["cases"][case],
            [
                _shown(out, row, found["cases"][case]["claims"])
                for arm in found["table"]
                if (row := rows.get((case, arm)))
            ],
        )
        for case in ids
    ]


def _shown(out: Path, row: Row, claims: Sequence[str]) -> Shown:
    content = face(out, row["id"], row["arm"]).read_bytes()
    told = row["pictures"][row["chosen"]]["t"]
    wrong = tuple(text for text, digit in zip(claims, told, strict=True) if digit == "0")
    source = "data:image/png;base64," + base64.b64encode(content).decode()
    return Shown(row["arm"], source, right(row), wrong, row["spent"])
