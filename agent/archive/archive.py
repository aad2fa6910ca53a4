"""The archive: every session with its briefs, candidates and pictures, on disk at every moment."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from limner.agent.archive.pictures import Pictures
from limner.agent.archive.recipe import written
from limner.agent.archive.rows import (
    AFTER_LAST,
    ArchivedSession,
    CandidateRow,
    DecisionRow,
    RatingRow,
    SessionRow,
    VersionRow,
    as_json,
    as_text,
    candidate_of,
    strings,
    version_of,
)
from limner.agent.archive.schema import connect, folded, transaction, troubles
from limner.errors import BadInput

__all__ = ["Archive"]

_FILE = "archive.sqlite3"
_LISTED = """
    WITH listed AS (
        SELECT *, coalesce(
            (
                SELECT number FROM candidates
                WHERE session = sessions.id AND version = sessions.head
                ORDER BY holds DESC, mean DESC, number LIMIT 1
            ),
            (
                SELECT number FROM candidates WHERE session = sessions.id
                ORDER BY holds DESC, mean DESC, number LIMIT 1
            )
        ) AS best FROM sessions
    )
    SELECT s.id, s.name, s.profile, s.head, s.created, s.changed,
        coalesce((SELECT words FROM versions WHERE session = s.id ORDER BY number LIMIT 1), ''),
        (SELECT count(*) FROM versions WHERE session = s.id),
        (SELECT count(*) FROM candidates WHERE session = s.id),
        s.best, coalesce(best.holds, 0), coalesce(best.claims, 0)
    FROM listed AS s LEFT JOIN candidates AS best ON best.session = s.id AND best.number = s.best
"""
_FOUND = """
    WHERE NOT EXISTS (
        SELECT 1 FROM json_each(?) AS word WHERE instr(folded(s.name), word.value) = 0
        AND NOT EXISTS (
            SELECT 1 FROM versions WHERE session = s.id AND instr(sought, word.value)
        )
    )
    ORDER BY s.changed DESC, s.id DESC
"""


class Archive:
    """Sessions in an SQLite file (WAL), pictures as PNG files beside it.

    Each call that adds something has it on disk when it returns, in one short transaction: nothing
    is lost when the process ends at any point, and several processes or threads can use one
    archive at once. A picture's file is there before the row that names it.

    Any call raises `BadInput` for an archive that is damaged, full, read-only or held by another
    process for ten seconds, and for a session, version or candidate that there is not.
    """

    def __init__(self, folder: Path, base: sqlite3.Connection) -> None:
        self.folder = folder
        self.pictures = Pictures(folder / "pictures")
        self._file = folder / _FILE
        self._base = base
        self._alone = threading.RLock()

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Open the archive in `folder`, new or old; the default is the user's data folder."""
        if folder is None:
            from platformdirs import user_data_path

            folder = user_data_path("limner", appauthor=False)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # requests are nobody's business
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a possible name"
            hint = "type --archive and a folder that you may write"
            raise BadInput(f"can't keep an archive in {folder}: {reason}", hint) from error
        return cls(folder, connect(folder / _FILE))

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        with self._alone:
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

    def begin(self, name: str = "", profile: str = "") -> int:
        """Begin a session and return its number."""
        query = "INSERT INTO sessions (name, profile) VALUES (?, ?)"
        with self._alone, troubles(self._file), transaction(self._base):
            added = self._base.execute(query, (as_text(name), as_text(profile)))
            return int(added.lastrowid or 0)

    def add_version(self, session: int, version: VersionRow, standing: Any = None) -> int:
        """Add a version, which becomes the session's head, and return its number.

        `standing` is where the session stands with it, as a plain JSON value; None: as before.
        """
        brief, patch = map(as_json, (version.brief, version.patch))
        words = as_text(version.words)
        sought = folded("\n".join([words, *strings(_shown(brief))]))
        values = (words, brief, patch, str(version.seed), sought)
        with self._writing(session):
            number = self._number("versions", session, version.number)
            self._base.execute(
                "INSERT INTO versions (session, number, parent, words, brief, patch, seed,"
                " sought) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (session, number, version.parent, *values),
            )
            self._set(session, number, standing)
        return number

    def add_candidate(self, session: int, candidate: CandidateRow, content: bytes) -> int:
        """Keep a picture (the bytes of its PNG file) and its row; returns its number."""
        name = self.pictures.keep(content)
        image_request, critique = (
            as_json(written(candidate.image_request)),
            as_json(asdict(candidate.critique)),
        )
        holds, mean = candidate.critique.score
        score = (holds, len(candidate.critique.decisive), mean, candidate.spent)
        with self._writing(session):
            if not self.pictures.path(name).exists():  # another process forgot it this instant
                self.pictures.keep(content)
            number = self._number("candidates", session, candidate.number)
            self._base.execute(
                "INSERT INTO candidates (session, number, version, round, image_request, picture,"
                " critique, holds, claims, mean, spent, run)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session,
                    number,
                    candidate.version,
                    candidate.round,
                    image_request,
                    name,
                    critique,
                    *score,
                    candidate.run,
                ),
            )
            return number

    def finish(self, session: int, candidate: int, steps: Any, undone: Any = ()) -> None:
        """Say how a candidate is finished, and what of that was taken back, as JSON values."""
        values = (as_json(list(steps)), as_json(list(undone)), session, candidate)
        query = "UPDATE candidates SET finishes = ?, undone = ? WHERE session = ? AND number = ?"
        with self._writing(session):
            if not self._base.execute(query, values).rowcount:
                known = "type limner gallery to see what there is"
                raise BadInput(f"there is no picture #{candidate} in session {session}", known)

    def add_decision(self, session: int, decision: DecisionRow) -> None:
        """Add what was decided after a round, and why."""
        with self._writing(session):
            self._base.execute(
                "INSERT INTO decisions (session, version, round, what, why) VALUES (?, ?, ?, ?, ?)",
                (session, decision.version, decision.round, *map(as_text, astuple(decision)[2:])),
            )

    def rate(self, session: int, rating: RatingRow) -> None:
        """Add what the user thinks of a candidate, or of one against another."""
        with self._writing(session):
            self._base.execute(
                "INSERT INTO ratings (session, candidate, verdict, other) VALUES (?, ?, ?, ?)",
                (session, rating.candidate, as_text(rating.verdict), rating.other),
            )

    def set_head(self, session: int, version: int, standing: Any = None) -> None:
        """Say which version the session goes on from, as after an undo; see `add_version`."""
        with self._writing(session):
            self._set(session, version, standing)

    def sessions(self, search: str = "") -> list[SessionRow]:
        """All sessions in whose name, requests or briefs every word is found; the latest first."""
        words = as_json(folded(as_text(search)).split())
        with self._reading():
            found = self._base.execute(_LISTED + _FOUND, (words,)).fetchall()
        return [SessionRow(*row) for row in found]

    def load(self, session: int) -> ArchivedSession:
        """Everything about a session, as it was at one moment."""
        with self._reading():
            row = self._base.execute(_LISTED + "WHERE s.id = ?", (session,)).fetchone()
            if row is None:
                raise _no(session)
            return ArchivedSession(
                SessionRow(*row),
                tuple(version_of(v) for v in self._of("versions", session, "number")),
                tuple(candidate_of(t) for t in self._of("candidates", session, "number")),
                tuple(
                    DecisionRow(d["version"], d["round"], d["what"], d["why"])
                    for d in self._of("decisions", session, "id")
                ),
                tuple(
                    RatingRow(r["candidate"], r["verdict"], r["other"])
                    for r in self._of("ratings", session, "id")
                ),
                self._standing(session),
            )

    def forget(self, session: int) -> None:
        """Delete a session, and every picture that no other session has."""
        with self._writing(session):
            self._base.execute("DELETE FROM sessions WHERE id = ?", (session,))
        # Only once that is on disk, and while nobody can add a row: no row ever lacks its file.
        with self._alone, troubles(self._file), transaction(self._base):
            rows = self._base.execute("SELECT DISTINCT picture FROM candidates").fetchall()
            self.pictures.sweep({row["picture"] for row in rows})

    @contextmanager
    def _writing(self, session: int) -> Iterator[None]:
        with self._alone, troubles(self._file), transaction(self._base):
            now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
            touched = f"UPDATE sessions SET changed = {now} WHERE id = ?"
            if not self._base.execute(touched, (session,)).rowcount:
                raise _no(session)
            yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._alone, troubles(self._file), transaction(self._base, "DEFERRED"):
            yield

    def _number(self, table: str, session: int, wanted: int) -> int:
        if wanted != AFTER_LAST:
            return wanted
        query = f"SELECT coalesce(max(number), 0) + 1 FROM {table} WHERE session = ?"
        return int(self._base.execute(query, (session,)).fetchone()[0])

    def _of(self, table: str, session: int, column: str) -> list[sqlite3.Row]:
        query = f"SELECT * FROM {table} WHERE session = ? ORDER BY {column}"
        return self._base.execute(query, (session,)).fetchall()

    def _set(self, session: int, head: int, standing: Any) -> None:
        self._base.execute("UPDATE sessions SET head = ? WHERE id = ?", (head, session))
        if standing is not None:
            query = "UPDATE sessions SET standing = ? WHERE id = ?"
            self._base.execute(query, (as_json(standing), session))

    def _standing(self, session: int) -> Any:
        query = "SELECT standing FROM sessions WHERE id = ?"
        return json.loads(self._base.execute(query, (session,)).fetchone()[0])


def _shown(brief: str) -> str:
    """A brief's JSON without what nobody said: the foils of its claims, and names of kinds."""
    told = json.loads(brief)
    if isinstance(told, dict) and isinstance(told.get("claims"), list):
        claims = [claim for claim in told["claims"] if isinstance(claim, dict)]
        told["claims"] = [[claim.get("text"), claim.get("quote")] for claim in claims]
    return json.dumps(told)


def _no(session: int) -> BadInput:
    return BadInput(f"there is no session {session}", "type limner gallery to see all of them")
