"""Reads the rows of a batch from a file of any kind and encoding, one after another."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TextIO

from limner.agent.batch.columns import Cells, field_of, row_of
from limner.agent.batch.rows import BadRow, BatchRow, Ids
from limner.agent.plain import first_line, one_line
from limner.errors import BadInput, MissingExtra

__all__ = ["FORMATS", "Format", "decoded", "local_copy", "parquet", "read_rows"]

Format = Literal["csv", "jsonl", "parquet", "lines"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "lines",
}
"""What a file's ending says about what is in it."""

_DELIMITERS = ",;\t|"
_NONE = "\x1f"  # the "delimiter" of a table of one column
_SAMPLE = 20  # lines
_BLOCK = 1 << 18  # bytes
_MOST_LINES, _LONGEST_RECORD = 100, 1 << 16  # lines and characters of a record


def read_rows(source: Path, form: Format | None = None) -> Iterator[BatchRow | BadRow]:
    """The rows of a file, in order; `-` is standard input.

    Without a `form`, the file's name tells it, else its beginning. However many rows there are,
    one at a time is in memory, and some 100 bytes for the id of each. A row that can't be used
    comes as `BadRow`, and the others go on. Raises `BadInput` where the file itself can't be read,
    and `MissingExtra`.
    """
    ids = Ids()
    with local_copy(source) as path, path.open("rb") as stream:
        form = form or FORMATS.get(path.suffix.lower())
        for number, record in enumerate(_records(stream, form), 1):
            yield record if isinstance(record, BadRow) else _row(number, record, ids)


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: Cells


def _row(number: int, record: _Record, ids: Ids) -> BatchRow | BadRow:
    return row_of(number, record.line, record.cells, ids)


def _records(stream: IO[bytes], form: Format | None) -> Iterator[_Record | BadRow]:
    start = stream.read(4)
    if form == "parquet" or (form is None and start == b"PAR1"):
        stream.seek(0)
        yield from _from_parquet(stream)
        return
    readers = {"csv": _from_table, "jsonl": _from_json_lines, "lines": _from_lines}
    with decoded(stream) as text:
        lines = _Lines(text)
        yield from readers[form or _guessed(lines)](lines)


def _guessed(lines: _Lines) -> Format:
    """What the first line that is not blank looks like."""
    sample = [line for line in lines.peek(50) if line.strip()]
    first = sample[0].strip() if sample else ""
    if first.startswith("["):
        raise BadInput("that looks like a JSON array", "write one object a line, without [ and ]")
    if first.startswith('{"') and first.endswith("}"):
        return "jsonl"
    return "csv" if _names_columns(sample, _DELIMITERS + _NONE) else "lines"


def _from_lines(lines: _Lines) -> Iterator[_Record | BadRow]:
    """One request a line; blank lines and those that begin with # are skipped."""
    for number, line in lines.each():
        if isinstance(line, BadRow):
            yield line
        elif line.strip() and not line.lstrip().startswith("#"):
            yield _Record(number, {"request": line.strip()})


def _from_json_lines(lines: _Lines) -> Iterator[_Record | BadRow]:
    """One JSON object a line, or one JSON string, which is the request."""
    for number, line in lines.each():
        if isinstance(line, BadRow):
            yield line
        elif line.strip():
            yield _parsed(number, line)


def _parsed(number: int, line: str) -> _Record | BadRow:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as problem:
        why = getattr(problem, "msg", "it is nested too deep")
        return BadRow(number, one_line(f"not valid JSON: {why}", 200), request=one_line(line, 500))
    if isinstance(value, str):
        return _Record(number, {"request": value})
    if not isinstance(value, Mapping):
        why = 'no JSON object: write {"request": "a cat"}'
        return BadRow(number, why, request=one_line(line, 500))
    return _Record(number, {name: _text(cell) for name, cell in value.items()})


def _text(value: object) -> str:
    """A value of JSON or of a column as the text of a cell; a list with semicolons between."""
    if value is None or value != value:  # not a number: how tables write that there is none
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(map(_text, value))
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if isinstance(value, str) else str(value)


def _from_table(lines: _Lines) -> Iterator[_Record | BadRow]:
    """The rows of a CSV, whatever its delimiter, and however its columns are called.

    Without a line of names it is taken for requests, one a row. Raises `BadInput` for a table in
    which no column is known.
    """
    while (found := lines.peek(1)) and not found[0].strip():
        lines.begin()
        next(lines)
    lines.begin()
    if re.match(r"\ufeff?sep=.\s*$", "".join(lines.peek(1))):  # what Excel writes for itself
        next(lines)
    sample = lines.peek(_SAMPLE)
    delimiter = _delimiter(sample)
    records = _csv_records(lines, delimiter)
    columns = ["request"]
    if _names_columns(sample, delimiter):
        head = next(records)
        if isinstance(head, BadRow):
            raise BadInput(f"the names of the columns can't be read: {head.why}", "mend line 1")
        columns = [name.strip() for name in head[1]]
    for record in records:
        if isinstance(record, BadRow):
            yield record
        elif any(cell.strip() for cell in record[1]):
            yield _table_row(*record, columns, delimiter)


def _csv_records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]] | BadRow]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    while True:
        number = lines.begin()
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except _Unfinished:
            yield BadRow(number, "a quotation mark is opened and never closed, or it is too long")
            lines.skip_one()
        except csv.Error as problem:
            yield BadRow(number, one_line(f"not valid CSV: {problem}", 200))


def _table_row(
    number: int, cells: list[str], columns: list[str], delimiter: str
) -> _Record | BadRow:
    while len(cells) > len(columns) and not cells[-1].strip():
        cells = cells[:-1]
    if len(columns) == 1:
        return _Record(number, {columns[0]: delimiter.join(cells)})
    found = dict(zip(columns, cells, strict=False))
    if len(cells) > len(columns):
        name = "a tab" if delimiter == "\t" else f"a {delimiter}"
        why = f"put quotes around a cell that has {name} in it"
        problem = BadInput(f"{len(cells)} cells, but {len(columns)} columns", why)
        by_field = {field_of(column): cell for column, cell in found.items()}
        id_, request = by_field.get("id", ""), by_field.get("request", "")
        return BadRow.of(number, problem, id_, request, found)
    return _Record(number, found)


def _names_columns(sample: Iterable[str], delimiters: str) -> bool:
    """Whether the first of these lines names columns of a table, a request among them."""
    first = next(iter(sample), "")
    return any("request" in map(field_of, _split(first, each)) for each in delimiters)


def _delimiter(sample: list[str]) -> str:
    """The delimiter under which most columns of the first line are known; else there is none.

    Raises `BadInput` for what looks like a table of which no column is known.
    """
    if not sample:
        return _NONE
    known = {d: sum(map(bool, map(field_of, _split(sample[0], d)))) for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: known[d])
    if known[best] and _names_columns(sample, best):
        return best
    for delimiter in _DELIMITERS:
        counts = {len(_split(line, delimiter)) for line in sample if line.strip()}
        # In a sentence, whatever could be a delimiter has a space behind it.
        dense = re.search(rf"{re.escape(delimiter)}(?! |$)", "".join(sample), re.MULTILINE)
        if counts != {1} and len(counts) == 1 and dense:
            raise _no_request(_split(sample[0], delimiter))
    return _NONE


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _no_request(columns: Iterable[str]) -> BadInput:
    shown = ", ".join(one_line(name, 40) for name in [*columns][:8])
    return BadInput(
        f"no column of the table is called request, prompt or text, but: {shown}",
        "name the columns in the first line, or type --format lines",
    )


def _from_parquet(stream: IO[bytes]) -> Iterator[_Record]:
    """The rows of a Parquet file; their lines are their numbers, 1-based."""
    found = parquet()
    from pyarrow import ArrowException

    number = 0
    try:
        table = found.ParquetFile(stream)
        names = table.schema_arrow.names
        if not any(field_of(name) == "request" for name in names):
            raise _no_request(names)
        for batch in table.iter_batches(batch_size=512):
            for row in batch.to_pylist():
                number += 1
                yield _Record(number, {name: _text(cell) for name, cell in row.items()})
    except (ArrowException, OSError) as problem:
        raise BadInput(f"can't read that Parquet: {first_line(problem)}", "save it anew") from None


def parquet() -> Any:
    """The module `pyarrow.parquet`; raises `MissingExtra`."""
    try:
        from pyarrow import parquet as found
    except ImportError as problem:
        raise MissingExtra(
            "Parquet needs a package that is not installed", "pip install 'limner[parquet]'"
        ) from problem
    return found


class _Unfinished(Exception):
    """A record that is too long, or that goes on to the end of the file."""


class _Lines:
    """The lines of a text, numbered from 1, and a way back to where a record began."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._ahead: list[str] = []
        self._record: list[str] = []
        self._length = 0
        self._number = 0

    def begin(self) -> int:
        """Begin a record; returns the number of its first line."""
        self._record, self._length = [], 0
        return self._number + 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        """The next line. Raises `_Unfinished` where the record that was begun can't end well."""
        line = self._read()
        if not line and not self._record:
            raise StopIteration
        if line:
            self._number += 1
            self._record.append(line)
            self._length += len(line)
        if not line or len(self._record) > _MOST_LINES or self._length >= _LONGEST_RECORD:
            while len(line) == _LONGEST_RECORD and not line.endswith(("\n", "\r")):
                line = self._read()  # of a line of megabytes, no more is kept in memory
            raise _Unfinished
        return line

    def each(self) -> Iterator[tuple[int, str | BadRow]]:
        """Every line as a record of its own, with its number."""
        while True:
            number = self.begin()
            try:
                yield number, next(self)
            except StopIteration:
                return
            except _Unfinished:
                yield number, BadRow(number, "the line is too long")

    def skip_one(self) -> None:
        """Go on with the line after the first of this record."""
        self._ahead += reversed(self._record[1:])
        self._number -= max(len(self._record) - 1, 0)
        self._record = []

    def peek(self, most: int) -> list[str]:
        """Up to so many of the next lines, which stay to be read."""
        found: list[str] = []
        while len(found) < most and (line := self._read()):
            found.append(line)
        self._ahead += reversed(found)
        return found

    def _read(self) -> str:
        return self._ahead.pop() if self._ahead else self._text.readline(_LONGEST_RECORD)


@contextmanager
def local_copy(source: Path) -> Iterator[Path]:
    """The file itself; of `-` (standard input) and of a named pipe, a copy of what they give.

    Raises `BadInput` for what can't be opened.
    """
    try:
        if source.is_file() or source.is_dir():
            yield source
            return
        with tempfile.TemporaryDirectory(prefix="limner-") as folder:
            copy = Path(folder) / ("standard input" if str(source) == "-" else source.name)
            opened = nullcontext(sys.stdin.buffer) if str(source) == "-" else source.open("rb")
            with opened as stream, copy.open("wb") as file:
                shutil.copyfileobj(stream, file, _BLOCK)
            yield copy
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadInput(f"can't read {source}: {reason}", "name a file of requests, or -") from error


@contextmanager
def decoded(stream: IO[bytes]) -> Iterator[TextIO]:
    """The bytes as text in the encoding that they are in; line ends stay as they are.

    UTF-8, and UTF-16 and UTF-32 with a mark or without, are read for certain. Where that is not
    what it is, the encoding is guessed among those of Western Europe, Russia, China, Japan and
    Korea. Of UTF-8 with damaged places these alone are lost: they become lone surrogates. Raises
    `BadInput` for anything else.
    """
    encoding, errors = _encoding(stream)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
    try:
        yield text
    finally:
        text.detach()  # whoever opened the bytes closes them


_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OLDER = ["cp1252", "cp1251", "gb18030", "big5", "shift_jis", "euc_kr"]
_GUESSED_FROM = 1 << 16  # bytes with letters beyond ASCII


def _encoding(stream: IO[bytes]) -> tuple[str, str]:
    stream.seek(0)
    start = stream.read(_GUESSED_FROM)
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding, "surrogateescape" if encoding == "utf-8-sig" else "replace"
    zeros = [start[first::2].count(0) / max(len(start) // 2, 1) for first in (0, 1)]
    if max(zeros) >= 0.3 and min(zeros) <= 0.05:  # every other byte of plain text in UTF-16
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le", "replace"
    good, bad, sample = _utf8(stream)
    if good >= 9 * bad:
        return "utf-8", "surrogateescape"
    runs = re.findall(rb"[\x80-\xff]+", sample)
    if sum(len(run) == 1 for run in runs) > 0.6 * len(runs):  # single letters among ASCII: café
        return "cp1252", "surrogateescape"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_OLDER).best()
    if best is None:
        raise BadInput("that file is no text that can be read", "save it as UTF-8")
    return best.encoding, "surrogateescape"


def _utf8(stream: IO[bytes]) -> tuple[int, int, bytes]:
    """How many letters beyond ASCII are good UTF-8, how many bytes are not, and lines of them."""
    good = bad = 0
    sample = b""
    stream.seek(0)
    while line := stream.readline(_BLOCK):
        if line.isascii():
            continue
        text = line.decode("utf-8", "surrogateescape")
        damaged = sum("\udc80" <= letter <= "\udcff" for letter in text)
        good += sum(letter > "\x7f" for letter in text) - damaged
        bad += damaged
        sample += line if len(sample) < _GUESSED_FROM else b""
    return good, bad, sample
