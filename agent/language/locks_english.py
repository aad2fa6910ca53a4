"""Reads numbers, colours and negations with their things out of an English request, by rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from limner.agent.language.colours_english import colour_phrases, colours
from limner.agent.language.nouns import (
    canonical,
    is_known,
    listed,
    plural,
    singular,
)
from limner.agent.language.reading import (
    Finding,
    Token,
    acts,
    denied,
    ends,
    longest,
    noun_at,
    tokens,
    words_at,
)
from limner.prompts import stated

__all__ = ["read"]

_OPENING = ("not the",)  # elsewhere it only tells one thing from another
_ORDINAL = frozenset("the second first third number".split())


def read(text: str) -> list[Finding]:
    """What the text states; what is not English in it is passed over."""
    found = tokens(text)
    negations = list(_negations(found))
    for finding in negations:
        found = [
            Token("\n", t.start, t.end) if finding.start <= t.start < finding.end else t
            for t in found
        ]
    wished = [*_counts(found), *colours(found)]
    return [*negations, *(f for f in wished if not denied(found, f.start))]


def _negations(found: list[Token]) -> Iterator[Finding]:
    at = 0
    while at < len(found):
        said = longest(found, at, _negating())
        if not said or (at and words_at(found, at, said) in _OPENING):
            at += 1
            continue
        start, at = at, at + said
        while at < len(found) and (finding := _absent(found, start, at)):
            yield finding
            at = next(i for i, t in enumerate(found) if t.end == finding.end) + 1
            if words_at(found, at, 1) not in ("or", "nor"):
                break
            start, at = at, at + 1


def _absent(found: list[Token], start: int, at: int) -> Finding | None:
    while words_at(found, at, 1) in ("any", "a", "an", "the", "other", "more", "single"):
        at += 1
    noun, end = noun_at(found, at)
    words = words_at(found, at, end - at)
    idle = _idle() & set(words.split()) or words in stated().uncounted
    if not noun or idle or end - at > 3:
        return None
    name = canonical(words) if is_known(words) or end - at > 1 else canonical(noun)
    return Finding("absent", "", name, found[start].start, found[end - 1].end)


def _counts(found: list[Token]) -> Iterator[Finding]:
    for at in range(len(found)):
        size = longest(found, at, _numbers(), 3)
        value = _value(found, at, size)
        if not value or _is_ordinal(found, at):
            continue
        noun, end = _counted(found, at + max(size, 1), value)
        if noun:
            yield Finding("count", canonical(noun), str(value), found[at].start, found[end - 1].end)


def _value(found: list[Token], at: int, size: int) -> int:
    if size:
        return stated().numbers.get(words_at(found, at, size), 0)
    word = found[at].word
    return int(word) if word.isdecimal() and len(word) < 3 and 1 <= int(word) <= 12 else 0


def _is_ordinal(found: list[Token], at: int) -> bool:
    """Whether the number only says which one is meant, or belongs to a sign (`x-2`)."""
    before = found[at - 1] if at else None
    glued = before is not None and before.word in "-+" and before.end == found[at].start
    return before is not None and (before.word in _ORDINAL or glued)


def _counted(found: list[Token], at: int, value: int) -> tuple[str, int]:
    """The noun after a number: a plural after two and more, else any that is plainly one."""
    while words_at(found, at, 1) in ("of", "more"):
        return "", at
    at = _past_colours(found, at)
    noun, end = noun_at(found, at)
    if value == 1:
        fits = noun and noun not in stated().uncounted and singular(noun) == noun
        return (noun, end) if fits and _plain(found, at, end) else ("", at)
    fits = noun and _is_plural(noun.partition(" of ")[0]) and noun not in stated().uncounted
    return (noun, end) if fits else ("", at)


def _is_plural(noun: str) -> bool:
    return plural(singular(noun)) == noun


def _plain(found: list[Token], at: int, end: int) -> bool:
    """Whether the words after `one` are about a thing, as far as can be told."""
    return all(word not in stated().uncounted for word in words_at(found, at, end - at).split())


def _past_colours(found: list[Token], at: int) -> int:
    """Past adjectives and colours, so that the noun is read after the last colour."""
    for here in range(at, min(at + 6, len(found))):
        size = longest(found, here, colour_phrases(), 3)
        if size and not _noun_colour(found, here + size):
            counted = here > at and _is_plural(found[here - 1].word)
            return at if counted else here + size
        if ends(found[here].word) or (here > at and acts(found[here].word)):
            break
    return at


def _noun_colour(found: list[Token], after: int) -> bool:
    return after >= len(found) or ends(found[after].word)


@cache
def _negating() -> frozenset[str]:
    return frozenset(listed(" ".join(stated().negations.split())))


@cache
def _numbers() -> frozenset[str]:
    return frozenset(stated().numbers)


@cache
def _idle() -> frozenset[str]:
    return frozenset(stated().idle.split())
