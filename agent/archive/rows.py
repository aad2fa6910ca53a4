"""What the archive keeps of a session: versions, candidates, decisions and ratings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from limner.agent.brief.older import brief_now, critique_now, image_request_now
from limner.agent.history import Steps
from limner.agent.records import Brief, Critique
from limner.errors import BadInput, LimnerError
from limner.pipelines.finish import Finish
from limner.pipelines.roles import ImageRequest

__all__ = [
    "AFTER_LAST",
    "ArchivedSession",
    "CandidateRow",
    "DecisionRow",
    "RatingRow",
    "SessionRow",
    "VersionRow",
    "as_json",
    "as_text",
    "candidate_of",
    "finishes_of",
    "steps_of",
    "strings",
    "version_of",
]


_BRIEF = TypeAdapter(Brief)
_CRITIQUE = TypeAdapter(Critique)
_IMAGE_REQUEST = TypeAdapter(ImageRequest)
_STEPS: TypeAdapter[Steps] = TypeAdapter(Steps)

AFTER_LAST = -1  # as a number to add something under: the next one


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as it stands in a list.

    `request` are the first words of the user; `versions` and `candidates` count them. `head` is the
    version that the session goes on from; `best` is the best candidate of that version (of any,
    while it has none), `holds` of whose `claims` hold. Times are UTC in ISO 8601.
    """

    id: int
    name: str
    profile: str
    head: int | None
    created: str
    changed: str
    request: str
    versions: int
    candidates: int
    best: int | None
    holds: int
    claims: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One turn: the user's `words`, and the brief and patch that came of them.

    These are plain JSON values that the archive does not look into, beyond finding words.
    """

    words: str
    brief: Any
    parent: int | None = None
    patch: Any = None
    seed: int = 0
    number: int = AFTER_LAST

    def read_brief(self) -> Brief:
        """The brief, whichever version wrote it. Raises `ValueError` for one in no known form."""
        return _BRIEF.validate_python(brief_now(self.brief))


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate of a version; `round` is 0-based within its run.

    `spent` is what the run had cost by then, in image-equivalents; `picture` the name of its file.
    `run` counts the session's paintings from 1 (0: not told). `finishes` are the steps that are
    done to it after painting, and `undone` those that were taken back, as plain JSON values.
    """

    version: int
    round: int
    image_request: ImageRequest
    critique: Critique
    spent: float = 0.0
    picture: str = ""
    number: int = AFTER_LAST
    run: int = 0
    finishes: Any = ()
    undone: Any = ()


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What was decided after a round of a version, and why, in one line for people."""

    version: int
    round: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class RatingRow:
    """What the user thinks of a candidate, or of a candidate against another."""

    candidate: int
    verdict: str
    other: int | None = None


@dataclass(frozen=True, slots=True)
class ArchivedSession:
    """Everything about a session that it takes to go on with it; each part in the order it came.

    `standing` is a plain JSON value that the archive does not look into, None where none was kept.
    """

    row: SessionRow
    versions: tuple[VersionRow, ...]
    candidates: tuple[CandidateRow, ...]
    decisions: tuple[DecisionRow, ...]
    ratings: tuple[RatingRow, ...]
    standing: Any = None


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
    brief, patch = (json.loads(row[key]) for key in ("brief", "patch"))
    return VersionRow(row["words"], brief, row["parent"], patch, int(row["seed"]), row["number"])


def candidate_of(row: sqlite3.Row) -> CandidateRow:
    """The candidate in a row of the table. Raises `LimnerError` for one that makes no sense."""
    try:
        image_request = _IMAGE_REQUEST.validate_python(
            image_request_now(json.loads(row["image_request"]))
        )
        critique = _CRITIQUE.validate_python(critique_now(json.loads(row["critique"])))
    except ValueError as error:
        raise LimnerError(f"picture #{row['number']} in the archive can't be read") from error
    finishes, undone = (tuple(json.loads(row[key])) for key in ("finishes", "undone"))
    rest = (row["spent"], row["picture"], row["number"], row["run"], finishes, undone)
    return CandidateRow(row["version"], row["round"], image_request, critique, *rest)


def steps_of(kept: Any) -> Steps:
    """The steps in which a candidate was finished. Raises `LimnerError` for what makes no sense."""
    try:
        return _STEPS.validate_python(kept)
    except (ValueError, BadInput) as error:
        raise LimnerError("how a picture in the archive is finished can't be read") from error


def finishes_of(row: CandidateRow) -> tuple[Finish, ...]:
    """Everything that is done to a candidate after painting, in order."""
    return tuple(one for step in steps_of(row.finishes) for one in step)
