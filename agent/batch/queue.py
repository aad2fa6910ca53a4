"""The queue of a batch: which rows wait, who works on which, and what came of them, on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from limner.agent.archive.schema import transaction
from limner.agent.batch.alive import Watch
from limner.agent.batch.queue_schema import connect, troubles
from limner.agent.batch.rows import Outcome, Row

__all__ = ["Asked", "Claim", "Queue"]

FILE = "queue.sqlite3"
_WORKERS = ".workers"

_DOUBTED, _APART, _GIVEN_UP = 2, 4, 6  # crashes of a party
_ROW_GIVEN_UP = 2  # crashes of a row that was worked on alone


@dataclass(frozen=True, slots=True)
class Asked:
    """A row with the seed that it is worked on with, and for which time it is tried."""

    row: Row
    seed: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows that somebody works on.

    "together" in common batches; "apart", each in batches of its own, where together they ended
    the worker; "probe" only to see whether the row ends it: what comes of it is thrown away.
    """

    party: int
    asked: tuple[Asked, ...]
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
        self._watch = Watch(self.workers) if lease is None else Watch(self.workers, lease)

    @classmethod
    def open(cls, folder: Path, lease: float | None = None) -> Self:
        """The queue in that folder, new or old; `lease` seconds of silence lose a claim."""
        with cls._writable(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, connect(folder / FILE), lease)

    @staticmethod
    @contextmanager
    def _writable(folder: Path) -> Iterator[None]:
        from limner.agent.archive.whole import cannot_save

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

    def claim(self, worker: str) -> Claim | None:
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

    def upcoming(self) -> tuple[Asked, ...]:
        """The rows of the first waiting party, which anybody may claim yet."""
        found = self.reading(
            "SELECT spec, seed, attempts FROM rows WHERE party = (SELECT min(number) FROM parties "
            "WHERE state = 'waiting') AND state <> 'set aside' ORDER BY number"
        )
        return tuple(Asked(Row.parse(r["spec"]), r["seed"], r["attempts"] + 1) for r in found)

    def finish(self, claim: Claim, worker: str, outcomes: Iterable[Outcome]) -> bool:
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

    def release(self, claim: Claim, worker: str, crashed: bool = False) -> None:
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


def _taken(base: sqlite3.Connection, party: int, crashes: int) -> Claim:
    found = base.execute(
        "SELECT * FROM rows WHERE party = ? AND state <> 'set aside' ORDER BY number", (party,)
    ).fetchall()
    doubted = [row for row in found if crashes >= _DOUBTED and row["tried"] != "proven"]
    if doubted:
        found = doubted[:1]
        base.execute("UPDATE rows SET tried = 'trying' WHERE number = ?", (found[0]["number"],))
    numbers = [(row["number"],) for row in found]
    base.executemany("UPDATE rows SET attempts = attempts + 1 WHERE number = ?", numbers)
    asked = (Asked(Row.parse(row["spec"]), row["seed"], row["attempts"] + 1) for row in found)
    how: Literal["probe", "apart", "together"] = (
        "probe" if doubted else "apart" if crashes >= _APART else "together"
    )
    return Claim(party, tuple(asked), how)


def _is_held(base: sqlite3.Connection, party: int, worker: str) -> bool:
    found = base.execute(
        "SELECT 1 FROM parties WHERE number = ? AND worker = ? AND state = 'taken'", (party, worker)
    )
    return found.fetchone() is not None


def _prove(base: sqlite3.Connection, claim: Claim) -> None:
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
        row = Row.parse(found["spec"])
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
