"""Writes what came of a batch: its manifest, tables, and a report for build servers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

from limner.agent.archive.atomic_io import write_slowly
from limner.agent.batch.columns import field_of
from limner.agent.batch.reading import parquet
from limner.agent.batch.rows import Outcome
from limner.agent.plain import clean, one_line
from limner.errors import BadInput

if TYPE_CHECKING:
    import pyarrow

__all__ = [
    "NAME",
    "Manifest",
    "harmless",
    "tables",
    "write_csv",
    "write_junit",
    "write_parquet",
]

NAME = "manifest.jsonl"
"""What the file is called, in the folder of a batch."""
_LONGEST = 1 << 22  # bytes of a line


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a folder: a line of JSON for each row. Iterating reads it anew.

    However long it is, one line is in memory at a time.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path) -> Manifest:
        """The manifest in a folder, or that file itself. Raises `BadInput` where there is none."""
        path = folder / NAME if folder.is_dir() else folder
        if not path.is_file():
            raise BadInput(f"there is no {NAME} in {folder}", "name the folder of a batch")
        return cls(path)

    def __iter__(self) -> Iterator[Outcome]:
        """Every outcome, in the order of the file; a last line that was cut off is left out.

        Raises `BadInput` for a file that can't be read, and for a line that is no outcome.
        """
        try:
            with self.path.open("rb") as file:
                number = 0
                while line := file.readline(_LONGEST):
                    number += 1
                    if line.endswith(b"\n") and line.strip():
                        yield self._parsed(line, number)
        except OSError as error:
            raise BadInput(f"can't read {self.path}: {error.strerror}") from error

    def rewrite(self, outcomes: Iterable[Outcome]) -> None:
        """Replace all lines at once. Raises `BadInput` when that can't be; then nothing changes."""
        with write_slowly(self.path) as file:
            for outcome in outcomes:
                file.write(outcome.as_json().encode() + b"\n")

    def _parsed(self, line: bytes, number: int) -> Outcome:
        try:
            return Outcome.parse(line)
        except BadInput as problem:
            raise BadInput(f"{self.path}, line {number}: {problem.message}", problem.hint) from None


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, §2.2


def write_junit(outcomes: Iterable[Outcome], path: Path, name: str = "limner") -> Path:
    """Write JUnit's XML and return its path.

    A row that falls short is a failure that names what is missing; a row that broke and a row that
    couldn't be used are errors. Raises `BadInput` when the file can't be saved.
    """
    suite = Xml.Element("testsuite")
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    seconds = 0.0
    for outcome in outcomes:
        counts["tests"] += 1
        counts["failures"] += outcome.status == "short"
        counts["errors"] += outcome.status not in ("done", "short")
        seconds += outcome.seconds
        _case(suite, outcome, name)
    root = Xml.Element("testsuites")
    root.append(suite)
    for element in (root, suite):
        element.attrib["name"] = _xml(one_line(name))
        element.attrib.update({key: str(count) for key, count in counts.items()})
        element.attrib["time"] = f"{seconds:.3f}"
    Xml.indent(root)
    with write_slowly(path) as file:
        Xml.ElementTree(root).write(file, "utf-8", xml_declaration=True)
    return path


def _case(suite: Xml.Element, outcome: Outcome, name: str) -> None:
    id_ = _xml(one_line(outcome.id))
    case = Xml.SubElement(
        suite, "testcase", classname=_xml(one_line(name)), name=id_, time=f"{outcome.seconds:.3f}"
    )
    if reasons := [_xml(one_line(reason, 1_000)) for reason in outcome.reasons]:
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        kind = "failure" if outcome.status == "short" else "error"
        wrong = Xml.SubElement(case, kind, message=reasons[0] + more, type=outcome.status)
        wrong.text = "\n".join(filter(None, [*reasons, _xml(one_line(outcome.hint))]))
    Xml.SubElement(case, "system-out").text = _xml("\n".join(_lines(outcome)))


def _lines(outcome: Outcome) -> Iterator[str]:
    yield from (
        f"{name}: {one_line(value)}"
        for name, value in (
            ("line", str(outcome.line)),
            ("request", outcome.request),
            ("prompt", outcome.prompt),
            ("picture", outcome.picture),
        )
        if value
    )
    yield from map(str, outcome.claims)
    yield from (f"not checked: {one_line(words)}" for words in outcome.words("unchecked"))
    yield from (f"can't be shown: {one_line(words)}" for words in outcome.words("not_shown"))
    yield from map(one_line, outcome.notes)


def _xml(text: str) -> str:
    return _NOT_XML.sub("", text)


def tables(outcomes: Iterable[Outcome], folder: Path) -> list[Path]:
    """Write `manifest.csv`, and `manifest.parquet` where pyarrow is installed.

    The outcomes are gone through several times; a `Manifest` is read each time. Raises `BadInput`
    when a file can't be saved.
    """
    made = [write_csv(outcomes, folder / "manifest.csv")]
    if find_spec("pyarrow"):
        made.append(write_parquet(outcomes, folder / "manifest.parquet"))
    return made


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CSV = (
    "id", "number", "line", "status", "request", "prompt", "picture", "seed", "holds", "claims",
    "all_hold", "reached", "unchecked", "not_shown", "short", "notes", "ended", "spent", "seconds",
    "attempts", "error", "hint", "sha256",
)  # fmt: skip
_SAME = ("id", "request", "seed")  # columns of the input that the table has itself


def write_csv(outcomes: Iterable[Outcome], path: Path) -> Path:
    """Write a table for people and spreadsheets, in UTF-8 with a mark, and return its path.

    No cell begins with what makes a formula of it (OWASP, CSV injection): such a cell has an
    apostrophe before it, and every text has quotation marks around it. The columns of the input
    come last, with "input " before a name that is taken.
    """
    own = list(dict.fromkeys(name for outcome in outcomes for name in outcome.columns))
    own = [name for name in own if field_of(name) not in _SAME]
    with write_slowly(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        sheet = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
        named = [f"input {name}" if name in _CSV else name for name in own]
        sheet.writerow([harmless(name) for name in (*_CSV, *named)])
        for outcome in outcomes:
            cells = [outcome.columns.get(name, "") for name in own]
            sheet.writerow([*_cells(outcome), *map(harmless, cells)])
        text.detach()
    return path


def harmless(text: str) -> str:
    """The text as a cell that is shown and never computed."""
    plain = clean(text)
    return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) else plain


def _cells(outcome: Outcome) -> Iterator[str | int | float]:
    fields = outcome.as_mapping() | {
        "claims": outcome.claims,
        "all_hold": "yes" if outcome.all_hold else "no",
        "reached": "yes" if outcome.verdict.get("reached") is True else "no",
        "unchecked": outcome.words("unchecked"),
        "not_shown": outcome.words("not_shown"),
    }
    for value in (fields[name] for name in _CSV):
        if isinstance(value, tuple):
            value = "; ".join(map(str, value))
        yield value if isinstance(value, int | float) else harmless(str(value or ""))


def write_parquet(outcomes: Iterable[Outcome], path: Path) -> Path:
    """Write a table for programs, with the types of a manifest, and return its path.

    The brief and the verdict are JSON texts, the claims are a list, `columns` is a map. Raises
    `MissingExtra`.
    """
    module = parquet()
    import pyarrow

    schema, remaining = _schema(), iter(outcomes)
    with write_slowly(path) as file, module.ParquetWriter(file, schema) as sheet:
        while some := [_record(outcome) for outcome in islice(remaining, 1_000)]:
            sheet.write_table(pyarrow.Table.from_pylist(some, schema=schema))
    return path


def _record(outcome: Outcome) -> dict[str, Any]:
    fields = outcome.as_mapping()
    texts = {name: json.dumps(fields[name]) for name in ("brief", "verdict")}
    columns = [*outcome.columns.items()]
    record: dict[str, Any] = _whole_letters(fields | texts | {"columns": columns})
    return record


def _whole_letters(value: Any) -> Any:
    """The value without halves of letters, which Parquet can't hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _whole_letters(part) for name, part in value.items()}
    return type(value)(map(_whole_letters, value)) if isinstance(value, list | tuple) else value


def _schema() -> pyarrow.Schema:
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    claim = {"text": text, "kind": text, "probability": pa.float64(), "holds": pa.bool_()}
    kinds = {
        **dict.fromkeys(("number", "line", "holds", "attempts"), pa.int64()),
        **dict.fromkeys(("spent", "seconds"), pa.float64()),
        **dict.fromkeys(("short", "notes"), texts),
        "seed": pa.uint64(),
        "all_hold": pa.bool_(),
        "claims": pa.list_(pa.struct([*claim.items(), ("source", text)])),
        "columns": pa.map_(text, text),
    }
    names = Outcome("", 0, 0, "", "done").as_mapping()
    return pa.schema([(name, kinds.get(name, text)) for name in names])
