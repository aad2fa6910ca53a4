"""Takes the rows of an input into the queue, once, and sees that what is done is still there."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from limner import configs
from limner.agent.archive.atomic_io import PART
from limner.agent.archive.pictures import RESERVED, name_of, slug
from limner.agent.batch.config import BatchConfig, falls_short
from limner.agent.batch.heartbeat import HeartbeatMonitor
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import PICTURES
from limner.agent.batch.rows import BadRow, BatchRow, Outcome
from limner.agent.plain import clean, one_line
from limner.agent.records import Brief, Claim, Critique
from limner.agent.search.rounds import seed_of
from limner.agent.syntax.reader import pasted_seed
from limner.errors import BadInput

__all__ = [
    "Ids",
    "add",
    "derived",
    "digest",
    "revisit",
    "safe",
    "settle",
    "terms_of",
]


LONGEST = 100
"""Bytes of an id in UTF-8: room is left for what is put after it in a file's name."""

_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')


def safe(text: str) -> str:
    """An id from a file, as it is; raises `BadInput` for one that is no safe file name anywhere."""
    name = unicodedata.normalize("NFC", text.strip())
    why = _fault(name)
    if why:
        raise BadInput(f"the id {one_line(text, 40)!r} {why}", "use letters, digits and hyphens")
    return name


def derived(number: int, request: str) -> str:
    """The id of a row that has none: its number and some words of its request."""
    return f"{number:05d}-{slug(request)[:40].strip('-')}"


@dataclass(slots=True)
class Ids:
    """The ids of one input so far, by their digests: some 100 bytes for each row."""

    _lines: dict[int, int] = field(default_factory=dict)

    def claim(self, name: str, line: int) -> None:
        """Take a name for a row of that line; raises `BadInput` where another row has it.

        Names that differ in capitals alone are one: some disks know no difference.
        """
        plain = unicodedata.normalize("NFKC", name).casefold().encode(errors="replace")
        digest = int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest())
        taken = self._lines.get(digest)
        if taken is not None:
            raise BadInput(
                f"the id {one_line(name, 40)!r} is that of line {taken}", "give each row its own"
            )
        self._lines[digest] = line


def _fault(name: str) -> str:
    if not name:
        return "is empty"
    if _FORBIDDEN.search(name):
        return "has a character that no file name may have"
    if clean(name) != name:
        return "has characters that can't be seen"
    if name.startswith((".", "-", "~")) or name.endswith("."):
        return f"begins or ends with {name[0] if name[0] in '.-~' else '.'!r}"
    if len(name.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return "is a name that systems keep for themselves" if _is_reserved(name) else ""


def _is_reserved(name: str) -> bool:
    return name.split(".")[0].strip().casefold() in RESERVED


_BLOCK = 1 << 20  # bytes


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle(queue: Queue, terms: BatchConfig) -> BatchConfig:
    """Writes the terms down, or holds them against those that the batch was begun with.

    Raises `BadInput` where other pictures would come of these.
    """
    with queue.writing() as base:
        base.execute("INSERT OR IGNORE INTO settings VALUES ('terms', ?)", (terms.as_json(),))
        base.execute("INSERT OR IGNORE INTO settings VALUES ('kind', 'batch')")
    before = terms_of(queue)
    unlike = before.unlike(replace(terms, threads=before.threads))
    if unlike:
        was = ", ".join(f"{name} {getattr(before, name)}" for name in unlike)
        raise BadInput(
            f"the batch in {queue.folder} was begun with {was}",
            "type the same again, or another --out",
        )
    after = replace(terms, threads=before.threads)
    with queue.writing() as base:
        base.execute("UPDATE settings SET value = ? WHERE name = 'terms'", (after.as_json(),))
    return after


def terms_of(queue: Queue) -> BatchConfig:
    """The terms that the batch was begun with."""
    found = queue.reading("SELECT value FROM settings WHERE name = 'terms'")
    if not found:
        raise BadInput(f"there is no batch in {queue.folder}", "type limner batch FILE --out DIR")
    return BatchConfig.parse(found[0]["value"])


def add(
    queue: Queue,
    terms: BatchConfig,
    rows: Iterable[BatchRow | BadRow],
    *,
    name: str,
    sha256: str,
    append: bool = False,
) -> bool:
    """Takes in all rows or none; False where the same input is in the queue already.

    Raises `BadInput` for another input than the one that the batch was begun with, unless it is
    to be appended, and for an input without rows.
    """
    with queue.writing() as base:
        inputs = base.execute("SELECT sha256, name FROM inputs").fetchall()
        if sha256 in (row["sha256"] for row in inputs):
            return False
        if inputs and not append:
            raise BadInput(
                f"the batch in {queue.folder} was begun with another {inputs[0]['name']}",
                "type --append to add these rows to it, or another --out",
            )
        first = base.execute("SELECT coalesce(max(number), 0) FROM rows").fetchone()[0]
        party = base.execute("SELECT coalesce(max(number), -1) + 1 FROM parties").fetchone()[0]
        taken = _Ids(base) if inputs else None
        values = _values(rows, terms, first, party, taken)
        base.executemany(
            "INSERT INTO rows (number, party, line, id, spec, seed, state, outcome) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        base.execute(
            "INSERT OR IGNORE INTO parties (number) SELECT DISTINCT party FROM rows "
            "WHERE party IS NOT NULL"
        )
        count = base.execute("SELECT count(*) FROM rows WHERE number > ?", (first,)).fetchone()[0]
        if not count:
            raise BadInput(f"there are no rows in {name}", "write one request a line")
        base.execute("INSERT INTO inputs VALUES (?, ?, ?)", (sha256, name, count))
    return True


class _Ids:
    """The ids that are taken in the queue already."""

    def __init__(self, base: Any) -> None:
        self._base = base

    def free(self, name: str) -> str:
        """That id, or with a number behind it the first that is free."""
        tried, number = name, 1
        while self._base.execute("SELECT 1 FROM rows WHERE id = ?", (tried,)).fetchone():
            number += 1
            tried = f"{name}-{number}"
        return tried


def _values(
    rows: Iterable[BatchRow | BadRow],
    terms: BatchConfig,
    first: int,
    party: int,
    taken: _Ids | None,
) -> Iterator[tuple[object, ...]]:
    good = 0
    for number, row in enumerate(rows, first + 1):
        if isinstance(row, BadRow):
            yield number, None, row.line, None, "", None, "bad", _bad(number, row).as_json()
            continue
        name = taken.free(row.id) if taken else row.id
        row = replace(row, number=number, id=name)
        seed = pasted_seed(row.request) if row.seed is None else row.seed
        seed = seed_of(terms.seed, number) if seed is None else seed
        where = party + good // terms.company
        good += 1
        yield number, where, row.line, name, row.as_json(), seed, "waiting", ""


def _bad(number: int, row: BadRow) -> Outcome:
    """What came of a row that nobody could read."""
    return Outcome(
        id=f"{number:05d}-unusable",
        number=number,
        line=row.line,
        request="",
        status="failed",
        attempts=0,
        error=row.why,
        hint="mend the row, and add it with --append",
    )


def revisit(queue: Queue, terms: BatchConfig, retry_failed: bool = False) -> int:
    """Has rows wait again whose picture is gone or changed, and says how many there were.

    With `retry_failed`, those that failed or were set aside wait again, too. What is done is
    judged anew by what is required now. What was never finished writing is taken away, if nobody
    is at it.
    """
    lost = []
    for outcome in queue.outcomes():
        if outcome.picture and not _is_whole(queue.folder / outcome.picture, outcome.sha256):
            lost.append(outcome.number)
        elif outcome.picture:
            _judge_anew(queue, terms, outcome)
    _wait_again(queue, lost)
    if retry_failed:
        _retry(queue)
    _sweep(queue)
    return len(lost)


def _is_whole(path: Path, sha256: str) -> bool:
    try:
        return name_of(path.read_bytes()) == sha256
    except OSError:
        return False


def _judge_anew(queue: Queue, terms: BatchConfig, outcome: Outcome) -> None:
    found = queue.reading("SELECT spec FROM rows WHERE number = ?", outcome.number)
    claims = tuple(Claim(claim.text, claim.kind, claim.source) for claim in outcome.claims)
    sure = tuple(claim.probability for claim in outcome.claims)
    row = BatchRow.parse(found[0]["spec"])
    critique = Critique(claims, sure, _threshold(row.profile or terms.profile))
    left = outcome.words("unchecked"), outcome.words("not_shown")
    brief = Brief(outcome.request, outcome.prompt, unchecked=left[0], not_shown=left[1])
    short = falls_short(row, critique, brief, terms.required)
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


def _wait_again(queue: Queue, numbers: Iterable[int]) -> None:
    with queue.writing() as base:
        for number in numbers:
            base.execute(
                "UPDATE rows SET state = 'waiting', outcome = '' WHERE number = ?", (number,)
            )
            base.execute(
                "UPDATE parties SET state = 'waiting' WHERE state = 'done' "
                "AND number = (SELECT party FROM rows WHERE number = ?)",
                (number,),
            )


def _retry(queue: Queue) -> None:
    broken = (
        "state IN ('failed', 'set aside') "
        "OR (state = 'short' AND json_extract(outcome, '$.ended') = 'failed')"
    )
    with queue.writing() as base:
        base.execute(
            "UPDATE parties SET state = 'waiting', crashes = 0 WHERE state = 'done' AND number IN "
            f"(SELECT party FROM rows WHERE outcome <> '' AND ({broken}))"
        )
        base.execute(
            "UPDATE rows SET state = 'waiting', outcome = '', crashes = 0, tried = '' "
            f"WHERE outcome <> '' AND ({broken})"
        )


def _sweep(queue: Queue) -> None:
    watch = HeartbeatMonitor(queue.workers)
    with suppress(OSError):  # what is left there does no harm
        if all(watch.gone(path.name) for path in queue.workers.glob("*")):
            for path in (queue.folder / PICTURES).glob(f".limner-*{PART}"):
                path.unlink()
