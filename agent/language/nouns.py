"""One name for each thing and colour, whatever people call it, in English or Chinese."""

from __future__ import annotations

import re
from functools import cache

from limner.prompts import stated

__all__ = [
    "NUMBERS",
    "canonical",
    "colour_of",
    "colour_words",
    "is_known",
    "listed",
    "names",
    "plural",
    "singular",
]

NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()
"""Number words by value; a brief counts to twelve."""

_NO_PLURAL = ("ss", "us")


def listed(words: str) -> tuple[str, ...]:
    """The parts of a list with commas."""
    return tuple(word.strip() for word in words.split(",") if word.strip())


def canonical(words: str) -> str:
    """The one English name of a thing, in the singular; unknown words are returned in singular."""
    plain = " ".join(words.lower().split())
    return names().get(plain) or names().get(singular(plain)) or singular(plain)


def is_known(words: str) -> bool:
    """Whether a thing is among those that have one name."""
    return canonical(words) in stated().things


def colour_of(words: str) -> str:
    """The plain colour that the words name, in any shade or language, or ""."""
    plain = " ".join(words.lower().split()).removesuffix("-coloured").removesuffix("-colored")
    found = colour_words().get(plain) or colour_words().get(plain.removesuffix("色"))
    return found or colour_words().get(plain.split(" ")[-1], "")


def singular(words: str) -> str:
    """The singular of a noun phrase, by its last word; a singular stays as it is."""
    before, _, last = words.rpartition(" ")
    return f"{before} {_singular(last)}".strip()


def plural(words: str) -> str:
    """The plural of a noun phrase in the singular; of `ball of yarn` that of `ball`."""
    head, of, rest = words.partition(" of ")
    before, _, last = head.rpartition(" ")
    return f"{before} {_plural(last)}".strip() + of + rest


@cache
def names() -> dict[str, str]:
    """Every word for a thing, in English (both numbers) and Chinese, with the thing's one name."""
    found: dict[str, str] = {}
    for name, words in stated().things.items():
        english, _, chinese = words.partition("/")
        for word in (*listed(english), *listed(chinese)):
            found[word] = name
    found |= {plural(word): name for word, name in found.items() if word.isascii()}
    return found | {form: name for name in stated().things for form in (name, plural(name))}


@cache
def colour_words() -> dict[str, str]:
    """Every word for a colour, in English and Chinese, with the plain colour."""
    found = {}
    for colour, words in stated().colours.items():
        english, _, chinese = words.partition("/")
        for word in (colour, *listed(english), *listed(chinese)):
            found[word] = colour
    return found


def _singular(word: str) -> str:
    known = _singulars().get(word)
    if known or len(word) < 4 or not word.endswith("s") or word.endswith(_NO_PLURAL):
        return known or word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if re.search(r"(?:s|x|z|ch|sh)es$", word) else word[:-1]


def _plural(word: str) -> str:
    if not word or word in stated().plurals:
        return stated().plurals.get(word, word)
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(?:s|x|z|ch|sh)$", word) else "s")


@cache
def _singulars() -> dict[str, str]:
    return {many: one for one, many in stated().plurals.items()}
