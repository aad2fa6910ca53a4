"""Scenes spoiled on purpose: what is true of them is known, however many things they have."""

from __future__ import annotations

import numpy as np

from limner.pipelines.pocket import statements
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import seen
from limner.pipelines.pocket.spec import questions
from limner.pipelines.pocket.spoil import crowded, spoiled
from limner.pipelines.pocket.world import MOST


def test_a_crowd_is_counted_to_the_last() -> None:
    most = 0
    for scene, chance in scenes(2, 0, 60):
        there = crowded(scene, chance)
        counts = {g.name: sum(s.name == g.name for s in there.spots) for g in scene.spec.groups}
        assert len(there.spots) == sum(counts.values()) > len(scene.spots) - 1
        asked = {true for true, _ in questions(seen(there))}
        assert {statements.count_statement(name, n) for name, n in counts.items()} <= asked
        assert there.spots[: len(scene.spots)] == scene.spots
        most = max(most, *counts.values())
    assert most > MOST and statements.count_statement("cat", most) == "there are many cats"


def test_things_of_a_crowd_leave_enough_of_each_other_to_be_seen() -> None:
    for scene, chance in scenes(2, 0, 60):
        spots = crowded(scene, chance).spots
        for at, one in enumerate(spots):
            for other in spots[:at]:
                apart = max(abs(one.x - other.x), abs(one.y - other.y))
                assert apart >= 0.55 * 0.5 * (one.span + other.span)


def test_what_is_not_spoiled_stays_as_it_was() -> None:
    for scene, chance in scenes(2, 0, 40):
        picture, whole = spoiled(scene, chance)
        before = draw(scene)
        for spot, fine in zip(scene.spots, whole, strict=True):
            left, top = round(spot.x - spot.span / 2), round(spot.y - spot.span / 2)
            here = np.s_[top : top + spot.span, left : left + spot.span]
            assert np.array_equal(picture[here], before[here]) is fine
