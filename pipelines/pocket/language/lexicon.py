"""The words that people use for the small world; some are kept back to examine the writer with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from random import Random
from typing import Any

import yaml

from limner.pipelines.pocket.world import Noun, world

KEPT_BACK = 0.12
LANGUAGES = ("english", "chinese")


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody calls a thing: a `kitten` is the world's cat, a `tiger` only its nearest."""

    name: str
    text: str
    plural: str
    measure: str
    outside: bool = False


@cache
def table(file: str) -> Any:
    """One of the tables of words beside this module: names, words or scenes."""
    text = files(__package__).joinpath(f"{file}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


@cache
def kept_back(text: str) -> bool:
    """Whether a wording is never used in training, so that an exam can use it."""
    return "{" not in text[:1] and sha256(text.encode()).digest()[0] < 256 * KEPT_BACK


@cache
def wordings(language: str, *path: str, exam: bool = False) -> tuple[str, ...]:
    """A list of wordings for training, or those kept back for an exam (all, when none are)."""
    found = table("words")[language]
    for key in path:
        found = found[key]
    known = tuple(str(w) for w in found)
    return tuple(w for w in known if kept_back(w) == exam) or known


@cache
def sayings(language: str, name: str) -> tuple[Saying, ...]:
    """The thing's own name, then what else people call it."""
    noun = noun_of(name)
    words = table("names")["names"][name]
    if language == "english":
        return (Saying(name, name, noun.plural, ""), *_english(name, words["en"]))
    return (Saying(name, noun.chinese, "", noun.measure), *_chinese(name, words["zh"]))


@cache
def outsiders(language: str, exam: bool = False) -> tuple[Saying, ...]:
    """What the world lacks, each with the nearest thing that it has."""
    every = []
    for name, words in table("names")["outside"].items():
        read = _english(name, words["en"]) if language == "english" else _chinese(name, words["zh"])
        every += [replace(s, name=nearest(name), outside=True) for s in read]
    return tuple(s for s in every if kept_back(s.text) == exam)


@cache
def absentees(language: str) -> tuple[Saying, ...]:
    """What there are words for though no painter paints it yet, each with its nearest."""
    return tuple(
        replace(saying, name=nearest(name), outside=True)
        for name in world().absent
        for saying in sayings(language, name)
    )


def outsider(language: str, chance: Random, exam: bool = False) -> Saying:
    """A word for something that the world lacks; in an exam, one that training never uses."""
    known = absentees(language) if not exam and chance.random() < 0.4 else outsiders(language, exam)
    return chance.choice(known)


def nearest(name: str) -> str:
    """A thing itself, or what stands in for it."""
    return world().nearest.get(name, name) if name not in world().things else name


def noun_of(name: str) -> Noun:
    """The forms of a thing, of the world or not."""
    return world().things[name] if name in world().things else world().absent[name]


def present(names: Sequence[str]) -> list[str]:
    """Those of the things that the world has."""
    return [name for name in names if name in world().things]


def call(name: str, language: str, chance: Random, plain: float = 0.6) -> Saying:
    """One of the names of a thing, the plain one with that probability."""
    known = sayings(language, name)
    return known[0] if chance.random() < plain else chance.choice(known)


@cache
def known_words(language: str) -> frozenset[str]:
    """Every word for a thing, to see whether a compound would be mistaken for another."""
    names = [*world().things, *world().absent]
    found = {s.text for name in names for s in sayings(language, name)}
    return frozenset(found | {s.text for s in outsiders(language)})


def pick(chance: Random, choices: Sequence[str]) -> str:
    """One of the choices."""
    return choices[int(chance.random() * len(choices))]


def article(words: str) -> str:
    """`a` or `an`, as the words that follow want it."""
    lower = words.lower()
    plain = lower.startswith(("one", "uni", "ufo", "uku", "unicorn"))
    return "an" if lower[:1] in tuple("aeiou") and not plain else "a"


def theme_words(row: dict[str, Any], language: str, chance: Random, exam: bool) -> str:
    """One of the words of an action, an occasion or a mood."""
    words = row["en" if language == "english" else "zh"]
    known = [w for w in words if kept_back(w) == exam] or words
    return str(chance.choice(known))


def _english(name: str, words: str) -> list[Saying]:
    found = []
    for word in (w.strip() for w in words.split(",") if w.strip()):
        one, _, many = word.partition("=")
        found.append(Saying(name, one, many or _plural(one), ""))
    return found


def _chinese(name: str, words: str) -> list[Saying]:
    measure = noun_of(name).measure
    parts = [w.strip().partition("/") for w in words.split(",") if w.strip()]
    return [Saying(name, one, "", own or measure) for one, _, own in parts]


def _plural(word: str) -> str:
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
