"""What the small world holds, under the names that requests, prompts and claims use for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

NUMBERS = ("no", "one", "two", "three", "four")
MOST = 4
"""The most things of a kind that are asked for and counted; more are `many`."""


def number(count: int) -> str:
    """`no`, `one`, ... `four`, `many`."""
    return NUMBERS[count] if count <= MOST else "many"


@dataclass(frozen=True, slots=True)
class Word:
    """One value of the world: its name, its Chinese name, and what else people call it."""

    name: str
    chinese: str
    synonyms: tuple[str, ...]
    chinese_synonyms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Noun(Word):
    """A thing that the world can show, with its emoji and its forms for counting."""

    emoji: str
    plural: str
    measure: str

    def counted(self, count: int) -> str:
        """`cat` or `cats`."""
        return self.name if count == 1 else self.plural


@dataclass(frozen=True, slots=True)
class Paint(Word):
    """A colour with its red, green and blue, 0 to 255."""

    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PocketWorld:
    """Every value that a scene can take, each table keyed by the canonical English name.

    `things` are those that the shipped painter can paint; `absent` those that it cannot, though
    there are words for them, and `nearest` what stands in for each.
    """

    things: dict[str, Noun]
    absent: dict[str, Noun]
    nearest: dict[str, str]
    colours: dict[str, Paint]
    sizes: dict[str, Word]
    places: dict[str, Word]
    relations: dict[str, Word]
    where: dict[str, Word]
    light: dict[str, Word]
    styles: dict[str, Word]


@cache
def world() -> PocketWorld:
    """The world as `world.yaml` tells it."""
    table: dict[str, Any] = yaml.safe_load(
        files(__package__).joinpath("world.yaml").read_text(encoding="utf-8")
    )
    words = ("sizes", "places", "relations", "where", "light", "styles")
    nouns = {name: _noun(name, *row) for name, row in table["things"].items()}
    return PocketWorld(
        things={name: nouns[name] for name in table["painted"]},
        absent={name: noun for name, noun in nouns.items() if name not in table["painted"]},
        nearest=table["nearest"],
        colours={name: _paint(name, *row) for name, row in table["colours"].items()},
        **{part: {name: _word(name, *row) for name, row in table[part].items()} for part in words},
    )


def _word(name: str, chinese: str, english: list[str], others: list[str]) -> Word:
    return Word(name, chinese, tuple(english), tuple(others))


def _paint(name: str, rgb: list[int], chinese: str, english: list[str], others: list[str]) -> Paint:
    red, green, blue = rgb
    return Paint(name, chinese, tuple(english), tuple(others), (red, green, blue))


def _noun(name: str, emoji: str, plural: str, chinese: str, measure: str, *more: list[str]) -> Noun:
    english, others = more
    return Noun(name, chinese, tuple(english), tuple(others), emoji, plural, measure)
