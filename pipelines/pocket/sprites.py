"""The emoji that the small world is made of: cut from one sheet, tinted, and brought to size."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.pipelines.pocket.world import world

CELL = 80
COLUMNS = 8
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@cache
def sheet() -> Image.Image:
    """All sprites in the world's order, eight to a row, as RGBA cells of 80 x 80 pixels."""
    with as_file(files(__package__).joinpath("sprites.png")) as path:
        return Image.open(path, formats=["PNG"]).convert("RGBA")


@lru_cache(maxsize=20_000)
def sprite(name: str, colour: str, size: int) -> NDArray[np.float32]:
    """A thing, `size` pixels across, as float RGBA in 0..1 with its colours premultiplied."""
    small = _whole(name, colour).resize((size, size), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


@lru_cache(maxsize=1_000)
def _whole(name: str, colour: str) -> Image.Image:
    """A thing in full size, premultiplied so that clear pixels do not bleed when it shrinks."""
    number = list(world().things).index(name)
    left, top = CELL * (number % COLUMNS), CELL * (number // COLUMNS)
    cell = sheet().crop((left, top, left + CELL, top + CELL))
    rgba = np.asarray(cell, dtype=np.float32) / np.float32(255)
    rgba[..., :3] = tinted(rgba, colour) * rgba[..., 3:]
    return Image.fromarray((rgba * 255).astype(np.uint8), "RGBA")


def tinted(rgba: NDArray[np.float32], colour: str) -> NDArray[np.float32]:
    """The RGB of a sprite, recoloured by luminance: dark stays dark, the middle takes the paint."""
    if not colour:
        return rgba[..., :3]
    grey = rgba[..., :3] @ GREY
    solid = rgba[..., 3] > 0.5
    middle = float(np.median(grey[solid])) if solid.any() else 0.5
    paint = np.array(world().colours[colour].rgb, dtype=np.float32) / 255
    dark = np.clip(grey / max(middle, 0.05), 0, 1)[..., None]
    light = np.clip((grey - middle) / max(1 - middle, 0.25), 0, 1)[..., None]
    return np.asarray(paint * (0.25 + 0.75 * dark) * (1 - 0.55 * light) + 0.55 * light, np.float32)


def cut_sheet(font: Path, out: Path) -> None:
    """Draw the sheet from a font of coloured emoji (Noto Color Emoji, SIL OFL 1.1)."""
    from PIL import ImageDraw, ImageFont

    face = ImageFont.truetype(str(font), 109)
    nouns = world().things.values()
    picture = Image.new("RGBA", (CELL * COLUMNS, CELL * -(-len(nouns) // COLUMNS)))
    for number, noun in enumerate(nouns):
        glyph = Image.new("RGBA", (180, 180))
        ImageDraw.Draw(glyph).text((10, 10), noun.emoji[0], font=face, embedded_color=True)
        cut = glyph.crop(glyph.getbbox())
        cut.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
        at = (CELL * (number % COLUMNS) + (CELL - cut.width) // 2, CELL * (number // COLUMNS))
        picture.paste(cut, (at[0], at[1] + (CELL - cut.height) // 2))
    picture.save(out, optimize=True)
