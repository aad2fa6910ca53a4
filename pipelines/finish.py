"""Finishes a painted picture, its size, shape, light and colours: the same bits every time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from limner.errors import BadInput
from limner.pipelines import retouch

__all__ = ["Finish", "apply", "known", "parse"]

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
    size = (_read_size, lambda n: f"{n[0]:g}x{n[1]:g}", (1, retouch.LARGEST))
    factor = (_read_factor, lambda n: f"{round((n[0] - 1) * 100, 2):+g}%")
    times = (_read_times, lambda n: f"x{n[0]:g}", (2, 8))
    amount = (_read_amount, lambda n: f"{round(n[0] * 100, 2):g}%", (0.01, 5))
    shape = (_read_shape, lambda n: f"{n[0]:g}:{n[1]:g}", (0.01, 100))
    return {
        "resize": _Kind(retouch.resize, *size, "resize 1024x768", 2, digits=0),
        "fill": _Kind(retouch.fill, *size, "fill 1024x768", 2, digits=0),
        "pad": _Kind(retouch.pad, *size, "pad 1024x768", 2, digits=0),
        "crop": _Kind(retouch.crop, *shape, "crop 1:1", 2),
        "upscale": _Kind(retouch.upscale, *times, "upscale x2", digits=0),
        "nearest": _Kind(retouch.nearest, *times, "nearest x4", digits=0),
        "brightness": _Kind(retouch.brightness, *factor, (0.1, 4), "brightness +20%"),
        "contrast": _Kind(retouch.contrast, *factor, (0, 4), "contrast +20%"),
        "colour": _Kind(retouch.colour, *factor, (0, 4), "colour -50%"),
        "warmth": _Kind(retouch.warmth, *factor, (0.5, 2), "warmth +10%"),
        "sharpen": _Kind(retouch.sharpen, *amount, "sharpen 50%"),
        "autocontrast": _Kind(
            retouch.autocontrast, _read_none, lambda _: "", (0, 0), "autocontrast", count=0
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
