"""What a reader of requests finds, and the text as the words that it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from limner.agent.language.nouns import colour_words, is_known
from limner.prompts import stated

__all__ = ["Finding", "Token", "acts", "denied", "ends", "longest", "noun_at", "tokens", "words_at"]

_TOKEN = re.compile(r"[A-Za-z][\w]*(?:['’-]\w+)*|\d+(?:-[a-z]+)?|\S|\n")
_AFTER_VERBS = frozenset("a an the his her its their my your our some".split())
_COLOUR_ENDINGS = ("-coloured", "-colored")


@dataclass(frozen=True, slots=True)
class Token:
    """A word in lower case, or a sign, and its place in the text."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something stated, and the place in the text where it is said."""

    kind: Literal[
        "count", "colour", "absent", "relation", "place", "size", "where", "light", "style"
    ]
    thing: str
    value: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words and signs of an English text."""
    return [
        Token(m[0].lower().replace("’", "'"), m.start(), m.end()) for m in _TOKEN.finditer(text)
    ]


def words_at(found: list[Token], at: int, count: int) -> str:
    """So many words from there on, as one text."""
    return " ".join(token.word for token in found[at : at + count])


def longest(found: list[Token], at: int, known: frozenset[str], most: int = 4) -> int:
    """How many words from there on are the longest of the known phrases; 0 for none."""
    most = min(most, len(found) - at)
    return next((n for n in range(most, 0, -1) if words_at(found, at, n) in known), 0)


def noun_at(found: list[Token], at: int) -> tuple[str, int]:
    """The thing that the words from there on name, and where they end; ("", at) when unclear.

    The words run to the first that cannot belong to a name ("on", "sitting", a comma); the longest
    known name at their end is the thing, else the last word is. It is unclear where a known name is
    followed by an unknown word, or an unknown one by what it may do or be part of.
    """
    end = at
    while end < len(found) and end - at < 6 and not _ends(found, at, end):
        end += 1
    for start in range(at, end):
        for stop in (end + _of_length(found, end), end):
            if is_known(words_at(found, start, stop - start)):
                return words_at(found, start, stop - start), stop
    doing = end < len(found) and acts(found[end].word)
    if end == at or doing or any(is_known(found[i].word) for i in range(at, end)):
        return "", at
    return found[end - 1].word, end


def denied(found: list[Token], start: int) -> bool:
    """Whether `not` or the like stands before, in the same clause."""
    clause: list[str] = []
    for token in found:
        if token.start >= start:
            break
        clause = [] if token.word in ",.;:!?\n" or token.word == "but" else [*clause, token.word]
    return bool(set(clause) & set(stated().denials))


def acts(word: str) -> bool:
    """Whether a word says what something does: `sleeping`."""
    return word.endswith("ing") and word not in _ing()


def ends(word: str) -> bool:
    """Whether a word cannot belong to the name of a thing."""
    return word in _ends_words() or not (word[:1].isascii() and word[:1].isalpha())


def _ends(found: list[Token], at: int, here: int) -> bool:
    word = found[here].word
    following = found[here + 1].word if here + 1 < len(found) else "."
    if word.endswith("ing") and (word not in _ing() or following in ("a", "an", "the")):
        return here > at or ends(following) or _in_colour(found, at)
    if here > at and word.endswith("s") and following in _AFTER_VERBS and not is_known(word):
        return True  # "mends his net": what it does, in the third person
    return ends(word) or bool(here > at and word in colour_words() and not _is_noun(found, here))


def _in_colour(found: list[Token], at: int) -> bool:
    """Whether the words before are `in brown`."""
    before = [token.word for token in found[max(0, at - 4) : at]]
    return "in" in before and not {"a", "an", "the"} & set(before[before.index("in") :])


def _is_noun(found: list[Token], here: int) -> bool:
    return here + 1 == len(found) or ends(found[here + 1].word)


def _of_length(found: list[Token], end: int) -> int:
    """2 where `of wool` or the like follows, for `ball of wool` is one name."""
    return 2 if words_at(found, end, 1) == "of" else 0


@cache
def _ends_words() -> frozenset[str]:
    return frozenset(stated().ends.split()) | frozenset(stated().numbers)


@cache
def _ing() -> frozenset[str]:
    return frozenset(stated().ing.split())
