"""Makes several rows of one: alternatives in its request, and values gone through one by one."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from limner.agent.batch.columns import field_of, value_of
from limner.agent.batch.ids import LONGEST, Ids
from limner.agent.batch.rows import BadRow, Row
from limner.agent.batch.wildcards import chosen, count, every, pattern
from limner.agent.plain import one_line, request_line
from limner.errors import BadInput

__all__ = ["AXES", "MOST", "Sweep", "axes", "swept"]

MOST = 10_000
"""The rows that a sweep may make of one file."""

AXES = ("seed", "size", "style", "profile", "budget")
"""The fields of a row that can be gone through."""

Axes = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """How rows are multiplied.

    With `wildcards`, `{a|b}` in a request is read as alternatives: of each row one is chosen, by
    its own seed (the batch's `seed` where it has none) and its number, or, with `every`, all are
    made. `axes` are values for fields of the row, of which every combination is made.
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


def swept(rows: Iterable[Row | BadRow], sweep: Sweep) -> Iterator[Row | BadRow]:
    """The rows that a sweep makes, numbered anew; bad ones pass through.

    Of one row, `cat`, come `cat-1`, `cat-2` …, each with where it is from and what was chosen in
    `more`. What a cell says is data: it can only become words of a request. Raises `BadInput` as
    soon as more than `most` rows would be made of fewer.
    """
    ids, numbers = Ids(), itertools.count(1)
    multiplied = 0
    for row in rows:
        made = [row] if isinstance(row, BadRow) else _of_row(row, sweep, sweep.most - multiplied)
        for one in made:
            number = next(numbers)
            multiplied += bool(sweep.every or sweep.axes)
            yield one if isinstance(one, BadRow) else _named(replace(one, number=number), ids)


def _of_row(row: Row, sweep: Sweep, room: int) -> Iterator[Row | BadRow]:
    try:
        texts = pattern(row.request) if sweep.wildcards else (row.request,)
    except BadInput as problem:
        return iter([BadRow.of(row.line, problem)])
    values = sweep.axes or {}
    ways = (count(texts) if sweep.every else 1) * math.prod(map(len, values.values()))
    if (sweep.every or values) and ways > room:
        raise BadInput(
            f"line {row.line} would bring the batch to more than {sweep.most:,} rows",
            "sweep fewer values, or in several batches",
        )
    if sweep.every:
        words = every(texts)
    else:
        seed = sweep.seed if row.seed is None else row.seed
        words = iter([chosen(texts, f"{seed} {row.number}")])
    pairs = itertools.product(words, itertools.product(*values.values()))
    return _made(row, ways, pairs, tuple(values))


def _made(
    row: Row,
    ways: int,
    pairs: Iterator[tuple[tuple[str, tuple[str, ...]], tuple[Any, ...]]],
    fields: tuple[str, ...],
) -> Iterator[Row | BadRow]:
    for place, ((text, picked), values) in enumerate(pairs, 1):
        name = _numbered(row.id, f"-{place:0{len(str(ways))}d}") if ways > 1 else row.id
        said = dict(zip(fields, values, strict=True))
        told = [*map(one_line, picked), *(f"{f}={_shown(value)}" for f, value in said.items())]
        more = {"made from": row.id, "chosen": "; ".join(told)} if told else {}
        try:
            request = request_line(text)
        except BadInput as problem:
            yield BadRow.of(row.line, problem)
            continue
        yield replace(row, id=name, request=request, more=row.more | more, **said)


def _named(row: Row, ids: Ids) -> Row | BadRow:
    try:
        ids.claim(row.id, row.line)
    except BadInput as problem:
        return BadRow.of(row.line, problem)
    return row


def _numbered(name: str, ending: str) -> str:
    return name.encode()[: LONGEST - len(ending)].decode(errors="ignore") + ending


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
