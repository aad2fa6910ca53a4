"""Finds the phrases that a writer repeats from prompt to prompt, whatever was asked."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Phrase", "Phrases"]

_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+(?:['’-][^\W_]+)*")
_SHORTEST, _LONGEST = 3, 6  # words
_MOST = 200_000
_SIMILAR = 0.8

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in a row, and in how many prompts they are though their requests lack them."""

    text: str
    count: int


@dataclass(slots=True)
class Phrases:
    """Counts runs of three to six words in prompts; a request's own are left out.

    Of more than 200,000 different runs, those met once so far are forgotten: the counts of what is
    frequent are too low by that, at most (lossy counting).
    """

    _counts: Counter[Words] = field(default_factory=Counter)
    _prompts: int = 0

    def see(self, request: str, prompt: str) -> None:
        """Count the runs of one prompt, each once."""
        self._prompts += 1
        self._counts.update(_runs(_words(prompt)) - _runs(_words(request)))
        if len(self._counts) > _MOST:
            self._counts = Counter({run: n for run, n in self._counts.items() if n > 1})

    def repeated(self, share: float = 0.2, least: int = 3, most: int = 12) -> tuple[Phrase, ...]:
        """The phrases in at least this share of the prompts and so many of them, commonest first.

        A phrase that is nearly always a part of a longer one is told with that.
        """
        bar = max(least, share * self._prompts)
        found = {run: count for run, count in self._counts.items() if count >= bar}
        kept = _apart(_joined(found))
        ranked = sorted(kept.items(), key=lambda one: (-one[1], -len(one[0]), one[0]))
        return tuple(Phrase(_shown(run), count) for run, count in ranked[:most])


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text.casefold()))


def _runs(words: Words) -> set[Words]:
    return {
        words[start : start + size]
        for size in range(_SHORTEST, _LONGEST + 1)
        for start in range(len(words) - size + 1)
    }


def _joined(found: dict[Words, int]) -> dict[Words, int]:
    """The runs with those of the greatest length put together where they overlap."""
    chains = dict(found)
    long = {run: n for run, n in found.items() if len(run) == _LONGEST}
    following: dict[Words, Words] = {}
    starts = {run[:-1]: run for run in long}
    for run in long:
        after = starts.get(run[1:])
        if after and after != run and _alike(long[run], long[after]):
            following[run] = after
    for run in long.keys() - set(following.values()):
        chain, at, seen = run, run, {run}
        while (at := following.get(at, ())) and at not in seen:
            seen.add(at)
            chain += at[-1:]
        chains[chain] = min(long[one] for one in seen)
    return chains


def _apart(found: dict[Words, int]) -> dict[Words, int]:
    """The phrases without those that a longer one explains."""
    kept: dict[Words, int] = {}
    for run in sorted(found, key=len, reverse=True):
        longer = (count for other, count in kept.items() if _within(run, other))
        if not any(count >= _SIMILAR * found[run] for count in longer):
            kept[run] = found[run]
    return kept


def _alike(one: int, other: int) -> bool:
    return min(one, other) >= _SIMILAR * max(one, other)


def _within(run: Words, other: Words) -> bool:
    size = len(run)
    return any(other[i : i + size] == run for i in range(len(other) - size + 1))


def _shown(run: Words) -> str:
    return "".join(run) if any("぀" <= word[0] <= "힯" for word in run) else " ".join(run)
