"""Reads the rows of a batch from a file of any kind, one after another, whatever is wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

from limner.agent.batch.columns import values_of
from limner.agent.batch.ids import Ids, derived, safe
from limner.agent.batch.reading_parquet import from_parquet
from limner.agent.batch.reading_text import (
    Record,
    from_json_lines,
    from_lines,
    from_table,
    names_columns,
)
from limner.agent.batch.rows import BadRow, Row
from limner.agent.batch.sources import Lines, as_text, opened
from limner.errors import BadInput

__all__ = ["FORMS", "Form", "read"]

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


def read(source: Path, form: Form | None = None) -> Iterator[Row | BadRow]:
    """The rows of a file, in order; `-` is standard input.

    Without a `form`, the file's name tells it, else its beginning. However many rows there are,
    one at a time is in memory, and some 100 bytes for the id of each. A row that can't be used
    comes as `BadRow`, and the others go on. Raises `BadInput` where the file itself can't be read,
    and `MissingExtra`.
    """
    ids = Ids()
    with opened(source) as stream:
        for number, record in enumerate(_records(stream, form or FORMS.get(_ending(source))), 1):
            yield record if isinstance(record, BadRow) else _row(number, record, ids)


def _ending(source: Path) -> str:
    return source.suffix.lower()


def _records(stream: IO[bytes], form: Form | None) -> Iterator[Record | BadRow]:
    start = stream.read(4)
    if form == "parquet" or (form is None and start == b"PAR1"):
        stream.seek(0)
        yield from from_parquet(stream)
        return
    reader = {"csv": from_table, "jsonl": from_json_lines, "lines": from_lines}
    with as_text(stream) as text:
        lines = Lines(text)
        yield from reader[form or _guessed(lines)](lines)


def _guessed(lines: Lines) -> Form:
    """What the first line that says something looks like."""
    sample = [line for line in lines.peek(50) if line.strip()]
    first = sample[0].strip() if sample else ""
    if first.startswith("["):
        raise BadInput("that looks like a JSON array", "write one object a line, without [ and ]")
    if first.startswith('{"') and first.endswith("}"):
        return "jsonl"
    return "csv" if names_columns(sample) else "lines"


def _row(number: int, record: Record, ids: Ids) -> Row | BadRow:
    try:
        fields = values_of(record.cells)
        given = fields.pop("id", "")
        name = safe(given) if given else derived(number, fields["request"])
        ids.claim(name, record.line)
    except BadInput as problem:
        return BadRow.of(record.line, problem)
    return Row(number=number, line=record.line, id=name, **fields)
