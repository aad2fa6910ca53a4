"""The tables of a batch's queue, and what is said when its file can't be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from limner.agent.archive.schema import transaction, write_ahead
from limner.agent.batch.heartbeat import HeartbeatMonitor
from limner.agent.batch.rows import BatchRow, Outcome
from limner.errors import BadInput, LimnerError

__all__ = [
    "Lease",
    "NoRoom",
    "Queue",
    "QueuedRow",
    "connect",
    "troubles",
]


_WAIT = 120.0  # seconds for another process to finish; reading a million rows in is one transaction
_OURS = 0x6C696D62  # "limb", SQLite's application_id
_VERSION = 1
_TABLES = """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE inputs (sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, rows INTEGER NOT NULL) STRICT;
    CREATE TABLE parties (
        number INTEGER PRIMARY KEY,
        state TEXT NOT NULL DEFAULT 'waiting',
        worker TEXT NOT NULL DEFAULT '',
        crashes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE rows (
        number INTEGER PRIMARY KEY,
        party INTEGER,
        line INTEGER NOT NULL,
        id TEXT UNIQUE,
        spec TEXT NOT NULL,
        seed INTEGER,
        state TEXT NOT NULL DEFAULT 'waiting',
        attempts INTEGER NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0,
        tried TEXT NOT NULL DEFAULT '',
        outcome TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX parties_by_state ON parties (state, number);
    CREATE INDEX rows_by_party ON rows (party);
    CREATE INDEX rows_by_state ON rows (state);
"""
_SAID = {
    sqlite3.SQLITE_BUSY: ("is held by another process", "wait for it to finish, or end it"),
    sqlite3.SQLITE_READONLY: ("can't be written", "type --out and a folder that you may write"),
    sqlite3.SQLITE_CANTOPEN: ("can't be opened", "type --out and a folder that you may write"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "begin anew with another --out"),
    sqlite3.SQLITE_NOTADB: ("is not a batch of limner's", "type another --out"),
}


def connect(path: Path) -> sqlite3.Connection:
    """Opens the queue at `path`, new or old; every commit is on the disk when it returns.

    Raises `BadInput` for a file that is damaged, another program's, or a newer limner's.
    """
    with troubles(path):
        base = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            base.row_factory = sqlite3.Row
            base.execute("PRAGMA trusted_schema = OFF")
            write_ahead(base, _WAIT)
            base.execute("PRAGMA synchronous = FULL")
            _prepare(base, path)
        except BaseException:  # Ctrl-C, too, must not leave the file open
            base.close()
            raise
    return base


class NoRoom(BadInput):
    """The disk is full; what was to be written can be written later."""


@contextmanager
def troubles(path: Path) -> Iterator[None]:
    """Say in one line what SQLite says went wrong with the queue at `path`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise NoRoom("the disk is full", "make room, and type the same again") from error
        if code in _SAID:
            raise BadInput(f"the queue {path} {_SAID[code][0]}", _SAID[code][1]) from error
        raise LimnerError(f"the queue {path} can't be used: {error}") from error


def _prepare(base: sqlite3.Connection, path: Path) -> None:
    with transaction(base):
        ours = base.execute("PRAGMA application_id").fetchone()[0]
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if not base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in _TABLES.split(";"):
                base.execute(statement)
            base.execute(f"PRAGMA application_id = {_OURS}")
            base.execute(f"PRAGMA user_version = {_VERSION}")
        elif ours != _OURS or version != _VERSION:
            raise BadInput(f"{path} is not a queue that this limner can read", "type another --out")


FILE = "queue.sqlite3"
_WORKERS = ".workers"

_DOUBTED, _APART, _GIVEN_UP = 2, 4, 6  # crashes of a party
_ROW_GIVEN_UP = 2  # crashes of a row that was worked on alone


@dataclass(frozen=True, slots=True)
class QueuedRow:
    """A row with the seed that it is worked on with, and for which time it is tried."""

    row: BatchRow
    seed: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Rows that somebody works on.

    "together" in common batches; "apart", each in batches of its own, where together they ended
    the worker; "probe" only to see whether the row ends it: what comes of it is thrown away.
    """

    party: int
    asked: tuple[QueuedRow, ...]
    how: Literal["together", "probe", "apart"] = "together"


class Queue:
    """The rows of a batch in an SQLite file (WAL), in parties that are worked on as one.

    Each change is on the disk when its call returns, in one short transaction; several processes
    can work on one queue. A party is finished as a whole or done again as a whole, with the same
    rows in it: pictures that were painted in one batch come out the same only in that company.

    Any call raises `NoRoom` when the disk is full, and `BadInput` for a file that is damaged,
    read-only or held by another process for two minutes.
    """

    def __init__(self, folder: Path, base: sqlite3.Connection, lease: float | None = None) -> None:
        self.folder = folder
        self.workers = folder / _WORKERS
        self._base = base
        self._watch = (
            HeartbeatMonitor(self.workers)
            if lease is None
            else HeartbeatMonitor(self.workers, lease)
        )

    @classmethod
    def open(cls, folder: Path, lease: float | None = None) -> Self:
        """The queue in that folder, new or old; `lease` seconds of silence lose a claim."""
        with cls._writable(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, connect(folder / FILE), lease)

    @staticmethod
    @contextmanager
    def _writable(folder: Path) -> Iterator[None]:
        from limner.agent.archive.atomic_io import cannot_save

        try:
            yield
        except (OSError, ValueError) as error:
            raise cannot_save(folder, error) from error

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; SQLite's troubles in plain words."""
        with troubles(self.folder / FILE), transaction(self._base):
            yield self._base

    def reading(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds; SQLite's troubles in plain words."""
        with troubles(self.folder / FILE):
            return self._base.execute(query, values).fetchall()

    def claim(self, worker: str) -> Lease | None:
        """The first waiting party, for the process of that pulse; None when none waits.

        What processes had in hand that are gone is waiting again first.
        """
        self._bury()
        with self.writing() as base:
            found = base.execute(
                "UPDATE parties SET state = 'taken', worker = ? WHERE number = (SELECT number FROM "
                "parties WHERE state = 'waiting' ORDER BY number LIMIT 1) "
                "RETURNING number, crashes",
                (worker,),
            ).fetchone()
            return _taken(base, found["number"], found["crashes"]) if found else None

    def upcoming(self) -> tuple[QueuedRow, ...]:
        """The rows of the first waiting party, which anybody may claim yet."""
        found = self.reading(
            "SELECT spec, seed, attempts FROM rows WHERE party = (SELECT min(number) FROM parties "
            "WHERE state = 'waiting') AND state <> 'set aside' ORDER BY number"
        )
        return tuple(
            QueuedRow(BatchRow.parse(r["spec"]), r["seed"], r["attempts"] + 1) for r in found
        )

    def finish(self, claim: Lease, worker: str, outcomes: Iterable[Outcome]) -> bool:
        """Keeps what came of a claim; False where it is no longer that worker's."""
        with self.writing() as base:
            if not _is_held(base, claim.party, worker):
                return False
            if claim.how == "probe":
                _prove(base, claim)
                return True
            base.executemany(
                "UPDATE rows SET state = ?, outcome = ? WHERE number = ?",
                [(o.status, o.as_json(), o.number) for o in outcomes],
            )
            base.execute("UPDATE parties SET state = 'done' WHERE number = ?", (claim.party,))
        return True

    def release(self, claim: Lease, worker: str, crashed: bool = False) -> None:
        """Puts a claim back, to be worked on from its start; `crashed` where that ended a worker.

        Nothing happens where it is no longer that worker's.
        """
        with self.writing() as base:
            if _is_held(base, claim.party, worker):
                _put_back(base, claim.party, crashed)

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state: waiting, done, short, failed, set aside, bad."""
        found = self.reading("SELECT state, count(*) AS rows FROM rows GROUP BY state")
        return {row["state"]: row["rows"] for row in found}

    def at_work(self) -> bool:
        """Whether anything is waiting or in anybody's hands."""
        return bool(self.reading("SELECT 1 FROM parties WHERE state <> 'done' LIMIT 1"))

    def outcomes(self) -> Iterator[Outcome]:
        """What came of each row so far, in the order of the input."""
        last = -1
        while found := self.reading(
            "SELECT number, outcome, attempts FROM rows WHERE number > ? AND outcome <> '' "
            "ORDER BY number LIMIT 500",
            last,
        ):
            for row in found:
                yield replace(Outcome.parse(row["outcome"]), attempts=row["attempts"])
            last = found[-1]["number"]

    def _bury(self) -> None:
        """Puts back what processes had in hand that are gone."""
        taken = self.reading("SELECT DISTINCT worker FROM parties WHERE state = 'taken'")
        for name in [row["worker"] for row in taken if self._watch.gone(row["worker"])]:
            with self.writing() as base:
                held = base.execute(
                    "SELECT number FROM parties WHERE state = 'taken' AND worker = ?", (name,)
                )
                for row in held.fetchall():
                    _put_back(base, row["number"], crashed=True)


def _taken(base: sqlite3.Connection, party: int, crashes: int) -> Lease:
    found = base.execute(
        "SELECT * FROM rows WHERE party = ? AND state <> 'set aside' ORDER BY number", (party,)
    ).fetchall()
    doubted = [row for row in found if crashes >= _DOUBTED and row["tried"] != "proven"]
    if doubted:
        found = doubted[:1]
        base.execute("UPDATE rows SET tried = 'trying' WHERE number = ?", (found[0]["number"],))
    numbers = [(row["number"],) for row in found]
    base.executemany("UPDATE rows SET attempts = attempts + 1 WHERE number = ?", numbers)
    asked = (
        QueuedRow(BatchRow.parse(row["spec"]), row["seed"], row["attempts"] + 1) for row in found
    )
    how: Literal["probe", "apart", "together"] = (
        "probe" if doubted else "apart" if crashes >= _APART else "together"
    )
    return Lease(party, tuple(asked), how)


def _is_held(base: sqlite3.Connection, party: int, worker: str) -> bool:
    found = base.execute(
        "SELECT 1 FROM parties WHERE number = ? AND worker = ? AND state = 'taken'", (party, worker)
    )
    return found.fetchone() is not None


def _prove(base: sqlite3.Connection, claim: Lease) -> None:
    numbers = [(asked.row.number,) for asked in claim.asked]
    base.executemany("UPDATE rows SET tried = 'proven' WHERE number = ?", numbers)
    base.execute("UPDATE parties SET state = 'waiting' WHERE number = ?", (claim.party,))


def _put_back(base: sqlite3.Connection, party: int, crashed: bool) -> None:
    """A row that was tried alone and ended its worker twice is set aside, and the rest goes on."""
    base.execute(
        "UPDATE parties SET state = 'waiting', worker = '', crashes = crashes + ? WHERE number = ?",
        (crashed and not _probed(base, party), party),
    )
    base.execute(
        "UPDATE rows SET tried = '', crashes = crashes + ? WHERE party = ? AND tried = 'trying'",
        (crashed, party),
    )
    wrong = "it ended the worker twice"
    _set_aside(base, party, wrong, "crashes >= ?", _ROW_GIVEN_UP)
    wrong = "with its group it ended the worker again and again"
    _set_aside(base, party, wrong, "? <= (SELECT crashes FROM parties WHERE number = party)")
    left = "SELECT 1 FROM rows WHERE party = ? AND state <> 'set aside'"
    if base.execute(left, (party,)).fetchone() is None:
        base.execute("UPDATE parties SET state = 'done' WHERE number = ?", (party,))


def _probed(base: sqlite3.Connection, party: int) -> bool:
    found = base.execute("SELECT 1 FROM rows WHERE party = ? AND tried = 'trying'", (party,))
    return found.fetchone() is not None


def _set_aside(
    base: sqlite3.Connection, party: int, why: str, where: str, most: int = _GIVEN_UP
) -> None:
    query = f"SELECT * FROM rows WHERE party = ? AND state <> 'set aside' AND {where}"
    for found in base.execute(query, (party, most)).fetchall():
        row = BatchRow.parse(found["spec"])
        outcome = Outcome(
            id=row.id,
            number=row.number,
            line=row.line,
            request=row.request,
            status="set aside",
            seed=found["seed"],
            attempts=found["attempts"],
            error=why,
            hint="type --retry-failed to try it again",
            more=row.more,
        )
        base.execute(
            "UPDATE rows SET state = 'set aside', outcome = ? WHERE number = ?",
            (outcome.as_json(), row.number),
        )
