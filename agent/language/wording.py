"""Puts a number or a colour into a prompt, or takes a thing out, and leaves the rest alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.agent.language.nouns import NUMBERS, canonical, colour_of, plural, singular
from limner.agent.language.reading import Token, ends, tokens, words_at
from limner.agent.records import Brief, Thing
from limner.prompts import claims, stated

__all__ = ["LIGHTS", "mentions", "phrase", "plain_prompt", "rephrased", "setting", "without"]

LIGHTS = {"day": "by day", "night": "at night", "sunset": "at sunset", "rain": "in the rain"}
"""How a prompt says some of the lights of a brief."""

_WHERES = {"sea": "on the sea", "street": "on a street"}
_ARTICLES = frozenset(("a", "an", "the", "some", "one", "single", "many", "several", "few"))
_JOINS = frozenset((",", "and", "with", "beside", "near", "plus", "&"))
_LONGEST_NAME = 4  # words


def phrase(count: int, colour: str, name: str) -> str:
    """`two red cats`, `an orange cat`."""
    noun = plural(singular(name)) if count > 1 else singular(name)
    words = " ".join(filter(None, (colour, noun)))
    number = NUMBERS[count] if count > 1 else "an" if words[:1] in tuple("aeio") else "a"
    return f"{number} {words}"


def mentions(prompt: str, name: str) -> list[tuple[int, int]]:
    """Where a prompt names a thing, in whatever number, from token to token."""
    found, at, places = tokens(prompt), 0, []
    while at < len(found):
        size = _named(found, at, name)
        places += [(at, at + size)] if size else []
        at += size or 1
    return places


def rephrased(prompt: str, name: str, count: int = 0, colour: str = "") -> str | None:
    """The prompt with a thing given another number (0: as it was) or colour ("": as it was).

    None where the prompt does not name the thing.
    """
    places = mentions(prompt, name)
    if not places:
        return None
    found = tokens(prompt)
    start, (at, end) = places[0][0], places[0]
    while start > 0 and at - start < 4 and not ends(found[start - 1].word):
        start -= 1
    looks = [t for t in found[start:at] if not (colour and colour_of(t.word))]
    said = " ".join(prompt[t.start : t.end] for t in looks)
    noun = words_at(found, at, end - at)
    if count:
        noun = plural(singular(noun)) if count > 1 else singular(noun)
    words = " ".join(filter(None, (said, colour, noun)))
    first = _determiner(found, start)
    number = _number(prompt, found[first:start], count, words)
    head = prompt[: found[first].start] + (f"{number} " if number else "")
    return head + words + prompt[found[end - 1].end :]


def without(prompt: str, name: str) -> str | None:
    """The prompt without a thing, where it can be cut out cleanly; else None."""
    for _ in range(5):
        places = mentions(prompt, name)
        if not places:
            return prompt
        cut = _cut(prompt, tokens(prompt), *places[0])
        if cut is None:
            return None
        prompt = cut
    return None


def plain_prompt(brief: Brief) -> str:
    """The structure of a brief in plain words, when its own prompt cannot be mended."""
    left, parts = list(brief.things), list[str]()
    for relation in brief.relations:
        one, other = (_called(name, left) for name in (relation.thing, relation.other))
        if one and other and one is not other:
            parts.append(f"{_described(one)} {relation.how} {_described(other)}")
            left = [thing for thing in left if thing is not one and thing is not other]
    return ", ".join([" and ".join([*parts, *map(_described, left)]), *setting(brief)])


def _called(name: str, things: Sequence[Thing]) -> Thing | None:
    return next((thing for thing in things if thing.name == name), None)


def setting(brief: Brief) -> list[str]:
    """Ground, light and style of a brief as a prompt says them: `on snow`, `by day`."""
    say = claims()
    where = _WHERES.get(
        brief.where, f"on {brief.where}" if brief.where in say.wheres else brief.where
    )
    light = f"{brief.light} backdrop" if brief.light.startswith("plain ") else brief.light
    bare = brief.style in say.styles and " " not in brief.style
    style = f"{brief.style} style" if bare else brief.style
    return [words for words in (where, LIGHTS.get(light, light), style) if words]


def _described(thing: Thing) -> str:
    looks = " ".join(filter(None, (thing.size, thing.colour)))
    place = claims().places.get(thing.place, thing.place)
    return " ".join(filter(None, (phrase(thing.count, looks, thing.name), place)))


def _named(found: list[Token], at: int, name: str) -> int:
    """How many words from there on name the thing; 0 for none, or where another noun follows."""
    for size in range(min(_LONGEST_NAME, len(found) - at), 0, -1):
        words = words_at(found, at, size)
        if canonical(words) == canonical(name) and words[0].isalpha():
            return size
    return 0


def _determiner(found: list[Token], start: int) -> int:
    """Where the number or the article before a noun phrase begins."""
    for phrase_ in sorted(stated().numbers, key=len, reverse=True):
        size = len(phrase_.split())
        if start >= size and words_at(found, start - size, size) == phrase_:
            return start - size - (start > size and found[start - size - 1].word == "a")
    before = found[start - 1].word if start else ""
    return start - 1 if before in _ARTICLES or before.isdecimal() else start


def _number(prompt: str, before: list[Token], count: int, words: str) -> str:
    article = "an" if words[:1].lower() in tuple("aeio") else "a"
    said = prompt[before[0].start : before[-1].end] if before else ""
    if count > 1:
        return NUMBERS[count]
    if count == 1 or said.lower() in ("a", "an"):
        return article if said[:1].islower() or not said else article.capitalize()
    return said


def _cut(prompt: str, found: list[Token], at: int, end: int) -> str | None:
    start = at
    while start > 0 and at - start < 4 and not ends(found[start - 1].word):
        start -= 1
    start = _determiner(found, start)
    after = found[end].word if end < len(found) else ""
    before = found[start - 1].word if start else ""
    if after and after not in (*_JOINS, ".", ";") and not ends(after):
        return None
    if before in _JOINS:
        kept = prompt[: found[start - 1].start].rstrip() + prompt[found[end - 1].end :]
    elif not before and after in _JOINS:
        kept = prompt[found[end].end :]
    else:
        return None
    return re.sub(r"\s+", " ", kept).strip(" ,") or None
