"""What is still there after a picture was painted over."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import Scene, Spot, random_scene
from limner.pipelines.pocket.spec import Group, Spec
from limner.pipelines.pocket.survival import remaining, survivors

CAT, CAR = Spot("cat", "red", "large", 36, 36, 56), Spot("car", "", "large", 92, 92, 56)
SCENE = Scene(
    Spec((Group("cat", 1, "red"), Group("car")), (), "", "plain white", "flat"), (CAT, CAR)
)


def test_everything_survives_being_left_alone() -> None:
    for seed in range(20):
        scene = random_scene(Random(seed))
        assert False not in survivors(scene, draw(scene)), seed


def test_what_was_painted_out_is_lost() -> None:
    assert survivors(SCENE, draw(replace(SCENE, spots=(CAT,)))) == [True, False]


def test_a_thing_may_move_a_little() -> None:
    moved = replace(SCENE, spots=(replace(CAT, x=44), CAR))
    assert survivors(SCENE, draw(moved)) == [True, True]
    assert survivors(SCENE, draw(replace(SCENE, spots=(replace(CAT, y=92), CAR))))[0] is False


def test_another_thing_in_its_place_is_not_it() -> None:
    other = replace(SCENE, spots=(replace(CAT, name="sunflower", colour=""), CAR))
    first, second = survivors(SCENE, draw(other))
    assert first is not True and second is True


def test_a_smear_of_its_colour_is_not_it() -> None:
    smeared = draw(SCENE)
    left, top = CAT.x - CAT.span // 2, CAT.y - CAT.span // 2
    smeared[int(top) : int(top) + CAT.span, int(left) : int(left) + CAT.span] = (200, 40, 40)
    assert survivors(SCENE, smeared)[0] is not True


@pytest.mark.parametrize(("left", "there"), [(0.8, True), (0.3, None), (0.1, False)])
def test_a_thing_that_faded_is_doubtful_and_then_gone(left: float, there: bool | None) -> None:
    drawn, bare = draw(SCENE), draw(replace(SCENE, spots=()))
    faded = (left * drawn + (1 - left) * bare).astype(np.uint8)
    assert survivors(SCENE, faded) == [there, there]


@pytest.mark.parametrize(
    ("kept", "left", "doubtful"),
    [
        ([True, True], {"cat", "car"}, set()),
        ([False, True], {"car"}, {"car"}),  # a second car may have come in the cat's place
        ([None, True], {"cat", "car"}, {"cat"}),
        ([False, False], set(), set()),
    ],
)
def test_what_remains(kept: list[bool | None], left: set[str], doubtful: set[str]) -> None:
    scene, unsure = remaining(SCENE, kept)
    assert {group.name for group in scene.spec.groups} == left == {s.name for s in scene.spots}
    assert unsure == doubtful
