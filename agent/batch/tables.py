"""Writes a manifest as tables: CSV that no spreadsheet runs, and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.agent.archive.whole import write_slowly
from limner.agent.batch.reading_parquet import parquet
from limner.agent.batch.rows import Outcome, Seen
from limner.agent.plain import clean

if TYPE_CHECKING:
    import pyarrow

__all__ = ["harmless", "tables", "write_csv", "write_parquet"]

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


def _claim(claim: Seen) -> str:
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
