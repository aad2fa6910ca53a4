"""What limner knows of English itself: numbers, plurals, and the small words that name nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

__all__ = [
    "NUMBERS",
    "SMALL_WORDS",
    "content",
    "looks_plural",
    "number_in",
    "plural",
    "singular",
    "stem",
    "words_of",
]


NUMBERS = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
"""Number words; the index is the number."""

_MORE_NUMBERS = {"zero": 0, "single": 1, "couple": 2, "pair": 2, "dozen": 12, "thirty": 30}
_MORE_NUMBERS |= {"forty": 40, "fifty": 50, "hundred": 100}

SMALL_WORDS = frozenset(
    "a an the this that these those some any each every another other of in on at to from by "
    "with without into onto over under between through during as like for about around near "
    "next beside behind and or nor but not no so than then is are was were be been being am "
    "has have had having do does did it its it's they them their there here he she his her "
    "him we us our you your i my me mine who which what where when while how if because also "
    "too very really quite just only please can could would should will shall may might must "
    "let lets let's make makes made show shows showing shown draw paint create generate give "
    "want wants wanted need picture image photo photograph scene something someone thing "
    "things containing featuring depicting depicted such both all i'd i'll i'm don't doesn't "
    "isn't aren't up down out off own same more most one's hers upon within everything "
    "anything nothing rather instead except whose against along across toward towards among".split()
)
"""Words that name nothing that could be looked for in a picture."""

_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse",
    "geese": "goose", "feet": "foot", "teeth": "tooth", "oxen": "ox", "wolves": "wolf",
    "knives": "knife", "leaves": "leaf", "calves": "calf", "scarves": "scarf", "shelves": "shelf",
    "elves": "elf", "loaves": "loaf", "lives": "life", "halves": "half", "thieves": "thief",
    "hooves": "hoof", "cacti": "cactus", "fungi": "fungus", "dice": "die",
}  # fmt: skip
_SAME = frozenset("sheep fish deer moose salmon aircraft spacecraft series species".split())
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
