"""The words that people use for what they ask; some are kept back to examine the writer with."""

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
ENGLISH, CHINESE = "english", "chinese"
LANGUAGES = (ENGLISH, CHINESE)
SYLLABLES = (
    "ba bli cor dra eng fo gri hul ix jem ka lor mi nap osk pli qua ren sto tur ul ven wim yor zan"
).split()
CHARACTERS = "灵桐墨岚铃瓷弦藤荧砚翎笼伞坊舟砂符甲岩锦兜勺塔楂枢篓罐壶珊蓑"


@dataclass(frozen=True, slots=True)
class Wording:
    """What somebody calls a thing: a `kitten` is a cat. `name` is what statements call it.

    `measure` is the Chinese counting word, `known` whether the small world has words for the thing.
    """

    name: str
    text: str
    plural: str
    measure: str
    known: bool = True


@cache
def table(file: str) -> Any:
    """One of the tables of words beside this module: names, words, scenes or turns."""
    text = files(__package__).joinpath(f"{file}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def kept_back(text: str) -> bool:
    """Whether a wording is never used in training, so that an exam can use it."""
    return sha256(text.encode()).digest()[0] < 256 * KEPT_BACK


@cache
def wordings(file: str, language: str, *path: str, exam: bool = False) -> tuple[str, ...]:
    """A list of wordings for training, or those kept back for an exam (all, when none are)."""
    found = table(file)[language]
    for key in path:
        found = found[key]
    every = tuple(str(w) for w in found)
    bare = {"{x}", "{b}", "{s}", "{c}", "{n}"}
    return tuple(w for w in every if (kept_back(w) and w not in bare) == exam) or every


@cache
def sayings(language: str, name: str) -> tuple[Wording, ...]:
    """The thing's own name, then what else people call it."""
    noun = noun_of(name)
    words = table("names")["names"][name]
    if language == ENGLISH:
        found = [Wording(name, name, noun.plural, ""), *_english(name, words["en"])]
    else:
        found = [Wording(name, noun.chinese, "", noun.measure), *_chinese(name, words["zh"])]
    loose = table("names")["loose"]
    return tuple(replace(s, name=loose.get(s.text, name)) for s in found)


@cache
def outsiders(language: str) -> tuple[Wording, ...]:
    """What the world has no words for; each is called what it is, in English."""
    names = table("names")
    every: list[Wording] = []
    for nearest, words in names["outside"].items():
        if language == ENGLISH:
            every += [replace(s, name=s.text) for s in _english(nearest, words["en"])]
        else:
            every += [
                replace(s, name=names["translated"][s.text]) for s in _chinese(nearest, words["zh"])
            ]
    for row in names["more"]:
        english, _, chinese = row.rpartition(" ")
        one, _, many = english.partition("=")
        text, _, measure = chinese.partition("/")
        every.append(
            Wording(one, one, many, "") if language == ENGLISH else Wording(one, text, "", measure)
        )
    return tuple(replace(s, known=False) for s in every)


def stranger(language: str, chance: Random) -> Wording:
    """A word that nobody knows: it can only be copied."""
    if language == ENGLISH:
        word = "".join(chance.choices(SYLLABLES, k=chance.choice((2, 2, 3))))
        return Wording(word, word, word + "s", "", known=False)
    word = "".join(chance.choices(CHARACTERS, k=chance.choice((2, 2, 3))))
    return Wording(word, word, "", chance.choice("只个条座"), known=False)


def outsider(language: str, chance: Random, exam: bool = False) -> Wording:
    """A word for something that the painter can't paint; in an exam, half are known to nobody."""
    roll = chance.random()
    if roll < (0.5 if exam else 0.06):
        return stranger(language, chance)
    if roll < 0.65:
        return chance.choice(outsiders(language))
    return call(chance.choice(list(world().absent)), language, chance)


def noun_of(name: str) -> Noun:
    """The forms of a thing, of the world or not."""
    return world().things[name] if name in world().things else world().absent[name]


def call(name: str, language: str, chance: Random, plain: float = 0.6) -> Wording:
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


def _english(name: str, words: str) -> list[Wording]:
    found = []
    for word in (w.strip() for w in words.split(",") if w.strip()):
        one, _, many = word.partition("=")
        found.append(Wording(name, one, many or _plural(one), ""))
    return found


def _chinese(name: str, words: str) -> list[Wording]:
    measure = noun_of(name).measure
    parts = [w.strip().partition("/") for w in words.split(",") if w.strip()]
    return [Wording(name, one, "", own or measure) for one, _, own in parts]


def _plural(word: str) -> str:
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
