"""Reads a picture of the small world into a scene graph: what stands where, and on what."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.benchmarks import backdrops as back
from limner.benchmarks.backdrops import CELL, Pixels, pooled
from limner.benchmarks.looks import HALF, laid
from limner.benchmarks.sightings import Sighting, in_colour, sightings
from limner.errors import BadInput
from limner.pipelines.pocket.scene import SIDE, Spot

STRANGE = 0.25  # a cell that is further off than this from what was understood is strange
SPECK = 12  # so many strange cells side by side may be a slip of the brush, more are a blob
REMEMBERED = 512  # scene graphs
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


_SEEN: OrderedDict[bytes, Seen] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that was recognised: its spot, and all the colours that it can be said to have."""

    spot: Spot
    colours: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its kind."""
        return self.spot.name


@dataclass(frozen=True, slots=True)
class Seen:
    """The scene graph of a picture; an empty string is what could not be read.

    `strange` is the size of the largest blob that nothing recognised accounts for, in cells of
    8 x 8 pixels, of which there are 256.
    """

    things: tuple[Thing, ...]
    where: str
    light: str
    style: str
    strange: int

    @property
    def clear(self) -> bool:
        """Whether all of the picture was understood."""
        return self.strange <= SPECK


def parse(picture: Image.Image) -> Seen:
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
    backdrop = back.likeliest(pixels)
    shaded = back.shaded(backdrop, pixels)
    plain = _graph(backdrop, pooled(pixels, HALF), pooled(shaded, HALF))
    if backdrop.style != "pastel":
        return plain
    soft = back.unpastelled(pixels), back.unpastelled(shaded)
    found = _graph(backdrop, *(pooled(part, HALF) for part in soft))
    # A pale backdrop may stand behind things in their full colours, which is no pastel.
    return replace(plain, style="") if plain.strange < found.strange else found


def parsed(picture: Image.Image) -> Seen:
    """The scene graph of a picture; one that was read lately is not read again."""
    key = picture.tobytes()
    if key not in _SEEN:
        _SEEN[key] = parse(picture)
    _SEEN.move_to_end(key)
    while len(_SEEN) > REMEMBERED:
        _SEEN.popitem(last=False)
    return _SEEN[key]


def _graph(backdrop: back.Backdrop, picture: Pixels, bare: Pixels) -> Seen:
    found = sightings(picture, bare)
    composed, covered = bare.copy(), np.zeros(picture.shape[:2], np.float32)
    for one in found:
        composed[one.window] = laid(one.name, one.colour, one.span, composed[one.window])
        covered[one.window] = 1
    off = back.distance(picture, composed, CELL // HALF)
    touched = pooled(covered[..., None], CELL // HALF)[..., 0] > 0
    rough = back.roughness(picture, composed, CELL // HALF)
    where, light = back.shown(backdrop, rough, touched)
    strange = largest(((off > STRANGE) | (rough > back.ROUGH)) & ~touched)
    things = tuple(_thing(one, picture) for one in found)
    return Seen(things, where, light, backdrop.style, strange)


def largest(marked: NDArray[np.bool_]) -> int:
    """How many cells the largest patch of marked ones has, side by side."""
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


def _thing(one: Sighting, picture: Pixels) -> Thing:
    middle = one.span / 2
    spot = Spot(one.name, one.colour, one.size, one.left + middle, one.top + middle, one.span)
    named = (one.colour,) if one.colour else OWN.get(one.name, ())
    return Thing(spot, named if in_colour(one, picture) else ())
