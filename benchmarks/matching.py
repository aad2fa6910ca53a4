"""Finds the world's things in a picture by template matching: where, what, and in which colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.scene import SIDE, SPAN
from limner.pipelines.pocket.sprites import sprite
from limner.pipelines.pocket.world import world

Pixels = NDArray[np.float32]
HALF = 2  # everything is compared at half of the picture's resolution
STEP = 4  # pixels between the windows that are tried; the world itself keeps to steps of 8
FIT = 0.4  # a template must explain this share of what differs from the background
RIVAL = 1.25  # the best template of any other thing must leave this many times as much unexplained
SHAPE = 0.4  # its finer structure must correlate this much with the picture's
BOTH = 1.0  # and share and correlation must sum to this
COLOUR = 0.12  # a body may be this far from its paint (Oklab)
FAINT = 0.002  # mean squared difference under which a window holds nothing
OVERLAP = 0.2  # share of the smaller one that two matches may have in common
REACH = 3  # half-size pixels; structure is what differs from the mean this far around


@dataclass(frozen=True, slots=True)
class TemplateMatch:
    """One template in one window: left, top and span in pixels; `fit` is the share explained.

    `gain` orders matches: what it explains of the picture, less twice what it leaves over.
    """

    name: str
    colour: str
    size: str
    left: int
    top: int
    span: int
    fit: float
    gain: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Its rows and columns in a picture of half size."""
        side, top, left = self.span // HALF, self.top // HALF, self.left // HALF
        return slice(top, top + side), slice(left, left + side)


@dataclass(frozen=True, slots=True)
class Templates:
    """All T = things x (1 + colours) templates of one span, `n` half-size pixels each.

    `covers` is things x 2n: how much of each pixel a thing hides, and the square of that.
    `paints` is T x 6n: the colours premultiplied by the cover, and once more.
    `energies` are the T sums of squares of the first half of `paints`.
    """

    names: tuple[tuple[str, str], ...]
    covers: Pixels
    paints: Pixels
    energies: Pixels

    def errors(self, picture: Pixels, background: Pixels) -> Pixels:
        """Sums of squared differences, windows x T, for each template on each window's background.

        Both are windows x n x 3. With cover a and premultiplied paint s over background b, the
        error |x - (1 - a) b - s|^2 is expanded, so that two matrix products find all of them.
        """
        differs = picture - background
        of_cover = np.concatenate(
            [2 * (differs * background).sum(axis=-1), (background**2).sum(axis=-1)], axis=1
        )
        of_paint = np.concatenate([_flat(differs), _flat(background)], axis=1)
        per_thing = of_cover @ self.covers.T
        whole = (differs**2).sum(axis=(1, 2))[:, None] + self.energies
        found = per_thing.repeat(len(self.names) // len(self.covers), axis=1)
        found += whole - 2 * (of_paint @ self.paints.T)
        return np.asarray(found, np.float32)


@cache
def templates(span: int) -> Templates:
    """All templates that are `span` pixels wide."""
    names = [(name, colour) for name in world().things for colour in ("", *world().colours)]
    every = np.stack([template(name, colour, span) for name, colour in names])
    paints, covers = every[..., :3], every[..., 3:]
    whole = _flat(covers[:: len(names) // len(world().things)])
    return Templates(
        tuple(names),
        np.concatenate([whole, whole**2], axis=1),
        np.concatenate([_flat(paints), _flat(paints * covers)], axis=1),
        (_flat(paints) ** 2).sum(axis=1),
    )


@cache
def template(name: str, colour: str, span: int) -> Pixels:
    """A sprite at half size, premultiplied RGBA in 0..1."""
    return pooled(sprite(name, colour, span), HALF)


def composited(name: str, colour: str, span: int, background: Pixels) -> Pixels:
    """A template over its window of the background, at half size."""
    rgba = template(name, colour, span)
    return background * (1 - rgba[..., 3:]) + rgba[..., :3]


def pooled(picture: Pixels, side: int) -> Pixels:
    """The means of squares of `side` pixels."""
    tall, wide = picture.shape[0] // side, picture.shape[1] // side
    squares = picture.reshape(tall, side, wide, side, picture.shape[2])
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)


def matches(picture: Pixels, background: Pixels) -> list[TemplateMatch]:
    """The things of a picture, both 64 x 64 x 3 in 0..1, best first and hardly overlapping.

    Greedy analysis by synthesis; what looks like a thing only from afar is left out.
    """
    found = [one for size in SPAN for one in _candidates(picture, background, size)]
    kept: list[TemplateMatch] = []
    for one in sorted(found, key=lambda match: -match.gain):
        if all(_apart(one, other) for other in kept):
            fine = structure_correlation(one, picture, background)
            if fine > SHAPE and one.fit + fine > BOTH:
                kept.append(one)
    return kept


def structure_correlation(one: TemplateMatch, picture: Pixels, background: Pixels) -> float:
    """How the fine structure in a window correlates with its template's, -1..1."""
    there, bare = picture[one.window], background[one.window]
    drawn = composited(one.name, one.colour, one.span, bare)
    a, b = _structure(there - bare), _structure(drawn - bare)
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-6))


def in_colour(one: TemplateMatch, picture: Pixels) -> bool:
    """Whether the body's mean colour is that of its template."""
    rgba = template(one.name, one.colour, one.span)
    body = rgba[..., 3] > 0.9
    there, painted = picture[one.window][body].mean(axis=0), rgba[body][:, :3].mean(axis=0)
    return bool(np.linalg.norm(oklab(there) - oklab(painted)) < COLOUR)


def oklab(rgb: Pixels) -> NDArray[np.float64]:
    """Lightness, green-red and blue-yellow of an sRGB colour in 0..1 (Ottosson 2020)."""
    clipped = np.clip(rgb, 0, 1)
    light = np.where(clipped <= 0.04045, clipped / 12.92, ((clipped + 0.055) / 1.055) ** 2.4)
    return np.asarray(OKLAB @ np.cbrt(OKLMS @ light), np.float64)


OKLMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _candidates(picture: Pixels, background: Pixels, size: str) -> Iterator[TemplateMatch]:
    """The best template of each window, where it explains enough and more than any other thing."""
    span, known = SPAN[size], templates(SPAN[size])
    starts = np.arange(0, (SIDE - span) // HALF + 1, STEP // HALF)
    there, bare = (_windows(p, span // HALF, starts) for p in (picture, background))
    energies = ((there - bare) ** 2).sum(axis=(1, 2))
    busy = np.flatnonzero(energies > FAINT * there[0].size)
    errors = known.errors(there[busy], bare[busy])
    things = len(known.covers)
    by_thing = errors.reshape(len(errors), things, errors.shape[1] // things).min(axis=2)
    best, rival = np.sort(by_thing, axis=1)[:, :2].T
    fits = 1 - best / energies[busy]
    for row in np.flatnonzero((fits > FIT) & (rival > RIVAL * best)):
        top, left = (int(starts[n]) * HALF for n in divmod(int(busy[row]), len(starts)))
        gain = float(energies[busy[row]] - 3 * best[row])
        named = known.names[int(errors[row].argmin())]
        yield TemplateMatch(*named, size, left, top, span, float(fits[row]), gain)


def _windows(picture: Pixels, side: int, starts: NDArray[np.int64]) -> Pixels:
    """Every window of a half-size picture, windows x pixels x 3."""
    view = np.lib.stride_tricks.sliding_window_view(picture, (side, side), axis=(0, 1))
    every = view[np.ix_(starts, starts)]
    return every.transpose(0, 1, 3, 4, 2).reshape(len(starts) ** 2, side * side, 3)


def _structure(window: Pixels) -> Pixels:
    """A window less its local means, and less its mean."""
    wide = 2 * REACH + 1
    padded = np.pad(window, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    sums = np.pad(padded.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))
    around = sums[wide:, wide:] - sums[:-wide, wide:] - sums[wide:, :-wide] + sums[:-wide, :-wide]
    fine = window - around / wide**2
    return np.asarray(fine - fine.mean(axis=(0, 1)), np.float32)


def _apart(one: TemplateMatch, other: TemplateMatch) -> bool:
    across = min(one.left + one.span, other.left + other.span) - max(one.left, other.left)
    down = min(one.top + one.span, other.top + other.span) - max(one.top, other.top)
    return max(across, 0) * max(down, 0) < OVERLAP * min(one.span, other.span) ** 2


def _flat(arrays: Pixels) -> Pixels:
    return arrays.reshape(len(arrays), prod(arrays.shape[1:]))
