"""Runs a batch from the file of its requests to its manifest, its tables and its page."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from limner.agent.batch.cluster import Cluster, connected
from limner.agent.batch.config import BatchConfig
from limner.agent.batch.events import Happening
from limner.agent.batch.ingest import add, digest, revisit, settle
from limner.agent.batch.page import write_page
from limner.agent.batch.queue import Queue
from limner.agent.batch.reading import Form, read
from limner.agent.batch.reports import NAME, Manifest, tables, write_junit
from limner.agent.batch.row_group import Studios
from limner.agent.batch.rows import BadRow, BatchRow
from limner.agent.batch.stop_signal import StopSignal
from limner.agent.batch.sweeps import Sweep, swept
from limner.agent.batch.workers import WorkerPool
from limner.agent.events import BriefReady, CandidateReady
from limner.agent.plain import one_line
from limner.agent.studio import Studio
from limner.errors import BadInput, LimnerError
from limner.pipelines.roles import ImageRequest

__all__ = [
    "BatchRun",
    "Forecast",
    "at_hand",
    "conducted",
    "forecast",
    "rows_of",
]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a batch holds and may cost: `pictures` and `equivalents` (image-equivalents) at most.

    `seconds` is an estimate for one worker, from one brief and one picture that were made for it;
    None where there was nothing to measure.
    """

    rows: int = 0
    bad: int = 0
    pictures: int = 0
    equivalents: float = 0.0
    seconds: float | None = None

    def as_mapping(self) -> dict[str, Any]:
        """All of it by name."""
        return asdict(self)


def forecast(rows: Iterable[BatchRow | BadRow], terms: BatchConfig) -> Forecast:
    """What the rows would cost; the models are opened and tried on the first of them."""
    studio, found, first = Studios(terms).studio(), Forecast(), None
    for row in rows:
        if isinstance(row, BadRow):
            found = replace(found, rows=found.rows + 1, bad=found.bad + 1)
            continue
        first = first or row
        budget = 0.0 if terms.expand_only else row.budget or terms.budget or studio.settings.budget
        found = replace(
            found,
            rows=found.rows + 1,
            pictures=found.pictures + int(budget / _cost(studio, row, terms) + 1e-6),
            equivalents=found.equivalents + budget,
        )
    if first is None:
        return found
    brief, picture = _tried(studio, first, terms)
    seconds = (found.rows - found.bad) * brief + found.equivalents * picture
    return replace(found, equivalents=round(found.equivalents, 2), seconds=round(seconds, 1))


def _cost(studio: Studio, row: BatchRow, terms: BatchConfig) -> float:
    """What one picture of a row costs, in image-equivalents."""
    settings, dialect = studio.settings, studio.painter.dialect
    width, height = row.size or terms.size or settings.size or dialect.size
    order = ImageRequest("", 0, width, height, settings.steps or dialect.steps, dialect.guidance)
    with suppress(LimnerError):  # a size that it can't paint: the row will say so
        return max(studio.painter.cost(order), 1e-3)
    return float("inf")


def _tried(studio: Studio, row: BatchRow, terms: BatchConfig) -> tuple[float, float]:
    """The seconds of one brief, and of painting for one image-equivalent; 0 where it failed."""
    brief = painting = spent = 0.0
    with suppress(LimnerError):
        for _ in studio.expand(row.request, seed=0):
            pass  # what is only slow the first time
        begun = time.monotonic()
        for _ in studio.expand(row.request, seed=0):
            pass
        brief = time.monotonic() - begun
        if terms.expand_only:
            return brief, 0.0
        with closing(studio.takes(row.request, seed=0, takes=1, refine=False)) as events:
            for event in events:
                if isinstance(event, BriefReady):
                    begun = time.monotonic()
                elif isinstance(event, CandidateReady):
                    spent += studio.painter.cost(event.take.order)
            painting = time.monotonic() - begun
    return brief, painting / spent if spent else 0.0


PAGE = "index.html"
"""The page of a batch, beside its manifest."""

_TELL_EVERY = 1.0  # seconds, how far the whole is
_SHOWN = 3  # bad rows that a refusal names


@dataclass(frozen=True, slots=True)
class BatchRun:
    """A batch as it was asked for: `source` is a file, or - for standard input."""

    source: Path
    out: Path
    terms: BatchConfig
    form: Form | None = None
    wildcards: bool = False
    matrix: str | None = None
    strict: bool = False
    append: bool = False
    retry_failed: bool = False
    workers: int = 1
    ray: str = ""
    junit: Path | None = None


def conducted(job: BatchRun, halt: StopSignal) -> Generator[Happening, None, None]:
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


def rows_of(job: BatchRun) -> Iterator[BatchRow | BadRow]:
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


def _worked(
    job: BatchRun, queue: Queue, terms: BatchConfig, halt: StopSignal
) -> Iterator[Happening]:
    if not queue.at_work():
        return
    told = 0.0
    for happening in _workers(job, queue, terms, halt):
        if happening["event"] != "tick":
            yield happening
        if time.monotonic() - told >= _TELL_EVERY:
            told = time.monotonic()
            yield {"event": "progress", **_state(queue)}


def _workers(
    job: BatchRun, queue: Queue, terms: BatchConfig, halt: StopSignal
) -> Iterator[Happening]:
    if job.ray:
        ray = connected(job.ray)
        count = job.workers if job.workers > 1 else None
        return Cluster(ray, queue, terms, count).events(halt.asked)
    return WorkerPool(job.out, job.workers).events(halt)


def _ended(job: BatchRun, queue: Queue, halt: StopSignal) -> Happening:
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
