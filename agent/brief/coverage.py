"""Which words of a request no claim speaks for: what was asked and nobody is going to look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from limner.agent.brief.english import SMALL_WORDS, stem, words_of
from limner.agent.brief.extract import is_english
from limner.agent.records import Claim
from limner.prompts.words import word_set, words

__all__ = [
    "find",
    "unchecked",
]


_PIECE = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
    r"(?:['’-][^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)*"
)
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
# Chinese that names nothing to look for: anywhere, and at the edges of what is left.
_PHRASES = re.compile("|".join(words("chinese_phrases")))
_PARTICLES = "".join(words("chinese_particles")) + " "
_EDITING = word_set("editing")


def unchecked(
    request: str, claims: Iterable[Claim], *, trusted: bool = False, editing: bool = False
) -> tuple[str, ...]:
    """The words of a request that name something and that no asked claim's quote covers.

    An English word within a longer quote is covered only where the claim's own text has it, too, so
    that a quote of the whole request covers nothing by itself; a quote of one word may be said in
    another. Of a `trusted` writer (by rule) every quote counts whole. `editing`: the request is a
    change, whose verbs name nothing.
    """
    covered = [False] * len(request)
    for claim in claims:
        for start, end in find(claim.quote, request):
            _cover(request, covered, claim, (start, end), trusted)
    small = SMALL_WORDS | _EDITING if editing else SMALL_WORDS
    left = [*_left(request, covered, small)]
    return tuple(dict.fromkeys(left))


def find(quote: str, request: str) -> list[tuple[int, int]]:
    """Where a quote stands in a request, in small letters and whole words; at most 8 places."""
    said, text = quote.casefold().strip(), request.casefold()
    if not said or len(text) != len(request):  # a letter that changes its length in small
        said, text = quote.strip(), request
    found: list[tuple[int, int]] = []
    start = text.find(said) if said else -1
    while start >= 0 and len(found) < 8:
        end = start + len(said)
        if _whole(text, start, end):
            found.append((start, end))
        start = text.find(said, start + 1)
    return found


def _whole(text: str, start: int, end: int) -> bool:
    def joins(a: str, b: str) -> bool:
        return a.isalnum() and b.isalnum() and not (_HAN.match(a) or _HAN.match(b))

    before = start > 0 and joins(text[start - 1], text[start])
    after = end < len(text) and joins(text[end - 1], text[end])
    return not (before or after)


def _cover(
    request: str, covered: list[bool], claim: Claim, span: tuple[int, int], trusted: bool
) -> None:
    start, end = span
    words = [m for m in _PIECE.finditer(request, start, end) if m[0].casefold() not in SMALL_WORDS]
    slots = (claim.text, claim.subject, claim.value, claim.object)
    said = {stem(word) for text in slots for word in words_of(text)}
    foreign = not is_english(request) or not is_english(request[start:end])
    for word in words:
        if trusted or foreign or len(words) == 1 or _said(word[0], said):
            covered[word.start() : word.end()] = [True] * (word.end() - word.start())


def _said(word: str, said: set[str]) -> bool:
    parts = re.split(r"[-'’]", word.casefold())
    return stem(word.casefold()) in said or all(stem(part) in said for part in parts if part)


def _left(request: str, covered: Sequence[bool], small: frozenset[str]) -> Iterable[str]:
    for piece in _PIECE.finditer(request):
        word = piece[0]
        if _HAN.match(word):
            open_ = "".join(
                " " if covered[piece.start() + i] else sign for i, sign in enumerate(word)
            )
            left = (part.strip(_PARTICLES) for part in _PHRASES.sub(" ", open_).split())
            yield from filter(None, left)
        elif word.casefold().replace("’", "'") not in small and not all(
            covered[piece.start() : piece.end()]
        ):
            yield word
