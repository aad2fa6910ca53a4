"""Reads which thing an English request wants in which colour, by rule."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from limner.agent.language.nouns import canonical, colour_of, colour_words, is_known, listed
from limner.agent.language.reading import Finding, Token, acts, ends, longest, noun_at, words_at
from limner.prompts import stated

__all__ = ["colour_phrases", "colours"]

_MAKES = frozenset("make turn paint colour color dye".split())
_IS = frozenset(("is", "are", "be", "to", "now"))
_LISTS = frozenset(("and", "or", "&", ",", "/"))
_AFTER = frozenset("please instead now thanks".split())


def colours(found: list[Token]) -> Iterator[Finding]:
    """Every colour of a thing in the words, where it is clear whose it is."""
    at = 0
    while at < len(found):
        size = longest(found, at, colour_phrases(), 3)
        if not size:
            at += 1
            continue
        if not _in_list(found, at, size) and not longest(found, at, _compounds(), 3):
            finding = _attribute(found, at, size) or _predicate(found, at, size)
            if finding:
                yield finding
        at += size


def _in_list(found: list[Token], at: int, size: int) -> bool:
    """Whether other colours stand beside this one, so that it is unclear which has what."""
    after = at + size
    following = longest(found, after + 1, colour_phrases(), 3)
    before = at > 1 and found[at - 1].word in _LISTS and colour_of(found[at - 2].word)
    listed_after = words_at(found, after, 1) in _LISTS and following

    return bool(before or (listed_after) or longest(found, after, colour_phrases()))


def _attribute(found: list[Token], at: int, size: int) -> Finding | None:
    noun, end = noun_at(found, at + size)
    words = words_at(found, at + size, end - at - size).split()
    if not noun or noun in stated().uncounted or (not is_known(noun) and _scenery() & set(words)):
        return None
    value = colour_of(words_at(found, at, size))
    return Finding("colour", canonical(noun), value, found[at].start, found[end - 1].end)


def _predicate(found: list[Token], at: int, size: int) -> Finding | None:
    """`make the cat blue`, `the cat should be blue`, `a cat in blue`, or nothing but `blue`."""
    after = words_at(found, at + size, 1)
    if after and not (ends(after) or acts(after) or after in _AFTER):
        return None
    value = colour_of(words_at(found, at, size))
    before = found[at - 1].word if at else ""
    if before in _IS or before == "in":
        return _behind(found, at, size, value, at - 1, before)
    verb = next((i for i in range(at - 1, max(-1, at - 6), -1) if found[i].word in _MAKES), None)
    if verb is not None:
        return _of_words(found, verb + 1, at, value, found[at + size - 1].end)
    alone = at == 0 and all(t.word in _AFTER or not t.word.isalpha() for t in found[size:])
    return Finding("colour", "", value, found[0].start, found[size - 1].end) if alone else None


def _behind(
    found: list[Token], at: int, size: int, value: str, stop: int, link: str
) -> Finding | None:
    """The thing before `is`, `should be`, `to` or `in`."""
    while stop > 0 and found[stop - 1].word in ("should", "must", "could", "would", "to"):
        stop -= 1
    start = stop
    if stop and found[stop - 1].word in ("it", "them"):
        return _of_words(found, stop - 1, stop, value, found[at + size - 1].end)
    while start > 0 and stop - start < 4 and (_is_inner(found[start - 1].word)):
        start -= 1
    if start == 0 and stop == 0 and link != "in":
        return None
    return _of_words(found, start, stop, value, found[at + size - 1].end)


def _is_inner(word: str) -> bool:
    return not ends(word) and word not in _MAKES and word != "change"


def _of_words(found: list[Token], start: int, stop: int, value: str, end: int) -> Finding | None:
    """The colour of what those words name; pronouns name the only thing."""
    inner = found[start:stop]
    while inner and inner[0].word in ("the", "my", "a", "an", "all"):
        inner = inner[1:]
    words = " ".join(token.word for token in inner)
    first = found[start].start if inner else found[stop].start
    if words in ("it", "them", "this", "that", "") and (words or start == 0):
        return Finding("colour", "", value, first, end)
    noun, length = noun_at(inner, 0)
    clear = noun and length == len(inner) and not _scenery() & set(words.split())
    if not clear or noun in _wearers() or noun in stated().uncounted:
        return None
    return Finding("colour", canonical(noun), value, first, end)


@cache
def colour_phrases() -> frozenset[str]:
    """Every English word for a colour, and `red-coloured`."""
    known = [word for word in colour_words() if word.isascii()]
    return frozenset([*known, *(w + e for w in known for e in ("-coloured", "-colored"))])


@cache
def _compounds() -> frozenset[str]:
    return frozenset(listed(" ".join(stated().compounds.split())))


@cache
def _scenery() -> frozenset[str]:
    return frozenset(stated().scenery.split())


@cache
def _wearers() -> frozenset[str]:
    return frozenset(stated().wearers.split())
