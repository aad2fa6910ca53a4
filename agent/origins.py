"""Where every part of a prompt came from: the user, a translation, the writer, a style or a fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Literal

from limner.agent.language.locks import mentioned, stated
from limner.agent.language.nouns import NUMBERS, canonical, colour_of, listed, singular
from limner.agent.records import Brief
from limner.prompts import stated as table

__all__ = ["Origin", "Span", "spans"]

Origin = Literal["user", "translated", "inferred", "style", "fix"]

_PIECE = re.compile(r"\w+(?:['’-]\w+)*|\W+")
_SMALL = frozenset("a an the of and in on at with to is are as by its it there".split())


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a prompt and its origin.

    `user`: the words, or their singular or plural, stand in the request; `translated`: they say
    what the request says in another language or another word; `style`: a style added them; `fix`:
    a revision did; `inferred`: the writer thought of them.
    """

    text: str
    origin: Origin


def spans(
    brief: Brief, request: str, earlier: Brief | None = None, style: str = ""
) -> tuple[Span, ...]:
    """The brief's prompt cut by origin; the texts together are the prompt again.

    `earlier` is the brief before a revision, `style` the words that a style put in. Small words
    ("a", "on") belong to the word that they introduce.
    """
    pieces = _PIECE.findall(brief.prompt)
    new = _inserted(_PIECE.findall(earlier.prompt), pieces) if earlier else frozenset[int]()
    said = frozenset(_words(request))
    origins: list[Origin | None] = [
        "fix" if i in new and piece[0].isalnum() else _origin(piece, request, said, style)
        for i, piece in enumerate(pieces)
    ]
    return _merged(pieces, _filled(pieces, origins))


def _origin(piece: str, request: str, said: frozenset[str], style: str) -> Origin | None:
    """Where a word came from; None for signs and small words, which follow their neighbours."""
    word = piece.lower()
    if not word[0].isalnum() or word in _SMALL:
        return None
    if word in said or singular(word) in {singular(other) for other in said}:
        return "user"
    if not word.isascii() and word in request.lower():
        return "user"
    if _translated(word, request):
        return "translated"
    return "style" if word in _words(style) else "inferred"


def _translated(word: str, request: str) -> bool:
    said = request.lower()
    if any(_stands(other, said) for other in _settings().get(word, ())):
        return True
    if word in NUMBERS or word.isdecimal():
        value = str(NUMBERS.index(word)) if word in NUMBERS else word
        return any(lock.kind == "count" and lock.value == value for lock in stated(request))
    if colour := colour_of(word):
        return any(lock.kind == "colour" and lock.value == colour for lock in stated(request))
    return canonical(word) in table().things and mentioned(said, canonical(word))


def _stands(word: str, said: str) -> bool:
    return word in (said if not word.isascii() else _words(said))


def _words(text: str) -> list[str]:
    return [piece.lower() for piece in _PIECE.findall(text) if piece[0].isalnum()]


def _inserted(before: Sequence[str], after: Sequence[str]) -> frozenset[int]:
    """Which pieces of the later text are not in the earlier, in its order."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    fresh = (range(k, n) for what, _, _, k, n in matcher.get_opcodes() if what != "equal")
    return frozenset(i for run in fresh for i in run)


def _filled(pieces: Sequence[str], origins: Sequence[Origin | None]) -> list[Origin]:
    """Every piece with an origin: a small word that of the next word, a sign that of the last."""
    following: Origin | None = None
    words: list[Origin | None] = []
    for piece, origin in zip(reversed(pieces), reversed(origins), strict=True):
        following = origin or following
        words.append(following if piece[0].isalnum() else None)
    latest: Origin = next((origin for origin in origins if origin), "inferred")
    found: list[Origin] = []
    for word in reversed(words):
        latest = word or latest
        found.append(latest)
    return found


def _merged(pieces: Sequence[str], origins: Sequence[Origin]) -> tuple[Span, ...]:
    made: list[Span] = []
    for text, origin in zip(pieces, origins, strict=True):
        if made and made[-1].origin == origin:
            text = made.pop().text + text
        made.append(Span(text, origin))
    return tuple(made)


@cache
def _settings() -> dict[str, tuple[str, ...]]:
    rows = {name: words.partition("/") for name, words in table().settings.items()}
    return {name: (*listed(one), *listed(other)) for name, (one, _, other) in rows.items()}
