"""Plain functions as models, results that save and show themselves, seeds and limits."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from faked import replying
from PIL import Image

import limner
from limner.agent.archive.pictures import read_recipe
from limner.agent.reproduce import again
from limner.agent.studio import Settings, Studio
from limner.errors import BadInput, ModelUnusable
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

ASKED = {"asked": [{"quote": "red cat", "text": "There is one red cat."}], "prompt": "a red cat"}


def draw(prompts: list[str], seeds: list[int]) -> list[Image.Image]:
    return [
        Image.new("RGB", (64, 32), (len(p) % 256, s % 256, 0))
        for p, s in zip(prompts, seeds, strict=True)
    ]


def judge(pictures: list[Image.Image], claims: list[str]) -> list[list[float]]:
    return [[0.9 if "cat" in claim else 0.2 for claim in claims] for _ in pictures]


def made(draw: Any = draw, judge: Any = judge) -> Studio:
    painter = limner.painter(draw, size=(64, 32))
    settings = Settings(images_per_round=2, budget=2)
    return Studio(replying(ASKED), painter, limner.critic(judge), settings)


def test_functions_are_a_painter_and_a_critic(tmp_path: Path) -> None:
    studio = made()
    assert isinstance(studio.painter, limner.Painter) and isinstance(studio.critic, limner.Critic)
    assert studio.names == {"writer": "fake", "painter": "draw", "critic": "judge"}
    result = studio.imagine("a red cat", seed=1)
    assert result.ended == "done" and result.spent == 2 and len(result.candidates) == 2
    assert result.best and result.best.picture.size == (64, 32)
    path = result.save(tmp_path / "cat.png")
    assert path == tmp_path / "cat.png" and again(path, studio)[1]


@pytest.mark.parametrize(
    ("judge", "told"),
    [
        (lambda pictures, claims: [[1.7] * len(claims)] * len(pictures), "no probability"),
        (lambda pictures, claims: [], "no number for each"),
    ],
)
def test_what_a_judge_may_not_say_is_a_note(judge: Any, told: str) -> None:
    result = made(judge=judge).imagine("a red cat", seed=1)
    assert result.best and any(told in note for note in result.notes)


def test_what_a_painter_may_not_do_is_told() -> None:
    with pytest.raises(limner.LimnerError, match="no picture for each"):
        made(lambda prompts, seeds: []).imagine("a red cat", seed=1)
    with pytest.raises(limner.LimnerError, match="64 x 32 pixels only"):
        made().imagine("a red cat", seed=1, size="32x32")


def test_a_result_saves_shows_and_names_itself(tmp_path: Path) -> None:
    studio = Studio.open("fake")
    result = studio.imagine("a red cat", budget=2, size="64x32")
    path = result.save(tmp_path)
    assert read_recipe(path).seed == result.seed and read_recipe(path).request == "a red cat"
    assert path.read_bytes() == studio.save(result, tmp_path / "twice").read_bytes()
    shown = result._repr_png_()
    with Image.open(io.BytesIO(shown or b"")) as picture:
        assert picture.size == (64, 32)
    assert repr(result).startswith(f"<Result {result.ended}: #")
    assert repr(result).endswith(f"seed {result.seed}>") and len(repr(result)) < 100
    with pytest.raises(BadInput, match="studio"):
        limner.Result(result.best, (), "done", 1.0, 1.0).save()
    empty = limner.Result(None, (), "failed", 0.0, 1.0)
    assert empty._repr_png_() is None and "nothing was painted" in repr(empty)


def test_a_seed_is_drawn_or_pasted() -> None:
    studio = Studio.open("fake")
    seeds = {studio.imagine("a red cat", budget=1).seed for _ in range(3)}
    assert len(seeds) == 3 and all(0 <= seed < 2**32 for seed in seeds)
    assert studio.imagine("a red cat --seed 7", budget=1).seed == 7
    first = studio.imagine("a red cat", budget=1)
    assert first.best and studio.refine(first.best, "make it blue", budget=1).seed != first.seed


@pytest.mark.parametrize("limits", [{"size": "wide"}, {"takes": 2}, {"buget": 2}, {"budget": 0}])
def test_limits_that_there_are_not_are_errors(limits: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Studio.open("fake").imagine("a red cat", seed=1, **limits)


def test_a_size_is_a_pair_or_a_text() -> None:
    studio = Studio.open("fake")
    for size in ((64, 32), "64x32"):
        result = studio.imagine("a red cat", seed=1, budget=1, size=size)
        assert result.best and result.best.picture.size == (64, 32)


def test_what_a_model_lacks_is_named_when_it_is_opened() -> None:
    writer, painter, critic = FakeWriter(), FakePainter(), FakeCritic()
    with pytest.raises(ModelUnusable, match="painter draw has no spec, paint, cost, count_tokens"):
        Studio(writer, draw, critic)  # type: ignore[arg-type]
    with pytest.raises(ModelUnusable, match="critic object has no look"):
        Studio.open("fake", critic=object())  # type: ignore[arg-type]
    with pytest.raises(ModelUnusable, match="writer int has no stream or write_task") as caught:
        Studio(7, painter, critic)  # type: ignore[arg-type]
    assert "chat model" in caught.value.hint


def test_the_public_names_are_there() -> None:
    for name in limner.__all__:
        assert getattr(limner, name) is not None, name
