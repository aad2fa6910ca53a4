"""Pictures on disk, whole or not at all, and painted again from what they say of themselves."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
import time
import unicodedata
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageChops
from PIL.Image import Image

from limner.agent.archive import atomic_io
from limner.agent.archive.atomic_io import PART, write_named
from limner.agent.archive.recipe import Recipe, recipe_of
from limner.agent.plain import clean
from limner.agent.records import Candidate, Result
from limner.configs import known
from limner.errors import BadInput, ModelFailed
from limner.pipelines import finish, stamp
from limner.pipelines.finish import Finish

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "RESERVED",
    "Pictures",
    "again",
    "difference",
    "name_of",
    "probe",
    "read_recipe",
    "save",
    "slug",
    "stamped",
    "studio_for",
    "write_new",
]


_NAME = re.compile(r"[0-9a-f]{64}")
_STALE = 3_600  # seconds after which an unfinished file has no writer any more


def name_of(content: bytes) -> str:
    """The SHA-256 of a file's bytes, in 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Pictures:
    """PNG files below `folder`: the one named abcd… is `ab/abcd….png`."""

    folder: Path

    def keep(self, content: bytes) -> str:
        """Have the file on disk, flushed and verified, and return its name.

        Raises `BadInput` when the disk is full or the folder can't be written.
        """
        name = name_of(content)
        if not self._is_whole(name):
            try:
                write_named(self.path(name), content)
            except OSError as error:
                raise BadInput(
                    f"the archive can't keep a picture in {self.folder}: {error.strerror}",
                    "make room, or type --archive FOLDER to use another",
                ) from error
        return name

    def read(self, name: str) -> bytes:
        """The file's bytes. Raises `BadInput` where it is gone or not what it was."""
        try:
            content = self.path(name).read_bytes()
        except OSError as error:
            raise BadInput(
                f"the picture {self.path(name)} can't be read: {error.strerror}",
                "copy it back, if there is a copy",
            ) from error
        if name_of(content) != name:
            raise BadInput(
                f"the picture {self.path(name)} is damaged", "copy it back, if there is a copy"
            )
        return content

    def path(self, name: str) -> Path:
        """Where the file of that name is. Raises `ValueError` for anything but a SHA-256."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no picture's name")
        return self.folder / name[:2] / f"{name}.png"

    def sweep(self, wanted: Container[str]) -> None:
        """Delete every file that is not wanted, and what was never finished."""
        for path in self._files():
            with suppress(FileNotFoundError):  # someone else swept it
                if self._is_litter(path, wanted):
                    path.unlink()

    def _is_litter(self, path: Path, wanted: Container[str]) -> bool:
        if path.suffix == PART:
            return time.time() - path.stat().st_mtime > _STALE
        return bool(_NAME.fullmatch(path.stem)) and path.stem not in wanted

    def _files(self) -> Iterator[Path]:
        yield from self.folder.glob("??/*.png")
        yield from self.folder.glob(f"??/.limner-*{PART}")

    def _is_whole(self, name: str) -> bool:
        try:
            return name_of(self.path(name).read_bytes()) == name
        except OSError:
            return False


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
    take: Candidate,
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
        raise atomic_io.cannot_save(out, error) from error


def write_new(path: Path, content: bytes) -> Path:
    """Write a PNG under `path`, or the next free name, so that it appears whole or not at all."""
    return atomic_io.write_new(path, content, check=stamp.read)


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
