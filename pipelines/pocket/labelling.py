"""Says which things of the small world a painted picture shows, for the detector's lessons.

No judge of the benchmarks takes part. A thing is known by two signs that are measured apart: how
much of what it adds to the bare backdrop is there (as in `survival`), and how well the edges of the
picture follow its own. Where both say so it is there, where one plainly denies it it is not, and
what is between is left out of the lessons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import SIDE, SPAN, Scene
from limner.pipelines.pocket.spec import Spec
from limner.pipelines.pocket.sprites import sprite
from limner.pipelines.pocket.world import world

__all__ = ["LEAST", "Label", "labels", "verdict"]

Pixels = NDArray[np.float32]

COARSE, FINE = 4, 2
"""Pixels of the picture to one of the copies in which things are sought, and then compared."""
SPILL = 0.3
"""The weight of what is beside a thing, within its square, against what is on it."""
LEAST = 0.2
"""The share of a thing that makes it worth a closer look."""
TRIED, EACH = 32, 5
"""The looks of a picture that are compared closely, and those of one place."""
THERE = 0.58, 0.55
"""A thing is there where so much of it is, and its edges correlate so well."""
NOT = 0.36, 0.33
"""It is not there where one of the two is less than this."""
RIVAL = 0.08
"""Another thing that comes so near, in the mean of both signs, leaves open which of them it is."""
PAINT = 0.08
"""A look in another colour that comes so near leaves open which colour it is."""
NEAR, MOVED = 0.03, 0.06
"""How near a second backdrop may come (sum over RGB, 0..1), and how far rows are moved to fit."""
TINT, UNLIKE = 0.11, 0.2
"""A body is in its colour up to this distance (RGB, 0..1), and is not from the second on."""


@dataclass(frozen=True, slots=True)
class Label:
    """One thing that a picture shows, may show, or shows in another colour than it seems to.

    `x` and `y` are its centre and `span` its width, in pixels of a 128 x 128 picture. `there` is
    None where that is unclear, and so is `coloured`, which says whether it has its colour ("": its
    own); `rivals` are other colours in which it would look nearly the same. `kept` and `edges` are
    the two signs, at most 1.
    """

    name: str
    colour: str
    x: float
    y: float
    span: int
    there: bool | None
    coloured: bool | None
    kept: float
    edges: float
    rivals: tuple[str, ...] = ()


class _Place(NamedTuple):
    """A look to compare: the index of its name and colour, and its corner in pixels."""

    name: int
    colour: int
    left: int
    top: int
    span: int
    kept: float


class _Templates(NamedTuple):
    """Every look at one size, `n` of S x S pixels; N names, C colours each.

    covers: N x S² shares of a pixel that are covered; weights: N x S²; paints: NC x 3S², the
    weighted premultiplied colours; covered: NC x 3S², the same times the cover; energies: NC.
    """

    covers: Pixels
    weights: Pixels
    paints: Pixels
    covered: Pixels
    energies: Pixels


def labels(picture: NDArray[np.uint8]) -> list[Label]:
    """All things that a picture of 128 x 128 x 3 shows or may show, surest first."""
    shown = _unit(picture)
    read = [_read(shown, style, bare) for style, bare in _backdrops_of(shown)]
    return max(read, key=lambda found: sum(_sign(one) for one in found))


def _read(shown: Pixels, style: str, bare: Pixels) -> list[Label]:
    fine = _pooled(shown, FINE), _pooled(bare, FINE)
    places = _places(_pooled(shown, COARSE), _pooled(bare, COARSE), style)
    found = filter(None, (_compared(place, *fine, style) for place in places))
    return _settled(sorted(found, key=lambda one: -_sign(one)))


def verdict(kept: float, edges: float) -> bool | None:
    """Whether a thing is there by its two signs; None where they leave that open."""
    if kept >= THERE[0] and edges >= THERE[1]:
        return True
    return False if kept < NOT[0] or edges < NOT[1] else None


def _sign(one: Label) -> float:
    return (one.kept + one.edges) / 2


def _settled(found: Sequence[Label]) -> list[Label]:
    """One label for each place and name, and doubt where two things compete for a place.

    `found` are sorted, surest first. What a surer thing explains is not told again.
    """
    kept: list[Label] = []
    for one in found:
        rivals = [other for other in kept if _same_place(one, other)]
        if alike := next((other for other in rivals if other.name == one.name), None):
            if _sign(one) >= _sign(alike) - PAINT and one.colour != alike.colour:
                named = replace(alike, rivals=(*alike.rivals, one.colour))
                kept[kept.index(alike)] = named
            continue
        if not rivals:
            kept.append(one)
        elif _sign(one) >= _sign(rivals[0]) - RIVAL and one.there is not False:
            # Either may be meant: of both nothing sure can be said.
            kept = [replace(o, there=None) if o in rivals and o.there else o for o in kept]
            kept.append(replace(one, there=None))
    return kept


def _same_place(one: Label, other: Label) -> bool:
    reach = 0.25 * (one.span + other.span)
    return max(abs(one.x - other.x), abs(one.y - other.y)) < reach


def _backdrops_of(picture: Pixels) -> Iterator[tuple[str, Pixels]]:
    """The style and the bare backdrop of a picture, as it would be without its things.

    The drawn backdrop that half of the pixels come nearest to, each row moved by what it is mostly
    off: a painter's sky may be a little lighter. Where one of another style comes about as near,
    that too: a pale backdrop may be pastel, or not.
    """
    styles, drawn, small = _backdrops()
    off = np.abs(small - _pooled(picture, COARSE)).sum(-1).reshape(len(small), -1)
    middle = off.shape[1] // 2
    far = np.partition(off, middle, axis=1)[:, :middle].mean(1)
    pastel = np.array([style == "pastel" for style in styles])
    for kind in (pastel, ~pastel):
        best = int(np.where(kind, far, np.inf).argmin())
        if far[best] <= 2 * far.min() + NEAR:
            shift = np.median(picture - drawn[best], axis=1, keepdims=True)
            bare = drawn[best] + shift.clip(-MOVED, MOVED)
            yield styles[best], np.asarray(bare, np.float32)


@cache
def _backdrops() -> tuple[list[str], Pixels, Pixels]:
    """The style of each possible backdrop, all of them drawn, and the same in small."""
    known = world()
    specs = [
        Spec((), (), where, light, style)
        for style in known.styles
        for light in known.light
        for where in ("", *([] if light.startswith("plain") else known.where))
    ]
    drawn = np.stack([_unit(draw(Scene(spec, ()))) for spec in specs])
    return [s.style for s in specs], drawn, np.stack([_pooled(one, COARSE) for one in drawn])


def _places(picture: Pixels, bare: Pixels, style: str) -> list[_Place]:
    """The looks worth comparing closely, best first, but few for each place."""
    found = [one for span in SPAN.values() for one in _spots(picture, bare, style, span)]
    chosen: list[_Place] = []
    for one in sorted(found, key=lambda one: -one.kept):
        if sum(_close(one, other) for other in chosen) < EACH:
            chosen.append(one)
    return chosen[:TRIED]


def _close(one: _Place, other: _Place) -> bool:
    reach, apart = 0.25 * (one.span + other.span), (one.span - other.span) / 2
    across, down = one.left - other.left + apart, one.top - other.top + apart
    return max(abs(across), abs(down)) < reach


def _spots(picture: Pixels, bare: Pixels, style: str, span: int) -> Iterator[_Place]:
    kept = _kept(picture, bare, _templates(span, style, COARSE))
    across = SIDE // COARSE - span // COARSE + 1
    names, colours = len(world().things), 1 + len(world().colours)
    by_name = kept.reshape(across, across, names, colours)
    best = by_name.max(3)
    for name in np.flatnonzero(best.max((0, 1)) > LEAST):
        grid = best[..., name].copy()
        for _ in range(5):
            top, left = np.unravel_index(int(grid.argmax()), grid.shape)
            if grid[top, left] <= LEAST:
                break
            for colour in np.argsort(-by_name[top, left, name])[:2]:
                chance = float(by_name[top, left, name, colour])
                if chance > LEAST:
                    yield _Place(
                        int(name), int(colour), int(left) * COARSE, int(top) * COARSE, span, chance
                    )
            grid[max(0, top - 3) : top + 4, max(0, left - 3) : left + 4] = 0


def _kept(picture: Pixels, bare: Pixels, looks: _Templates) -> Pixels:
    """The share of each look that is there in each window: windows x looks, at most 1."""
    side = round(looks.covers.shape[1] ** 0.5)
    there, behind = _windows(picture - bare, side), _windows(bare, side)
    flat, back = there.reshape(len(there), -1), behind.reshape(len(behind), -1)
    weighed = looks.weights * looks.covers
    overlap = np.einsum("wpc,wpc->wp", there, behind) @ weighed.T
    beneath = np.einsum("wpc,wpc->wp", behind, behind) @ (weighed * looks.covers).T
    energy = np.einsum("wpc,wpc->wp", there, there) @ looks.weights.T
    colours = len(looks.paints) // len(looks.covers)
    each = np.repeat(np.arange(len(looks.covers)), colours)
    along = flat @ looks.paints.T - overlap[:, each]
    whole = looks.energies - 2 * back @ looks.covered.T + beneath[:, each]
    return np.asarray((2 * along - energy[:, each]) / np.maximum(whole, 1e-3), np.float32)


def _windows(picture: Pixels, side: int) -> Pixels:
    """Every window of a picture, windows x pixels x 3, row by row."""
    view = np.lib.stride_tricks.sliding_window_view(picture, (side, side), axis=(0, 1))
    rows, columns = view.shape[:2]
    flat = view.transpose(0, 1, 3, 4, 2).reshape(rows * columns, side * side, 3)
    return np.ascontiguousarray(flat)


@cache
def _templates(span: int, style: str, scale: int) -> _Templates:
    names, colours = list(world().things), ["", *world().colours]
    looks = np.stack(
        [_styled(name, colour, span, style, scale) for name in names for colour in colours]
    )
    covers = looks[:: len(colours), ..., 3].reshape(len(names), -1)
    weights = np.stack([_weights(looks[n * len(colours)]) for n in range(len(names))])
    weights = weights.reshape(len(names), -1)
    each = np.repeat(np.arange(len(names)), len(colours))
    paints = looks[..., :3].reshape(len(looks), -1, 3)
    weighed = paints * weights[each][..., None]
    return _Templates(
        np.ascontiguousarray(covers),
        weights,
        weighed.reshape(len(looks), -1),
        (weighed * covers[each][..., None]).reshape(len(looks), -1),
        (weighed * paints).sum((1, 2)),
    )


@cache
def _styled(name: str, colour: str, span: int, style: str, scale: int) -> Pixels:
    """A look as RGBA with its colours premultiplied, `span / scale` pixels wide."""
    rgba = _pooled(sprite(name, colour, span), scale)
    if style != "pastel":
        return rgba
    pale = np.array((255, 248, 238), np.float32) / 255
    rgba = rgba.copy()
    rgba[..., :3] = 0.62 * rgba[..., :3] + 0.38 * pale * rgba[..., 3:]
    return rgba


def _weights(look: Pixels) -> Pixels:
    """How much each pixel of a look's square counts, S x S in 0.3..1."""
    grown = np.pad(look[..., 3], 1)
    wide = np.lib.stride_tricks.sliding_window_view(grown, (3, 3)).max((2, 3))
    return np.asarray(SPILL + (1 - SPILL) * wide, np.float32)


def _compared(place: _Place, picture: Pixels, bare: Pixels, style: str) -> Label | None:
    """The look in the best of nine places close by; None where it is plainly not there."""
    name = list(world().things)[place.name]
    colour = ["", *world().colours][place.colour]
    look = _styled(name, colour, place.span, style, FINE)
    weights, (top, left) = _weights(look), _nearest(place, look, picture, bare)
    here = np.s_[top : top + len(look), left : left + len(look)]
    drawn = look[..., :3] + (1 - look[..., 3:]) * bare[here]
    kept, edges = _signs(picture[here], drawn, bare[here], weights)
    there = verdict(kept, edges)
    if there is False:
        return None
    tint = _tint(picture[here], drawn, look[..., 3])
    coloured = True if tint <= TINT else False if tint >= UNLIKE else None
    x, y = left * FINE + place.span / 2, top * FINE + place.span / 2
    return Label(name, colour, x, y, place.span, there, coloured, kept, edges)


def _nearest(place: _Place, look: Pixels, picture: Pixels, bare: Pixels) -> tuple[int, int]:
    """The corner, of those close by, where a look differs least from what is there."""
    return min(_near(place), key=lambda corner: _off(corner, look, picture, bare))


def _off(corner: tuple[int, int], look: Pixels, picture: Pixels, bare: Pixels) -> float:
    here = np.s_[corner[0] : corner[0] + len(look), corner[1] : corner[1] + len(look)]
    error = picture[here] - bare[here] - look[..., :3] + look[..., 3:] * bare[here]
    return float(np.vdot(error, error))


def _near(place: _Place) -> Iterator[tuple[int, int]]:
    last = (SIDE - place.span) // FINE
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            top, left = place.top // FINE + down, place.left // FINE + across
            if 0 <= top <= last and 0 <= left <= last:
                yield top, left


def _signs(there: Pixels, drawn: Pixels, bare: Pixels, weights: Pixels) -> tuple[float, float]:
    """The share of a look that is there, and how its edges correlate with the picture's."""
    heavy = weights[..., None]
    whole = float((heavy * (drawn - bare) ** 2).sum())
    kept = 1 - float((heavy * (there - drawn) ** 2).sum()) / max(whole, 1e-3)
    one, other = (
        np.concatenate([_slopes(p, weights, axis) for axis in (0, 1)]) for p in (there, drawn)
    )
    edges = float(one @ other / (np.sqrt((one @ one) * (other @ other)) + 1e-6))
    return kept, edges


def _slopes(picture: Pixels, weights: Pixels, axis: int) -> Pixels:
    step = np.diff(picture, axis=axis)
    heavy = np.sqrt(weights[1:] if axis == 0 else weights[:, 1:])
    return np.asarray((step * heavy[..., None]).ravel(), np.float32)


def _tint(there: Pixels, drawn: Pixels, cover: Pixels) -> float:
    """How far the mean colour of a body is from that of its look: RGB distance, 0..1.7."""
    body = cover > 0.8
    return float(np.linalg.norm(there[body].mean(0) - drawn[body].mean(0))) if body.any() else 1.0


def _unit(picture: NDArray[np.uint8]) -> Pixels:
    return np.asarray(picture / np.float32(255), np.float32)


def _pooled(picture: Pixels, by: int) -> Pixels:
    """The picture with every `by` x `by` pixels made one, their mean."""
    tall, wide, parts = picture.shape
    blocks = picture.reshape(tall // by, by, wide // by, by, parts)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)
