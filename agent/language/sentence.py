"""Reads a plain sentence about a picture word by word, and says nothing where a word is foreign."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from limner.agent.language.nouns import canonical, colour_words, listed, names, singular
from limner.agent.language.reading import Token, longest, tokens, words_at
from limner.agent.records import Brief, Relation, Thing
from limner.prompts import claims, stated

__all__ = ["Understood", "named", "understood"]

_IDLE = frozenset(
    "the there it and with some any in on at of to picture image photo shows sky ground".split()
)
_IDLE_SIGNS = frozenset(",.!:;")
_BE = frozenset(("is", "are"))
_NONE = frozenset(("no", "without"))


@dataclass(frozen=True, slots=True)
class Understood:
    """What a sentence says, as a brief; `uncounted` are the things of which it gives no number."""

    brief: Brief
    uncounted: tuple[str, ...] = ()


def understood(sentence: str) -> Understood | None:
    """What an English sentence says; None as soon as one of its words is not understood."""
    reader = _Reader(tokens(sentence))
    while reader.at < len(reader.found):
        size = reader.step()
        if not size:
            return None
        reader.at += size
    return reader.all(sentence)


def named(sentence: str) -> tuple[str, ...]:
    """The known things that a sentence names, each by its one name, in its order."""
    found, at, seen = tokens(sentence), 0, list[str]()
    while at < len(found):
        size = longest(found, at, _nouns())
        seen += [canonical(words_at(found, at, size))] if size else []
        at += size or 1
    return tuple(dict.fromkeys(seen))


@dataclass
class _Reader:
    """`told` is what was said of the next thing, `predicate` whether of the last one instead."""

    found: list[Token]
    at: int = 0
    things: list[dict[str, str]] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)
    scene: dict[str, str] = field(default_factory=dict)
    avoid: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    predicate: bool = False

    def step(self) -> int:
        """Takes in what stands here; how many words that was, 0 for what is not understood."""
        for kind in ("how", "place"):
            if size := self._phrase(kind):
                return size
        if self._looks_follow() and (size := self._phrase("colour")):
            return size
        if size := longest(self.found, self.at, _nouns()):
            return self._thing(size)
        return next(filter(None, map(self._phrase, ("size", *_SCENE, "colour"))), self._small())

    def all(self, sentence: str) -> Understood | None:
        """What was read; None where something is left hanging."""
        whole = all(index + 1 < len(self.things) and index >= 0 for _, index in self.links)
        if self.told or not whole or not (self.things or self.scene or self.avoid):
            return None
        names = [thing["name"] for thing in self.things]
        brief = Brief(
            sentence,
            sentence,
            things=tuple(map(_thing_of, self.things)),
            relations=tuple(Relation(names[i], how, names[i + 1]) for how, i in self.links),
            avoid=tuple(self.avoid),
            where=self.scene.get("where", ""),
            light=self.scene.get("light", ""),
            style=self.scene.get("style", ""),
        )
        return Understood(brief, tuple(t["name"] for t in self.things if "count" not in t))

    def _phrase(self, kind: str) -> int:
        known = _values()[kind]
        size = longest(self.found, self.at, frozenset(known))
        if not size:
            return 0
        value = known[words_at(self.found, self.at, size)]
        if kind == "how":
            self.links.append((value, len(self.things) - 1))
        elif kind in _SCENE:
            self.scene[kind] = value
        elif (self.predicate or kind == "place") and self.things:
            self.things[-1][kind] = value
        else:
            self.told[kind] = value
        return size

    def _looks_follow(self) -> bool:
        """Whether a colour here is one, and no fruit: "an orange cat", "the cat is orange"."""
        rest = Token("", 0, 0) if self.at + 1 >= len(self.found) else self.found[self.at + 1]
        return self.predicate or bool(rest.word and longest(self.found, self.at + 1, _nouns()))

    def _thing(self, size: int) -> int:
        words = words_at(self.found, self.at, size)
        if self.told.pop("none", ""):
            self.avoid.append(canonical(words))
            return size
        several = "yes" if singular(words) != words else ""
        self.things.append({"name": canonical(words), "several": several, **self.told})
        self.told, self.predicate = {}, False
        return size

    def _small(self) -> int:
        """An article, a number, a joining word."""
        word = self.found[self.at].word
        numbers = stated().numbers
        if size := longest(self.found, self.at, frozenset(numbers)):
            self.told["count"] = str(numbers[words_at(self.found, self.at, size)])
            return size
        if word in _BE:
            self.predicate = bool(self.things)
        elif word in _NONE:
            self.told["none"] = word
        elif word in ("a", "an") or (word.isdecimal() and 0 < int(word[:3]) <= 12):
            self.told["count"] = word if word.isdecimal() else "1"
        elif word not in _IDLE and word not in _IDLE_SIGNS:
            return 0
        return 1


_SCENE = ("where", "light", "style")


def _thing_of(said: dict[str, str]) -> Thing:
    looks = {key: said[key] for key in ("colour", "size", "place") if key in said}
    return Thing(said["name"], int(said.get("count", 2 if said["several"] else 1)), **looks)


@cache
def _nouns() -> frozenset[str]:
    return frozenset(word for word in names() if word.isascii())


@cache
def _values() -> dict[str, dict[str, str]]:
    """By kind, every phrase that is understood and the value that it stands for."""
    say = claims()
    relations = {"under": "below", "beneath": "below", "over": "above", "on top of": "above"}
    relations |= {f"{to}{how}": how for how in say.relations for to in ("", "to the ", "on the ")}
    return {
        "how": relations,
        "place": {phrase: value for value, phrase in say.places.items()},
        "colour": {word: value for word, value in colour_words().items() if word.isascii()},
        "size": _also(say.sizes),
        "where": _also(say.wheres),
        "light": {**_also(say.lights), **{f"{x} backdrop": x for x in say.lights}},
        "style": _also(say.styles),
    }


def _also(values: list[str]) -> dict[str, str]:
    """Each value by its own name and by the other English words for it."""
    said = {value: listed(stated().settings.get(value, "").partition("/")[0]) for value in values}
    return {word: value for value, words in said.items() for word in (value, *words)}
