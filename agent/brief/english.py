"""What limner knows of English itself: numbers, plurals, and the small words that name nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from limner.prompts.words import pairs, word_set, words

__all__ = [
    "NUMBERS",
    "SMALL_WORDS",
    "content",
    "looks_plural",
    "number_in",
    "plural",
    "singular",
    "stem",
    "stems",
    "words_of",
]


NUMBERS = [*words("numbers")]
"""Number words; the index is the number."""

_MORE_NUMBERS = {word: int(number) for word, number in pairs("more_numbers").items()}

SMALL_WORDS = word_set("small")
"""Words that name nothing that could be looked for in a picture."""

_IRREGULAR = pairs("irregular")
_SAME = word_set("same_in_plural")
_MANS = re.compile(r"[a-z]{2,}(?:men|women|children|people)")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, in order."""
    return [found[0].casefold().replace("’", "'") for found in _WORD.finditer(text)]


def content(words: Iterable[str]) -> list[str]:
    """Those of the words that name something."""
    return [word for word in words if word not in SMALL_WORDS]


def number_in(word: str) -> int | None:
    """The number that a word or figures stand for, None for any other word."""
    if word.isascii() and word.isdecimal():
        return int(word[:6])
    if word in NUMBERS[2:] or word == "one":
        return NUMBERS.index(word)
    return _MORE_NUMBERS.get(word)


def looks_plural(word: str) -> bool:
    """Whether a noun may stand for several."""
    if word in _IRREGULAR or word in _SAME or _MANS.fullmatch(word):
        return True
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))


@cache
def singular(noun: str) -> str:
    """A noun, or the last word of several, in the singular."""
    first, space, last = noun.rpartition(" ")
    return f"{first}{space}{_singular(last)}"


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("men") and _MANS.fullmatch(word):
        return word[:-2] + "an"
    if not looks_plural(word) or word in _SAME:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


@cache
def plural(noun: str) -> str:
    """A noun, or the last word of several, in the plural."""
    first, space, last = noun.rpartition(" ")
    return f"{first}{space}{_plural(last)}"


def _plural(word: str) -> str:
    back = {one: many for many, one in _IRREGULAR.items()}
    if word in back or word in _SAME:
        return back.get(word, word)
    if word.endswith("man") and len(word) > 4:
        return word[:-2] + "en"
    if word.endswith("y") and len(word) > 2 and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh", "z")) else "s")


def stems(*texts: str) -> set[str]:
    """The stems of all words of the texts."""
    return {stem(word) for text in texts for word in words_of(text)}


@cache
def stem(word: str) -> str:
    """What forms of one word have in common: running, runs, ran's start; for comparing only."""
    if (number := number_in(word)) is not None:
        return str(number)
    word = _singular(word.removesuffix("'s"))
    for ending in ("ing", "ed", "ly", "es", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
    return word
