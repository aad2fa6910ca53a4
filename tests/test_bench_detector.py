"""How the detector is measured: which claims are made, who decides them, what is counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from limner.benchmarks.detector import Judged, by_kind, claims_of, framed, gates, rates, truth
from limner.benchmarks.scene_graph import parse
from limner.pipelines.detector import Detection, Slots
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.report import area, drawn_claims
from limner.pipelines.pocket.scene import lay_out, random_scene, seen
from limner.pipelines.pocket.small_world import SmallWorld
from limner.pipelines.pocket.spec import Group, Link, Spec

SPEC = Spec(
    (Group("cat", 1, "red", "small"), Group("house", 1, "", "large")),
    (Link("cat", "left of", "house"),),
    "grass",
    "day",
    "flat",
)


def test_every_claim_of_a_drawn_scene_is_decided_rightly() -> None:
    found = parse(Image.fromarray(draw(lay_out(SPEC, Random(3)))))
    claims = list(claims_of(SPEC, Random(1)))
    assert Counter(claim.kind for claim in claims) == Counter(
        {"object": 2, "count": 2, "colour": 1, "size": 2, "relation": 1, "absent": 4}
    )
    asked = {"cat", "house"}
    for claim in claims:
        assert SmallWorld().shows(claim)
        wrong = claim.kind == "absent" and claim.subject in asked
        assert truth(found, claim) is not wrong


def test_ties_count_half() -> None:
    truths = np.array([True, False, True, False])
    assert area(np.array([0.9, 0.1, 0.8, 0.2]), truths) == 1
    assert area(np.zeros(4), truths) == 0.5
    assert np.isnan(area(np.zeros(2), np.array([True, True])))
    near, false, true = rates([0.9, 0.6, 0.2, 0.1], [True, False, True, False])
    assert (near, false, true) == (0.75, 0.5, 0.5)


def test_gates_are_of_all_claims_and_of_each_kind() -> None:
    good = [Judged(kind, t, float(t), 0.5) for kind in ("count", "size") for t in (True, False)]
    rows = gates(good)
    assert len(rows) == 9 and all(row.met for row in rows)
    bad = [Judged("count", t, 0.6, 0.5) for t in (True, False)]
    assert [row.met for row in gates(bad)][:3] == [False, False, True]
    assert by_kind(good).count("\n") == 4


def test_half_of_the_claims_about_a_drawn_scene_are_true() -> None:
    for number in range(20):
        chance = Random(number)
        scene = random_scene(chance)
        found = parse(Image.fromarray(draw(scene)))
        claims = list(drawn_claims(seen(scene), chance))
        assert 2 * sum(true for _, true in claims) == len(claims)
        decided = [(truth(found, claim), true) for claim, true in claims]
        assert all(said is None or said == true for said, true in decided)


@pytest.mark.parametrize("count", [1, 3])
def test_finds_are_framed(tmp_path: Path, count: int) -> None:
    class Finder:
        def detect(self, pictures: list[Image.Image], names: list[str]) -> list[dict[str, object]]:
            return [{name: [Detection(name, (0.1, 0.1, 0.5, 0.5), 0.9)] for name in names[:1]}]

    finder: object = Finder()
    pictures = [Image.new("RGB", (128, 128))] * count
    framed(finder, pictures, [SPEC] * count, tmp_path / "sheet.png")  # type: ignore[arg-type]
    with Image.open(tmp_path / "sheet.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(2**20) or ()}
        assert sheet.width > 256 and (0, 255, 0) in colours
    assert truth(parse(pictures[0]), Slots("object", "cat")) is False
