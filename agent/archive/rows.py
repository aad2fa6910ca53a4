"""What the archive keeps of a session: versions, takes, decisions and ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from limner.agent.records import Critique
from limner.pipelines.roles import Order

__all__ = [
    "AFTER_LAST",
    "ArchivedSession",
    "DecisionRow",
    "RatingRow",
    "SessionRow",
    "TakeRow",
    "VersionRow",
]

AFTER_LAST = -1  # as a number to add something under: the next one


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as it stands in a list.

    `request` are the first words of the user; `versions` and `takes` count them. `head` is the
    version that the session goes on from; `best` is the best take of that version (of any, while
    it has none), `holds` of whose `claims` hold. Times are UTC in ISO 8601.
    """

    id: int
    name: str
    profile: str
    head: int | None
    created: str
    changed: str
    request: str
    versions: int
    takes: int
    best: int | None
    holds: int
    claims: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One turn: the user's `words`, and the brief and patch that came of them.

    These are plain JSON values that the archive does not look into, beyond finding words; `locks`
    is what version 0.1 kept beside them.
    """

    words: str
    brief: Any
    parent: int | None = None
    patch: Any = None
    locks: Any = None
    seed: int = 0
    number: int = AFTER_LAST


@dataclass(frozen=True, slots=True)
class TakeRow:
    """A take of a version; `round` is 0-based within its run.

    `spent` is what the run had cost by then, in image-equivalents; `picture` the name of its file.
    `run` counts the session's paintings from 1 (0: not told). `finishes` are the steps that are
    done to it after painting, and `undone` those that were taken back, as plain JSON values.
    """

    version: int
    round: int
    order: Order
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
    """What the user thinks of a take, or of a take against another."""

    take: int
    verdict: str
    other: int | None = None


@dataclass(frozen=True, slots=True)
class ArchivedSession:
    """Everything about a session that it takes to go on with it; each part in the order it came.

    `standing` is a plain JSON value that the archive does not look into, None where none was kept.
    """

    row: SessionRow
    versions: tuple[VersionRow, ...]
    takes: tuple[TakeRow, ...]
    decisions: tuple[DecisionRow, ...]
    ratings: tuple[RatingRow, ...]
    standing: Any = None
