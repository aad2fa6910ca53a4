"""Reads requests from text, record by record: plain lines, JSON lines, and tables like CSV."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from limner.agent.batch.columns import Cells, field_of
from limner.agent.batch.rows import BadRow
from limner.agent.batch.sources import Lines, Unfinished
from limner.agent.plain import one_line
from limner.errors import BadInput

__all__ = ["Record", "from_json_lines", "from_lines", "from_table", "names_columns"]

_DELIMITERS = ",;\t|"
_NONE = "\x1f"  # the "delimiter" of a table of one column
_SAMPLE = 20  # lines


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one row, and the line where it begins."""

    line: int
    cells: Cells


def from_lines(lines: Lines) -> Iterator[Record | BadRow]:
    """One request a line; blank lines and those that begin with # are skipped."""
    for number, line in _each(lines):
        if isinstance(line, BadRow):
            yield line
        elif line.strip() and not line.lstrip().startswith("#"):
            yield Record(number, {"request": line})


def from_json_lines(lines: Lines) -> Iterator[Record | BadRow]:
    """One JSON object a line, or one JSON string, which is the request."""
    for number, line in _each(lines):
        if isinstance(line, BadRow):
            yield line
        elif line.strip():
            yield _parsed(number, line)


def from_table(lines: Lines) -> Iterator[Record | BadRow]:
    """The rows of a CSV, whatever stands between its cells, and however its columns are called.

    Without a line of names it is taken for requests, one a row. Raises `BadInput` for a table in
    which no column is known.
    """
    _skip_blank(lines)
    if re.match(r"\ufeff?sep=.\s*$", "".join(lines.peek(1))):  # what Excel writes for itself
        next(lines)
    sample = lines.peek(_SAMPLE)
    delimiter = _delimiter(sample)
    records = _records(lines, delimiter)
    columns = ["request"]
    if names_columns(sample, delimiter):
        columns = _columns(next(records))
    for record in records:
        if isinstance(record, BadRow):
            yield record
        elif any(cell.strip() for cell in record[1]):
            yield _row(*record, columns, delimiter)


def names_columns(sample: Iterable[str], delimiter: str = "") -> bool:
    """Whether the first of these lines names columns of a table, a request among them."""
    first = next(iter(sample), "")
    tried = delimiter or _DELIMITERS + _NONE
    return any("request" in map(field_of, _split(first, each)) for each in tried)


def _each(lines: Lines) -> Iterator[tuple[int, str | BadRow]]:
    while True:
        number = lines.begin()
        try:
            yield number, next(lines)
        except StopIteration:
            return
        except Unfinished:
            yield number, BadRow(number, "the line is too long")


def _parsed(number: int, line: str) -> Record | BadRow:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as problem:
        why = getattr(problem, "msg", "it goes too deep")
        return BadRow(number, one_line(f"not valid JSON: {why}", 200))
    if isinstance(value, str):
        return Record(number, {"request": value})
    if not isinstance(value, Mapping):
        return BadRow(number, 'no JSON object: write {"request": "a cat"}')
    return Record(number, {name: text_of(cell) for name, cell in value.items()})


def text_of(value: object) -> str:
    """A value of JSON or of a column as the text of a cell; a list with semicolons between."""
    if value is None or value != value:  # not a number: how tables write that there is none
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(map(text_of, value))
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if isinstance(value, str) else str(value)


def _skip_blank(lines: Lines) -> None:
    while (found := lines.peek(1)) and not found[0].strip():
        lines.begin()
        next(lines)
    lines.begin()


def _delimiter(sample: list[str]) -> str:
    """The delimiter under which most columns of the first line are known; else there is none.

    Raises `BadInput` for what looks like a table of which no column is known.
    """
    if not sample:
        return _NONE
    known = {d: sum(map(bool, map(field_of, _split(sample[0], d)))) for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: known[d])
    if known[best] and names_columns(sample, best):
        return best
    for delimiter in _DELIMITERS:
        counts = {len(_split(line, delimiter)) for line in sample if line.strip()}
        if counts != {1} and len(counts) == 1 and not _is_prose(sample, delimiter):
            raise _no_request(_split(sample[0], delimiter))
    return _NONE


def _is_prose(sample: list[str], delimiter: str) -> bool:
    """Whether what could part cells is followed by a space everywhere, as in a sentence."""
    return not re.search(rf"{re.escape(delimiter)}(?! |$)", "".join(sample), re.MULTILINE)


def _no_request(columns: list[str]) -> BadInput:
    shown = ", ".join(one_line(name, 40) for name in columns[:8])
    return BadInput(
        f"no column of the table is called request, prompt or text, but: {shown}",
        "name the columns in the first line, or type --format lines",
    )


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _records(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str]] | BadRow]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    while True:
        number = lines.begin()
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except Unfinished:
            yield BadRow(number, "a quotation mark is opened and never closed, or it is too long")
            lines.abandon()
        except csv.Error as problem:
            yield BadRow(number, one_line(f"not valid CSV: {problem}", 200))


def _columns(record: tuple[int, list[str]] | BadRow) -> list[str]:
    if isinstance(record, BadRow):
        raise BadInput(f"the names of the columns can't be read: {record.why}", "mend line 1")
    return [name.strip() for name in record[1]]


def _row(number: int, cells: list[str], columns: list[str], delimiter: str) -> Record | BadRow:
    while len(cells) > len(columns) and not cells[-1].strip():
        cells = cells[:-1]
    if len(columns) == 1:
        return Record(number, {columns[0]: delimiter.join(cells)})
    if len(cells) > len(columns):
        why = f"{len(cells)} cells, but {len(columns)} columns: put quotes around a cell that has"
        return BadRow(number, f"{why} {_named(delimiter)} in it")
    return Record(number, dict(zip(columns, cells, strict=False)))


def _named(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else f"a {delimiter}"
