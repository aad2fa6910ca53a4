"""Reads the cells of one row: which column means what, and what each may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from limner.agent.batch.config import checked, share
from limner.agent.plain import clean, one_line, request_line
from limner.agent.tools.arguments import pixels
from limner.configs import known
from limner.errors import BadInput

__all__ = ["COLUMNS", "Cells", "field_of", "value_of", "values_of"]

Cells = Mapping[str, str]
"""A row as its file has it: what stands in each column, by the column's own name."""

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

_LARGEST_SEED, _LONGEST_SIDE = 2**32 - 1, 8_192
_MOST_LOCKED, _LONGEST_WORDS = 20, 1_000
_MOST_MORE, _LONGEST_MORE = 50, 2_000


def field_of(column: str) -> str:
    """The field of a row that a column of this name fills, or ""."""
    return _fields().get(_plain(column), "")


def values_of(cells: Cells) -> dict[str, Any]:
    """The fields of a `Row` that its cells fill, all but its number, its line and its id's default.

    Raises `BadInput` with what is wrong with the first cell that can't be used. What a cell says is
    never a path and opens nothing.
    """
    mine, more = _sorted(cells)
    broken = next((name for name, text in cells.items() if _is_broken(text)), None)
    if broken is not None:
        raise BadInput(f"{_shown(broken)} has bytes that are no text", "save the file as UTF-8")
    found: dict[str, Any] = {"request": request_line(mine.pop("request", ""))}
    found |= {field: value_of(field, text) for field, text in mine.items()}
    return found | {"more": more}


def value_of(field: str, text: str) -> Any:
    """What a cell says of a field of `COLUMNS`. Raises `BadInput` where that can't be."""
    try:
        return _READ[field](text)
    except ValueError:
        raise BadInput(f"{one_line(text, 40)!r} is no {field}", _EXAMPLES[field]) from None


def _sorted(cells: Cells) -> tuple[dict[str, str], dict[str, str]]:
    """The cells by field, those that say something; and the others by their own names."""
    called: dict[str, str] = {}
    for column in sorted(cells, key=_rank):
        called.setdefault(field_of(column), column)
    mine = {field: cells[called[field]].strip() for field in COLUMNS if field in called}
    ours = {column for field, column in called.items() if field}
    more = [(_shown(column), text) for column, text in cells.items() if column not in ours]
    kept = {name: clean(text)[:_LONGEST_MORE] for name, text in more[:_MOST_MORE] if name}
    return {field: text for field, text in mine.items() if text}, kept


def _rank(column: str) -> int:
    names = COLUMNS.get(field_of(column), ())
    return names.index(_plain(column)) if names else 0


@cache
def _fields() -> dict[str, str]:
    return {name: field for field, names in COLUMNS.items() for name in names}


def _plain(column: str) -> str:
    return " ".join(re.sub(r"[-_\s]+", " ", one_line(column)).split()).casefold()


def _shown(column: str) -> str:
    return one_line(column, 100)


def _is_broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _seed(text: str) -> int:
    number = _whole(text)
    if not 0 <= number <= _LARGEST_SEED:
        raise ValueError
    return number


def _whole(text: str) -> int:
    """The number, however a spreadsheet writes it: 7, 7.0."""
    found = re.fullmatch(r"(\d{1,20})(?:\.0{1,9})?", unicodedata.normalize("NFKC", text))
    if not found:
        raise ValueError
    return int(found[1])


def _size(text: str) -> tuple[int, int]:
    size = pixels(text, "a size like 128x128")
    if size is None or not all(1 <= side <= _LONGEST_SIDE for side in size):
        raise ValueError
    return size


def _budget(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise ValueError
    return number


def _profile(text: str) -> str:
    """One of limner's own: a row is not to choose which file is opened."""
    if text not in known():
        raise ValueError
    return text


def _name(text: str) -> str:
    line = one_line(text)
    if len(line) > 60:
        raise ValueError
    return line


def _words(text: str) -> str:
    line = one_line(text)
    if len(line) > _LONGEST_WORDS:
        raise ValueError
    return line


def _locked(text: str) -> tuple[str, ...]:
    parts: Iterable[str] = map(one_line, re.split("[;；]", text))
    found = tuple(dict.fromkeys(part for part in parts if part))
    if len(found) > _MOST_LOCKED or any(len(part) > 200 for part in found):
        raise ValueError
    return found


_READ: dict[str, Callable[[str], Any]] = {
    "id": str,
    "seed": _seed,
    "size": _size,
    "style": _name,
    "profile": _profile,
    "budget": _budget,
    "negative": _words,
    "locked": _locked,
    "require": checked,
    "least": share,
}
_EXAMPLES = {
    "seed": "write a whole number from 0 to 4,294,967,295",
    "size": f"write width x height in pixels, each 1 to {_LONGEST_SIDE:,}, as 128x128",
    "style": "write the name of a style",
    "profile": "write the name of one of limner's own profiles",
    "budget": "write a number above 0, as 4",
    "negative": f"write at most {_LONGEST_WORDS:,} characters",
    "locked": f"write at most {_MOST_LOCKED} short parts with semicolons between",
    "least": "write a probability from 0 to 1, as 0.8",
}
