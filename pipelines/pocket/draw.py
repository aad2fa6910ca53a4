"""Draws a scene as 128 x 128 pixels: backdrop, ground, sprites, and the style over it all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.scene import HORIZON, SIDE, Scene
from limner.pipelines.pocket.sprites import sprite

Pixels = NDArray[np.float32]
SKIES = {
    "day": ((105, 180, 245), (205, 232, 252)),
    "sunset": ((120, 70, 140), (252, 165, 90)),
    "night": ((12, 16, 48), (45, 52, 105)),
    "rain": ((98, 112, 130), (160, 172, 184)),
}
PLAIN = {
    "white": (250, 250, 250),
    "yellow": (252, 232, 140),
    "pink": (252, 205, 220),
    "blue": (170, 208, 245),
    "green": (185, 228, 180),
    "grey": (175, 178, 184),
}
GROUNDS = {
    "grass": (98, 178, 72),
    "sand": (232, 208, 148),
    "snow": (238, 243, 250),
    "sea": (38, 118, 190),
    "street": (105, 106, 112),
}
DIMMED = {"night": 0.5, "rain": 0.82, "sunset": 0.85}


def draw(scene: Scene) -> NDArray[np.uint8]:
    """The picture of a scene, height x width x RGB in 0..255.

    Stars, blades and raindrops stand in the same spots in every picture: nothing is left to learn
    that no caption could tell.
    """
    noise = np.random.default_rng(8)
    canvas = _backdrop(scene.spec.light, noise)
    if scene.spec.where:
        _lay_ground(canvas, scene.spec.where, scene.spec.light, noise)
    for spot in sorted(scene.spots, key=lambda s: s.y):
        _paste(canvas, sprite(spot.name, spot.colour, spot.span), spot.x, spot.y)
    if scene.spec.light == "rain":
        _rain(canvas, noise)
    finished = STYLES[scene.spec.style](canvas)
    return np.asarray(np.clip(finished, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _backdrop(light: str, noise: np.random.Generator) -> Pixels:
    if light.startswith("plain"):
        return np.tile(_rgb(PLAIN[light.removeprefix("plain ")]), (SIDE, SIDE, 1))
    top, bottom = (_rgb(c) for c in SKIES[light])
    share = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    canvas = np.tile(top * (1 - share) + bottom * share, (1, SIDE, 1)).astype(np.float32)
    if light == "night":
        for x, y in noise.integers(0, (SIDE - 1, HORIZON - 4), size=(26, 2)):
            canvas[y : y + 1 + (x % 3 == 0), x : x + 1 + (x % 3 == 0)] = 0.92
    return canvas


def _lay_ground(canvas: Pixels, where: str, light: str, noise: np.random.Generator) -> None:
    ground = np.tile(_rgb(GROUNDS[where]), (SIDE - HORIZON, SIDE, 1))
    GROUND_MARKS[where](ground, noise)
    canvas[HORIZON:] = ground * DIMMED.get(light, 1.0)


def _speckle(ground: Pixels, noise: np.random.Generator) -> None:
    ground += noise.normal(0, 0.03, size=(*ground.shape[:2], 1)).astype(np.float32)


def _blades(ground: Pixels, noise: np.random.Generator) -> None:
    for x, y in noise.integers(0, (SIDE, ground.shape[0] - 4), size=(60, 2)):
        ground[y : y + 4, x] *= 0.78


def _drifts(ground: Pixels, _noise: np.random.Generator) -> None:
    x = np.arange(SIDE, dtype=np.float32)
    for row in (14, 34):
        tops = (row + 3 * np.sin(x / 11 + row)).astype(int)
        ground[tops, x.astype(int)] *= 0.9
        ground[tops + 1, x.astype(int)] *= 0.95


def _waves(ground: Pixels, _noise: np.random.Generator) -> None:
    x = np.arange(SIDE, dtype=np.float32)
    for row in range(5, ground.shape[0] - 2, 10):
        tops = (row + 1.6 * np.sin(x / 5 + row)).astype(int)
        ground[tops, x.astype(int)] += 0.22
        ground[tops + 1, x.astype(int)] += 0.12


def _lanes(ground: Pixels, _noise: np.random.Generator) -> None:
    ground[:3] += 0.25
    for x in range(4, SIDE, 28):
        ground[26:29, x : x + 15] = 0.95


def _paste(canvas: Pixels, rgba: Pixels, x: float, y: float) -> None:
    span = rgba.shape[0]
    left = int(np.clip(round(x - span / 2), 0, SIDE - span))
    top = int(np.clip(round(y - span / 2), 0, SIDE - span))
    under = canvas[top : top + span, left : left + span]
    under *= 1 - rgba[..., 3:]
    under += rgba[..., :3]


def _rain(canvas: Pixels, noise: np.random.Generator) -> None:
    for x, y in noise.integers(0, SIDE - 9, size=(46, 2)):
        for step in range(7):
            pixel = canvas[y + step, x + step // 3]
            pixel += 0.45 * (_rgb((215, 228, 242)) - pixel)


def _flat(canvas: Pixels) -> Pixels:
    return canvas


def _pixel_art(canvas: Pixels) -> Pixels:
    blocks = canvas.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).mean(axis=(1, 3))
    levels = np.round(blocks * 7) / 7
    return np.asarray(levels.repeat(2, axis=0).repeat(2, axis=1), dtype=np.float32)


def _pastel(canvas: Pixels) -> Pixels:
    soft = canvas.copy()
    soft[1:-1, 1:-1] = (
        canvas[1:-1, 1:-1] * 2
        + canvas[:-2, 1:-1]
        + canvas[2:, 1:-1]
        + canvas[1:-1, :-2]
        + canvas[1:-1, 2:]
    ) / 6
    return np.asarray(soft * 0.62 + 0.38 * _rgb((255, 248, 238)), dtype=np.float32)


def _rgb(colour: tuple[int, int, int]) -> Pixels:
    return np.asarray(np.array(colour) / 255, dtype=np.float32)


GROUND_MARKS = {
    "grass": _blades,
    "sand": _speckle,
    "snow": _drifts,
    "sea": _waves,
    "street": _lanes,
}
STYLES = {"flat": _flat, "pixel art": _pixel_art, "pastel": _pastel}
