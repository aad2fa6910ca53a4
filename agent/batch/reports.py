"""What a batch leaves behind: its manifest, tables, and a report for build servers."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import XMLGenerator

from limner.agent.archive.atomic_io import cannot_save, write_slowly
from limner.agent.batch.reading import parquet
from limner.agent.batch.rows import BadRow, CheckedClaim, Outcome
from limner.agent.plain import clean, one_line
from limner.errors import BadInput

if TYPE_CHECKING:
    import pyarrow

    from limner.agent.batch.rows import Status

__all__ = [
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
    """The manifest of a folder, which is read anew each time that it is gone through.

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

    @property
    def folder(self) -> Path:
        """Where the pictures are."""
        return self.path.parent

    def __iter__(self) -> Iterator[Outcome]:
        """Every outcome, in the order of the file.

        A last line without an end is one that was never written whole, and is left out. Raises
        `BadInput` for a file that can't be read, and for a line that is no outcome.
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

    def append(self, outcome: Outcome) -> None:
        """Add one line, whole, and have it on the disk. Raises `BadInput` when that can't be.

        A line that was cut off by a crash is ended first. One process may do this at a time.
        """
        line = outcome.as_json().encode() + b"\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+", buffering=0) as file:
                _drop_half_line(file.fileno())
                os.write(file.fileno(), line)
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_save(self.path, error) from error

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


def _drop_half_line(handle: int) -> None:
    """Cut off what follows the last line end: the start of a line whose writing was cut short."""
    size = os.fstat(handle).st_size
    end = size
    while end > 0:
        start = max(end - 4096, 0)
        at = os.pread(handle, end - start, start).rfind(b"\n")
        if at >= 0:
            end = start + at + 1
            break
        end = start
    if end != size:
        os.ftruncate(handle, end)


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, §2.2
_BROKEN: tuple[Status, ...] = ("failed", "set aside")


def write_junit(
    outcomes: Iterable[Outcome], path: Path, bad: Sequence[BadRow] = (), name: str = "limner"
) -> Path:
    """Write JUnit's XML and return its path; the outcomes are gone through twice.

    A row that falls short is a failure that names what is missing; a row that broke and a row that
    couldn't be used are errors. Raises `BadInput` when the file can't be saved.
    """
    counts = _counts(outcomes, bad) | {"name": name}
    with write_slowly(path) as file:
        xml = _Xml(file)
        xml.startDocument()
        xml.begin("testsuites", **counts)
        xml.begin("testsuite", **counts)
        for outcome in outcomes:
            _case(xml, outcome, name)
        for row in bad:
            xml.begin("testcase", classname=name, name=f"line {row.line}", time="0")
            xml.element("error", "", message=row.why, type="bad row")
            xml.end("testcase")
        xml.end("testsuite")
        xml.end("testsuites")
        xml.endDocument()
    return path


class _Xml(XMLGenerator):
    """Elements whose text and attributes hold only what XML 1.0 allows."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, "utf-8", short_empty_elements=True)

    def begin(self, tag: str, **attributes: str) -> None:
        shown = {name: _allowed(one_line(value, 1_000)) for name, value in attributes.items()}
        self.startElement(tag, shown)  # type: ignore[arg-type]  # any mapping will do

    def end(self, tag: str) -> None:
        self.endElement(tag)
        self.ignorableWhitespace("\n")

    def element(self, tag: str, text: str, **attributes: str) -> None:
        self.begin(tag, **attributes)
        self.characters(_allowed(clean(text)))
        self.end(tag)


def _case(xml: _Xml, outcome: Outcome, suite: str) -> None:
    xml.begin("testcase", classname=suite, name=outcome.id, time=f"{outcome.seconds:.3f}")
    if outcome.status == "short":
        missing = list(outcome.short) or [_told(c) for c in outcome.asked if not c.holds]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        message = (missing or ["it falls short"])[0] + more
        xml.element("failure", "\n".join(missing), message=message, type="short")
    if outcome.status in _BROKEN:
        hint = f"\n{outcome.hint}" if outcome.hint else ""
        xml.element(
            "error", outcome.error + hint, message=outcome.error or outcome.status, type="broken"
        )
    xml.element("system-out", "\n".join(_lines(outcome)))
    xml.end("testcase")


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"request: {one_line(outcome.request)}"
    if outcome.prompt:
        yield f"prompt: {one_line(outcome.prompt)}"
    if outcome.picture:
        yield f"picture: {one_line(outcome.picture)}"
    yield from map(_told, outcome.asked)
    yield from (f"not checked: {one_line(words)}" for words in outcome.words("unchecked"))
    yield from (f"can't be shown: {one_line(words)}" for words in outcome.words("not_shown"))
    own = (claim for claim in outcome.claims if not claim.decides)
    yield from (f"added by the writer: {_told(claim)}" for claim in own)


def _told(claim: CheckedClaim) -> str:
    seen = "not checked" if claim.probability is None else f"{100 * claim.probability:.1f} %"
    mark = {True: "holds", False: "does not hold", None: "open"}[claim.holds]
    return f"{mark}: {one_line(claim.text)} ({seen})"


def _counts(outcomes: Iterable[Outcome], bad: Sequence[BadRow]) -> dict[str, str]:
    tests, failures, errors, seconds = len(bad), 0, len(bad), 0.0
    for outcome in outcomes:
        tests += 1
        failures += outcome.status == "short"
        errors += outcome.status in _BROKEN
        seconds += outcome.seconds
    counted = {"tests": tests, "failures": failures, "errors": errors, "skipped": 0}
    return {name: str(count) for name, count in counted.items()} | {"time": f"{seconds:.3f}"}


def _allowed(text: str) -> str:
    return _NOT_XML.sub("", text)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ROWS = 1_000
_NUMBERS = ("number", "line", "holds", "attempts")
_FRACTIONS = ("spent", "seconds")
_TEXTS = ("id", "request", "status", "picture", "sha256", "prompt", "ended", "error", "hint")


def tables(outcomes: Iterable[Outcome], folder: Path) -> list[Path]:
    """Write `manifest.csv`, and `manifest.parquet` where pyarrow is installed.

    The outcomes are gone through several times; a `Manifest` is read each time. Raises `BadInput`
    when a file can't be saved.
    """
    made = [write_csv(outcomes, folder / "manifest.csv")]
    if find_spec("pyarrow"):
        made.append(write_parquet(outcomes, folder / "manifest.parquet"))
    return made


def write_csv(outcomes: Iterable[Outcome], path: Path) -> Path:
    """Write a table for people and spreadsheets, in UTF-8 with a mark, and return its path.

    No cell begins with what makes a formula of it (OWASP, CSV injection): such a cell has an
    apostrophe before it, and every text has quotation marks around it. The columns that limner did
    not know come last, under their own names, with "more " before those that it has itself.
    """
    own = _more(outcomes)
    with write_slowly(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        sheet = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
        named = [f"more {name}" if name in _CSV else name for name in own]
        sheet.writerow([harmless(name) for name in (*_CSV, *named)])
        for outcome in outcomes:
            cells = _cells(outcome)
            sheet.writerow([*(cells[name] for name in _CSV), *_own(outcome, own)])
        text.detach()
    return path


def harmless(text: str) -> str:
    """The text as a cell that is shown and never computed."""
    plain = clean(text)
    return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) else plain


def write_parquet(outcomes: Iterable[Outcome], path: Path) -> Path:
    """Write a table for programs, with the types of a manifest, and return its path.

    The brief and the verdict are JSON texts, the claims are a list, `more` is a map. Raises
    `MissingExtra`.
    """
    written = parquet()
    import pyarrow

    schema = _schema()
    with write_slowly(path) as file, written.ParquetWriter(file, schema) as sheet:
        for some in _batches(outcomes):
            sheet.write_table(pyarrow.Table.from_pylist([*map(_record, some)], schema=schema))
    return path


_CSV = (
    "id", "number", "line", "status", "request", "prompt", "picture", "seed", "holds", "claims",
    "all_hold", "reached", "unchecked", "not_shown", "short", "ended", "spent", "seconds",
    "attempts", "error", "hint", "sha256",
)  # fmt: skip


def _cells(outcome: Outcome) -> dict[str, str | int | float]:
    fields = outcome.as_mapping()
    fields["claims"] = "; ".join(map(_claim, outcome.claims))
    fields["short"] = "; ".join(outcome.short)
    fields["all_hold"] = "yes" if outcome.all_hold else "no"
    fields["reached"] = "yes" if outcome.verdict.get("reached") is True else "no"
    fields |= {key: "; ".join(outcome.words(key)) for key in ("unchecked", "not_shown")}
    return {name: _cell(fields[name]) for name in _CSV}


def _cell(value: Any) -> str | int | float:
    return value if isinstance(value, int | float) else harmless(str(value or ""))


def _claim(claim: CheckedClaim) -> str:
    text = claim.text if claim.decides else f"{claim.text} (added by the writer)"
    if claim.probability is None:
        return f"? {text}"
    return f"{'✓' if claim.holds else '✗'} {text} ({claim.probability:.0%})"


def _more(outcomes: Iterable[Outcome]) -> list[str]:
    return list(dict.fromkeys(name for outcome in outcomes for name in outcome.more))


def _own(outcome: Outcome, names: list[str]) -> Iterator[str]:
    return (harmless(outcome.more.get(name, "")) for name in names)


def _record(outcome: Outcome) -> dict[str, Any]:
    fields = outcome.as_mapping()
    texts = {name: json.dumps(fields[name]) for name in ("brief", "verdict")}
    whole = fields | texts | {"more": list(outcome.more.items())}
    found: dict[str, Any] = _whole_text(whole)
    return found


def _whole_text(value: Any) -> Any:
    """The value without halves of letters, which Parquet can't hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _whole_text(part) for name, part in value.items()}
    return type(value)(map(_whole_text, value)) if isinstance(value, list | tuple) else value


def _schema() -> pyarrow.Schema:
    import pyarrow as pa

    text = pa.string()
    claim = [("text", text), ("kind", text), ("probability", pa.float64()), ("holds", pa.bool_())]
    claim.append(("source", text))
    kinds = {
        **dict.fromkeys(_TEXTS, text),
        **dict.fromkeys(_NUMBERS, pa.int64()),
        **dict.fromkeys(_FRACTIONS, pa.float64()),
        "seed": pa.uint64(),
        "all_hold": pa.bool_(),
        "brief": text,
        "verdict": text,
        "claims": pa.list_(pa.struct(claim)),
        "short": pa.list_(text),
        "more": pa.map_(text, text),
    }
    return pa.schema([(name, kinds[name]) for name in Outcome("", 0, 0, "", "done").as_mapping()])


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    remaining = iter(outcomes)
    while some := list(islice(remaining, _ROWS)):
        yield some
