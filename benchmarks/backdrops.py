"""Tells ground, sky and style from the part of a picture that no thing covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import HORIZON, SIDE, Scene
from limner.pipelines.pocket.spec import Spec
from limner.pipelines.pocket.world import world

Pixels = NDArray[np.float32]
Cells = NDArray[np.bool_]
CELL = 8
STRONG = 0.12  # a cell that is further off than this (RGB, 0 to 1) is not the backdrop
MOST_DRIFT = 0.06  # how far the shade of a whole ground or sky may be off
SOME = 0.3  # the share of cells that must be like it
ROUGH = 0.13  # pixel by pixel, a backdrop may be this far off (root mean square)
LEAST = 8  # cells that must show a ground or sky, or it is not seen
CREAM = np.array([255, 248, 238], np.float32) / 255


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What there is behind the things, and how it is drawn; `pixels` is 128 x 128 x 3 in 0..1."""

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


@cache
def backdrops() -> tuple[Backdrop, ...]:
    """Every bare backdrop that the world can draw."""
    every = (
        (where, light, style)
        for where in ("", *world().where)
        for light in world().light
        for style in world().styles
    )
    return tuple(
        Backdrop(*each, draw(Scene(Spec((), (), *each), ())).astype(np.float32) / np.float32(255))
        for each in every
    )


def likeliest(picture: Pixels) -> Backdrop:
    """The backdrop that a picture fits best; what covers it counts only so far."""
    distances = np.abs(_cells() - pooled(picture, CELL)).max(axis=-1)
    return backdrops()[int(np.minimum(distances, STRONG).mean(axis=(1, 2)).argmin())]


def shaded(backdrop: Backdrop, picture: Pixels) -> Pixels:
    """The backdrop in the shade that the picture has it in, sky and ground apart.

    Where hardly anything looks like it, each row's own median stands for what is behind the things.
    """
    found = backdrop.pixels.copy()
    for rows in backdrop.parts:
        if not _like(picture[rows], found[rows]):
            found[rows] = np.median(picture[rows], axis=1, keepdims=True)
            continue
        drift = pooled(picture[rows], CELL) - pooled(backdrop.pixels[rows], CELL)
        bare = np.abs(drift).max(axis=-1) < STRONG
        if bare.sum() >= LEAST:
            found[rows] += np.clip(np.median(drift[bare], axis=0), -MOST_DRIFT, MOST_DRIFT)
    return found


def _like(picture: Pixels, backdrop: Pixels) -> bool:
    apart = np.abs(pooled(picture, CELL) - pooled(backdrop, CELL)).max(axis=-1)
    return bool((apart < STRONG).mean() >= SOME)


def shown(backdrop: Backdrop, off: Pixels, covered: Cells) -> tuple[str, str]:
    """Ground and sky, each where most cells that no thing covers look like it, else nothing.

    `off` says how far each cell of 8 x 8 pixels is from what the backdrop would have there, pixel
    by pixel: noise may well have the right mean.
    """
    names = []
    for rows in backdrop.parts:
        cells = slice(rows.start // CELL, rows.stop // CELL)
        bare = off[cells][~covered[cells]]
        names.append(bare.size >= LEAST and bool(np.median(bare) < ROUGH))
    return backdrop.where if names[-1] else "", backdrop.light if names[0] else ""


def distance(one: Pixels, other: Pixels, side: int) -> Pixels:
    """How far apart two pictures are in each square of `side` pixels, in their worst channel."""
    apart = np.abs(pooled(one, side) - pooled(other, side)).max(axis=-1)
    return np.asarray(apart, np.float32)


def roughness(one: Pixels, other: Pixels, side: int) -> Pixels:
    """Their root mean square difference in each square of `side` pixels, in the worst channel."""
    squares = pooled((one - other) ** 2, side).max(axis=-1)
    return np.asarray(np.sqrt(squares), np.float32)


def pooled(picture: Pixels, side: int) -> Pixels:
    """The means of squares of `side` pixels."""
    tall, wide = picture.shape[0] // side, picture.shape[1] // side
    squares = picture.reshape(tall, side, wide, side, picture.shape[2])
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)


def unpastelled(picture: Pixels) -> Pixels:
    """A pastel picture with its full colours again."""
    return np.asarray((picture - 0.38 * CREAM) / 0.62, np.float32)


@cache
def _cells() -> Pixels:
    return np.stack([pooled(b.pixels, CELL) for b in backdrops()])
