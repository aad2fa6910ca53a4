"""Paints a picture once more from what its file says, and compares every pixel."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL.Image import Image

from limner.agent.archive.pictures import difference
from limner.agent.archive.recipe import Recipe
from limner.agent.studio import Studio
from limner.configs import known
from limner.errors import BadInput
from limner.pipelines import finish, stamp

__all__ = [
    "again",
    "studio_for",
]


def again(path: Path, studio: Studio | None = None) -> tuple[Image, bool]:
    """Paint the picture at `path` once more; True when every pixel is as it was.

    The whole batch that it came from is painted, since a picture's last bits depend on its batch.
    Without a studio, that of `studio_for` is opened. Raises `BadInput` as that does, and for a
    file that holds no recipe.
    """
    stamped = stamp.read(path)
    recipe = Recipe.parse(stamped.recipe, path)
    studio = studio or studio_for(recipe, path)
    with _threads(recipe.threads):
        painted = studio.repaint(recipe.image_request, recipe.batch, recipe.dropped_at)
    picture = finish.apply(painted, recipe.finishes)
    return picture, difference(stamped.picture, picture) == 0


def studio_for(
    recipe: Recipe, path: Path, *, profile: str | None = None, painter: str | None = None
) -> Studio:
    """The studio that painted the picture at `path`, or the one asked for.

    A file from a stranger never decides which folder or model is opened: unless `profile` is
    given, the one that the recipe names must be among limner's own. Raises `BadInput` otherwise.
    """
    if profile is None and recipe.profile not in known():
        raise BadInput(
            f"{path} was painted with a profile that is not limner's own",
            f"type limner reproduce {path} --profile FILE",
        )
    return Studio.open(profile or recipe.profile, painter=painter)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Use as many threads as then: sums in another order give other last bits."""
    torch = sys.modules.get("torch")
    if torch is None or not 0 < number <= (os.cpu_count() or 1):
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
