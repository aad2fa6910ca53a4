"""Measures how varied the briefs of a batch are, and how long its prompts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import mean, median

__all__ = ["Length", "Spread", "length", "spread"]

_FEW, _COLLAPSED = 5, 0.6
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """How varied one field of the briefs is.

    `commonest` is in `count` of `rows` that have any value; `bits` is the entropy over them, and
    `kinds` how many values in equal use would have it. `asked` of the rows have what their request
    says; of the others, `own` is the share of the writer's `favourite`, and `collapsed` says that
    it is most of at least five.
    """

    field: str
    commonest: str
    count: int
    rows: int
    bits: float
    kinds: float
    asked: int
    favourite: str
    own: float
    collapsed: bool


@dataclass(frozen=True, slots=True)
class Length:
    """How many words a prompt has for each word of its request, and the longest ones."""

    words: float
    ratio_mean: float
    ratio_median: float
    longest: int
    examples: tuple[str, ...]


def spread(name: str, counts: Counter[tuple[str, bool]]) -> Spread:
    """The spread of a field: how often it has each value, and whether the request says so."""
    rows = counts.total()
    values: Counter[str] = Counter()
    for (value, _), count in counts.items():
        values[value] += count
    own = Counter({value: n for (value, asked), n in counts.items() if not asked})
    bits = -sum(n / rows * math.log2(n / rows) for n in values.values())
    favourite, most = max(own.items(), key=lambda one: one[1], default=("", 0))
    share = most / max(own.total(), 1)
    ((commonest, count),) = values.most_common(1)
    return Spread(
        field=name,
        commonest=commonest,
        count=count,
        rows=rows,
        bits=round(abs(bits), 3),
        kinds=round(2**bits, 2),
        asked=rows - own.total(),
        favourite=favourite,
        own=round(share, 4),
        collapsed=own.total() >= _FEW and share >= _COLLAPSED,
    )


def length(found: list[tuple[int, float, str]]) -> Length:
    """The length of prompts: words, words for each word of the request, and the row's id."""
    words = [words for words, _, _ in found] or [0]
    ratios = [ratio for _, ratio, _ in found] or [0.0]
    top = sorted(found, key=lambda one: -one[1])[:_EXAMPLES]
    return Length(
        words=round(mean(words), 1),
        ratio_mean=round(mean(ratios), 2),
        ratio_median=round(median(ratios), 2),
        longest=max(words),
        examples=tuple(f"{id_} (× {ratio:.1f})" for _, ratio, id_ in top),
    )
