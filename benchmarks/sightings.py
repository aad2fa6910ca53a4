"""Finds the world's things in a picture: where each stands, what it is, and in which colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.benchmarks.backdrops import Pixels
from limner.benchmarks.looks import HALF, half, laid, looks
from limner.pipelines.pocket.scene import SIDE, SPAN

STEP = 4  # pixels between the windows that are tried; the world itself keeps to steps of 8
FIT = 0.4  # a look must explain this share of what differs from the backdrop
RIVAL = 1.25  # the best look of any other thing must leave this many times as much unexplained
SHAPE = 0.4  # its finer structure must correlate this much with the picture's
BOTH = 1.0  # and share and correlation together come to this
COLOUR = 0.12  # a body may be this far from its paint (Oklab)
FAINT = 0.002  # mean squared difference under which a window holds nothing
OVERLAP = 0.2  # share of the smaller that two things may have in common
REACH = 3  # half-size pixels; structure is what differs from the mean this far around


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look in one window: left, top and span in pixels; `fit` is the share explained.

    `gain` orders sightings: what it explains of the picture, less twice what it leaves over.
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


def sightings(picture: Pixels, backdrop: Pixels) -> list[Sighting]:
    """The things of a picture, both 64 x 64 x 3 in 0..1: the best explanations, hardly overlapping.

    Greedy analysis by synthesis; what looks like a thing only from afar is left out.
    """
    found = [one for size in SPAN for one in _candidates(picture, backdrop, size)]
    kept: list[Sighting] = []
    for one in sorted(found, key=lambda s: -s.gain):
        if all(_apart(one, other) for other in kept) and _formed(one, picture, backdrop):
            kept.append(one)
    return kept


def _formed(one: Sighting, picture: Pixels, backdrop: Pixels) -> bool:
    fine = shape(one, picture, backdrop)
    return fine > SHAPE and one.fit + fine > BOTH


def shape(one: Sighting, picture: Pixels, backdrop: Pixels) -> float:
    """How the structure in a window correlates with that of its look, -1..1, whatever the shade."""
    there, bare = picture[one.window], backdrop[one.window]
    drawn = laid(one.name, one.colour, one.span, bare)
    a, b = _structure(there - bare), _structure(drawn - bare)
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-6))


def in_colour(one: Sighting, picture: Pixels) -> bool:
    """Whether the body's mean colour is that of its look."""
    rgba = half(one.name, one.colour, one.span)
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


def _candidates(picture: Pixels, backdrop: Pixels, size: str) -> Iterator[Sighting]:
    """The best look of each window, where it explains enough and much more than any other thing."""
    span, known = SPAN[size], looks(SPAN[size])
    starts = np.arange(0, (SIDE - span) // HALF + 1, STEP // HALF)
    there, bare = (_windows(p, span // HALF, starts) for p in (picture, backdrop))
    energies = ((there - bare) ** 2).sum(axis=(1, 2))
    busy = np.flatnonzero(energies > FAINT * there[0].size)
    errors = known.errors(there[busy], bare[busy])
    best, rival = np.sort(_by_thing(errors, len(known.covers)), axis=1)[:, :2].T
    fits = 1 - best / energies[busy]
    for row in np.flatnonzero((fits > FIT) & (rival > RIVAL * best)):
        top, left = (int(starts[n]) * HALF for n in divmod(int(busy[row]), len(starts)))
        gain = float(energies[busy[row]] - 3 * best[row])
        look = known.names[int(errors[row].argmin())]
        yield Sighting(*look, size, left, top, span, float(fits[row]), gain)


def _by_thing(errors: Pixels, things: int) -> Pixels:
    """The least error of each thing in any of its colours, windows x things."""
    colours = errors.shape[1] // things
    return np.asarray(errors.reshape(len(errors), things, colours).min(axis=2), np.float32)


def _windows(picture: Pixels, side: int, starts: NDArray[np.int64]) -> Pixels:
    """Every window of a half-size picture, windows x pixels x 3."""
    view = np.lib.stride_tricks.sliding_window_view(picture, (side, side), axis=(0, 1))
    every = view[np.ix_(starts, starts)]
    return every.transpose(0, 1, 3, 4, 2).reshape(len(starts) ** 2, side * side, 3)


def _structure(window: Pixels) -> Pixels:
    """A window less its means close by, and less its mean."""
    wide = 2 * REACH + 1
    padded = np.pad(window, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    sums = np.pad(padded.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))
    around = sums[wide:, wide:] - sums[:-wide, wide:] - sums[wide:, :-wide] + sums[:-wide, :-wide]
    fine = window - around / wide**2
    return np.asarray(fine - fine.mean(axis=(0, 1)), np.float32)


def _apart(one: Sighting, other: Sighting) -> bool:
    across = min(one.left + one.span, other.left + other.span) - max(one.left, other.left)
    down = min(one.top + one.span, other.top + other.span) - max(one.top, other.top)
    return max(across, 0) * max(down, 0) < OVERLAP * min(one.span, other.span) ** 2
