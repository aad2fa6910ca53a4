"""Reads the rows of a batch from a file of any kind, one after another, whatever is wrong in it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from limner.agent.batch.columns import Cells, field_of, values_of
from limner.agent.batch.ingest import Ids, derived, safe
from limner.agent.batch.rows import BadRow, BatchRow
from limner.agent.batch.sources import TextSource, Unfinished, as_text, opened
from limner.agent.plain import first_line, one_line
from limner.errors import BadInput, MissingExtra

__all__ = [
    "FORMS",
    "Form",
    "Record",
    "from_json_lines",
    "from_lines",
    "from_parquet",
    "from_table",
    "names_columns",
    "parquet",
    "read",
]


_DELIMITERS = ",;\t|"
_NONE = "\x1f"  # the "delimiter" of a table of one column
_SAMPLE = 20  # lines


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one row, and the line where it begins."""

    line: int
    cells: Cells


def from_lines(lines: TextSource) -> Iterator[Record | BadRow]:
    """One request a line; blank lines and those that begin with # are skipped."""
    for number, line in _each(lines):
        if isinstance(line, BadRow):
            yield line
        elif line.strip() and not line.lstrip().startswith("#"):
            yield Record(number, {"request": line})


def from_json_lines(lines: TextSource) -> Iterator[Record | BadRow]:
    """One JSON object a line, or one JSON string, which is the request."""
    for number, line in _each(lines):
        if isinstance(line, BadRow):
            yield line
        elif line.strip():
            yield _parsed(number, line)


def from_table(lines: TextSource) -> Iterator[Record | BadRow]:
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


def _each(lines: TextSource) -> Iterator[tuple[int, str | BadRow]]:
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


def _skip_blank(lines: TextSource) -> None:
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


def _records(lines: TextSource, delimiter: str) -> Iterator[tuple[int, list[str]] | BadRow]:
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


_ROWS = 512


def from_parquet(stream: IO[bytes]) -> Iterator[Record]:
    """The rows of a Parquet file; their lines are their numbers, 1-based.

    Raises `BadInput` for a file that is none or has no column of requests, and `MissingExtra`.
    """
    pyarrow = parquet()
    from pyarrow import ArrowException

    number = 0
    try:
        table = pyarrow.ParquetFile(stream)
        names = [name for name in table.schema_arrow.names]
        if not any(field_of(name) == "request" for name in names):
            shown = ", ".join(one_line(name, 40) for name in names[:8])
            raise BadInput(f"no column is called request, but: {shown}", "name one request")
        for batch in table.iter_batches(batch_size=_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield Record(number, {name: text_of(cell) for name, cell in cells.items()})
    except (ArrowException, OSError, ValueError) as problem:  # some of pyarrow's are only these
        raise BadInput(
            f"that Parquet file can't be read: {first_line(problem)}", "write it anew, or as CSV"
        ) from None


def parquet() -> Any:
    """pyarrow's Parquet; raises `MissingExtra` where it is not installed."""
    try:
        from pyarrow import parquet as found
    except ImportError as problem:
        raise MissingExtra(
            "Parquet needs a package that is not installed", "pip install 'limner[parquet]'"
        ) from problem
    return found


Form = Literal["csv", "jsonl", "parquet", "lines"]

FORMS: dict[str, Form] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "lines",
}
"""What a file's name says about what is in it."""


def read(source: Path, form: Form | None = None) -> Iterator[BatchRow | BadRow]:
    """The rows of a file, in order; `-` is standard input.

    Without a `form`, the file's name tells it, else its beginning. However many rows there are,
    one at a time is in memory, and some 100 bytes for the id of each. A row that can't be used
    comes as `BadRow`, and the others go on. Raises `BadInput` where the file itself can't be read,
    and `MissingExtra`.
    """
    ids = Ids()
    with opened(source) as stream:
        for number, record in enumerate(
            _records_reading(stream, form or FORMS.get(_ending(source))), 1
        ):
            yield record if isinstance(record, BadRow) else _row_reading(number, record, ids)


def _ending(source: Path) -> str:
    return source.suffix.lower()


def _records_reading(stream: IO[bytes], form: Form | None) -> Iterator[Record | BadRow]:
    start = stream.read(4)
    if form == "parquet" or (form is None and start == b"PAR1"):
        stream.seek(0)
        yield from from_parquet(stream)
        return
    reader = {"csv": from_table, "jsonl": from_json_lines, "lines": from_lines}
    with as_text(stream) as text:
        lines = TextSource(text)
        yield from reader[form or _guessed(lines)](lines)


def _guessed(lines: TextSource) -> Form:
    """What the first line that says something looks like."""
    sample = [line for line in lines.peek(50) if line.strip()]
    first = sample[0].strip() if sample else ""
    if first.startswith("["):
        raise BadInput("that looks like a JSON array", "write one object a line, without [ and ]")
    if first.startswith('{"') and first.endswith("}"):
        return "jsonl"
    return "csv" if names_columns(sample) else "lines"


def _row_reading(number: int, record: Record, ids: Ids) -> BatchRow | BadRow:
    try:
        fields = values_of(record.cells)
        given = fields.pop("id", "")
        name = safe(given) if given else derived(number, fields["request"])
        ids.claim(name, record.line)
    except BadInput as problem:
        return BadRow.of(record.line, problem)
    return BatchRow(number=number, line=record.line, id=name, **fields)
