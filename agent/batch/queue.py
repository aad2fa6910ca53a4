"""The queue of a batch in SQLite: which rows wait, who works on which, and what came of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from limner.agent.archive.atomic_io import cannot_save
from limner.agent.archive.schema import transaction, write_ahead
from limner.agent.batch.heartbeat import TIMEOUT, HeartbeatMonitor
from limner.agent.batch.rows import BatchRow, Outcome
from limner.errors import BadInput, LimnerError

__all__ = ["Lease", "NoRoom", "Queue", "QueuedRow"]

FILE = "queue.sqlite3"
_WORKERS = ".workers"
_WAIT = 120.0  # seconds for another process to finish; reading a million rows in is one transaction
_OURS = 0x6C696D62  # "limb", SQLite's application_id
_VERSION = 2
_TABLES = """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE inputs (
        number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, name TEXT NOT NULL
    ) STRICT;
    CREATE TABLE row_groups (
        number INTEGER PRIMARY KEY,
        state TEXT NOT NULL DEFAULT 'waiting',
        worker TEXT NOT NULL DEFAULT '',
        crashes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE rows (
        number INTEGER PRIMARY KEY,
        row_group INTEGER,
        line INTEGER NOT NULL,
        id TEXT UNIQUE,
        spec TEXT NOT NULL,
        seed INTEGER,
        state TEXT NOT NULL DEFAULT 'waiting',
        attempts INTEGER NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0,
        tried TEXT NOT NULL DEFAULT '',
        outcome TEXT NOT NULL DEFAULT '',
        input INTEGER NOT NULL DEFAULT 1,
        key TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX groups_by_state ON row_groups (state, number);
    CREATE INDEX rows_by_group ON rows (row_group);
    CREATE INDEX rows_by_state ON rows (state);
    CREATE INDEX rows_by_key ON rows (input, key)
"""
_WHY = {
    sqlite3.SQLITE_BUSY: ("is held by another process", "wait for it to finish, or end it"),
    sqlite3.SQLITE_READONLY: ("can't be written", "type --out and a folder that you may write"),
    sqlite3.SQLITE_CANTOPEN: ("can't be opened", "type --out and a folder that you may write"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "begin anew with another --out"),
    sqlite3.SQLITE_NOTADB: ("is not a batch of limner's", "type another --out"),
}

_SUSPECT, _APART, _GIVEN_UP = 2, 4, 6  # crashes of a group
_ROW_GIVEN_UP = 2  # crashes of a row that was worked on alone


class NoRoom(BadInput):
    """The disk is full; what was to be written can be written later."""


@dataclass(frozen=True, slots=True)
class QueuedRow:
    """A row with the seed that it is worked on with, and for which time it is tried."""

    row: BatchRow
    seed: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A group of rows that a worker has taken.

    They are painted "together" in common batches; "apart", each in batches of its own, where
    together they crashed the worker; as a "probe" only to see whether the row crashes it: what
    comes of that is thrown away.
    """

    group: int
    rows: tuple[QueuedRow, ...]
    how: Literal["together", "probe", "apart"] = "together"


class Queue:
    """The rows of a batch in an SQLite file (WAL), in groups that are worked on as one.

    Each change is on the disk when its call returns, in one short transaction; several processes
    can work on one queue. A group is finished as a whole or done again as a whole, with the same
    rows in it: pictures that were painted in one batch come out the same only in that batch.

    Any call raises `NoRoom` when the disk is full, and `BadInput` for a file that is damaged,
    read-only or held by another process for two minutes.
    """

    def __init__(self, folder: Path, base: sqlite3.Connection, timeout: float = TIMEOUT) -> None:
        self.folder = folder
        self.workers = folder / _WORKERS
        self._base = base
        self._monitor = HeartbeatMonitor(self.workers, timeout)

    @classmethod
    def open(cls, folder: Path, timeout: float = TIMEOUT) -> Self:
        """The queue in that folder, new or old; a worker loses its rows when it is silent so long.

        `timeout` is in seconds.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise cannot_save(folder, error) from error
        return cls(folder, _connected(folder / FILE), timeout)

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; SQLite's errors in plain words."""
        with _plain_errors(self.folder / FILE), transaction(self._base):
            yield self._base

    def reading(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds; SQLite's errors in plain words."""
        with _plain_errors(self.folder / FILE):
            return self._base.execute(query, values).fetchall()

    def lease(self, worker: str) -> Lease | None:
        """The first waiting group, for the process of that heartbeat; None when none waits.

        What processes had that are gone is waiting again first.
        """
        self._release_dead()
        with self.writing() as base:
            found = base.execute(
                "UPDATE row_groups SET state = 'taken', worker = ? WHERE number = (SELECT number "
                "FROM row_groups WHERE state = 'waiting' ORDER BY number LIMIT 1) "
                "RETURNING number, crashes",
                (worker,),
            ).fetchone()
            return _taken(base, found["number"], found["crashes"]) if found else None

    def upcoming(self) -> tuple[QueuedRow, ...]:
        """The rows of the first waiting group, which anybody may still take."""
        found = self.reading(
            "SELECT * FROM rows WHERE row_group = (SELECT min(number) FROM row_groups "
            "WHERE state = 'waiting') AND state <> 'set aside' ORDER BY number"
        )
        return tuple(map(_queued, found))

    def finish(self, lease: Lease, worker: str, outcomes: Iterable[Outcome]) -> bool:
        """Keeps what came of a group; False where it is no longer that worker's."""
        with self.writing() as base:
            if not _is_held(base, lease.group, worker):
                return False
            if lease.how == "probe":
                base.executemany(
                    "UPDATE rows SET tried = 'proven' WHERE id = ?",
                    [(queued.row.id,) for queued in lease.rows],
                )
                state = "waiting"
            else:  # a row that was changed meanwhile is in another group now
                base.executemany(
                    "UPDATE rows SET state = ?, outcome = ? WHERE id = ? AND row_group = ?",
                    [(o.status, o.as_json(), o.id, lease.group) for o in outcomes],
                )
                state = "done"
            base.execute("UPDATE row_groups SET state = ? WHERE number = ?", (state, lease.group))
        return True

    def release(self, lease: Lease, worker: str, crashed: bool = False) -> None:
        """Puts a group back, to be worked on from its start; `crashed` where it ended a worker.

        Nothing happens where it is no longer that worker's.
        """
        with self.writing() as base:
            if _is_held(base, lease.group, worker):
                _put_back(base, lease.group, crashed)

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state: "waiting", or a `Status`."""
        found = self.reading("SELECT state, count(*) AS rows FROM rows GROUP BY state")
        return {row["state"]: row["rows"] for row in found}

    def unfinished(self) -> bool:
        """Whether any group waits or is being worked on."""
        return bool(self.reading("SELECT 1 FROM row_groups WHERE state <> 'done' LIMIT 1"))

    def outcomes(self) -> Iterator[Outcome]:
        """What came of each row so far, in the order of the input."""
        last = -1
        while found := self.reading(
            "SELECT * FROM rows WHERE number > ? AND outcome <> '' ORDER BY number LIMIT 500", last
        ):
            for row in found:
                now = {name: row[name] for name in ("number", "line", "attempts")}
                yield replace(Outcome.parse(row["outcome"]), **now)
            last = found[-1]["number"]

    def _release_dead(self) -> None:
        """Puts back what processes had that are gone."""
        taken = self.reading("SELECT DISTINCT worker FROM row_groups WHERE state = 'taken'")
        for name in [row["worker"] for row in taken if self._monitor.gone(row["worker"])]:
            with self.writing() as base:
                held = base.execute(
                    "SELECT number FROM row_groups WHERE state = 'taken' AND worker = ?", (name,)
                )
                for row in held.fetchall():
                    _put_back(base, row["number"], crashed=True)


def _connected(path: Path) -> sqlite3.Connection:
    """The database at `path`, new or old; every commit is on the disk when it returns.

    Raises `BadInput` for a file that is damaged, another program's, or a newer limner's.
    """
    with _plain_errors(path):
        base = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            base.row_factory = sqlite3.Row
            base.execute("PRAGMA trusted_schema = OFF")
            write_ahead(base, _WAIT)
            base.execute("PRAGMA synchronous = FULL")
            with transaction(base):
                _prepare(base, path)
        except BaseException:  # Ctrl-C, too, must not leave the file open
            base.close()
            raise
    return base


def _prepare(base: sqlite3.Connection, path: Path) -> None:
    found = [
        base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    if not base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in _TABLES.split(";"):
            base.execute(statement)
        base.execute(f"PRAGMA application_id = {_OURS}")
        base.execute(f"PRAGMA user_version = {_VERSION}")
    elif found != [_OURS, _VERSION]:
        raise BadInput(f"{path} is not a queue that this limner can read", "type another --out")


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Say in one line what SQLite says went wrong with the queue at `path`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise NoRoom("the disk is full", "make room, and type the same again") from error
        if code in _WHY:
            raise BadInput(f"the queue {path} {_WHY[code][0]}", _WHY[code][1]) from error
        raise LimnerError(f"the queue {path} can't be used: {error}") from error


def _queued(found: sqlite3.Row) -> QueuedRow:
    row = BatchRow.parse(found["spec"])
    row = replace(row, number=found["number"], line=found["line"])
    return QueuedRow(row, found["seed"], found["attempts"] + 1)


def _taken(base: sqlite3.Connection, group: int, crashes: int) -> Lease:
    found = base.execute(
        "SELECT * FROM rows WHERE row_group = ? AND state <> 'set aside' ORDER BY number", (group,)
    ).fetchall()
    suspects = [row for row in found if crashes >= _SUSPECT and row["tried"] != "proven"]
    if suspects:
        found = suspects[:1]
        base.execute("UPDATE rows SET tried = 'trying' WHERE number = ?", (found[0]["number"],))
    numbers = [(row["number"],) for row in found]
    base.executemany("UPDATE rows SET attempts = attempts + 1 WHERE number = ?", numbers)
    how: Literal["together", "probe", "apart"] = (
        "probe" if suspects else "apart" if crashes >= _APART else "together"
    )
    return Lease(group, tuple(map(_queued, found)), how)


def _is_held(base: sqlite3.Connection, group: int, worker: str) -> bool:
    query = "SELECT 1 FROM row_groups WHERE number = ? AND worker = ? AND state = 'taken'"
    return base.execute(query, (group, worker)).fetchone() is not None


def _put_back(base: sqlite3.Connection, group: int, crashed: bool) -> None:
    """A row that was tried alone and crashed its worker twice is set aside; the rest goes on."""
    trying = "SELECT 1 FROM rows WHERE row_group = ? AND tried = 'trying'"
    probed = base.execute(trying, (group,)).fetchone() is not None
    base.execute(
        "UPDATE row_groups SET state = 'waiting', worker = '', crashes = crashes + ? "
        "WHERE number = ?",
        (crashed and not probed, group),
    )
    base.execute(
        "UPDATE rows SET tried = '', crashes = crashes + ? "
        "WHERE row_group = ? AND tried = 'trying'",
        (crashed, group),
    )
    why = "it crashed its worker twice"
    _set_aside(base, group, why, "crashes >= ?", _ROW_GIVEN_UP)
    why = "with its group it crashed the worker again and again"
    many = "? <= (SELECT crashes FROM row_groups WHERE number = row_group)"
    _set_aside(base, group, why, many, _GIVEN_UP)
    left = "SELECT 1 FROM rows WHERE row_group = ? AND state <> 'set aside'"
    if base.execute(left, (group,)).fetchone() is None:
        base.execute("UPDATE row_groups SET state = 'done' WHERE number = ?", (group,))


def _set_aside(base: sqlite3.Connection, group: int, why: str, where: str, most: int) -> None:
    query = f"SELECT * FROM rows WHERE row_group = ? AND state <> 'set aside' AND {where}"
    for found in base.execute(query, (group, most)).fetchall():
        outcome = _queued(found).row.outcome(
            "set aside",
            seed=found["seed"],
            attempts=found["attempts"],
            error=why,
            hint="type --retry-failed to try it again",
        )
        base.execute(
            "UPDATE rows SET state = 'set aside', outcome = ? WHERE number = ?",
            (outcome.as_json(), found["number"]),
        )
