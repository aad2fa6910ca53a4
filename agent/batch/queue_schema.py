"""The tables of a batch's queue, and what is said when its file can't be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limner.agent.archive.schema import transaction, write_ahead
from limner.errors import BadInput, LimnerError

__all__ = ["NoRoom", "connect", "troubles"]

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
