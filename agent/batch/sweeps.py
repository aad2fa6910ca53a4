"""Makes several rows of one: alternatives in its request, and values gone through one by one."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from limner.agent.batch.columns import field_of, value_of
from limner.agent.batch.rows import LONGEST_ID, BadRow, BatchRow, Ids
from limner.agent.plain import one_line, request_line
from limner.errors import BadInput

__all__ = [
    "AXES",
    "MOST",
    "Pattern",
    "Sweep",
    "WildcardChoice",
    "all_texts",
    "axes",
    "choose_text",
    "count_texts",
    "parse_pattern",
    "swept",
]

_DEEPEST = 20
_PICKS = re.compile(r"(?:(\d{1,3})(-)?(\d{1,3})?|-(\d{1,3}))\$\$")
_JOINER = re.compile(r"([^{}|$\\]*)\$\$")
_WEIGHT = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)::")
_PLAIN = re.compile(r"(?:[^\\{}|]|\\[\s\S]|\\$)+")


@dataclass(frozen=True, slots=True)
class WildcardChoice:
    """Some of several patterns, as `{2$$ and $$a|b|c}`: from `least` to `most` of them.

    `weights` say how often each is chosen, as in `{3::a|b}`; `joiner` is put between them.
    """

    options: tuple[Pattern, ...]
    weights: tuple[float, ...]
    least: int = 1
    most: int = 1
    joiner: str = ", "


Pattern = tuple[str | WildcardChoice, ...]
"""A text with choices in it."""

Made = tuple[str, tuple[str, ...]]
"""A text made from a pattern, and what was chosen for each of its outermost choices."""


def parse_pattern(text: str) -> Pattern:
    """The text with its alternatives, in the syntax of dynamic prompts.

    `{a|b}` is one of them, `{2$$a|b|c}` two, `{1-2$$ and $$a|b|c}` one or two with " and " between;
    they nest. A weight is written `{3::a|b}`; a backslash takes the meaning from what follows it.
    Nothing is read from files. Raises `BadInput` for braces without a partner, and for more picks
    than there are alternatives.
    """
    found, at = _sequence(text, 0, 0)
    if at < len(text):
        raise BadInput(
            f"a {text[at]} at character {at + 1} has no partner", r"write \} for a brace"
        )
    return found


def count_texts(of: Pattern) -> int:
    """How many texts it makes, each way to pick counted once, in whatever order."""
    return math.prod(_count(part) for part in of if isinstance(part, WildcardChoice))


def all_texts(of: Pattern) -> Iterator[Made]:
    """All texts that it makes, one by one; picks stand in the order in which they were written."""
    options = [[part] if isinstance(part, str) else _AllOf(part) for part in of]
    for made in itertools.product(*options):
        yield _joined(of, made)


def choose_text(of: Pattern, seed: str) -> Made:
    """One of its texts; the same seed gives the same one, on every machine."""
    return _chosen(of, random.Random(seed))


class _AllOf:
    """The texts of a choice, made anew each time that they are gone through."""

    def __init__(self, choice: WildcardChoice) -> None:
        self._choice = choice

    def __iter__(self) -> Iterator[str]:
        choice = self._choice
        for size in range(choice.least, choice.most + 1):
            for some in itertools.combinations(choice.options, size):
                texts = ([text for text, _ in all_texts(option)] for option in some)
                yield from map(choice.joiner.join, itertools.product(*texts))


def _joined(of: Pattern, made: Sequence[str]) -> Made:
    picked = (m for m, part in zip(made, of, strict=True) if isinstance(part, WildcardChoice))
    return "".join(made), tuple(picked)


def _chosen(of: Pattern, dice: random.Random) -> Made:
    return _joined(of, [part if isinstance(part, str) else _picked(part, dice) for part in of])


def _picked(choice: WildcardChoice, dice: random.Random) -> str:
    size = choice.least + int(dice.random() * (choice.most - choice.least + 1))
    left = list(range(len(choice.options)))
    taken = []
    for _ in range(size):
        taken.append(left.pop(_weighed([choice.weights[i] for i in left], dice.random())))
    return choice.joiner.join(_chosen(choice.options[i], dice)[0] for i in sorted(taken))


def _weighed(weights: Sequence[float], at: float) -> int:
    """Which of them is at that place, 0..1, of their sum; all alike where none has any weight."""
    total = sum(weights)
    if not total:
        return int(at * len(weights))
    reached = list(itertools.accumulate(weights))
    hit = (i for i, bar in enumerate(reached) if at * total < bar)
    return next(hit, len(weights) - 1)


def _count(choice: WildcardChoice) -> int:
    """The sum over all sizes of the products of so many options' own counts."""
    ways = [1] + [0] * choice.most
    for option in choice.options:
        own = count_texts(option)
        for size in range(choice.most, 0, -1):
            ways[size] += ways[size - 1] * own
    return sum(ways[choice.least :])


def _sequence(text: str, at: int, depth: int) -> tuple[Pattern, int]:
    """What stands from there to the end of an alternative, or of the text."""
    parts: list[str | WildcardChoice] = []
    while at < len(text) and text[at] != "}" and not (text[at] == "|" and depth):
        if text[at] == "{":
            choice, at = _choice(text, at + 1, depth + 1)
            parts.append(choice)
        else:
            plain = _PLAIN.match(text, at)
            end = plain.end() if plain else at + 1
            parts.append(re.sub(r"\\([{}|$:\\])", r"\1", text[at:end]))
            at = end
    return tuple(parts), at


def _choice(text: str, at: int, depth: int) -> tuple[WildcardChoice, int]:
    if depth > _DEEPEST:
        raise BadInput(f"braces are nested more than {_DEEPEST} deep", "say it in a simpler way")
    begin = at
    picks, joiner, at = _picks(text, at)
    options: list[Pattern] = []
    weights: list[float] = []
    while True:
        weight = _WEIGHT.match(text, at)
        weights.append(float(weight[1]) if weight else 1.0)
        option, at = _sequence(text, weight.end() if weight else at, depth)
        options.append(option)
        if at >= len(text):
            raise BadInput(f"a {{ at character {begin} has no partner", r"write \{ for a brace")
        at += 1
        if text[at - 1] == "}":
            least, most = _bounds(picks, len(options))
            return WildcardChoice(tuple(options), tuple(weights), least, most, joiner), at


def _picks(text: str, at: int) -> tuple[re.Match[str] | None, str, int]:
    picks = _PICKS.match(text, at)
    if not picks:
        return None, ", ", at
    joiner = _JOINER.match(text, picks.end())
    return picks, joiner[1] if joiner else ", ", (joiner or picks).end()


def _bounds(picks: re.Match[str] | None, options: int) -> tuple[int, int]:
    if picks is None:
        return 1, 1
    least = int(picks[1] or 0)
    most = int(picks[3] or picks[4] or (options if picks[2] else least))
    if not least <= most <= options or most < 1:
        raise BadInput(
            f"{{{picks[0]}…}} can't pick so many of {options}", "pick at least 1, at most all"
        )
    return least, most


MOST = 10_000
"""The rows that a sweep may make of one file."""

AXES = ("seed", "size", "style", "profile", "budget")
"""The fields of a row that can be gone through."""

Axes = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """How rows are multiplied.

    With `wildcards`, `{a|b}` in a request is read as alternatives: of each row one is chosen, by
    its own seed (the batch's `seed` where it has none) and its number; with `every`, all are made.
    `axes` are values for fields of the row, of which every combination is made.
    """

    wildcards: bool = False
    every: bool = False
    axes: Axes | None = None
    seed: int = 0
    most: int = MOST

    @classmethod
    def parse(cls, wildcards: bool, matrix: str | None, seed: int = 0) -> Sweep:
        """The sweep that was typed; `matrix` is "all" or values, as in "style=flat; seed=1..4".

        Raises `BadInput`.
        """
        return cls(wildcards, matrix is not None, axes(matrix or ""), seed)


def axes(matrix: str) -> dict[str, tuple[Any, ...]]:
    """The values of "style=flat,pixel art; seed=1..4" by field; none for "" and "all".

    Raises `BadInput` for fields that can't be gone through, and values that can't be used.
    """
    if matrix.strip().casefold() in ("", "all"):
        return {}
    found: dict[str, tuple[Any, ...]] = {}
    for part in filter(str.strip, re.split("[;；]", matrix)):
        name, equals, values = part.partition("=")
        field = field_of(name)
        if field not in AXES or not equals:
            raise BadInput(
                f"can't go through {one_line(part, 40)!r}",
                f"type, for instance, 'style=flat,photo; seed=1..4'; there are {', '.join(AXES)}",
            )
        found[field] = tuple(dict.fromkeys(_values(field, values)))
    return found


def swept(rows: Iterable[BatchRow | BadRow], sweep: Sweep) -> Iterator[BatchRow | BadRow]:
    """The rows that a sweep makes, numbered anew; bad ones pass through.

    Of one row, `cat`, come `cat-1`, `cat-2` …, with the columns "made from" and "chosen". What a
    cell says is data: it can only become words of a request. Raises `BadInput` as soon as more than
    `most` rows would be made of fewer.
    """
    ids, numbers = Ids(), itertools.count(1)
    multiplied = 0
    for row in rows:
        made = [row] if isinstance(row, BadRow) else _of_row(row, sweep, sweep.most - multiplied)
        for one in made:
            number = next(numbers)
            multiplied += bool(sweep.every or sweep.axes)
            yield one if isinstance(one, BadRow) else _unique(replace(one, number=number), ids)


def _of_row(row: BatchRow, sweep: Sweep, room: int) -> Iterator[BatchRow | BadRow]:
    try:
        texts = parse_pattern(row.request) if sweep.wildcards else (row.request,)
    except BadInput as problem:
        yield _bad(row, problem)
        return
    values = sweep.axes or {}
    ways = (count_texts(texts) if sweep.every else 1) * math.prod(map(len, values.values()))
    if (sweep.every or values) and ways > room:
        raise BadInput(
            f"line {row.line} would bring the batch to more than {sweep.most:,} rows",
            "sweep fewer values, or in several batches",
        )
    seed = sweep.seed if row.seed is None else row.seed
    words = all_texts(texts) if sweep.every else [choose_text(texts, f"{seed} {row.number}")]
    pairs = itertools.product(words, itertools.product(*values.values()))
    for place, ((text, picked), some) in enumerate(pairs, 1):
        fields = dict(zip(values, some, strict=True))
        named = [*map(one_line, picked), *(f"{f}={_shown(value)}" for f, value in fields.items())]
        more = {"made from": row.id, "chosen": "; ".join(named)} if named else {}
        ending = f"-{place:0{len(str(ways))}d}" if ways > 1 else ""
        id_ = row.id.encode()[: LONGEST_ID - len(ending)].decode(errors="ignore") + ending
        try:
            request = request_line(text)
        except BadInput as problem:
            yield _bad(row, problem, id_)
            continue
        yield replace(row, id=id_, request=request, columns=row.columns | more, **fields)


def _unique(row: BatchRow, ids: Ids) -> BatchRow | BadRow:
    try:
        ids.add(row.id, row.line)
    except BadInput as problem:
        return _bad(row, problem)
    return row


def _bad(row: BatchRow, problem: BadInput, id_: str = "") -> BadRow:
    return BadRow.of(row.line, problem, id_ or row.id, row.request, row.columns)


def _values(field: str, text: str) -> Iterator[Any]:
    for part in filter(str.strip, re.split("[,，]", text)):
        numbers = re.fullmatch(r"\s*(\d{1,10})\s*\.\.\s*(\d{1,10})\s*", part)
        if not numbers:
            yield value_of(field, part.strip())
            continue
        first, last = int(numbers[1]), int(numbers[2])
        if not first <= last < first + MOST:
            raise BadInput(f"{part.strip()} is no range", f"go up, by fewer than {MOST:,}")
        yield from (value_of(field, str(number)) for number in range(first, last + 1))


def _shown(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
