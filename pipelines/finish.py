"""What each finishing operation does to an RGB picture; pure, and the same bits every time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from limner.errors import BadInput

__all__ = [
    "LARGEST",
    "Finish",
    "apply",
    "autocontrast",
    "brightness",
    "colour",
    "contrast",
    "crop",
    "fill",
    "known",
    "nearest",
    "pad",
    "parse",
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


MOST = 32
"""Operations that are done one after the other."""


@dataclass(frozen=True, slots=True)
class Finish:
    """One operation and its numbers, as it is stored; `str` gives what a person would type for it.

    `resize`, `fill`, `pad` (width, height in pixels): resize needs a picture of that shape, fill
    cuts off what is too much of it, pad puts black beside it. `crop` (across, down): the largest
    middle part of that shape. `upscale` (times): Lanczos; `nearest` (times): pixels become squares.
    `brightness`, `contrast`, `colour`, `warmth` (factor): 1 changes nothing. `sharpen` (amount, 1
    is plain to see). `autocontrast` has none. Raises `BadInput` for what is not possible.
    """

    name: str
    numbers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        kind = _kind(self.name)
        object.__setattr__(
            self, "numbers", tuple(round(float(n), kind.digits) for n in self.numbers)
        )
        least, most = kind.limits
        if len(self.numbers) != kind.count or not all(least <= n <= most for n in self.numbers):
            said = kind.form(self.numbers) if len(self.numbers) == kind.count else ""
            raise BadInput(
                f"{self.name} {said}".strip() + " is not possible.",
                f"For instance: {kind.example}; {kind.range}",
            )

    def __str__(self) -> str:
        return f"{self.name} {_kind(self.name).form(self.numbers)}".strip()


def apply(picture: Image.Image, finishes: Iterable[Finish]) -> Image.Image:
    """The picture in RGB after all operations, in order; the given one stays as it is.

    The same picture and finishes give the same bits with the same Pillow. Transparency is dropped.
    Raises `BadInput` before a side gets longer than 8,192 pixels, for a `resize` to another shape
    and for more than 32 operations.
    """
    finishes = _few(finishes)
    picture = picture.convert("RGB")
    for finish in finishes:
        picture = _kind(finish.name).run(picture, *finish.numbers)
    return picture


def parse(words: str) -> tuple[Finish, ...]:
    """The operations in what was typed: `brightness +20%, crop 1:1, resize 1024x768, sharpen`.

    Commas may be left out. Raises `BadInput` for anything else, with what to type.
    """
    parts: list[list[str]] = []
    for word in _joined(words).split():
        name = _ALIASES.get(word, word)
        if name in _KINDS:
            parts.append([name])
        elif parts:
            parts[-1].append(word)
        else:
            _kind(name)
    if not parts:
        raise BadInput("There is nothing to finish.", f"For instance: {_examples()}.")
    return _few(_read(name, " ".join(said)) for name, *said in parts)


def known() -> tuple[str, ...]:
    """The names of all operations."""
    return tuple(_KINDS)


def _joined(words: str) -> str:
    """In small letters, with `1024 x 768`, `16 : 9` and `20 %` as one word each."""
    words = re.sub(r"[,;，；、]", " ", words.lower())
    words = re.sub(r"(?<=\d)\s*([x×*:])\s*(?=\d)", r"\1", words)
    return re.sub(r"\s+%", "%", words)


def _few(finishes: Iterable[Finish]) -> tuple[Finish, ...]:
    finishes = tuple(finishes)
    if len(finishes) > MOST:
        raise BadInput(f"{len(finishes)} operations are too many.", f"At most {MOST} at once.")
    return finishes


def _read(name: str, said: str) -> Finish:
    numbers = _KINDS[name].read(said)
    if numbers is None:
        raise BadInput(
            f"{name} does not take {said!r}." if said else f"{name} needs to know how much.",
            f"For instance: {_KINDS[name].example}.",
        )
    return Finish(name, numbers)


def _read_factor(said: str) -> tuple[float, ...] | None:
    """`+20%` is 1.2; so is `1.2`. `20%` could mean either of two things, and is refused."""
    if found := re.fullmatch(r"([+-]\d{1,3}(?:\.\d+)?)%", said):
        return (1 + float(found[1]) / 100,)
    return (float(said),) if re.fullmatch(r"\d(\.\d+)?", said) else None


def _read_amount(said: str) -> tuple[float, ...] | None:
    if found := re.fullmatch(r"\+?(\d{1,3}(?:\.\d+)?)%", said):
        return (float(found[1]) / 100,)
    return (float(said or 1),) if re.fullmatch(r"(\d(\.\d+)?)?", said) else None


def _read_size(said: str) -> tuple[float, ...] | None:
    found = re.fullmatch(r"(\d{1,6})[x×*](\d{1,6})", said)
    return (float(found[1]), float(found[2])) if found else None


def _read_shape(said: str) -> tuple[float, ...] | None:
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?):(\d{1,3}(?:\.\d+)?)", said)
    return (float(found[1]), float(found[2])) if found else None


def _read_times(said: str) -> tuple[float, ...] | None:
    found = re.fullmatch(r"[x×*]?(\d{1,2})[x×*]?", said)
    return (float(found[1]),) if found else None


def _read_none(said: str) -> tuple[float, ...] | None:
    return None if said else ()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What an operation does, how many numbers it has, within which limits, and how they read."""

    run: Callable[..., Image.Image]
    read: Callable[[str], tuple[float, ...] | None]
    form: Callable[[Any], str]
    limits: tuple[float, float]
    example: str
    count: int = 1
    digits: int = 4

    @property
    def range(self) -> str:
        if not self.count:
            return "it takes no number."
        few = ((low,) * self.count for low in self.limits)
        return "from {} to {}.".format(*map(self.form, few))


def _kinds() -> dict[str, _Kind]:
    size = (_read_size, lambda n: f"{n[0]:g}x{n[1]:g}", (1, LARGEST))
    factor = (_read_factor, lambda n: f"{round((n[0] - 1) * 100, 2):+g}%")
    times = (_read_times, lambda n: f"x{n[0]:g}", (2, 8))
    amount = (_read_amount, lambda n: f"{round(n[0] * 100, 2):g}%", (0.01, 5))
    shape = (_read_shape, lambda n: f"{n[0]:g}:{n[1]:g}", (0.01, 100))
    return {
        "resize": _Kind(resize, *size, "resize 1024x768", 2, digits=0),
        "fill": _Kind(fill, *size, "fill 1024x768", 2, digits=0),
        "pad": _Kind(pad, *size, "pad 1024x768", 2, digits=0),
        "crop": _Kind(crop, *shape, "crop 1:1", 2),
        "upscale": _Kind(upscale, *times, "upscale x2", digits=0),
        "nearest": _Kind(nearest, *times, "nearest x4", digits=0),
        "brightness": _Kind(brightness, *factor, (0.1, 4), "brightness +20%"),
        "contrast": _Kind(contrast, *factor, (0, 4), "contrast +20%"),
        "colour": _Kind(colour, *factor, (0, 4), "colour -50%"),
        "warmth": _Kind(warmth, *factor, (0.5, 2), "warmth +10%"),
        "sharpen": _Kind(sharpen, *amount, "sharpen 50%"),
        "autocontrast": _Kind(
            autocontrast, _read_none, lambda _: "", (0, 0), "autocontrast", count=0
        ),
    }


_KINDS = _kinds()
_ALIASES = {"color": "colour", "saturation": "colour", "sharpness": "sharpen"}


def _kind(name: str) -> _Kind:
    if name not in _KINDS:
        raise BadInput(f"There is no finish {name!r}.", f"For instance: {_examples()}.")
    return _KINDS[name]


def _examples() -> str:
    return ", ".join(kind.example for kind in _KINDS.values())
