"""Cuts a prompt to what the painter reads, the least important first, and says what was cut."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Fitted", "clauses", "fit"]

_BORDER = re.compile(r"(?<=[,;.!?])\s+|(?<=[，；。、！？])\s*")
_WORDS = re.compile(r"[⺀-鿿豈-﫿]|[^\s⺀-鿿豈-﫿]+|\s+")
_LOOSE = " ,;，；、"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that the painter reads to its end, and what had to go, in the order of reading."""

    prompt: str
    cut: tuple[str, ...] = ()


def fit(
    prompt: str,
    count: Callable[[str], int],
    most: int,
    keep: Sequence[str] = (),
    style: str = "",
) -> Fitted:
    """The prompt with the style's words behind it, in at most `most` tokens as `count` counts them.

    What is too much goes clause by clause, from the end: first the style's, then those of the
    prompt that say nothing of `keep` (words that the user stated), then the others. Only when a
    single clause is left and still too long does it lose words from its end. What fits is left
    exactly as it is.
    """
    whole = _glued(prompt, style)
    if count(whole) <= most:
        return Fitted(whole)
    every = [_Clause(text, _rank(text, keep)) for text in clauses(prompt)]
    every += [_Clause(text, _STYLE) for text in clauses(style)]
    left = _left(every, count, most)
    kept = _joined([every[i] for i in left])
    short = _shortened(kept, count, most)
    cut = [clause.text.strip(_LOOSE) for i, clause in enumerate(every) if i not in left]
    return Fitted(short, tuple(filter(None, [kept[len(short) :].strip(_LOOSE), *cut])))


def clauses(prompt: str) -> list[str]:
    """The prompt at its commas and full stops, each with the space behind it; nothing is lost."""
    ends = [found.end() for found in _BORDER.finditer(prompt)]
    edges = [0, *ends, len(prompt)]
    return [prompt[a:b] for a, b in pairwise(edges) if a < b]


_STYLE, _ADDED, _STATED = range(3)


class _Clause(NamedTuple):
    """A clause with the space behind it, and how much it matters."""

    text: str
    rank: int


def _rank(clause: str, keep: Sequence[str]) -> int:
    text = clause.casefold()
    return _STATED if any(word and word.casefold() in text for word in keep) else _ADDED


def _left(every: Sequence[_Clause], count: Callable[[str], int], most: int) -> list[int]:
    """The places of the clauses that fit together, or of the one that matters most."""
    left = list(range(len(every)))
    for index in sorted(left, key=lambda i: (every[i].rank, -i)):
        if len(left) == 1 or count(_joined([every[i] for i in left])) <= most:
            break
        left.remove(index)
    return left


def _joined(left: Sequence[_Clause]) -> str:
    prompt = "".join(text for text, rank in left if rank != _STYLE)
    style = "".join(text for text, rank in left if rank == _STYLE)
    return _glued(prompt.rstrip(_LOOSE), style.rstrip(_LOOSE))


def _glued(prompt: str, style: str) -> str:
    return (" " if prompt.endswith((".", "!", "?")) else ", ").join(filter(None, (prompt, style)))


def _shortened(text: str, count: Callable[[str], int], most: int) -> str:
    """As many of its first words as fit, or characters of Chinese or of one endless word."""
    if count(text) <= most:
        return text
    return _start(_WORDS.findall(text), count, most) or _start(list(text), count, most)


def _start(pieces: Sequence[str], count: Callable[[str], int], most: int) -> str:
    lengths = range(1, len(pieces) + 1)
    fits = bisect_right(lengths, most, key=lambda n: count("".join(pieces[:n]).rstrip()))
    return "".join(pieces[:fits]).rstrip(_LOOSE)
