"""An order that starts from a picture is kept without it, and painted again from the beginning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faked import DRAWN, WISH, replying
from PIL import Image

from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import read_recipe, save
from limner.agent.archive.recipe import Recipe, past, written
from limner.agent.archive.rows import CandidateRow, VersionRow, candidate_of
from limner.agent.records import Critique, Result, Settings
from limner.agent.reproduce import again
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.pipelines.fakes import FakeCritic
from limner.pipelines.roles import ImageRequest, InitImage

FIRST = ImageRequest("a cat", 7, 64, 64, 4, 5.0)


@pytest.fixture
def studio() -> Studio:
    return Studio.open("fake")


def over(studio: Studio, before: ImageRequest, seed: int = 9) -> ImageRequest:
    start = InitImage(studio.repaint(before), 0.5, (0, 0, 32, 64), before)
    return replace(before, prompt="a dog", seed=seed, start=start)


def test_an_order_from_nothing_is_written_as_ever() -> None:
    assert written(FIRST) == {
        "prompt": "a cat", "seed": 7, "width": 64, "height": 64, "steps": 4, "guidance": 5.0,
        "negative": "",
    }  # fmt: skip


def test_the_archive_gives_back_all_but_the_picture(studio: Studio, tmp_path: Path) -> None:
    twice = over(studio, over(studio, FIRST))
    with Archive.open(tmp_path) as archive:
        session = archive.begin(profile="fake")
        version = archive.add_version(session, VersionRow("a dog", {"prompt": "a dog"}))
        archive.add_candidate(
            session, CandidateRow(version, 0, twice, Critique((), ())), b"picture"
        )
        (kept,) = archive.load(session).candidates
    assert kept.image_request == twice
    assert kept.image_request.start
    assert kept.image_request.start.picture is None
    assert [order.prompt for order in past(kept.image_request)] == ["a dog", "a cat"]
    assert studio.repaint(kept.image_request).tobytes() == studio.repaint(twice).tobytes()


def test_orders_kept_before_there_were_starts_can_be_read() -> None:
    row = {
        "image_request": '{"prompt": "a cat", "seed": 7, "width": 64, "height": 64, "steps": 4,'
        ' "guidance": 5.0, "negative": ""}',
        "critique": '{"claims": [], "probabilities": [], "threshold": 0.5}',
        "spent": 0, "picture": "", "number": 0, "version": 1, "round": 0, "run": 0,
        "finishes": "[]", "undone": "[]",
    }  # fmt: skip
    assert candidate_of(row).image_request == FIRST  # type: ignore[arg-type]


def test_a_picture_painted_over_another_is_painted_again(studio: Studio, tmp_path: Path) -> None:
    result = studio.imagine("a cat", seed=1, images_per_round=1, refine=False)
    assert result.best
    order = over(studio, over(studio, FIRST))
    best = replace(result.best, image_request=order, picture=studio.repaint(order))
    changed = Result(best, (best,), "done", 1.0, 1.0)
    path = save(changed, "a cat", studio, tmp_path, seed=1, profile="fake")
    assert read_recipe(path).image_request == order
    assert again(path)[1]


def test_what_is_painted_over_had_company(studio: Studio, tmp_path: Path) -> None:
    class Aimed(FakeCritic):
        def look(self, pictures: Any, claims: Any, foils: Any) -> list[list[float]]:
            if len(pictures) == 9:  # nine places of one picture, covered
                return [[0.9, 0.9, 0.2, 0.9]] * 8 + [[0.1, 0.9, 0.2, 0.9]]
            return super().look(pictures, claims, foils)

    critic = Aimed([[0.9, 0.9, 0.1, 0.9]])
    room = Studio(replying(DRAWN), studio.painter, critic, Settings(images_per_round=2, budget=4))
    result = room.imagine(WISH, seed=1)
    repaired = [take for take in result.candidates if take.image_request.start]
    assert repaired
    start = repaired[0].image_request.start
    first = tuple(take.image_request.seed for take in result.candidates if take.round == 0)
    assert start and start.batch_seeds == first and len(first) == 2
    path = save(replace(result, best=repaired[0]), "cats", room, tmp_path, seed=1, profile="fake")
    kept = read_recipe(path).image_request.start
    assert kept and kept.batch_seeds == first
    assert again(path, room)[1]


def test_a_recipe_does_not_order_a_thousand_pictures(studio: Studio) -> None:
    start = InitImage(None, 0.5, None, FIRST, tuple(range(65)))
    with pytest.raises(ValueError, match="batch"):
        Recipe.model_validate_json(recipe(studio, replace(FIRST, start=start)))


def recipe(studio: Studio, order: ImageRequest) -> str:
    result = studio.imagine("a cat", seed=1, images_per_round=1, refine=False)
    assert result.best
    made = Recipe(
        request="a cat",
        brief=result.best.brief,
        image_request=order,
        critique=result.best.critique,
        seed=1,
        models={},
    )
    return made.model_dump_json()


def test_what_a_stranger_may_not_order(studio: Studio, tmp_path: Path) -> None:
    deep = FIRST
    for seed in range(40):
        deep = replace(FIRST, seed=seed, start=InitImage(None, 0.5, None, deep))
    huge = replace(FIRST, start=InitImage(None, 0.5, None, replace(FIRST, steps=10**6)))
    fine = recipe(studio, replace(FIRST, start=InitImage(None, 0.5, None, FIRST)))
    assert Recipe.parse(fine, tmp_path).image_request.start
    for text in (
        fine.replace('"strength":0.5', '"strength":0.5,"picture":"/etc/passwd"'),
        fine.replace('"strength":0.5', '"strength":"much"'),
        fine.replace('"box":null', '"box":[1,2]'),
        _unchecked(fine, deep),
        _unchecked(fine, huge),
    ):
        assert text != fine
        with pytest.raises(BadInput, match="recipe"):
            Recipe.parse(text, tmp_path)


def test_a_picture_from_elsewhere_cannot_be_painted_again(studio: Studio) -> None:
    lost = replace(FIRST, start=InitImage(None, 0.5))
    with pytest.raises(BadInput, match="not at hand"):
        studio.repaint(lost)
    given = replace(FIRST, start=InitImage(Image.new("RGB", (64, 64)), 0.5))
    assert studio.repaint(given).size == (64, 64)


def _unchecked(text: str, order: ImageRequest) -> str:
    import json

    return json.dumps({**json.loads(text), "image_request": written(order)})
