"""Whether a prompt says a scene, all of it and no other thing, in whatever words."""

from __future__ import annotations

import re
from functools import cache

from limner.pipelines.pocket.captions import (
    LIGHT_WORDS,
    PLACE_WORDS,
    RELATION_WORDS,
    SIZE_WORDS,
    STYLE_WORDS,
    WHERE_WORDS,
)
from limner.pipelines.pocket.spec import OPPOSITE, Group, Link, Spec
from limner.pipelines.pocket.world import NUMBERS, world


def unsaid(prompt: str, spec: Spec) -> list[str]:
    """What of a scene a prompt does not say, and what it says besides; empty when it fits."""
    text = plain(prompt)
    if not _known(spec):
        return ["outside the world"]
    found = [g.name for g in spec.groups if _phrase(g) not in text]
    found += [f"{k.thing} {k.how}" for k in spec.links if not _linked(text, k, spec)]
    found += [part for part in ("where", "light", "style") if not _setting(prompt, spec, part)]
    names = {g.name for g in spec.groups}
    return found + [f"added {name}" for name in _mentioned(text) if name not in names]


def plain(prompt: str) -> str:
    """The prompt in the plainest words, so that two wordings can be compared."""
    text = f" {prompt.lower()} ".replace(",", " ,").replace(".", " .").replace(";", " ;")
    text = text.replace(" an ", " a ")
    for old, new in _plainer():
        text = text.replace(f" {old} ", f" {new} ")
    return re.sub(r" +", " ", text)


def _known(spec: Spec) -> bool:
    """Whether all that the scene names is in the world."""
    names = {group.name for group in spec.groups}
    counts = {group.count for group in spec.groups}
    linked = {name for link in spec.links for name in (link.thing, link.other)}
    hows = {link.how for link in spec.links}
    return (
        names <= set(world().things)
        and counts <= set(range(1, len(NUMBERS)))
        and linked <= names
        and hows <= set(world().relations)
    )


@cache
def _plainer() -> tuple[tuple[str, str], ...]:
    pairs = [(word, size) for size, words in SIZE_WORDS.items() for word in words if word != size]
    pairs += [(word, how) for how, words in RELATION_WORDS.items() for word in words if word != how]
    nouns = world().things.items()
    known = {form for name, noun in nouns for form in (name, noun.plural)}
    pairs += [(w, name) for name, noun in nouns for w in noun.synonyms if w not in known]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def _phrase(group: Group) -> str:
    noun = world().things[group.name].counted(group.count)
    number = "a" if group.count == 1 else NUMBERS[group.count]
    place = PLACE_WORDS.get(group.place, "")
    return " " + " ".join(w for w in (number, group.size, group.colour, noun, place) if w) + " "


def _linked(text: str, link: Link, spec: Spec) -> bool:
    said = {g.name: _phrase(g).strip() for g in spec.groups}
    one, other = said[link.thing], said[link.other]
    return f"{one} {link.how} {other}" in text or f"{other} {OPPOSITE[link.how]} {one}" in text


def _setting(prompt: str, spec: Spec, part: str) -> bool:
    """Whether that part of the setting is said, and no other value of it."""
    words = {"where": WHERE_WORDS, "light": LIGHT_WORDS, "style": STYLE_WORDS}[part]
    value = getattr(spec, part)
    plains = [name for name in world().light if name.startswith("plain")] if part == "light" else []
    table = {
        **{k: tuple(v) for k, v in words.items()},
        **{p: (p, f"the backdrop is {p}") for p in plains},
    }
    said = {k for k, ways in table.items() if any(way in prompt for way in ways)}
    return said == ({value} if value else set())


def _mentioned(text: str) -> list[str]:
    words = set(text.split())
    return [name for name, noun in world().things.items() if words & {name, noun.plural}]
