"""The small world: what is said of a scene is true of its picture, and repeats from its seed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from limner.pipelines.pocket import statements
from limner.pipelines.pocket.captions import canonical, describe
from limner.pipelines.pocket.dataset import QUESTIONS, ask, build, cells_of, scenes, sprite_parts
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import (
    GRID,
    HORIZON,
    SIDE,
    SPAN,
    Scene,
    Spot,
    lay_out,
    random_scene,
    seen,
    told,
)
from limner.pipelines.pocket.spec import (
    Group,
    Link,
    Spec,
    held_out,
    link_held_out,
    questions,
    trainable,
)
from limner.pipelines.pocket.sprites import sprite
from limner.pipelines.pocket.tokens import LENGTH, all_statements, grow_tokenizer
from limner.pipelines.pocket.world import NUMBERS, world

MANY = 150


def by_day(*groups: Group, where: str = "") -> Spec:
    return Spec(groups, where=where, light="day", style="flat")


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Scene, Random]]:
    return list(scenes(seed=9, at=0, count=MANY))


def test_the_sheet_has_a_picture_of_every_thing() -> None:
    looks = {name: sprite(name, "", 40) for name in world().things}
    for name, look in looks.items():
        assert (look[..., 3] > 0.9).sum() > 120, name
    flat = [look.tobytes() for look in looks.values()]
    assert len(set(flat)) == len(flat)


@pytest.mark.parametrize("colour", list(world().colours))
def test_a_tinted_thing_is_mostly_of_its_colour(colour: str) -> None:
    look = sprite("car", colour, 56)
    solid = look[look[..., 3] > 0.95][:, :3]
    paints = {name: np.array(paint.rgb) / 255 for name, paint in world().colours.items()}
    middle = np.median(solid, axis=0)
    nearest = min(paints, key=lambda name: float(np.abs(paints[name] - middle).sum()))
    assert nearest == colour


def test_every_absent_thing_has_a_painted_one_nearest() -> None:
    assert set(world().nearest) == set(world().absent)
    assert set(world().nearest.values()) <= set(world().things)


def test_what_the_spec_says_is_true_of_the_scene(drawn: list[tuple[Scene, Random]]) -> None:
    for scene, _ in drawn:
        truth = seen(scene)
        assert set(scene.spec.links) <= set(truth.links)
        for asked, found in zip(scene.spec.groups, truth.groups, strict=True):
            assert asked.place in ("", found.place)
            assert sum(s.name == asked.name for s in scene.spots) == asked.count


def test_sprites_sit_on_the_grid_inside_the_picture_and_apart(
    drawn: list[tuple[Scene, Random]],
) -> None:
    for scene, _ in drawn:
        for spot in scene.spots:
            left, top = spot.x - spot.span / 2, spot.y - spot.span / 2
            assert left % GRID == top % GRID == 0
            assert 0 <= left <= SIDE - spot.span and 0 <= top <= SIDE - spot.span
            assert spot.span == SPAN[spot.size]
        for a, b in ((a, b) for a in scene.spots for b in scene.spots if a is not b):
            assert max(abs(a.x - b.x), abs(a.y - b.y)) >= (a.span + b.span) / 2


def test_every_cell_of_a_sprite_says_which_part_it_is(drawn: list[tuple[Scene, Random]]) -> None:
    for scene, _ in drawn[:40]:
        cells, parts = cells_of(scene)
        assert ((cells > 0) == (parts > 0)).all()
        wholes = [(spot.span // GRID) ** 2 for spot in scene.spots]
        assert (parts > 0).sum() == sum(wholes)
        small, large = ((SPAN[size] // GRID) ** 2 for size in ("small", "large"))
        firsts = {1 if whole == small else 1 + small for whole in wholes}
        assert firsts <= set(parts.flat)
        assert parts.max() < sprite_parts() == 1 + small + large


def test_training_never_shows_what_is_held_out(drawn: list[tuple[Scene, Random]]) -> None:
    share = np.mean([held_out(t, c) for t in world().things for c in world().colours])
    assert 0.1 < share < 0.2
    for scene, chance in drawn:
        assert trainable(scene.spec)
        assert trainable(told(seen(scene), chance))


def test_both_sides_of_a_held_out_relation_are_held_out() -> None:
    assert link_held_out(Link("car", "above", "cat"))
    assert link_held_out(Link("cat", "below", "car"))
    assert not link_held_out(Link("cat", "above", "car"))


def test_relations_are_read_off_the_spots() -> None:
    spec = by_day(Group("cat", size="small"), Group("dog", size="small"))
    cat, dog = Spot("cat", "", "small", 20, 64, 40), Spot("dog", "", "small", 100, 64, 40)
    truth = seen(Scene(spec, (cat, dog)))
    assert Link("cat", "left of", "dog") in truth.links
    assert Link("dog", "right of", "cat") in truth.links
    assert [g.place for g in truth.groups] == ["left", "right"]


def test_the_same_seed_draws_the_same_picture() -> None:
    pictures = [draw(random_scene(Random(3))).tobytes() for _ in range(2)]
    assert pictures[0] == pictures[1]
    assert draw(random_scene(Random(4))).tobytes() != pictures[0]


def test_a_picture_shows_its_things_where_they_are() -> None:
    spec = Spec((Group("apple", size="large", place="left"),), light="plain white", style="flat")
    scene = lay_out(spec, Random(1))
    picture = draw(scene).astype(int)
    (spot,) = scene.spots
    inside = picture[int(spot.y) - 10 : int(spot.y) + 10, int(spot.x) - 10 : int(spot.x) + 10]
    assert inside[..., 0].mean() > inside[..., 2].mean() + 60  # an apple is red
    assert (picture[:, 100:] > 245).all()


@pytest.mark.parametrize("where", list(world().where))
def test_grounds_differ_from_the_sky_and_each_other(where: str) -> None:
    spec = by_day(Group("cat", size="small", place="left"), where=where)
    bare = by_day(Group("cat", size="small", place="left"))
    spot = Spot("cat", "", "small", 20, 40, 40)
    ground = draw(Scene(spec, (spot,)))[HORIZON + 2 :, 60:].astype(int)
    sky = draw(Scene(bare, (spot,)))[HORIZON + 2 :, 60:].astype(int)
    assert np.abs(ground - sky).mean() > 12


def test_questions_name_the_truth_among_alternatives_that_differ() -> None:
    spec = Spec(
        (Group("cat", 2, "red", "small", "left"), Group("dog")),
        where="grass",
        light="night",
        style="flat",
    )
    found = dict(questions(spec))
    assert "there are two cats" in found and "the cats are red" in found
    assert "the ground is grass" in found and "the sky shows night" in found
    for true, said in found.items():
        assert true in said and len(set(said)) == len(said)
    assert statements.count_statement("duck", 0) == "there is no duck"


def test_questions_about_missing_things_have_one_true_answer(
    drawn: list[tuple[Scene, Random]],
) -> None:
    said = all_statements()
    for scene, chance in drawn[:60]:
        truth = seen(scene)
        there = {g.name for g in truth.groups}
        for numbers in ask(truth, chance)[:QUESTIONS]:
            texts = [said[n] for n in numbers]
            none = {f"there is no {world().things[name].name}" for name in world().things}
            absent = [t for t in texts if t in none and t.split()[-1] not in there]
            assert texts[0] in absent if absent else texts[0] not in none


def test_captions_tell_every_thing_and_its_colour(drawn: list[tuple[Scene, Random]]) -> None:
    for scene, chance in drawn:
        text = describe(told(seen(scene), chance), chance)
        for group in scene.spec.groups:
            noun = world().things[group.name]
            words = {noun.counted(group.count), *noun.synonyms}
            assert any(word in text for word in words), (group, text)
            assert group.colour in text
            assert group.count == 1 or NUMBERS[group.count] in text


def test_the_plain_wording_never_varies() -> None:
    spec = Spec(
        (Group("cat", 1, "orange", "small"), Group("yarn", 1, "blue")),
        (Link("cat", "left of", "yarn"),),
        "grass",
        "night",
        "pixel art",
    )
    wording = "a small orange cat left of a blue yarn, on grass, at night, pixel art"
    assert canonical(spec) == wording


def test_the_tokenizer_keeps_whole_words_and_survives_anything(tmp_path: Path) -> None:
    tokenizer = grow_tokenizer(tmp_path)
    for text in all_statements()[::50]:
        pieces = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])[1:-1]
        assert all(piece.endswith("</w>") for piece in pieces), text
    assert len(tokenizer("猫 🐱 zebra \u0000")["input_ids"]) > 4
    long = tokenizer("a red cat " * 50, truncation=True)["input_ids"]
    assert len(long) == LENGTH


def test_a_data_set_does_not_depend_on_its_workers(tmp_path: Path) -> None:
    grow_tokenizer(tmp_path / "tokenizer")
    sets = [build(tmp_path / str(n), 6, tmp_path / "tokenizer", seed=2, workers=n) for n in (1, 2)]
    for one, two in zip(*sets, strict=True):
        assert np.array_equal(one, two)
    assert sets[0].pictures.std() > 10
