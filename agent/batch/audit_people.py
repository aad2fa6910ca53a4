"""Finds what a prompt says of people that its request left open: gender, age, origin, skin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["Inserted", "inserted"]

_BETWEEN = r"(?: (?!(?:an?|the|and|or|of|with|in|on|near|beside|for) )[\w-]+){0,2}"


@dataclass(frozen=True, slots=True)
class Inserted:
    """A word of a prompt that says of people what its request doesn't: gender, female, woman."""

    about: str
    value: str
    word: str


def inserted(request: str, prompt: str) -> tuple[Inserted, ...]:
    """What a prompt says of people and its request doesn't, in whatever words or language.

    By word lists (`demographics.yaml`, English and Chinese): it finds what is said plainly, and
    nothing that takes a reader to understand.
    """
    asked = {(about, value) for about, value, _ in _said(request)}
    found = [Inserted(*one) for one in _said(prompt) if one[:2] not in asked]
    return tuple({(one.about, one.value): one for one in reversed(found)}.values())


def _said(text: str) -> list[tuple[str, str, str]]:
    plain = text.casefold().replace("’", "'")
    found = []
    for (about, value), pattern in _patterns().items():
        match = pattern.search(plain)
        if match:
            found.append((about, value, " ".join(match[0].split())))
    return found


@cache
def _patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    table: dict[str, Any] = yaml.safe_load(
        files("limner.agent.batch").joinpath("demographics.yaml").read_text(encoding="utf-8")
    )
    people = _either(table.pop("people").split())
    return {
        (about, value): re.compile(_pattern(words, people))
        for about, values in table.items()
        for value, words in values.items()
    }


def _pattern(words: dict[str, Any], people: str) -> str:
    """English words stand alone; those of `beside` before a person, up to two words after it."""
    whole = _english(words.get("english", ""))
    parts = [rf"(?<![\w-])(?:{_either(whole)})(?![\w-])"] if whole else []
    if beside := words.get("beside", "").split():
        parts.append(rf"(?<![\w-])(?:{_either(beside)}){_BETWEEN} (?:{people})(?![\w-])")
    return "|".join([*parts, *map(re.escape, words.get("chinese", []))])


def _english(words: str) -> list[str]:
    """Words, and, after the first comma, phrases."""
    single, *phrases = [part.strip() for part in words.split(",")]
    return [*single.split(), *phrases]


def _either(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
