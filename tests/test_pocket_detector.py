"""The pocket detector's lessons: who is there, who may be, and what is taught about it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from limner.pipelines.pocket import detector, detector_lessons
from limner.pipelines.pocket.detector_lessons import draw_lessons, open_marked
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.labelling import labels, verdict
from limner.pipelines.pocket.scene import Scene, Spot, random_scene
from limner.pipelines.pocket.ship import WEIGHTS
from limner.pipelines.pocket.spec import Spec
from limner.pipelines.pocket.spoil import spoiled
from limner.pipelines.pocket.world import world

CAT, DOG = (list(world().things).index(name) for name in ("cat", "dog"))
RED = 1 << list(world().colours).index("red")


def test_everything_is_found_in_drawn_scenes_and_nothing_else() -> None:
    missed = wrong = whole = 0
    for number in range(30):
        scene = random_scene(Random(number))
        there = {(s.name, s.x, s.y, s.span) for s in scene.spots}
        found = {(f.name, f.x, f.y, f.span) for f in labels(draw(scene)) if f.there}
        missed, wrong = missed + len(there - found), wrong + len(found - there)
        whole += len(there)
    assert missed <= 0.05 * whole and wrong <= 0.02 * whole


def test_an_empty_scene_shows_nothing() -> None:
    for light in ("day", "night", "plain pink"):
        assert labels(draw(Scene(Spec((), (), "", light, "flat"), ()))) == []


def test_what_was_spoiled_is_seldom_taken_for_whole() -> None:
    taken = gone = 0
    for number in range(30):
        chance = Random(number)
        scene = random_scene(chance)
        picture, whole = spoiled(scene, chance)
        found = [f for f in labels(picture) if f.there]
        for spot, fine in zip(scene.spots, whole, strict=True):
            if not fine:
                gone += 1
                taken += any((f.name, f.x, f.y) == (spot.name, spot.x, spot.y) for f in found)
    assert taken <= 0.2 * gone


@pytest.mark.parametrize(
    ("kept", "edges", "there"),
    [(0.9, 0.8, True), (0.9, 0.45, None), (0.45, 0.9, None), (0.9, 0.1, False), (0.1, 0.9, False)],
)
def test_both_signs_must_say_that_a_thing_is_there(
    kept: float, edges: float, there: bool | None
) -> None:
    assert verdict(kept, edges) is there


def things(*rows: tuple[int, ...]) -> np.ndarray:
    kept = np.full((1, 12, 7), -1, np.int16)
    kept[0, : len(rows)] = rows
    return kept


def test_a_thing_is_taught_in_the_patch_of_its_centre_in_its_colours() -> None:
    taught = detector.targets(things((CAT, 36, 60, 40, RED, 0, 1)), 8)
    scores = taught.scores.reshape(8, 8, len(world().things), -1)
    assert scores.sum() == 2 and scores[3, 2, CAT, 0] == 1
    assert scores[3, 2, CAT, 1 + list(world().colours).index("red")] == 1
    assert taught.patches.tolist() == [3 * 8 + 2]
    assert taught.boxes[0].tolist() == [36 / 128, 60 / 128, 40 / 128, 40 / 128]
    moved = detector.targets(things((CAT, 36, 60, 40, RED, 0, 1)), 8, (-20, 0))
    assert moved.patches.tolist() == [3 * 8 + 3]


def test_a_centre_at_a_border_is_not_held_against_the_next_patch() -> None:
    taught = detector.targets(things((CAT, 46, 56, 40, 0, 0, 1)), 8)
    weights = taught.weights.reshape(8, 8, len(world().things), -1)
    assert (weights[3, 3, CAT] == 0).all() and (weights[3, 2, CAT] == 1).all()
    assert (weights[3, 3, DOG] == 1).all()


def test_what_is_unclear_is_not_taught() -> None:
    unsure = (CAT, 40, 40, 40, 0, 0, 0)
    taught = detector.targets(things(unsure, (DOG, 40, 40, 40, 0, RED, 1)), 8)
    weights = taught.weights.reshape(8, 8, len(world().things), -1)
    assert (weights[2, 2, CAT] == 0).all() and (weights[7, 7, CAT] == 1).all()
    assert weights[2, 2, DOG, 0] == 1
    assert weights[2, 2, DOG, 1 + list(world().colours).index("red")] == 0
    assert not taught.scores.reshape(weights.shape)[..., CAT, :].any()


def test_queries_are_all_things_in_all_colours() -> None:
    asked = detector.queries()
    assert asked[0] == "a cat" and "an orange umbrella" not in asked and "an apple" in asked
    assert len(set(asked)) == len(world().things) * (1 + len(world().colours))


def test_a_new_detector_has_the_critics_towers_and_reads_its_words() -> None:
    from transformers import CLIPModel

    model, tokenizer = detector.new_detector(WEIGHTS / "critic")
    critic = CLIPModel.from_pretrained(WEIGHTS / "critic", dtype=torch.float32)
    rows = tokenizer(["a cat", "a red cat"], padding=True)["input_ids"]
    assert rows[0][-1] == tokenizer.pad_token_id == 0
    assert all(max(row) == tokenizer.eos_token_id and row[0] > 0 for row in rows)
    seen = torch.rand(1, 3, 128, 128)
    mine = model.owlvit.vision_model(pixel_values=seen).last_hidden_state
    theirs = critic.vision_model(pixel_values=seen).last_hidden_state
    assert torch.allclose(mine, theirs, atol=1e-4)
    scores, boxes = detector.found(model, seen, detector.embed_queries(model, torch.tensor(rows)))
    assert scores.shape == (1, 64, 2) and boxes.shape == (1, 64, 4)
    assert scores.sigmoid().max() < 0.99


def test_lessons_go_on_where_they_stopped(tmp_path: Path) -> None:
    from diffusers import AutoencoderTiny

    model = AutoencoderTiny.from_pretrained(WEIGHTS / "painter" / "vae")
    few = draw_lessons(tmp_path, model, 40, 3)
    first = few.pictures[:40].copy()
    more = draw_lessons(tmp_path, model, 44, 3)
    assert len(few.pictures) == 40 and len(more.pictures) == 44
    assert (more.pictures[:40] == first).all() and more.pictures[40:].any()
    assert (more.things[..., 0] >= 0).any()
    assert len(open_marked(tmp_path / detector_lessons.DRAWN).things) == 44


def test_what_labeller_and_scene_dispute_is_unclear() -> None:
    spot = Spot("cat", "red", "small", 36, 60, 40)
    scene = Scene(Spec(()), (spot,))
    there = (CAT, 38, 60, 40, RED, 0, 1)
    assert detector_lessons._checked([there], scene, [True]) == [there]
    assert detector_lessons._checked([there], scene, [None]) == [there]
    assert detector_lessons._checked([there], scene, [False])[0][6] == 0
    assert [row[6] for row in detector_lessons._checked([], scene, [True])] == [0]
    assert detector_lessons._checked([], scene, [False]) == []
