"""Keeps pictures on disk, whole or not at all, and paints a kept one again from what it says."""

from __future__ import annotations

import os
import re
import secrets
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageChops
from PIL.Image import Image

from limner.agent.archive import whole
from limner.agent.plain import clean
from limner.agent.recipe import Recipe, recipe_of
from limner.agent.records import Result, Take
from limner.configs import known
from limner.errors import BadInput, ModelFailed
from limner.pipelines import finish, stamp
from limner.pipelines.finish import Finish

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "RESERVED",
    "again",
    "difference",
    "probe",
    "read_recipe",
    "save",
    "slug",
    "stamped",
    "studio_for",
    "write_new",
]

RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(1, 10))}


def save(  # noqa: PLR0913
    result: Result,
    request: str,
    studio: Studio,
    out: Path,
    *,
    seed: int,
    profile: str = "",
    finishes: Sequence[Finish] = (),
) -> Path:
    """Write the best take as a PNG that says how to paint it again, and return its path.

    `out` is a folder, or the wanted path when it ends in `.png`; no file is ever overwritten: the
    second `cat.png` is `cat-2.png`. Raises `ModelFailed` when there is no take, `BadInput` when
    the disk is full or the folder can't be written; then no part of a file is left.
    """
    best = result.best
    if best is None:
        raise ModelFailed("nothing was painted", "; ".join(result.notes))
    content = stamped(result, best, request, studio, seed=seed, profile=profile, finishes=finishes)
    return write_new(_wanted(out, request), content)


def stamped(  # noqa: PLR0913
    result: Result,
    take: Take,
    request: str,
    studio: Studio,
    *,
    seed: int,
    profile: str = "",
    finishes: Sequence[Finish] = (),
) -> bytes:
    """A take, finished, as a PNG that says how to paint it again, and what was painted beside.

    `profile` is the studio's own where not given. The same result gives the same bytes.
    """
    named = profile or studio.profile
    own = named if named in known() else ""  # the path of another would tell too much
    recipe = recipe_of(result, take, request, studio, seed=seed, profile=own)
    recipe = recipe.model_copy(update={"finishes": tuple(finishes)})
    tool = "limner " + recipe.software.get("limner", "")
    return stamp.stamp(
        finish.apply(take.picture, finishes),
        recipe=recipe.model_dump_json(),
        settings=stamp.parameters(take.order, recipe.models["painter"], tool),
        tool=tool,
    )


def read_recipe(path: Path) -> Recipe:
    """How the picture at `path` came to be. Raises `BadInput` for anything not saved by `save`."""
    return Recipe.parse(stamp.read(path).recipe, path)


def again(path: Path, studio: Studio | None = None) -> tuple[Image, bool]:
    """Paint the picture at `path` once more; True when every pixel is as it was.

    The whole batch that it came from is painted, since a picture's last bits depend on its company.
    Without a studio, that of `studio_for` is opened. Raises `BadInput` as that does, and for a
    file that holds no recipe.
    """
    stamped = stamp.read(path)
    recipe = Recipe.parse(stamped.recipe, path)
    room = studio or studio_for(recipe, path)
    with _threads(recipe.threads):
        painted = room.repaint(recipe.order, recipe.batch, recipe.gone)
    picture = finish.apply(painted, recipe.finishes)
    return picture, difference(stamped.picture, picture) == 0


def studio_for(
    recipe: Recipe, path: Path, *, profile: str | None = None, painter: str | None = None
) -> Studio:
    """The studio that painted the picture at `path`, or the one asked for.

    A file from a stranger never decides which folder or model is opened: unless `profile` is
    given, the one that the recipe names must be among limner's own. Raises `BadInput` otherwise.
    """
    from limner.agent.studio import Studio

    if profile is None and recipe.profile not in known():
        raise BadInput(
            f"{path} was painted with a profile that is not limner's own",
            f"type limner again {path} --profile FILE",
        )
    return Studio.open(profile or recipe.profile, painter=painter)


def difference(one: Image, other: Image) -> int:
    """The largest difference of any pixel in any of R, G, B: 0 for identical, up to 255."""
    if one.size != other.size:
        return 255
    extrema = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getextrema()
    return max(int(band[1]) for band in extrema if isinstance(band, tuple))


def probe(out: Path) -> None:
    """Raise `BadInput` now if `out` can't be written, rather than after the painting."""
    folder = out.parent if out.suffix.lower() == ".png" else out
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    trial = folder / f".limner-{secrets.token_hex(8)}.part"
    try:
        os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        trial.unlink()
    except (OSError, ValueError) as error:
        raise whole.cannot_save(out, error) from error


def write_new(path: Path, content: bytes) -> Path:
    """Write a PNG under `path`, or the next free name, so that it appears whole or not at all."""
    return whole.write_new(path, content, check=stamp.read)


def _wanted(out: Path, request: str) -> Path:
    return out if out.suffix.lower() == ".png" else out / f"{slug(request)}.png"


def slug(request: str) -> str:
    """A file name that reads like the request: letters of any script, digits and hyphens."""
    letters = unicodedata.normalize("NFKC", clean(request)).lower()
    slug = re.sub(r"[\W_]+", "-", letters)[:60].strip("-")
    slug = slug.encode()[:120].decode(errors="ignore")
    return f"{slug}-picture" if slug in RESERVED else slug or "picture"


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
