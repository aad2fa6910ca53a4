"""A picture of a batch is painted again from its own file, though others were painted beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from batch_queue import queued, run_group
from PIL import Image

from limner.agent import reproduce
from limner.agent.archive import pictures
from limner.agent.batch.config import BatchConfig
from limner.agent.batch.row_group import RowResult, Studios
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakeImageStream, FakePainter, FakeWriter
from limner.pipelines.roles import GeneratedImage, ImageRequest, Step

WISHES = ["a red cat left of a dog", "two dogs in the snow", "a blue car", "a tree at night"]


class Sociable(FakePainter):
    """As a real one, its last bits depend on how many it paints at once, and on the place."""

    def paint(self, orders: Sequence[ImageRequest], preview_every: int = 0) -> FakeImageStream:
        return _Sociable(self, list(orders), preview_every)


class _Sociable(FakeImageStream):
    def __iter__(self) -> Iterator[Step | GeneratedImage]:
        for done in super().__iter__():
            if isinstance(done, GeneratedImage):
                done.picture.putpixel((0, 0), (done.index, len(self._orders), 0))
            yield done


def files(made: Sequence[RowResult], folder: Path) -> list[Path]:
    paths = [folder / f"{one.outcome.id}.png" for one in made]
    for path, one in zip(paths, made, strict=True):
        path.write_bytes(one.content)
    return paths


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("score", [1.0, 0.1])
def test_what_was_painted_in_a_shared_batch_is_painted_again(
    tmp_path: Path, seed: int | None, score: float
) -> None:
    config = BatchConfig(profile="fake")
    settings = Studios(config).studio().settings
    studio = Studio(FakeWriter(), Sociable(), FakeCritic([[score, 0.9]]), settings)
    paths = files(run_group(queued(WISHES, seed), studio, config)[0], tmp_path)
    for path in paths:
        assert len(pictures.read_recipe(path).batch) == 8  # four takes, and four of another row
        assert reproduce.again(path, studio)[1]
    places = {Image.open(path).getpixel((0, 0)) for path in paths}
    assert len(places) > 1


def test_a_row_alone_has_no_shared_batch(tmp_path: Path) -> None:
    config = BatchConfig(profile="fake")
    [path] = files(run_group(queued(WISHES[:1]), Studios(config).studio(), config)[0], tmp_path)
    assert pictures.read_recipe(path).batch_seeds == ()


class Aimed(FakeCritic):
    """Finds nothing true of so many pictures until one place was painted over, then everything."""

    def __init__(self, blind: int) -> None:
        super().__init__()
        self.blind, self.looked_at = blind, 0

    def look(
        self,
        pictures: Sequence[Image.Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        if len(pictures) == 9:  # nine places of one picture, covered
            return [[0.1] * len(claims)] * 8 + [[0.9] * len(claims)]
        self.looked_at += len(pictures)
        return [[0.1 if self.looked_at <= self.blind else 0.99] * len(claims)] * len(pictures)


@pytest.mark.slow
@pytest.mark.parametrize("sketches", [0, 4])
def test_the_pocket_models_paint_every_row_again_to_the_last_bit(
    tmp_path: Path, sketches: int
) -> None:
    """Also where half of them are sketches that were dropped on the way, and then painted over."""
    pocket = Studio.open("pocket")
    settings = replace(
        pocket.settings, images_per_round=2, steps=4, calibration={}, drafts=sketches
    )
    settings = replace(settings, repairs=True, patience=1)
    critic = Aimed(4 + 2 * sketches)
    studio = Studio(cast("Any", pocket.writer.writer), pocket.painter, critic, settings)
    paths = files(
        run_group(queued(WISHES[:2], seed=7), studio, BatchConfig(budget=1.5))[0], tmp_path
    )
    for path in paths:
        recipe = pictures.read_recipe(path)
        assert len(recipe.batch) == 4
        start = recipe.image_request.start
        assert start and len(start.batch_seeds) == (2 * sketches or 4)
        assert start.dropped_at.count(2) == sketches
        assert reproduce.again(path, studio)[1]
