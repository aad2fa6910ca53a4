"""Puts what the archive keeps into text, and makes records of that text again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from limner.agent.archive.rows import TakeRow, VersionRow
from limner.agent.conversation.reel import Steps
from limner.agent.older_records import critique_now
from limner.agent.records import Critique
from limner.errors import BadInput, LimnerError
from limner.pipelines.finish import Finish
from limner.pipelines.roles import Order

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "as_json",
    "as_text",
    "finishes_of",
    "steps_of",
    "strings",
    "take_of",
    "version_of",
]


def as_json(value: Any) -> str:
    """The value as JSON; text is taken to be JSON already. Raises `ValueError` if it is not."""
    made = json.loads(value) if isinstance(value, str) else value
    return as_text(json.dumps(made, ensure_ascii=False, allow_nan=False))


def as_text(text: str) -> str:
    """The text without the halves of pairs that UTF-8 has no bytes for."""
    return text.encode(errors="replace").decode()


def strings(text: str) -> Iterator[str]:
    """Every string that is a value somewhere in a JSON text."""
    waiting = [json.loads(text)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value


def version_of(row: sqlite3.Row) -> VersionRow:
    """The version that a row of the table holds."""
    brief, patch, locks = (json.loads(row[key]) for key in ("brief", "patch", "locks"))
    return VersionRow(
        row["words"], brief, row["parent"], patch, locks, int(row["seed"]), row["number"]
    )


def take_of(row: sqlite3.Row) -> TakeRow:
    """The take that a row of the table holds. Raises `LimnerError` for one that makes no sense."""
    orders, critiques = _forms()
    try:
        order = orders.validate_json(row["ordered"])
        critique = critiques.validate_python(critique_now(json.loads(row["critique"])))
    except ValueError as error:
        raise LimnerError(f"take {row['number']} in the archive can't be read") from error
    finishes, undone = (tuple(json.loads(row[key])) for key in ("finishes", "undone"))
    rest = (row["spent"], row["picture"], row["number"], row["run"], finishes, undone)
    return TakeRow(row["version"], row["round"], order, critique, *rest)


def steps_of(kept: Any) -> Steps:
    """The steps in which a take was finished. Raises `LimnerError` for what makes no sense."""
    try:
        return _steps().validate_python(kept)
    except (ValueError, BadInput) as error:
        raise LimnerError("how a take in the archive is finished can't be read") from error


def finishes_of(row: TakeRow) -> tuple[Finish, ...]:
    """Everything that is done to a take after painting, in order."""
    return tuple(one for step in steps_of(row.finishes) for one in step)


@cache
def _steps() -> TypeAdapter[Steps]:
    from pydantic import TypeAdapter

    return TypeAdapter(Steps)


@cache
def _forms() -> tuple[TypeAdapter[Order], TypeAdapter[Critique]]:
    from pydantic import TypeAdapter

    return TypeAdapter(Order), TypeAdapter(Critique)
