"""The archive's tables, how older ones are brought up to date, and what its database can't bear."""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from limner.errors import BadInput, LimnerError

__all__ = ["connect", "folded", "transaction", "troubles", "write_ahead"]

_WAIT = 10.0  # seconds for another process to finish its transaction
_OURS = 0x6C696D6E  # "limn", SQLite's application_id
_NOW = "DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

# One tuple of statements for each step; the database's user_version counts the steps it has had.
# What was released is never changed: a new step is added below it.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        f"""CREATE TABLE sessions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            profile TEXT NOT NULL,
            head INTEGER,
            created TEXT NOT NULL {_NOW},
            changed TEXT NOT NULL {_NOW},
            FOREIGN KEY (id, head) REFERENCES versions (session, number)
        ) STRICT""",
        """CREATE TABLE versions (
            session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            number INTEGER NOT NULL,
            parent INTEGER,
            words TEXT NOT NULL,
            brief TEXT NOT NULL,
            patch TEXT NOT NULL,
            locks TEXT NOT NULL,
            seed TEXT NOT NULL, -- in decimals: SQLite's integers end at 2**63
            sought TEXT NOT NULL, -- everything that a search may find, folded
            PRIMARY KEY (session, number),
            FOREIGN KEY (session, parent) REFERENCES versions (session, number)
        ) STRICT""",
        """CREATE TABLE takes (
            session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            number INTEGER NOT NULL,
            version INTEGER NOT NULL,
            round INTEGER NOT NULL,
            ordered TEXT NOT NULL,
            picture TEXT NOT NULL CHECK (length(picture) = 64),
            critique TEXT NOT NULL,
            holds INTEGER NOT NULL,
            claims INTEGER NOT NULL,
            mean REAL NOT NULL,
            spent REAL NOT NULL,
            PRIMARY KEY (session, number),
            FOREIGN KEY (session, version) REFERENCES versions (session, number)
        ) STRICT""",
        "CREATE INDEX takes_by_picture ON takes (picture)",
        """CREATE INDEX takes_by_score
            ON takes (session, version, holds DESC, mean DESC, number, claims)""",
        """CREATE TABLE decisions (
            id INTEGER PRIMARY KEY,
            session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            version INTEGER NOT NULL,
            round INTEGER NOT NULL,
            what TEXT NOT NULL,
            why TEXT NOT NULL,
            FOREIGN KEY (session, version) REFERENCES versions (session, number)
        ) STRICT""",
        "CREATE INDEX decisions_by_session ON decisions (session)",
        f"""CREATE TABLE ratings (
            id INTEGER PRIMARY KEY,
            session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            take INTEGER NOT NULL,
            other INTEGER,
            verdict TEXT NOT NULL,
            created TEXT NOT NULL {_NOW},
            FOREIGN KEY (session, take) REFERENCES takes (session, number),
            FOREIGN KEY (session, other) REFERENCES takes (session, number)
        ) STRICT""",
        "CREATE INDEX ratings_by_session ON ratings (session)",
    ),
    (  # what going on with a session needs; 0, nothing and null where nobody told
        "ALTER TABLE sessions ADD COLUMN standing TEXT NOT NULL DEFAULT 'null'",
        "ALTER TABLE takes ADD COLUMN run INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE takes ADD COLUMN finishes TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE takes ADD COLUMN undone TEXT NOT NULL DEFAULT '[]'",
    ),
    (  # the names of today
        "ALTER TABLE takes RENAME TO candidates",
        "ALTER TABLE candidates RENAME COLUMN ordered TO image_request",
        "ALTER TABLE ratings RENAME COLUMN take TO candidate",
        "ALTER TABLE versions DROP COLUMN locks",
        "UPDATE decisions SET what = 'drop' WHERE what = 'sketch'",
    ),
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database at `path`, new or brought up to date.

    An older one is copied beside itself before it is changed, and changed in one transaction.
    Raises `BadInput` for one that is damaged, newer than this limner, or another program's.
    """
    with troubles(path):
        base = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            base.row_factory = sqlite3.Row
            base.create_function("folded", 1, folded, deterministic=True)
            base.execute("PRAGMA trusted_schema = OFF")
            base.execute("PRAGMA secure_delete = ON")  # what is forgotten is gone
            _bring_up_to_date(base, path)
            write_ahead(base, _WAIT)
            base.execute("PRAGMA synchronous = FULL")
            base.execute("PRAGMA foreign_keys = ON")
        except BaseException:  # Ctrl-C, too, must not leave the file open
            base.close()
            raise
    return base


def write_ahead(base: sqlite3.Connection, wait: float) -> None:
    """Let others read a database while one writes; waits so many seconds for who has it open.

    SQLite itself does not wait for this change, whatever its timeout is.
    """
    until = time.monotonic() + wait
    while True:
        try:
            base.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


@contextmanager
def troubles(path: Path) -> Iterator[None]:
    """Say in one line what SQLite says went wrong with the database at `path`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _SAID:
            raise BadInput(f"the archive {path} {_SAID[code][0]}", _SAID[code][1]) from error
        raise LimnerError(f"the archive {path} can't be used: {error}") from error


@contextmanager
def transaction(base: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All or nothing; the database has it when the block is left."""
    base.execute(f"BEGIN {kind}")
    try:
        yield
        base.execute("COMMIT")
    except BaseException:  # Ctrl-C, too, must not leave a transaction half done
        if base.in_transaction:  # SQLite itself gives up some, such as on a full disk
            base.execute("ROLLBACK")
        raise


def folded(text: str) -> str:
    """The text as searches compare it: without case, and with one form for each character."""
    return unicodedata.normalize("NFKC", text).casefold()


_ELSEWHERE = "type --archive FOLDER to use another"
_DAMAGED = ("is damaged", "move it away to begin a new one, or copy back one that was whole")
_SAID = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: ("can't grow: the disk is full", "make room"),
    sqlite3.SQLITE_IOERR: ("can't be read or written: the disk failed", "see to the disk"),
    sqlite3.SQLITE_READONLY: ("can't be written", _ELSEWHERE),
    sqlite3.SQLITE_CANTOPEN: ("can't be opened", _ELSEWHERE),
    sqlite3.SQLITE_PERM: ("can't be opened", _ELSEWHERE),
    sqlite3.SQLITE_BUSY: ("is held by another process", "try again when that is done"),
    sqlite3.SQLITE_CONSTRAINT: (
        "has no such version or picture, or has that number already",
        "type limner gallery to see what there is",
    ),
    sqlite3.SQLITE_LOCKED: ("is held by another process", "try again when that is done"),
}


def _bring_up_to_date(base: sqlite3.Connection, path: Path) -> None:
    with transaction(base, "DEFERRED"):  # another process may be making it just now
        if _steps_had(base, path) == len(STEPS):
            return
    with transaction(base):
        had = _steps_had(base, path)
        if 0 < had < len(STEPS):
            _copy(path, had)
        for statement in (s for step in STEPS[had:] for s in step):
            base.execute(statement)
        base.execute(f"PRAGMA application_id = {_OURS}")
        base.execute(f"PRAGMA user_version = {len(STEPS)}")


def _steps_had(base: sqlite3.Connection, path: Path) -> int:
    had, owner = (_first(base, f"PRAGMA {name}") for name in ("user_version", "application_id"))
    if owner != _OURS and (owner or had or _first(base, "SELECT count(*) FROM sqlite_schema")):
        raise BadInput(f"{path} is another program's database", _ELSEWHERE)
    if had > len(STEPS):
        raise BadInput(
            f"the archive {path} was written by a newer limner", f"install that, or {_ELSEWHERE}"
        )
    return had


def _first(base: sqlite3.Connection, query: str) -> int:
    return int(base.execute(query).fetchone()[0])


def _copy(path: Path, had: int) -> None:
    """Copy the database as it is beside itself, under a name that says how old it is."""
    names = (path.with_name(f"{path.stem}-{had}{n}{path.suffix}") for n in _endings())
    target = next(name for name in names if not name.exists())
    with (
        closing(sqlite3.connect(path, timeout=_WAIT)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def _endings() -> Iterator[str]:
    yield ""
    yield from (f"-{number}" for number in count(2))
