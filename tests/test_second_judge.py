"""The second judge: what its network answers is read as a scene graph, and it can be trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from limner.benchmarks import second_judge
from limner.benchmarks.judge import PromptSpec, all_right
from limner.benchmarks.judge_validation import same
from limner.benchmarks.second_judge import CELLS, GridDetector, answers, graph_of, read
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import seen


def answered(**told: tuple[str, int, int]) -> dict[str, torch.Tensor]:
    """Logits that are sure of what is told, each at its cell, and of nothing else."""
    known = answers()
    grids = {n: torch.zeros(len(known[n]), CELLS, CELLS) for n in ("thing", "colour", "size")}
    grids["thing"][0] = 9
    around = {n: torch.eye(len(known[n]))[1] * 9 for n in ("where", "light", "style")}
    for name, (value, y, x) in told.items():
        grids[name][:, y, x] = 9 * torch.eye(len(known[name]))[known[name].index(value)]
    return grids | around


def test_a_peak_is_a_thing() -> None:
    told = answered(thing=("cat", 5, 7), colour=("blue", 5, 7), size=("small", 5, 7))
    found = graph_of(told)
    (cat,) = found.things
    assert (cat.name, cat.colours, cat.spot.size) == ("cat", ("blue",), "small")
    assert (cat.spot.x, cat.spot.y) == (60, 44)
    assert found.clear and (found.where, found.light, found.style) == ("grass", "day", "flat")


def test_what_may_be_a_thing_makes_a_picture_unclear() -> None:
    told = answered()
    told["thing"][1, 3, 3] = told["thing"][0, 3, 3] - 0.7  # a third
    found = graph_of(told)
    assert not found.things and not found.clear


def test_examples_say_what_stands_in_the_middle_of_each_thing() -> None:
    pictures, truth = second_judge.drawn_examples(12)
    assert pictures.shape == (12, 128, 128, 3)
    assert truth["thing"].shape == (12, CELLS, CELLS)
    there = truth["thing"] > 0
    assert there.any() and (truth["size"][there] > 0).all()
    assert not truth["colour"][~there].any()


@pytest.mark.slow
def test_training_leaves_weights_that_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_judge.train(tmp_path, 8, 0.02)
    path = tmp_path / second_judge.WEIGHTS.name
    assert 1_000_000 < path.stat().st_size < 2_000_000
    monkeypatch.setattr(second_judge, "WEIGHTS", path)
    second_judge._detector.cache_clear()
    assert len(read([Image.new("RGB", (128, 128))])) == 1
    second_judge._detector.cache_clear()


def test_many_pictures_are_read_as_one_is() -> None:
    detector, pictures = GridDetector().eval(), torch.rand(3, 3, 128, 128)
    with torch.inference_mode():
        apart, together = detector(pictures[1:2]), detector(pictures)
    assert np.allclose(apart["thing"][0], together["thing"][1], atol=1e-4)


def test_it_reads_drawn_scenes() -> None:
    drawn = [scene for scene, _ in scenes(20_260, 0, 24)]
    found = read([Image.fromarray(draw(scene)) for scene in drawn])
    right = [
        all_right(one, PromptSpec(seen(scene))) for one, scene in zip(found, drawn, strict=True)
    ]
    assert np.mean(right) > 0.7


def test_agreement_is_counted_by_claim_and_by_picture() -> None:
    told = same([(True, False), (True, True)], [(True, True), (True, True)])
    assert told == "75.0% of 4 claims, 50.0% of 2 pictures (1 and 2 all right)"
