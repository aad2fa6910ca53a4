"""Reads out of an English request where its things are, and where and when it all takes place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from limner.agent.language.nouns import canonical, colour_of, listed, names
from limner.agent.language.reading import (
    Finding,
    Token,
    acts,
    denied,
    ends,
    longest,
    tokens,
    words_at,
)
from limner.prompts import stated

__all__ = ["read"]

_LOOKS = frozenset("a an the one two three four my some".split())
_BEING = frozenset("is are that which".split())
_FURTHEST = 6  # words from "left of" to the thing that is meant
_LONGEST = 6  # words of a phrase


class _Named(NamedTuple):
    """A thing and the tokens that name it, from `start` to `end`."""

    name: str
    start: int
    end: int


def read(text: str) -> list[Finding]:
    """What the text says of places, relations and the setting; the rest is passed over."""
    found = tokens(text)
    things = _things(found)
    read = [*_sized(found, things), *_findings(found, things)]
    return [finding for finding in read if not denied(found, finding.start)]


def _sized(found: list[Token], things: Sequence[_Named]) -> Iterator[Finding]:
    """`a big old tree`: what is said of its size right before its name."""
    for thing in things:
        at = thing.start - 1
        while at >= 0 and thing.start - at < 4 and not ends(found[at].word):
            if value := _sizes().get(found[at].word):
                if _is_whole(found, thing):
                    place = found[at].start, found[thing.end - 1].end
                    yield Finding("size", thing.name, value, *place)
                break
            at -= 1


def _findings(found: list[Token], things: Sequence[_Named]) -> Iterator[Finding]:
    at = 0
    while at < len(found):
        kind, value, size = _phrase(found, at)
        made = _made(found, things, at, size, value) if kind in ("how", "side") else None
        after = found[at + size].word if at + size < len(found) else "."
        if made:
            yield made
        elif kind in stated().scenes and ends(after) and after != "of":
            place = found[at].start, found[at + size - 1].end
            yield Finding(kind, "", value, *place)  # type: ignore[arg-type]
        at += size or 1


def _made(
    found: list[Token], things: Sequence[_Named], at: int, size: int, value: str
) -> Finding | None:
    """A relation or a place, where it is plain of which things it is said."""
    one, end = _before(found, things, at), at + size
    if one is None:
        return None
    start = found[one.start].start
    if value in _sides():
        of = words_at(found, end, 1) == "of"
        return None if of else Finding("place", one.name, value, start, found[end - 1].end)
    other = _other(found, things, one, end)
    if other is None or other.name == one.name:
        return None
    last = max(end, other.end)
    return Finding("relation", one.name, f"{value} {other.name}", start, found[last - 1].end)


def _other(found: list[Token], things: Sequence[_Named], one: _Named, end: int) -> _Named | None:
    """What comes after "left of"; "a cat with a bird above it" has it named before."""
    if words_at(found, end, 1) not in ("it", "them"):
        return _after(found, things, end)
    return next((thing for thing in reversed(things) if thing.end <= one.start), None)


def _phrase(found: list[Token], at: int) -> tuple[str, str, int]:
    """What kind of phrase begins there, what it stands for, and of how many words it is."""
    size = longest(found, at, frozenset(_phrases()), _LONGEST)
    if size:
        return (*_phrases()[words_at(found, at, size)], size)
    plain = int(words_at(found, at, 1) == "plain")
    colour = colour_of(words_at(found, at + plain, 1))
    backdrop = words_at(found, at + plain + 1, 1) in stated().backdrops
    return ("light", f"plain {colour}", plain + 2) if colour and backdrop else ("", "", 0)


def _things(found: list[Token]) -> list[_Named]:
    made, at = list[_Named](), 0
    while at < len(found):
        size = longest(found, at, _nouns())
        if size:
            made.append(_Named(canonical(words_at(found, at, size)), at, at + size))
        at += size or 1
    return made


def _before(found: list[Token], things: Sequence[_Named], at: int) -> _Named | None:
    """The thing that stands right before, but for what it is doing ("sitting")."""
    near = [thing for thing in things if thing.end <= at]
    between = [token.word for token in found[near[-1].end : at]] if near else []
    calm = len(between) < 3 and all(word in _BEING or acts(word) for word in between)
    return near[-1] if near and calm else None


def _after(found: list[Token], things: Sequence[_Named], at: int) -> _Named | None:
    """The thing that the next words are about, with nothing before it but its looks."""
    for near in (thing for thing in things if at <= thing.start <= at + _FURTHEST):
        between = [token.word for token in found[at : near.start]]
        if _is_whole(found, near):
            looks = all(w in _LOOKS or w.isdecimal() or not ends(w) for w in between)
            return near if looks else None
    return None


def _is_whole(found: list[Token], thing: _Named) -> bool:
    """Whether its name ends there: "apple tree" is no apple."""
    following = found[thing.end].word if thing.end < len(found) else "."
    return ends(following) or acts(following)


@cache
def _sizes() -> dict[str, str]:
    rows = stated().sizes.items()
    return {word: value for value, row in rows for word in listed(row.partition("/")[0])}


@cache
def _nouns() -> frozenset[str]:
    return frozenset(word for word in names() if word.isascii())


@cache
def _sides() -> frozenset[str]:
    return frozenset(stated().sides)


@cache
def _phrases() -> dict[str, tuple[str, str]]:
    """Every phrase with its kind and the value that it stands for."""
    tables = {"side": stated().sides, "how": stated().hows, **stated().scenes}
    return {
        phrase: (kind, value)
        for kind, table in tables.items()
        for value, words in table.items()
        for phrase in listed(words.partition("/")[0])
    }
