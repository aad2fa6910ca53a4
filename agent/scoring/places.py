"""Finds where the things of a picture stand, for a critic that only knows what is there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from PIL import Image as images
from PIL import ImageStat
from PIL.Image import Image

from limner.agent.records import Claim, Settings
from limner.pipelines.roles import Critic

__all__ = [
    "Box",
    "Point",
    "boxes",
    "covered",
    "standing",
]


Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""


def boxes(size: tuple[int, int]) -> list[Box]:
    """Nine overlapping places, each half as wide and half as high as the picture."""
    width, height = size
    steps = [(i * width // 4, j * height // 4) for j in range(3) for i in range(3)]
    return [(x, y, x + width // 2, y + height // 2) for x, y in steps]


def covered(picture: Image, box: Box) -> Image:
    """The picture with that place in the mean colour of what is around it."""
    around = images.new("L", picture.size)
    margin = max(picture.size) // 8
    left, top, right, bottom = box
    around.paste(255, (left - margin, top - margin, right + margin, bottom + margin))
    around.paste(0, box)
    whole = picture.convert("RGB")
    red, green, blue = (round(mean) for mean in ImageStat.Stat(whole, around).mean)
    whole.paste((red, green, blue), box)
    return whole


Point = tuple[float, float]
"""Right and down from the top left corner, each in 0..1 of the picture's side."""


_AWAY = 1.0  # log odds that a thing loses, at least, where covering takes it away


# The rest is from the development prompts of MicroGenEval, in shares of the picture's side.
_STEEP = 12.0  # how fast a chance rises with the distance


_APART = 0.15  # one thing is left of another from so far on


_ASKEW = 0.75  # and more so the less it is above or below


_ASIDE = 0.09  # a thing is on the left from so far left of the middle on


_NEAR = 0.12  # and in the centre if it is not further than this from the middle


_TOWARDS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}


_SIDES = {"left": -1, "right": 1}


def standing(
    critic: Critic,
    pictures: Sequence[Image],
    claims: Sequence[Claim],
    found: Sequence[Sequence[float | None]],
    settings: Settings,
) -> list[list[float | None]]:
    """The probabilities `found` of pictures x claims, those of where things stand measured anew.

    That is done where the claims that the things are there hold, and each has a place; a picture
    then takes ten looks more. Raises whatever the critic raises.
    """
    rows = [list(row) for row in found]
    for at, row in enumerate(rows):
        placed = [i for i, claim in enumerate(claims) if _are_there(claim, row, settings.threshold)]
        things = sorted({thing for i in placed for thing in claims[i].things})
        points = dict(zip(things, _points(critic, pictures[at], claims, things), strict=True))
        for i in placed:
            where = [points[thing] for thing in claims[i].things]
            chance = _chance(claims[i].value, [point for point in where if point])
            row[i] = row[i] if None in where or chance is None else chance
    return rows


def _are_there(claim: Claim, row: Sequence[float | None], threshold: float) -> bool:
    placed = claim.kind in ("place", "relation")
    return placed and bool(claim.things) and all((row[i] or 0.0) >= threshold for i in claim.things)


def _points(
    critic: Critic, picture: Image, claims: Sequence[Claim], things: Sequence[int]
) -> Iterator[Point | None]:
    """Where each thing stands, known by the claim that it is there; None for what has no place."""
    if not things:
        return
    places = boxes(picture.size)
    texts = [claims[thing].text for thing in things]
    none = [claims[thing].foils[:1] for thing in things]
    rows = critic.look([picture, *(covered(picture, box) for box in places)], texts, none)
    odds = [[_log_odds(p) for p in row] for row in rows]
    width, height = picture.size
    middles = [((a + c) / 2 / width, (b + d) / 2 / height) for a, b, c, d in places]
    for n in range(len(things)):
        lost = [max(0.0, odds[0][n] - row[n]) for row in odds[1:]]
        yield _middle(middles, [loss**2 for loss in lost]) if max(lost) > _AWAY else None


def _middle(points: Sequence[Point], weights: Sequence[float]) -> Point:
    whole = sum(weights)
    pairs = list(zip(points, weights, strict=True))
    return sum(p[0] * w for p, w in pairs) / whole, sum(p[1] * w for p, w in pairs) / whole


def _chance(how: str, points: Sequence[Point]) -> float | None:
    """How probable it is that one point is so to another, or on that side; None for other words."""
    if how in _TOWARDS and len(points) == 2:
        (x, y), (there_x, there_y) = points
        right, down = x - there_x, y - there_y
        over, under = _TOWARDS[how]
        along, across = over * right + under * down, abs(under * right) + abs(over * down)
        return _risen(along - _ASKEW * across - _APART)
    if how in _SIDES and len(points) == 1:
        return _risen(_SIDES[how] * (points[0][0] - 0.5) - _ASIDE)
    if how == "centre" and len(points) == 1:
        return _risen(_NEAR - abs(points[0][0] - 0.5))
    return None


def _risen(distance: float) -> float:
    return 1 / (1 + math.exp(-_STEEP * distance))


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))
