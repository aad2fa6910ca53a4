"""Every word and phrase that the reader knows, and what each can mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import yaml

from limner.pipelines.pocket.language.lexicon import table as corpus_table
from limner.pipelines.pocket.world import PocketWorld, world

__all__ = ["Lexicon", "NounEntry", "Tags", "lexicon", "plural_of"]

Tags = dict[str, str]
"""What a phrase can mean: the role that it plays, and the value that it has there."""

_TINY = ("小", "大", "little ", "big ", "fluffy ", "leafy ", "woolly ", "royal ", "smiling ")
_WHOLE = frozenset("大象 大熊猫 小熊猫 大鹅 大黄蜂 小丑鱼 小精灵 大教堂 小提琴 大提琴".split())


@dataclass(frozen=True, slots=True)
class NounEntry:
    """What a word for a thing stands for.

    `subject` is what statements call it, `kind` the thing of the world's tables that it is closest
    to, and `like` the thing that is painted for it, "" where nothing can stand in. It is `painted`
    where that is what was asked for: a ball may be a football, but a horse is no dog.
    """

    subject: str
    kind: str
    like: str
    measure: str = "个"
    painted: bool = False
    chinese: str = ""


@dataclass(slots=True)
class Lexicon:
    """The phrases of both languages: English by their words, Chinese by their characters."""

    english: dict[str, list[tuple[tuple[str, ...], Tags]]] = field(default_factory=dict)
    chinese: dict[str, Tags] = field(default_factory=dict)
    longest: int = 1
    nouns: dict[str, NounEntry] = field(default_factory=dict)
    compound: frozenset[str] = frozenset()
    compound_chinese: frozenset[str] = frozenset()
    animals: frozenset[str] = frozenset()
    near: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    backdrop_near: dict[str, str] = field(default_factory=dict)

    def noun(self, subject: str) -> NounEntry | None:
        """The thing of that English name."""
        return self.nouns.get(subject)


@cache
def table(name: str) -> dict[str, Any]:
    """One of the tables of words beside this module."""
    text = files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return read


@cache
def lexicon() -> Lexicon:
    """The whole lexicon, compiled once."""
    return _Maker().made()


def plural_of(noun: str) -> str:
    """`two` of a noun: `cats`, `sheep`, `pine trees`."""
    known = _known_plurals().get(noun)
    if known:
        return known
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


@cache
def _known_plurals() -> dict[str, str]:
    every = {**world().absent, **world().things}
    found = {name: noun.plural for name, noun in every.items()}
    for rows in [corpus_table("names")["names"], corpus_table("names")["outside"]]:
        for row in rows.values():
            pairs = (word.partition("=") for word in _parts(row["en"]))
            found |= {one: many for one, _, many in pairs if many}
    return found


def _parts(text: str) -> list[str]:
    return [part.strip() for part in str(text).split(",") if part.strip()]


class _Maker:
    """Fills a lexicon from the tables."""

    def __init__(self) -> None:
        self.english: dict[tuple[str, ...], Tags] = defaultdict(dict)
        self.chinese: dict[str, Tags] = defaultdict(dict)
        self.nouns: dict[str, NounEntry] = {}
        self.near: dict[tuple[str, str], Mapping[str, str]] = {}

    def made(self) -> Lexicon:
        words, world_ = table("words"), world()
        self._grammar(table("grammar"))
        self._settings(words)
        self._things(world_)
        self._outside(world_, words)
        self._generals(words["general"])
        first: dict[str, list[tuple[tuple[str, ...], Tags]]] = defaultdict(list)
        for phrase, tags in self.english.items():
            first[phrase[0]].append((phrase, tags))
        for known in first.values():
            known.sort(key=lambda pair: -len(pair[0]))
        return Lexicon(
            dict(first),
            dict(self.chinese),
            max(map(len, self.chinese)),
            self.nouns,
            frozenset(_parts(words["compound"]["en"])),
            frozenset(_parts(words["compound"]["zh"])),
            _animals(),
            self.near,
            words["backdrop_near"],
        )

    def _say(self, tag: str, value: str, english: str, chinese: str = "") -> None:
        for phrase in _parts(english):
            self.english[tuple(phrase.lower().replace("-", " ").split())].setdefault(tag, value)
        for word in _parts(chinese):
            self.chinese[word.lower()].setdefault(tag, value)

    def _grammar(self, grammar: Mapping[str, Any]) -> None:
        for tag, told in grammar.items():
            if tag == "numbers":
                for value, words in told.items():
                    english, _, chinese = words.partition("/")
                    self._say("number", str(value), english, chinese)
            elif tag == "modal":
                ways = product(_parts(told), _parts(grammar["leaves"]))
                self._say("post_neg", "", ", ".join(map(" ".join, ways)))
            elif told and tag != "leaves":
                english, _, chinese = str(told).partition("/")
                self._say(tag, "", english, chinese)

    def _settings(self, words: Mapping[str, Any]) -> None:
        kinds = "colour size more_size too_size place relation own_relation scene light style"
        for tag in kinds.split():
            for value, row in words[tag].items():
                self._say(tag, str(value), row["en"], row["zh"])
        for tag in ("colour", "scene", "light", "style"):
            for value, row in words[f"{tag}_near"].items():
                self._near(tag, str(value), row)
        for tag in _SINGLE:
            self._say(tag, "", words[tag]["en"], words[tag]["zh"])
        for value, text in words["bare_place"].items():
            self._say("bare_place", value, text)
        for value, row in words["unwanted"].items():
            self._say("unwanted", value, f"{value}, {row['en']}", row["zh"])
        self._actions(words["actions"])

    def _near(self, tag: str, value: str, row: Mapping[str, str]) -> None:
        """Words for what the world lacks: each is its own value, beside the nearest there is."""
        self.near[tag, value] = row
        for word in _parts(row["en"]):
            own = value if word.startswith(("in ", "on ", "inside ")) else word
            self.near[tag, own] = row
            self._say(tag, own, word)
        self._say(tag, value, "", row["zh"])

    def _actions(self, row: Mapping[str, str]) -> None:
        for verb in _parts(row["en"]):
            base, _, known = verb.partition("=")
            doing = known or (base[:-1] if base.endswith("e") else base) + "ing"
            third = base + ("es" if base.endswith(("s", "x", "ch", "sh")) else "s")
            self._say("action", doing, ", ".join({doing, third}))
            self._say("verb", doing, base)
        for verb in _parts(row["zh"]):
            said, _, doing = verb.partition("=")
            self._say("action", doing, "", said)

    def _things(self, world_: PocketWorld) -> None:
        for name, noun in {**world_.absent, **world_.things}.items():
            painted = name in world_.things
            like = name if painted else world_.nearest.get(name, "")
            row = corpus_table("names")["names"].get(name, {"en": "", "zh": ""})
            english = [f"{name}={noun.plural}", *noun.synonyms, *_parts(row["en"])]
            chinese = [noun.chinese, *noun.chinese_synonyms, *_parts(row["zh"])]
            self.nouns[name] = NounEntry(name, name, like, noun.measure, painted, noun.chinese)
            for word in _own_words(english, name):
                self._english_noun(word, self.nouns[name])
            for word in _own_words(chinese, name):
                self._chinese_noun(word, self.nouns[name])

    def _outside(self, world_: PocketWorld, words: Mapping[str, Any]) -> None:
        bare = set(_parts(words["no_stand_in"]["en"]) + _parts(words["no_stand_in"]["zh"]))
        meanings = {**words["translated"], **corpus_table("names").get("translated", {})}
        for kind, row in [*corpus_table("names")["outside"].items(), *words["outside"].items()]:
            like = kind if kind in world_.things else world_.nearest.get(kind, "")
            for word in _parts(row["en"]):
                one = word.partition("=")[0].lower()
                self._english_noun(word, NounEntry(one, kind, "" if one in bare else like))
            for word in _parts(row["zh"]):
                one, _, measure = word.partition("/")
                stand_in = "" if one in bare else like
                noun = NounEntry(
                    meanings.get(one, one), kind, stand_in, measure or "个", False, one
                )
                self._chinese_noun(one, noun)
        for word in bare & set(self.nouns):
            if not self.nouns[word].painted:
                self.nouns[word] = replace(self.nouns[word], like="")

    def _generals(self, rows: Mapping[str, Mapping[str, str]]) -> None:
        for subject, row in rows.items():
            thing = row["thing"]
            noun = NounEntry(subject, thing, thing, self.nouns[thing].measure, True)
            noun = replace(noun, chinese=_parts(row["zh"])[0])
            for word in _parts(row["en"]):
                self._english_noun(word, noun, over=True)
            for word in _parts(row["zh"]):
                self._chinese_noun(word, noun, over=True)

    def _english_noun(self, word: str, noun: NounEntry, over: bool = False) -> None:
        """A noun and its plural; a thing of the tables goes by its own name there."""
        one, _, many = word.lower().partition("=")
        many = many or plural_of(one)
        if not noun.painted and noun.subject != one:
            noun = replace(noun, subject=one, chinese="")
        self._know(noun, over)
        for form, plural in ((one, ""), (many, "yes")):
            tags = self.english[tuple(form.replace("-", " ").split())]
            if over or "noun" not in tags:
                tags.pop("plural", "")
                tags["noun"] = noun.subject
                if plural:
                    tags["plural"] = "either" if one == many else "yes"
            elif one == many and plural:
                tags["plural"] = "either"

    def _chinese_noun(self, word: str, noun: NounEntry, over: bool = False) -> None:
        self._know(noun, over)
        if over:
            self.chinese[word.lower()]["noun"] = noun.subject
        self.chinese[word.lower()].setdefault("noun", noun.subject)

    def _know(self, noun: NounEntry, over: bool) -> None:
        known = self.nouns.get(noun.subject)
        if known is None or over:
            self.nouns[noun.subject] = noun
        elif noun.chinese and not known.chinese:
            self.nouns[noun.subject] = replace(known, chinese=noun.chinese)


_SINGLE = (
    "colour_tail natural backdrop backdrop_plain style_word neutral_verbs says called like".split()
)


@cache
def _animals() -> frozenset[str]:
    return frozenset(_parts(table("words")["animals"]))


@cache
def _paints() -> tuple[str, ...]:
    rows = table("words")["colour"].values()
    return tuple(word for row in rows for word in _parts(row["zh"]))


def _own_words(words: Iterable[str], name: str) -> list[str]:
    """The words without those that only say `small` or `large` of another of them.

    `小房子` is a small house, `little fish` a small fish; but `小猫` is what any cat is called.
    """
    every = list(dict.fromkeys(words))
    ones = {word.partition("=")[0].partition("/")[0] for word in every}
    leads = (*_TINY, *_paints())
    pets = _animals()
    kept = []
    every = [w for w in every if w.partition("-")[0] not in table("words")["colour"]]
    for word in every:
        one = word.partition("=")[0].partition("/")[0]
        lead = next((t for t in leads if one.startswith(t)), "")
        said = bool(lead) and one.removeprefix(lead) in ones and one not in _WHOLE
        if not said or (name in pets and lead == "小"):
            kept.append(word.partition("/")[0])
    return kept
