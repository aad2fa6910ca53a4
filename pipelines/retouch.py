"""What each finishing operation does to an RGB picture; pure, and the same bits every time."""

from __future__ import annotations

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from limner.errors import BadInput

__all__ = [
    "LARGEST",
    "autocontrast",
    "brightness",
    "colour",
    "contrast",
    "crop",
    "fill",
    "nearest",
    "pad",
    "resize",
    "sharpen",
    "upscale",
    "warmth",
]

LARGEST = 8_192
"""Pixels of the longest side that a picture may get; the functions raise `BadInput` beyond it."""


def resize(picture: Image.Image, width: float, height: float) -> Image.Image:
    """Exactly that many pixels (Lanczos). Raises `BadInput` where that would distort it."""
    size = _sized(width, height)
    if abs(picture.width * size[1] / picture.height - size[0]) >= 1:
        text = f"{size[0]}x{size[1]}"
        raise BadInput(
            f"{picture.width}x{picture.height} pixels have another shape than {text}.",
            f"fill {text} cuts off what is too much; pad {text} puts black beside it.",
        )
    return picture.resize(size, Image.Resampling.LANCZOS)


def fill(picture: Image.Image, width: float, height: float) -> Image.Image:
    """Exactly that many pixels; what is too much on two sides is cut off."""
    return ImageOps.fit(picture, _sized(width, height), Image.Resampling.LANCZOS)


def pad(picture: Image.Image, width: float, height: float) -> Image.Image:
    """Exactly that many pixels; what is missing on two sides is black."""
    return ImageOps.pad(picture, _sized(width, height), Image.Resampling.LANCZOS, color="black")


def crop(picture: Image.Image, across: float, down: float) -> Image.Image:
    """The largest middle part that is `across` wide for `down` high."""
    width = max(1, min(picture.width, round(picture.height * across / down)))
    height = max(1, min(picture.height, round(picture.width * down / across)))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def upscale(picture: Image.Image, times: float) -> Image.Image:
    """Each side so many times as long (Lanczos): smooth."""
    size = _sized(picture.width * times, picture.height * times)
    return picture.resize(size, Image.Resampling.LANCZOS)


def nearest(picture: Image.Image, times: float) -> Image.Image:
    """Each side so many times as long, each pixel a square: for pixel art."""
    size = _sized(picture.width * times, picture.height * times)
    return picture.resize(size, Image.Resampling.NEAREST)


def brightness(picture: Image.Image, factor: float) -> Image.Image:
    """All channels times the factor."""
    return ImageEnhance.Brightness(picture).enhance(factor)


def contrast(picture: Image.Image, factor: float) -> Image.Image:
    """So many times as far from the mean grey."""
    return ImageEnhance.Contrast(picture).enhance(factor)


def colour(picture: Image.Image, factor: float) -> Image.Image:
    """So many times as far from each pixel's own grey (saturation); 0 is greyscale."""
    return ImageEnhance.Color(picture).enhance(factor)


def warmth(picture: Image.Image, factor: float) -> Image.Image:
    """Red times the factor, blue divided by it."""
    table = [min(255, round(v * gain)) for gain in (factor, 1.0, 1 / factor) for v in range(256)]
    return picture.point(table)


def sharpen(picture: Image.Image, amount: float) -> Image.Image:
    """Edges stressed by so much of their own strength (unsharp mask, radius of 2 pixels)."""
    return picture.filter(ImageFilter.UnsharpMask(radius=2, percent=round(amount * 100)))


def autocontrast(picture: Image.Image) -> Image.Image:
    """All channels stretched alike, so that no hue changes; 1 % at either end is let go."""
    return ImageOps.autocontrast(picture, cutoff=1, preserve_tone=True)


def _sized(width: float, height: float) -> tuple[int, int]:
    size = round(width), round(height)
    if max(size) > LARGEST:
        raise BadInput(
            f"{size[0]}x{size[1]} pixels are too many.", f"A side has at most {LARGEST:,}."
        )
    return size
