"""Pictures on disk, whole or not at all, and painted again from what they say of themselves."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
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
    "difference",
    "name_of",
    "probe",
    "read_recipe",
    "save",
    "slug",
    "stamped",
    "wanted",
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
    """Write the best picture as a PNG that says how to paint it again, and return its path.

    `out` is a folder, or the wanted path when it ends in `.png`; no file is ever overwritten: the
    second `cat.png` is `cat-2.png`. Raises `ModelFailed` when there is none, `BadInput` when
    the disk is full or the folder can't be written; then no part of a file is left.
    """
    best = result.best
    if best is None:
        raise ModelFailed("nothing was painted", "; ".join(result.notes))
    content = stamped(result, best, request, studio, seed=seed, profile=profile, finishes=finishes)
    return write_new(wanted(out, request), content)


def stamped(  # noqa: PLR0913
    result: Result,
    candidate: Candidate,
    request: str,
    studio: Studio,
    *,
    seed: int,
    profile: str = "",
    finishes: Sequence[Finish] = (),
) -> bytes:
    """A candidate, finished, as a PNG that says how to paint it again, and in which batch.

    `profile` is the studio's own where not given. The same result gives the same bytes.
    """
    named = profile or studio.profile
    own = named if named in known() else ""  # the path of another would tell too much
    recipe = recipe_of(result, candidate, request, studio, seed=seed, profile=own)
    recipe = recipe.model_copy(update={"finishes": tuple(finishes)})
    tool = "limner " + recipe.software.get("limner", "")
    return stamp.stamp(
        finish.apply(candidate.picture, finishes),
        recipe=recipe.model_dump_json(),
        settings=stamp.parameters(candidate.image_request, recipe.models["painter"], tool),
        tool=tool,
    )


def read_recipe(path: Path) -> Recipe:
    """How the picture at `path` came to be. Raises `BadInput` for anything not saved by `save`."""
    return Recipe.parse(stamp.read(path).recipe, path)


def difference(one: Image, other: Image) -> int:
    """The largest difference of any pixel in any of R, G, B: 0 for identical, up to 255."""
    if one.size != other.size:
        return 255
    extrema = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getextrema()
    return max(int(band[1]) for band in extrema if isinstance(band, tuple))


def probe(out: Path) -> None:
    """Raise `BadInput` now if `out` can't be written, rather than after the painting."""
    _check_kind(out)
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


_OTHERS = {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".jxl", ".tif", ".tiff", ".webp"}


def _check_kind(out: Path) -> None:
    if out.suffix.lower() in _OTHERS and not out.is_dir():
        name = out.with_suffix(".png").name
        raise BadInput(
            f"{out.name} would be no PNG, and a picture's recipe needs one", f"name it {name}"
        )


def wanted(out: Path, request: str) -> Path:
    """The path that is asked for: `out`, or a file named by the request in that folder.

    Raises `BadInput` for the name of another kind of picture.
    """
    _check_kind(out)
    return out if out.suffix.lower() == ".png" else out / f"{slug(request)}.png"


def slug(request: str) -> str:
    """A file name that reads like the request: letters of any script, digits and hyphens."""
    letters = unicodedata.normalize("NFKC", clean(request)).lower()
    slug = re.sub(r"[\W_]+", "-", letters)[:60].strip("-")
    slug = slug.encode()[:120].decode(errors="ignore")
    return f"{slug}-picture" if slug in RESERVED else slug or "picture"
