"""The figures of the comparison: what a hand would count, with intervals, curves and tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from limner.benchmarks import figures, report


def row(**values: Any) -> dict[str, Any]:
    pictures = values.pop("pictures", [("11", [0.9])])
    return {
        "id": "p1",
        "category": "c",
        "arm": "limner",
        "seed": 1,
        "budget": 4,
        "chosen": len(pictures) - 1,
        "claimed": True,
        "threshold": 0.5,
        "spent": 4.0,
        "asked": 1,
        "seconds": {"writer": 1.0, "painter": 2.0, "critic": 0.5, "whole": 4.0},
        "fresh": ["11", "01"],
        "pictures": [{"t": t, "p": p, "at": n + 1.0} for n, (t, p) in enumerate(pictures)],
    } | values


def test_figures_are_what_a_hand_would_count() -> None:
    rows = [
        row(),
        row(id="p2", pictures=[("11", [0.4]), ("10", [0.9])]),  # hacked
        row(id="p3", claimed=False, pictures=[("01", [0.2]), ("11", [0.4])]),
        row(id="p4", claimed=False, pictures=[("00", [0.2]), ("01", [0.4])], fresh=["01", "01"]),
    ]
    rival = [
        row(id=f"p{n}", arm="best of expanded", pictures=[("01", [0.9])]) for n in (1, 2, 3, 4)
    ]
    cell = figures.cells([*rows, *rival], "best of expanded")["limner"][4]
    assert (cell["right"], cell["prompts"]) == (0.5, 4)
    assert cell["over"]["mean"] == 0.5 and cell["over"]["low"] <= 0.5 <= cell["over"]["high"]
    assert cell["over"]["error"] == pytest.approx(math.sqrt(1 / 3) / 2)
    assert cell["hacked"] == 0.25
    assert cell["goodhart"] == pytest.approx(0.25 - 0.0)
    assert (cell["precision"], cell["sure"], cell["recall"]) == (0.5, 2, 0.5)
    assert cell["success"] == 1.5
    assert cell["fresh"]["right"] == pytest.approx(0.375)
    assert cell["seconds"] == {"writer": 1.0, "painter": 2.0, "critic": 0.5, "whole": 4.0}


def test_seeds_of_a_prompt_are_averaged_before_prompts_are() -> None:
    rows = [row(seed=1), row(seed=2), row(seed=3), row(id="p2", pictures=[("0", [0.1])])]
    assert figures.cells(rows, "raw")["limner"][4]["right"] == 0.5
    assert figures.cells(rows, "raw")["limner"][4]["over"] is None


def test_a_single_picture_stands_at_every_budget() -> None:
    rows = [row(budget=2), row(budget=8), row(arm="raw", budget=1, pictures=[("0", [0.1])])]
    table = figures.cells(rows, "raw")
    assert list(table["raw"]) == [2, 8] and list(table) == ["raw", "limner"]
    assert table["limner"][8]["over"]["mean"] == 1.0


def test_the_interval_holds_the_mean_and_narrows() -> None:
    few, many = np.array([0.0, 1.0] * 10), np.array([0.0, 1.0] * 1_000)
    low, high = figures.interval(few)
    closer = figures.interval(many)
    assert low < closer[0] < 0.5 < closer[1] < high
    assert figures.interval(np.ones(5)) == (1.0, 1.0)


def shares(**values: float) -> dict[int, Any]:
    return {int(name[1:]): {"right": share} for name, share in values.items()}


def test_areas_and_catching_up_are_measured_over_doublings() -> None:
    by = shares(b1=0.0, b2=0.2, b4=0.2, b8=0.6)
    assert figures.area(by) == pytest.approx((0.1 + 0.2 + 0.4) / 3)
    assert figures.area(shares(b4=0.5)) is None
    assert figures.catches_up(by, 0.4) == pytest.approx(2**2.5)
    assert figures.catches_up(by, 0.2) == 2
    assert figures.catches_up(by, 0.0) == 1
    assert figures.catches_up(by, 0.7) is None


def test_curves_rise_with_the_share() -> None:
    shares = {1: (0.1, 0.0, 0.2), 4: (0.3, 0.2, 0.35)}
    by = {b: dict(zip(("right", "low", "high"), s, strict=True)) for b, s in shares.items()}
    drawn = report.chart({"limner": by})
    assert drawn
    (x1, y1, _), (x2, y2, told) = drawn.lines[0].dots
    assert x1 < x2 and y1 > y2 and "0.300" in told
    assert drawn.up[-1][1] == "40"
    assert report.chart({"limner": {1: by[1]}}) is None


def test_a_table_is_aligned() -> None:
    lines = report.aligned([["arm", "x"], ["best of raw", "1"]]).splitlines()
    assert len({len(line) for line in lines}) == 1 and set(lines[1]) == {"|", "-"}
