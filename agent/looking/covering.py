"""Covers one place of a picture after another, so that a critic shows what hangs on it."""

from __future__ import annotations

from PIL import Image as images
from PIL import ImageStat
from PIL.Image import Image

__all__ = ["Box", "boxes", "covered"]

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
