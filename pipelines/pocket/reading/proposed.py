"""Reads what the small language model proposes for a line that the rules can't read.

Measured on such lines, the model is right about things that no table knows ("add a zeppelin");
what else it makes of them is mostly guessed. So only those things count.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from limner.pipelines.pocket.reading.claims import ClaimReply, row
from limner.pipelines.pocket.reading.lexicon import lexicon
from limner.pipelines.pocket.reading.steering import names_nothing

__all__ = ["proposed_call", "proposed_rows"]

Cells = Sequence[Any]
_CELLS = 5  # of a row: kind, subject, value, object, quote
_MOST = 100


def proposed_rows(answer: str, line: str) -> list[ClaimReply]:
    """The things that a proposed draft asks for and that the line names."""
    return _things(_record(answer).get("asked"), line)


def proposed_call(answer: str, line: str) -> dict[str, Any] | None:
    """The proposed call, where it is an edit that only adds things that the line names."""
    call = _record(answer)
    if call.get("tool") != "edit" or call.get("remove") or call.get("change"):
        return None
    add = _things(call.get("add"), line)
    if not add or len(add) < len(call.get("add") or ()):
        return None
    return {"tool": "edit", "add": add, "remove": [], "change": []}


def _record(answer: str) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except ValueError:  # cut off: nothing is proposed
        return {}
    return read if isinstance(read, dict) else {}


def _things(rows: object, line: str) -> list[ClaimReply]:
    found: list[ClaimReply] = []
    for cells in rows if isinstance(rows, list) else ():
        if isinstance(cells, list) and len(cells) == _CELLS and _plausible(cells, line):
            kind, subject, value, _, quote = map(str, cells)
            found.append({**row(kind, subject, value), "quote": quote})
    return found


def _plausible(cells: Cells, line: str) -> bool:
    """Whether it counts a thing by its name in the line, which no table knows."""
    kind, subject, value, _, quote = map(str, cells)
    if kind != "count" or not value.isdecimal() or not 0 < int(value) < _MOST:
        return False
    named = subject.lower() in quote.lower() and quote in line
    return named and lexicon().noun(subject) is None and not names_nothing(subject)
