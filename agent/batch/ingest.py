"""Puts the rows of an input into the queue, and finds what has to be done again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from limner import configs
from limner.agent.archive.atomic_io import PART
from limner.agent.archive.pictures import name_of
from limner.agent.batch.config import BatchConfig, falls_short
from limner.agent.batch.heartbeat import HeartbeatMonitor
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import PICTURES
from limner.agent.batch.rows import BadRow, BatchRow, Outcome
from limner.agent.records import Brief, Claim, Critique
from limner.agent.search.rounds import seed_of
from limner.agent.syntax.reader import pasted_seed
from limner.errors import BadInput

__all__ = ["Changes", "add_rows", "config_of", "digest", "revisit", "settle_config"]


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle_config(queue: Queue, config: BatchConfig) -> BatchConfig:
    """Keeps the config of a new batch; of an older one, returns its config with what may change.

    Raises `BadInput` where other pictures would come of this config.
    """
    with queue.writing() as base:
        base.execute("INSERT OR IGNORE INTO settings VALUES ('config', ?)", (config.as_json(),))
    before = config_of(queue)
    now = replace(config, threads=before.threads)
    if names := before.differences(now):
        was = ", ".join(f"{name} {getattr(before, name)}" for name in names)
        raise BadInput(
            f"the batch in {queue.folder} was begun with {was}",
            "type the same again, or another --out",
        )
    with queue.writing() as base:
        base.execute("UPDATE settings SET value = ? WHERE name = 'config'", (now.as_json(),))
    return now


def config_of(queue: Queue) -> BatchConfig:
    """The config that the batch was begun with."""
    found = queue.reading("SELECT value FROM settings WHERE name = 'config'")
    if not found:
        raise BadInput(f"there is no batch in {queue.folder}", "type limner batch FILE --out DIR")
    return BatchConfig.parse(found[0]["value"])


@dataclass(frozen=True, slots=True)
class Changes:
    """How many rows an input brought: `new` ones, `changed` ones, and `removed` ones."""

    new: int = 0
    changed: int = 0
    removed: int = 0


def add_rows(
    queue: Queue,
    config: BatchConfig,
    rows: Iterable[BatchRow | BadRow],
    *,
    name: str,
    sha256: str,
    append: bool = False,
) -> Changes | None:
    """Takes in all rows or none; None where the same input is in the queue already.

    An input of the same `name` takes the place of the earlier one: rows are found again by their
    key, those with another content wait anew, and those that are no longer there leave the queue.
    Raises `BadInput` for an input of another name, unless it is to be appended, and for an input
    without rows.
    """
    with queue.writing() as base:
        inputs = base.execute("SELECT * FROM inputs ORDER BY number").fetchall()
        if sha256 in (known["sha256"] for known in inputs):
            return None
        before = [known["number"] for known in inputs if known["name"] == name and not append]
        if inputs and not append and not before:
            raise BadInput(
                f"the batch in {queue.folder} was begun with another file, {inputs[0]['name']}",
                "type --append to add these rows to it, or another --out",
            )
        if before:
            number = before[-1]
            base.execute("UPDATE inputs SET sha256 = ? WHERE number = ?", (sha256, number))
            base.execute("UPDATE rows SET number = -number WHERE input = ?", (number,))
        else:
            values = (sha256, name)
            base.execute("INSERT INTO inputs (sha256, name) VALUES (?, ?)", values)
            number = base.execute("SELECT max(number) FROM inputs").fetchone()[0]
        return _Adding(base, config, number).add(rows, name)


class _Adding:
    """Takes the rows of one input into the queue; what was there of it has negative numbers."""

    def __init__(self, base: sqlite3.Connection, config: BatchConfig, number: int) -> None:
        self._base = base
        self._config = config
        self._input = number
        self._keys: Counter[str] = Counter()
        self._begun = 0
        self._group = self._one("SELECT coalesce(max(number), -1) + 1 FROM row_groups")

    def add(self, rows: Iterable[BatchRow | BadRow], name: str) -> Changes:
        """Puts all rows into the queue. Raises `BadInput` where there are none."""
        first = number = self._one("SELECT coalesce(max(number), 0) FROM rows WHERE number > 0")
        new = changed = 0
        for number, row in enumerate(rows, first + 1):
            if isinstance(row, BadRow):
                self._bad(number, row)
                continue
            self._keys[row.key] += 1
            key = f"{row.key} {self._keys[row.key]}" if self._keys[row.key] > 1 else row.key
            found = self._base.execute(
                "SELECT * FROM rows WHERE input = ? AND key = ? AND number < 0", (self._input, key)
            ).fetchone()
            new += found is None
            changed += found is not None and not self._again(found, number, row)
            if found is None:
                self._new(number, row, key)
        if number == first:
            raise BadInput(f"there are no rows in {name}", "write one request a line")
        removed = self._one("SELECT count(*) FROM rows WHERE number < 0 AND key <> ''")
        self._base.execute("DELETE FROM rows WHERE number < 0")
        self._base.execute(  # those that all rows have left
            "UPDATE row_groups SET state = 'done' WHERE state <> 'done' AND number NOT IN "
            "(SELECT row_group FROM rows WHERE row_group IS NOT NULL AND state <> 'set aside')"
        )
        return Changes(new, changed, removed)

    def _bad(self, number: int, row: BadRow) -> None:
        self._base.execute(
            "INSERT INTO rows (number, line, spec, state, outcome, input) "
            "VALUES (?, ?, '', 'bad', ?, ?)",
            (number, row.line, row.outcome(number).as_json(), self._input),
        )

    def _new(self, number: int, row: BatchRow, key: str) -> None:
        row = replace(row, number=number, id=self._free(row.id))
        values = (number, row.line, row.id, row.as_json(), self._seed(row), self._next_group())
        self._base.execute(
            "INSERT INTO rows (number, line, id, spec, seed, row_group, input, key) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, self._input, key),
        )

    def _again(self, found: sqlite3.Row, number: int, row: BatchRow) -> bool:
        """A row that was there; False where it waits anew, for its content has changed."""
        old = BatchRow.parse(found["spec"])
        row = replace(row, number=number, id=found["id"])
        same = old.content == row.content
        if not same:
            values: tuple[object, ...] = (self._seed(row), self._next_group(), found["number"])
            self._base.execute(
                "UPDATE rows SET seed = ?, row_group = ?, state = 'waiting', outcome = '', "
                "attempts = 0, crashes = 0, tried = '' WHERE number = ?",
                values,
            )
        elif found["outcome"] and old.columns != row.columns:
            outcome = replace(Outcome.parse(found["outcome"]), columns=row.columns)
            values = (outcome.as_json(), found["number"])
            self._base.execute("UPDATE rows SET outcome = ? WHERE number = ?", values)
        self._base.execute(
            "UPDATE rows SET number = ?, line = ?, spec = ? WHERE number = ?",
            (number, row.line, row.as_json(), found["number"]),
        )
        return same

    def _seed(self, row: BatchRow) -> int:
        seed = pasted_seed(row.request) if row.seed is None else row.seed
        return seed_of(self._config.seed, row.number) if seed is None else seed

    def _next_group(self) -> int:
        group = self._group + self._begun // self._config.rows_together
        self._begun += 1
        self._base.execute("INSERT OR IGNORE INTO row_groups (number) VALUES (?)", (group,))
        return group

    def _free(self, name: str) -> str:
        """That id, or with a number behind it the first that is free."""
        tried, number = name, 1
        while self._base.execute("SELECT 1 FROM rows WHERE id = ?", (tried,)).fetchone():
            number += 1
            tried = f"{name}-{number}"
        return tried

    def _one(self, query: str) -> int:
        return int(self._base.execute(query).fetchone()[0])


def revisit(queue: Queue, config: BatchConfig, retry_failed: bool = False) -> int:
    """Has rows wait again whose picture is gone or changed, and returns how many there were.

    With `retry_failed`, those that failed or were set aside wait again, too. What is done is
    judged anew by what is required now. Unfinished files are deleted, if no worker is alive.
    """
    lost = []
    for outcome in queue.outcomes():
        if outcome.picture and not _is_whole(queue.folder / outcome.picture, outcome.sha256):
            lost.append((outcome.number,))
        elif outcome.picture:
            _judge_anew(queue, config, outcome)
    with queue.writing() as base:
        base.executemany("UPDATE rows SET state = 'waiting', outcome = '' WHERE number = ?", lost)
        base.executemany(
            "UPDATE row_groups SET state = 'waiting' WHERE state = 'done' "
            "AND number = (SELECT row_group FROM rows WHERE number = ?)",
            lost,
        )
    if retry_failed:
        _retry(queue)
    _delete_unfinished(queue)
    return len(lost)


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        return name_of(path.read_bytes()) == sha256
    except OSError:
        return False


def _judge_anew(queue: Queue, config: BatchConfig, outcome: Outcome) -> None:
    found = queue.reading("SELECT spec FROM rows WHERE number = ?", outcome.number)
    row = BatchRow.parse(found[0]["spec"])
    claims = tuple(Claim(claim.text, claim.kind, claim.source) for claim in outcome.claims)
    known = tuple(claim.probability for claim in outcome.claims)
    critique = Critique(claims, known, _threshold(row.profile or config.profile))
    unchecked, not_shown = outcome.words("unchecked"), outcome.words("not_shown")
    brief = Brief(outcome.request, outcome.prompt, unchecked=unchecked, not_shown=not_shown)
    short = falls_short(row, critique, brief, config.required)
    if short == outcome.short:
        return
    judged = replace(outcome, short=short, status="short" if short or outcome.error else "done")
    with queue.writing() as base:
        base.execute(
            "UPDATE rows SET state = ?, outcome = ? WHERE number = ? AND state = ?",
            (judged.status, judged.as_json(), outcome.number, outcome.status),
        )


@cache
def _threshold(profile: str) -> float:
    return configs.load(profile).threshold


def _retry(queue: Queue) -> None:
    broken = (
        "outcome <> '' AND (state IN ('failed', 'set aside') "
        "OR (state = 'short' AND json_extract(outcome, '$.ended') = 'failed'))"
    )
    with queue.writing() as base:
        base.execute(
            "UPDATE row_groups SET state = 'waiting', crashes = 0 WHERE state = 'done' "
            f"AND number IN (SELECT row_group FROM rows WHERE {broken})"
        )
        base.execute(
            "UPDATE rows SET state = 'waiting', outcome = '', crashes = 0, tried = '' "
            f"WHERE {broken}"
        )


def _delete_unfinished(queue: Queue) -> None:
    monitor = HeartbeatMonitor(queue.workers)
    with suppress(OSError):  # what is left there does no harm
        if all(monitor.gone(path.name) for path in queue.workers.glob("*")):
            for path in (queue.folder / PICTURES).glob(f".limner-*{PART}"):
                path.unlink()
