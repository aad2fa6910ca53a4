"""Conducts a batch from the file of its requests to its manifest, its tables and its page."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from limner.agent.batch.cluster import Cluster, connected
from limner.agent.batch.crew import Crew
from limner.agent.batch.halt import Halt
from limner.agent.batch.happenings import Happening
from limner.agent.batch.intake import add, digest, revisit, settle
from limner.agent.batch.junit import write_junit
from limner.agent.batch.manifest import NAME, Manifest
from limner.agent.batch.page import write_page
from limner.agent.batch.queue import Queue
from limner.agent.batch.reading import Form, read
from limner.agent.batch.rows import BadRow, Row
from limner.agent.batch.sweeps import Sweep, swept
from limner.agent.batch.tables import tables
from limner.agent.batch.terms import Terms
from limner.agent.plain import one_line
from limner.errors import BadInput

__all__ = ["Job", "at_hand", "conducted", "rows_of"]

PAGE = "index.html"
"""The page of a batch, beside its manifest."""

_TELL_EVERY = 1.0  # seconds, how far the whole is
_SHOWN = 3  # bad rows that a refusal names


@dataclass(frozen=True, slots=True)
class Job:
    """A batch as it was asked for: `source` is a file, or - for standard input."""

    source: Path
    out: Path
    terms: Terms
    form: Form | None = None
    wildcards: bool = False
    matrix: str | None = None
    strict: bool = False
    append: bool = False
    retry_failed: bool = False
    workers: int = 1
    ray: str = ""
    junit: Path | None = None


def conducted(job: Job, halt: Halt) -> Generator[Happening, None, None]:
    """Everything that happens, from "began" to "ended", which has the exit code.

    The same job again goes on where it was left. Raises `BadInput` for what can't be worked on as
    it was asked for; then the folder is as it was.
    """
    with Queue.open(job.out) as queue:
        terms = settle(queue, job.terms)
        with at_hand(job.source) as file:
            rows = rows_of(replace(job, source=file))
            name = one_line(job.source.name, 200)
            add(queue, terms, rows, name=name, sha256=digest(file), append=job.append)
        gone = revisit(queue, terms, job.retry_failed)
        yield {"event": "began", "out": str(job.out), **_state(queue), "gone": gone}
        yield from _worked(job, queue, terms, halt)
        yield _ended(job, queue, halt)


@contextmanager
def at_hand(source: Path) -> Iterator[Path]:
    """The file itself, or a copy of what standard input has to say. Raises `BadInput`."""
    if str(source) != "-":
        if not source.is_file():
            raise BadInput(f"there is no file {source}", "name a file of requests, or - for a pipe")
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="limner-") as folder:
        copy = Path(folder) / "standard input"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield copy


def rows_of(job: Job) -> Iterator[Row | BadRow]:
    """The rows of a job, one after another. With `strict`, raises `BadInput` for a bad one."""
    bad: list[str] = []
    rows = read(job.source, job.form)
    if job.wildcards or job.matrix is not None:
        rows = swept(rows, Sweep.parse(job.wildcards, job.matrix, job.terms.seed))
    for row in rows:
        if isinstance(row, BadRow) and job.strict:
            bad.append(f"line {row.line}: {row.why}")
        if len(bad) >= _SHOWN:
            break
        yield row
    if bad:
        raise BadInput(f"{job.source} has rows that can't be used: {'; '.join(bad)}", "mend them")


def _worked(job: Job, queue: Queue, terms: Terms, halt: Halt) -> Iterator[Happening]:
    if not queue.at_work():
        return
    told = 0.0
    for happening in _workers(job, queue, terms, halt):
        if happening["event"] != "tick":
            yield happening
        if time.monotonic() - told >= _TELL_EVERY:
            told = time.monotonic()
            yield {"event": "progress", **_state(queue)}


def _workers(job: Job, queue: Queue, terms: Terms, halt: Halt) -> Iterator[Happening]:
    if job.ray:
        ray = connected(job.ray)
        count = job.workers if job.workers > 1 else None
        return Cluster(ray, queue, terms, count).events(halt.asked)
    return Crew(job.out, job.workers).events(halt)


def _ended(job: Job, queue: Queue, halt: Halt) -> Happening:
    """Writes the manifest, the tables and the page, and says how it ended."""
    manifest = Manifest(job.out / NAME)
    manifest.rewrite(queue.outcomes())
    written = [manifest.path, *tables(manifest, job.out)]
    written.append(write_page(manifest, job.out / PAGE, title=job.out.resolve().name))
    if job.junit:
        written.append(write_junit(manifest, job.junit))
    state = _state(queue)
    wrong = any(state[name] for name in ("short", "failed", "set aside", "bad"))
    code = halt.exit_code if halt.asked() and queue.at_work() else int(wrong)
    return {"event": "ended", **state, "written": [str(p) for p in written], "exit_code": code}


def _state(queue: Queue) -> dict[str, int]:
    counts = queue.counts()
    states = ("waiting", "done", "short", "failed", "set aside", "bad")
    return {"rows": sum(counts.values()), **{name: counts.get(name, 0) for name in states}}
