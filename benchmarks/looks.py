"""Every thing of the world in every colour, ready to be laid over a picture and compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np

from limner.benchmarks.backdrops import Pixels, pooled
from limner.pipelines.pocket.sprites import sprite
from limner.pipelines.pocket.world import world

HALF = 2  # everything is compared at half of the picture's resolution


@dataclass(frozen=True, slots=True)
class Looks:
    """The L = things x (1 + colours) looks of one span, `n` half-size pixels each.

    `covers` is things x 2n: how much of each pixel a thing hides, and the square of that.
    `paints` is L x 6n: the colours premultiplied by the cover, and once more.
    `energies` holds the L sums of squares of the first half of `paints`.
    """

    names: tuple[tuple[str, str], ...]
    covers: Pixels
    paints: Pixels
    energies: Pixels

    def errors(self, picture: Pixels, backdrop: Pixels) -> Pixels:
        """Sums of squared differences, windows x L, if each look lay on each window's backdrop.

        Both are windows x n x 3. With cover a and premultiplied paint s over backdrop b, the error
        |x - (1 - a) b - s|^2 is expanded, so that all are found by two products of matrices.
        """
        differs = picture - backdrop
        of_cover = np.concatenate(
            [2 * (differs * backdrop).sum(axis=-1), (backdrop**2).sum(axis=-1)], axis=1
        )
        of_paint = np.concatenate([_flat(differs), _flat(backdrop)], axis=1)
        per_thing = of_cover @ self.covers.T
        whole = (differs**2).sum(axis=(1, 2))[:, None] + self.energies
        found = per_thing.repeat(len(self.names) // len(self.covers), axis=1)
        found += whole - 2 * (of_paint @ self.paints.T)
        return np.asarray(found, np.float32)


@cache
def looks(span: int) -> Looks:
    """All looks of the sprites that are `span` pixels wide."""
    names = [(name, colour) for name in world().things for colour in ("", *world().colours)]
    every = np.stack([half(name, colour, span) for name, colour in names])
    paints, covers = every[..., :3], every[..., 3:]
    whole = _flat(covers[:: len(names) // len(world().things)])
    return Looks(
        tuple(names),
        np.concatenate([whole, whole**2], axis=1),
        np.concatenate([_flat(paints), _flat(paints * covers)], axis=1),
        (_flat(paints) ** 2).sum(axis=1),
    )


@cache
def half(name: str, colour: str, span: int) -> Pixels:
    """A sprite at half size, premultiplied RGBA in 0..1."""
    return pooled(sprite(name, colour, span), HALF)


def laid(name: str, colour: str, span: int, backdrop: Pixels) -> Pixels:
    """A look over its window of the backdrop, at half size."""
    rgba = half(name, colour, span)
    return backdrop * (1 - rgba[..., 3:]) + rgba[..., :3]


def _flat(arrays: Pixels) -> Pixels:
    return arrays.reshape(len(arrays), prod(arrays.shape[1:]))
