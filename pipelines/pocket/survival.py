"""Tells which things of a drawn scene are still there after the painter has painted it over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import SIDE, Scene, Spot
from limner.pipelines.pocket.sprites import sprite

Pixels = NDArray[np.float32]

KEPT, LOST = 0.68, 0.38
"""A thing is there where it is so like itself, outline and all; lost where its inside is less."""
FAINT = 0.004
"""Mean squared difference from the backdrop below which nothing can be said."""
SHIFTS = range(-12, 13, 4)


def survivors(scene: Scene, picture: NDArray[np.uint8]) -> list[bool | None]:
    """For each spot whether its thing can still be recognised there; None where that is unclear.

    `picture` is what became of the scene, 128 x 128 x 3. A thing may have moved by 12 pixels. The
    measure is the share of the drawn thing's difference from the bare backdrop that is left, 1 for
    all. To be there, what spilled over the outline counts against it (a smear of the right colour
    is not the thing); to be lost, it does not (the backdrop itself may have changed).
    """
    drawn, bare = _unit(draw(scene)), _unit(draw(replace(scene, spots=())))
    there = _unit(picture)
    return [_verdict(spot, there, drawn, bare) for spot in scene.spots]


def remaining(scene: Scene, kept: Sequence[bool | None]) -> tuple[Scene, frozenset[str]]:
    """The scene without what was lost, and the kinds of which nothing sure can be said.

    Where something was lost, another of the scene's things may have come in its place: so of these
    nothing sure can be said either.
    """
    spots = tuple(s for s, there in zip(scene.spots, kept, strict=True) if there is not False)
    doubtful = {s.name for s, there in zip(scene.spots, kept, strict=True) if there is None}
    gone = {s.name for s, there in zip(scene.spots, kept, strict=True) if there is False}
    doubtful |= {s.name for s in spots if gone and s.name not in gone}
    counts = {group.name: sum(s.name == group.name for s in spots) for group in scene.spec.groups}
    groups = tuple(
        replace(group, count=counts[group.name])
        for group in scene.spec.groups
        if counts[group.name]
    )
    return Scene(replace(scene.spec, groups=groups, links=()), spots), frozenset(doubtful)


def _verdict(spot: Spot, there: Pixels, drawn: Pixels, bare: Pixels) -> bool | None:
    left, top = round(spot.x - spot.span / 2), round(spot.y - spot.span / 2)
    here = np.s_[top : top + spot.span, left : left + spot.span]
    cover = sprite(spot.name, spot.colour, spot.span)[..., 3:]
    sets_off = float((cover * (drawn[here] - bare[here]) ** 2).sum())
    if sets_off < FAINT * 3 * cover.sum():
        return None
    shown = [(there[window] - drawn[here]) ** 2 for window in _windows(left, top, spot.span)]
    if min(float(off.sum()) for off in shown) <= (1 - KEPT) * sets_off:
        return True
    inside = min(float((cover * off).sum()) for off in shown)
    return False if inside >= (1 - LOST) * sets_off else None


def _windows(left: int, top: int, span: int) -> Iterator[tuple[slice, slice]]:
    for y in SHIFTS:
        for x in SHIFTS:
            if 0 <= left + x <= SIDE - span and 0 <= top + y <= SIDE - span:
                yield np.s_[top + y : top + y + span, left + x : left + x + span]


def _unit(picture: NDArray[np.uint8]) -> Pixels:
    return np.asarray(picture / np.float32(255), np.float32)
