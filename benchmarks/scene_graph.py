"""Reads a picture of the small world into a scene graph: what stands where, and on what."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.benchmarks.matching import HALF, Pixels, composited, in_colour, matches, pooled
from limner.errors import BadInput
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import HORIZON, SIDE, Scene, Spot
from limner.pipelines.pocket.spec import Spec
from limner.pipelines.pocket.world import world

Cells = NDArray[np.bool_]
CELL = 8  # pixels
STRONG = 0.12  # a cell that is further off than this (RGB, 0 to 1) is not the background
MOST_DRIFT = 0.06  # how far the shade of a whole ground or sky may be off
SOME = 0.3  # the share of cells that must be like it
ROUGH = 0.13  # pixel by pixel, a background may be this far off (root mean square)
LEAST = 8  # cells that must show a ground or sky, or it is not seen
STRANGE = 0.25  # a cell that is further off than this from what was recognised is strange
SPECK = 12  # so many strange cells side by side may be a slip of the brush, more are a blob
REMEMBERED = 512  # scene graphs
CREAM = np.array([255, 248, 238], np.float32) / 255
# What a person calls a thing in its own colours, where one word does.
OWN = {
    "cat": ("yellow", "orange"),
    "rabbit": ("white",),
    "fish": ("blue",),
    "turtle": ("green",),
    "bird": ("blue",),
    "tree": ("green",),
    "pine": ("green",),
    "sunflower": ("yellow", "orange"),
    "apple": ("red",),
    "banana": ("yellow",),
    "car": ("red",),
    "balloon": ("red",),
    "football": ("white",),
    "yarn": ("pink",),
    "guitar": ("red",),
    "snowman": ("white",),
    "ghost": ("white",),
    "pumpkin": ("orange",),
    "moon": ("yellow",),
    "sun": ("yellow", "orange"),
}


@dataclass(frozen=True, slots=True)
class FoundThing:
    """One thing that was recognised: its spot, and all the colours that it can be said to have."""

    spot: Spot
    colours: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its kind."""
        return self.spot.name


@dataclass(frozen=True, slots=True)
class SceneGraph:
    """What was read from a picture; an empty string is what could not be read.

    `strange` is the size of the largest blob that nothing recognised accounts for, in cells of
    8 x 8 pixels, of which there are 256.
    """

    things: tuple[FoundThing, ...]
    where: str
    light: str
    style: str
    strange: int

    @property
    def clear(self) -> bool:
        """Whether all of the picture was understood."""
        return self.strange <= SPECK


@dataclass(frozen=True, slots=True)
class Background:
    """What is behind the things, and how it is drawn; `pixels` is 128 x 128 x 3 in 0..1."""

    where: str
    light: str
    style: str
    pixels: Pixels

    @property
    def parts(self) -> tuple[slice, ...]:
        """The rows of the sky and, where there is one, of the ground."""
        if not self.where:
            return (slice(0, SIDE),)
        return slice(0, HORIZON), slice(HORIZON, SIDE)


_PARSED: OrderedDict[bytes, SceneGraph] = OrderedDict()


def parse(picture: Image.Image) -> SceneGraph:
    """What is in a picture of 128 x 128 pixels, without asking what should be.

    Raises `BadInput` for another size.
    """
    if picture.size != (SIDE, SIDE):
        wide, tall = picture.size
        raise BadInput(
            f"The judge reads pictures of {SIDE} x {SIDE} pixels, not {wide} x {tall}.",
            "Give it the picture as the pocket painter left it, before any upscaling.",
        )
    pixels = np.asarray(picture.convert("RGB"), np.float32) / np.float32(255)
    background = _likeliest(pixels)
    bare = _shaded(background, pixels)
    plain = _graph(background, pooled(pixels, HALF), pooled(bare, HALF))
    if background.style != "pastel":
        return plain
    full = [np.asarray((part - 0.38 * CREAM) / 0.62, np.float32) for part in (pixels, bare)]
    found = _graph(background, *(pooled(part, HALF) for part in full))
    # A pale background may be behind things in their full colours, which is no pastel.
    return replace(plain, style="") if plain.strange < found.strange else found


def parsed(picture: Image.Image) -> SceneGraph:
    """The scene graph of a picture; one that was read lately is not read again."""
    key = picture.tobytes()
    if key not in _PARSED:
        _PARSED[key] = parse(picture)
    _PARSED.move_to_end(key)
    while len(_PARSED) > REMEMBERED:
        _PARSED.popitem(last=False)
    return _PARSED[key]


def _graph(background: Background, picture: Pixels, bare: Pixels) -> SceneGraph:
    found = matches(picture, bare)
    composed, covered = bare.copy(), np.zeros(picture.shape[:2], np.float32)
    things = []
    for one in found:
        composed[one.window] = composited(one.name, one.colour, one.span, composed[one.window])
        covered[one.window] = 1
        middle = one.span / 2
        spot = Spot(one.name, one.colour, one.size, one.left + middle, one.top + middle, one.span)
        named = (one.colour,) if one.colour else OWN.get(one.name, ())
        things.append(FoundThing(spot, named if in_colour(one, picture) else ()))
    side = CELL // HALF
    off = _distance(picture, composed, side)
    # Pixel by pixel, too: noise may well have the right mean.
    rough = np.sqrt(pooled((picture - composed) ** 2, side).max(axis=-1))
    touched = pooled(covered[..., None], side)[..., 0] > 0
    where, light = _shown(background, rough, touched)
    strange = _largest_patch(((off > STRANGE) | (rough > ROUGH)) & ~touched)
    return SceneGraph(tuple(things), where, light, background.style, strange)


def _largest_patch(marked: Cells) -> int:
    """How many cells the largest connected patch of marked ones has."""
    left = {(int(y), int(x)) for y, x in np.argwhere(marked)}
    most = 0
    while left:
        patch, edge = 0, [left.pop()]
        while edge:
            y, x = edge.pop()
            patch += 1
            near = {(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)} & left
            left -= near
            edge += near
        most = max(most, patch)
    return most


@cache
def _backgrounds() -> tuple[Background, ...]:
    """Every bare background that the world can draw."""
    every = (
        (where, light, style)
        for where in ("", *world().where)
        for light in world().light
        for style in world().styles
    )
    return tuple(
        Background(*each, draw(Scene(Spec((), (), *each), ())).astype(np.float32) / np.float32(255))
        for each in every
    )


@cache
def _background_cells() -> Pixels:
    return np.stack([pooled(one.pixels, CELL) for one in _backgrounds()])


def _likeliest(picture: Pixels) -> Background:
    """The background that a picture fits best; what covers it counts only so far."""
    distances = np.abs(_background_cells() - pooled(picture, CELL)).max(axis=-1)
    return _backgrounds()[int(np.minimum(distances, STRONG).mean(axis=(1, 2)).argmin())]


def _shaded(background: Background, picture: Pixels) -> Pixels:
    """The background in the shade that the picture has it in, sky and ground apart.

    Where hardly anything looks like it, each row's own median stands for what is behind the things.
    """
    found = background.pixels.copy()
    for rows in background.parts:
        if (_distance(picture[rows], found[rows], CELL) < STRONG).mean() < SOME:
            found[rows] = np.median(picture[rows], axis=1, keepdims=True)
            continue
        drift = pooled(picture[rows], CELL) - pooled(background.pixels[rows], CELL)
        bare = np.abs(drift).max(axis=-1) < STRONG
        if bare.sum() >= LEAST:
            found[rows] += np.clip(np.median(drift[bare], axis=0), -MOST_DRIFT, MOST_DRIFT)
    return found


def _shown(background: Background, rough: Pixels, covered: Cells) -> tuple[str, str]:
    """Ground and sky, each where most cells that no thing covers look like it, else nothing."""
    names = []
    for rows in background.parts:
        cells = slice(rows.start // CELL, rows.stop // CELL)
        bare = rough[cells][~covered[cells]]
        names.append(bare.size >= LEAST and bool(np.median(bare) < ROUGH))
    return background.where if names[-1] else "", background.light if names[0] else ""


def _distance(one: Pixels, other: Pixels, side: int) -> Pixels:
    """How far apart two pictures are in each square of `side` pixels, in their worst channel."""
    return np.asarray(np.abs(pooled(one, side) - pooled(other, side)).max(axis=-1), np.float32)
