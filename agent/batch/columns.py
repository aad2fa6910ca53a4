"""Reads the cells of one row: which column means what, and what each may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from limner.agent.batch.config import probability, requirement
from limner.agent.batch.rows import BadRow, BatchRow, Ids, default_id, safe_id
from limner.agent.plain import clean, one_line, request_line
from limner.agent.search.run import pixels
from limner.agent.tools.arguments import argument_value
from limner.configs import known
from limner.errors import BadInput

__all__ = ["COLUMNS", "Cells", "field_of", "likely_field", "row_of", "sorted_cells", "value_of"]

Cells = Mapping[str, str]
"""A row as its file has it: the text of each column, by the column's own name."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "request": ("request", "prompt", "text", "caption", "wish", "请求", "提示词", "描述"),
    "id": ("id", "identifier", "key", "编号"),
    "seed": ("seed", "种子"),
    "size": ("size", "resolution", "dimensions", "尺寸"),
    "style": ("style", "风格"),
    "profile": ("profile",),
    "budget": ("budget", "预算"),
    "negative": ("negative", "negative prompt", "avoid", "负面提示词", "反向提示词"),
    "locked": ("locked", "lock", "keep"),
    "require": ("require", "requires", "required"),
    "least": ("min", "minimum", "least"),
}
"""What a column can be called, in any case and with - or _ for a space; the first name wins."""

_MOST_LOCKED = 20
_MOST_COLUMNS, _LONGEST_CELL = 64, 4_000


def field_of(column: str) -> str:
    """The field of a row that a column of this name fills, or ""."""
    return _fields().get(_folded(column), "")


def likely_field(column: str) -> str:
    """The known column that this unknown one may be a slip of: "negatve" → "negative"; or ""."""
    near = get_close_matches(_folded(column), _fields(), n=1, cutoff=0.85)
    return near[0] if near and not field_of(column) else ""


def row_of(number: int, line: int, cells: Cells, ids: Ids) -> BatchRow | BadRow:
    """The row of these cells; nothing that a cell says is a path or opens anything."""
    own, columns = sorted_cells(cells)
    try:
        for name, text in cells.items():
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                raise BadInput(
                    f"{one_line(name, 100)} has bytes that are no text", "save the file as UTF-8"
                )
        request = request_line(own.get("request", ""))
        fields = {
            field: value_of(field, text)
            for field, text in own.items()
            if field not in ("request", "id")
        }
        name = safe_id(own["id"]) if "id" in own else default_id(number, request)
        ids.add(name, line)
    except BadInput as problem:
        return BadRow.of(line, problem, own.get("id", ""), own.get("request", ""), columns)
    return BatchRow(number, line, name, request, **fields, columns=columns, named="id" in own)


def value_of(field: str, text: str) -> Any:
    """What a cell says of a field of `COLUMNS`. Raises `BadInput` where that can't be."""
    return _READ[field](text)


def sorted_cells(cells: Cells) -> tuple[dict[str, str], dict[str, str]]:
    """The cells by field, those that are not empty; and all cells by their columns' own names."""
    columns: dict[str, str] = {}
    for column in sorted(cells, key=_rank):
        columns.setdefault(field_of(column), column)
    own = {field: cells[columns[field]].strip() for field in COLUMNS if field in columns}
    every = [(one_line(column, 100), text) for column, text in cells.items()][:_MOST_COLUMNS]
    kept = {name: clean(text)[:_LONGEST_CELL] for name, text in every if name}
    return {field: text for field, text in own.items() if text}, kept


def _rank(column: str) -> int:
    names = COLUMNS.get(field_of(column), ())
    return names.index(_folded(column)) if names else 0


@cache
def _fields() -> dict[str, str]:
    return {name: field for field, names in COLUMNS.items() for name in names}


def _folded(column: str) -> str:
    return " ".join(re.sub(r"[-_\s]+", " ", one_line(column)).split()).casefold()


def _argument(name: str) -> Callable[[str], Any]:
    """Reads what every door takes under this name, however a spreadsheet writes it: 7, 7.0."""

    def read(text: str) -> Any:
        try:
            return argument_value(name, one_line(unicodedata.normalize("NFKC", text)))
        except BadInput as problem:
            why = problem.message.removeprefix(f"{name} ")
            raise BadInput(f"{one_line(text, 40)!r} is no {name}", f"it {why}") from None

    return read


def _profile(text: str) -> str:
    """One of limner's own: a row does not choose which file is opened."""
    if text not in known():
        raise BadInput(f"{one_line(text, 40)!r} is no profile", f"there are {', '.join(known())}")
    return text


def _locked(text: str) -> tuple[str, ...]:
    parts: Iterable[str] = map(one_line, re.split("[;；]", text))
    found = tuple(dict.fromkeys(part for part in parts if part))
    if len(found) > _MOST_LOCKED or any(len(part) > 200 for part in found):
        raise BadInput(
            f"{one_line(text, 40)!r} is too long",
            f"lock at most {_MOST_LOCKED} short parts with semicolons between",
        )
    return found


_READ: dict[str, Callable[[str], Any]] = {
    "seed": _argument("seed"),
    "size": lambda text: pixels(text, "a size like 128x128"),
    "style": _argument("style"),
    "profile": _profile,
    "budget": _argument("budget"),
    "negative": _argument("negative"),
    "locked": _locked,
    "require": requirement,
    "least": probability,
}
