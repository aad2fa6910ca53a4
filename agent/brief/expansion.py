"""Decides how much a writer may add to a request, by how much of the picture it decides already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from limner.agent.records import Expansion
from limner.prompts.styles import styles
from limner.prompts.words import detail_words

__all__ = [
    "ExpansionPolicy",
    "expansion_policy",
    "word_count",
]


SKIP, LIGHT = 10, 5
"""From how much that a request says (details, and one for eight words) it is full or half."""

_CJK = r"[぀-ヿ㐀-鿿豈-﫿가-힯]"


@dataclass(frozen=True, slots=True)
class ExpansionPolicy:
    """How much is added: "full" is what the request lacks, "light" next to nothing, "skip" nothing.

    `why` is one line for people, "" where nothing is held back.
    """

    kind: Literal["skip", "light", "full"]
    why: str = ""


def expansion_policy(request: str, expansion: Expansion = "auto") -> ExpansionPolicy:
    """What becomes of a request under a profile's `expansion`; "auto" counts what it says.

    Details are the distinct words for colour, light, composition, texture, mood, quality and style,
    in English and Chinese. A full prompt of three kinds of them is painted as it was written,
    unless it has to be translated or says what must not be there: then it is only put into order.
    """
    if expansion != "auto":
        return ExpansionPolicy(expansion)
    found, words = _details(request), word_count(request)
    details = sum(map(len, found.values()))
    says = details + words // 8
    if says < LIGHT:
        return ExpansionPolicy("full")
    count = f"{details} detail{'s' if details != 1 else ''} in {words} words"
    if says < SKIP or len(found) < 3:
        return ExpansionPolicy("light", f"{count}: little is added")
    if re.search(_CJK, request):
        return ExpansionPolicy("light", f"{count}: translated, and little is added")
    if _refusals().search(request):
        return ExpansionPolicy(
            "light", f"{count}: what must not be there is kept apart, and little is added"
        )
    return ExpansionPolicy("skip", f"{count}: painted as you wrote it")


def word_count(request: str) -> int:
    """Words; of Chinese and its like, two characters are taken for one."""
    signs = len(re.findall(_CJK, request))
    return len(re.sub(_CJK, " ", request).split()) + signs // 2


def _details(request: str) -> dict[str, set[str]]:
    """The details said, by kind; of words within one another, the longest counts."""
    pattern, kinds = _table()
    found: dict[str, set[str]] = {}
    for word in pattern.findall(request.casefold()):
        found.setdefault(kinds[word], set()).add(word)
    return found


@cache
def _table() -> tuple[re.Pattern[str], dict[str, str]]:
    """Every word for a detail as one pattern, and the kind that each is of."""
    kinds = {word: "style" for one in styles().values() for word in one.words}
    kinds |= {word: kind for kind, words in detail_words().kinds.items() for word in words}
    return _any(kinds), kinds


@cache
def _refusals() -> re.Pattern[str]:
    return _any(detail_words().refusals)


def _any(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, the longer first; English ones whole."""
    ordered = sorted(words, key=len, reverse=True)
    whole = "|".join(re.escape(word) for word in ordered if word.isascii())
    within = "|".join(re.escape(word) for word in ordered if not word.isascii())
    return re.compile(rf"\b(?:{whole})\b|(?:{within})", re.IGNORECASE)
