"""Where every part of a prompt came from: the user, a translation, the writer, a style or a fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from limner.agent.english import SMALL_WORDS, stem, words_of
from limner.agent.records import Brief, Claim

__all__ = ["Origin", "Span", "spans"]

Origin = Literal["user", "translated", "inferred", "style", "fix"]

_PIECE = re.compile(r"\w+(?:['’-]\w+)*|\W+")
_HAS_SIGNS = re.compile(r"[^\x00-\u024f]")  # of a writing without spaces, or with other letters


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a prompt and its origin.

    `user`: the words, or another form of them, stand in the request; `translated`: an asked claim
    says them, in another language or in other words than the request; `style`: a style added them;
    `fix`: a revision did; `inferred`: the writer thought of them.
    """

    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Said:
    """The stems of what was typed, of what the asked claims say, and of a style's words."""

    request: str
    typed: frozenset[str]
    claimed: frozenset[str]
    styled: frozenset[str]


def spans(brief: Brief, request: str, earlier: Brief | None = None) -> tuple[Span, ...]:
    """The brief's prompt cut by origin; the texts together are the prompt again.

    `earlier` is the brief before a revision. Small words ("a", "on") belong to the word that they
    introduce.
    """
    pieces = _PIECE.findall(brief.prompt)
    new = _inserted(_PIECE.findall(earlier.prompt), pieces) if earlier else frozenset[int]()
    said = _said(brief, request)
    origins: list[Origin | None] = [
        "fix" if i in new and piece[0].isalnum() else _origin(piece, said)
        for i, piece in enumerate(pieces)
    ]
    return _merged(pieces, _filled(pieces, origins))


def _said(brief: Brief, request: str) -> _Said:
    asked = (claim for claim in brief.claims if claim.source == "asked")
    style = (claim for claim in brief.claims if claim.source == "style")
    return _Said(
        request.casefold(),
        _stems(request),
        frozenset().union(*map(_told, asked)),
        frozenset().union(*map(_told, style), _stems(brief.style_prompt)),
    )


def _origin(piece: str, said: _Said) -> Origin | None:
    """Where a word came from; None for signs and small words, which follow their neighbours."""
    word = piece.casefold()
    if not word[0].isalnum() or word in SMALL_WORDS:
        return None
    forms = {stem(part) for part in words_of(piece)}
    if forms & said.typed or (_HAS_SIGNS.search(word) and word in said.request):
        return "user"
    if forms & said.claimed:
        return "translated"
    return "style" if forms & said.styled else "inferred"


def _told(claim: Claim) -> frozenset[str]:
    return _stems(" ".join((claim.text, claim.subject, claim.value, claim.object)))


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words_of(text) if word not in SMALL_WORDS)


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


def _merged(pieces: Iterable[str], origins: Iterable[Origin]) -> tuple[Span, ...]:
    made: list[Span] = []
    for text, origin in zip(pieces, origins, strict=True):
        if made and made[-1].origin == origin:
            text = made.pop().text + text
        made.append(Span(text, origin))
    return tuple(made)
