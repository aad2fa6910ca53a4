"""Runs a batch from the file of its requests to its manifest, its tables and its page."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from limner.agent.batch.cluster import Cluster, connected
from limner.agent.batch.columns import likely_field
from limner.agent.batch.config import BatchConfig
from limner.agent.batch.ingest import add_rows, digest, revisit, settle_config
from limner.agent.batch.page import write_page
from limner.agent.batch.queue import Queue
from limner.agent.batch.reading import Format, local_copy, read_rows
from limner.agent.batch.reports import NAME, Manifest, tables, write_junit
from limner.agent.batch.row_group import Studios, painted_size
from limner.agent.batch.rows import STATUSES, BadRow, BatchRow
from limner.agent.batch.stop_signal import StopSignal
from limner.agent.batch.sweeps import Sweep, swept
from limner.agent.batch.workers import BatchEvent, WorkerPool, row_ended
from limner.agent.events import BriefReady, CandidateReady
from limner.agent.plain import one_line
from limner.errors import BadInput, LimnerError
from limner.pipelines.roles import ImageRequest
from limner.prompts.styles import style as style_called

__all__ = ["BatchRun", "Forecast", "forecast", "run_batch"]

PAGE = "index.html"
"""The page of a batch, beside its manifest."""

_PROGRESS_EVERY = 1.0  # seconds
_NAMED = 3  # bad rows that a refusal names


@dataclass(frozen=True, slots=True)
class BatchRun:
    """A batch as it was asked for: `source` is a file, or - for standard input."""

    source: Path
    out: Path
    config: BatchConfig
    form: Format | None = None
    wildcards: bool = False
    matrix: str | None = None
    strict: bool = False
    append: bool = False
    retry_failed: bool = False
    workers: int = 1
    ray: str = ""
    junit: Path | None = None


def run_batch(job: BatchRun, stop: StopSignal) -> Generator[BatchEvent, None, None]:
    """Everything that happens, from "began" to "ended", which has the exit code.

    The same job again goes on where it was left; of a file that was changed, the rows that are new
    or changed are done. Raises `BadInput` for what can't be worked on as it was asked for; then the
    folder is as it was.
    """
    with Queue.open(job.out) as queue:
        config = settle_config(queue, job.config)
        with local_copy(job.source) as file:
            name = one_line(job.source.name, 200)
            rows = _rows(replace(job, source=file))
            changes = add_rows(
                queue, config, rows, name=name, sha256=digest(file), append=job.append
            )
        lost = revisit(queue, config, job.retry_failed)
        found = asdict(changes) if changes else {"new": 0, "changed": 0, "removed": 0}
        yield {"event": "began", "out": str(job.out), **_state(queue), **found, "lost": lost}
        if changes:
            yield from (row_ended(o) for o in queue.outcomes() if o.status == "bad")
        if queue.unfinished():
            yield from _worked(job, queue, config, stop)
        yield _ended(job, queue, stop)


def _rows(job: BatchRun) -> Iterator[BatchRow | BadRow]:
    """The rows of a job, one after another. With `strict`, raises `BadInput` for a bad one."""
    bad: list[str] = []
    rows = read_rows(job.source, job.form)
    if job.wildcards or job.matrix is not None:
        rows = swept(rows, Sweep.parse(job.wildcards, job.matrix, job.config.seed))
    for row in rows:
        if isinstance(row, BadRow) and job.strict:
            bad.append(f"line {row.line}: {row.why}")
        if len(bad) >= _NAMED:
            break
        yield row
    if bad:
        raise BadInput(f"{job.source} has rows that can't be used: {'; '.join(bad)}", "mend them")


def _worked(
    job: BatchRun, queue: Queue, config: BatchConfig, stop: StopSignal
) -> Iterator[BatchEvent]:
    if job.ray:
        count = job.workers if job.workers > 1 else None
        events = Cluster(connected(job.ray), queue, config, count).events(stop.asked)
    else:
        events = WorkerPool(job.out, job.workers).events(stop)
    last = 0.0
    for event in events:
        if event["event"] != "tick":
            yield event
        if time.monotonic() - last >= _PROGRESS_EVERY:
            last = time.monotonic()
            yield {"event": "progress", **_state(queue)}


def _ended(job: BatchRun, queue: Queue, stop: StopSignal) -> BatchEvent:
    """Writes the manifest, the tables and the page, and returns how it ended."""
    manifest = Manifest(job.out / NAME)
    manifest.rewrite(queue.outcomes())
    written = [manifest.path, *tables(manifest, job.out)]
    written.append(write_page(manifest, job.out / PAGE, title=job.out.resolve().name))
    if job.junit:
        written.append(write_junit(manifest, job.junit))
    state = _state(queue)
    wrong = any(state[name] for name in STATUSES if name != "done")
    code = stop.exit_code if stop.asked() and queue.unfinished() else int(wrong)
    return {"event": "ended", **state, "written": [str(p) for p in written], "exit_code": code}


def _state(queue: Queue) -> dict[str, int]:
    counts = queue.counts()
    states = {name: counts.get(name, 0) for name in ("waiting", *STATUSES)}
    return {"rows": sum(counts.values()), **states}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a batch holds and may cost: `pictures` and `equivalents` (image-equivalents) at most.

    `seconds` is an estimate for one worker, from one brief and one picture that were made for it;
    None where there was nothing to measure. `bad` are the rows that can't be used, and `notes` what
    may be a slip, such as a column that nobody reads.
    """

    rows: int = 0
    pictures: int = 0
    equivalents: float = 0.0
    seconds: float | None = None
    bad: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where a row can't be used."""
        return int(bool(self.bad))

    def as_mapping(self) -> dict[str, Any]:
        """All of it by name; `bad` is a number, `problems` are those rows."""
        bad = [{"line": row.line, "id": row.id, "why": row.why} for row in self.bad]
        return {**asdict(self), "bad": len(bad), "problems": bad, "exit_code": self.exit_code}


def forecast(job: BatchRun) -> Forecast:
    """Checks every row of a job, and says what they would cost; nothing is kept.

    The models are opened, and tried on the first row. Raises `BadInput` as `run_batch` does.
    """
    with local_copy(job.source) as file:
        return _Forecasting(job.config).of(_rows(replace(job, source=file)))


class _Forecasting:
    def __init__(self, config: BatchConfig) -> None:
        self._config = config
        self._studio = Studios(config).studio()
        self._notes: dict[str, None] = {}
        self._columns: set[str] = set()

    def of(self, rows: Iterable[BatchRow | BadRow]) -> Forecast:
        found, first, bad = Forecast(), None, []
        for row in rows:
            found = replace(found, rows=found.rows + 1)
            try:
                cost = 0.0 if isinstance(row, BadRow) else self._checked(row)
            except LimnerError as problem:
                assert isinstance(row, BatchRow)
                row = BadRow.of(row.line, problem, row.id, row.request, row.columns)
            if isinstance(row, BadRow):
                bad.append(row)
                continue
            first = first or row
            budget = row.budget or self._config.budget or self._studio.settings.budget
            budget = 0.0 if self._config.expand_only else budget
            pictures = found.pictures + int(budget / cost + 1e-6)
            found = replace(found, pictures=pictures, equivalents=found.equivalents + budget)
        found = replace(found, bad=tuple(bad), notes=tuple(self._notes))
        if first is None:
            return found
        brief, picture = self._measured(first)
        seconds = (found.rows - len(bad)) * brief + found.equivalents * picture
        equivalents = round(found.equivalents, 2)
        return replace(found, equivalents=equivalents, seconds=round(seconds, 1))

    def _checked(self, row: BatchRow) -> float:
        """What one picture of a row costs, in image-equivalents; notes what may be a slip.

        Raises `BadInput` for a style that there is not and a size that can't be painted.
        """
        for column in row.columns.keys() - self._columns:
            self._columns.add(column)
            if meant := likely_field(column):
                self._notes[f"the column {column!r} is not used; did you mean {meant!r}?"] = None
        settings, spec = self._studio.settings, self._studio.painter.spec
        if row.style:
            style_called(row.style, settings.prompts)
        wanted = row.size or self._config.size
        size = wanted or settings.size or spec.size
        if wanted:
            size = painted_size(wanted, spec, any_shape=not self._studio.writer.world)
        if size != wanted and wanted:
            painted, asked = ("x".join(map(str, one)) for one in (size, wanted))
            self._notes[f"pictures of {asked} are painted at {painted} and scaled"] = None
        steps = settings.steps or spec.steps
        return max(
            self._studio.painter.cost(ImageRequest("", 0, *size, steps, spec.guidance)), 1e-3
        )

    def _measured(self, row: BatchRow) -> tuple[float, float]:
        """The seconds of one brief, and of painting for one image-equivalent; 0 where it failed."""
        studio, brief, painting, spent = self._studio, 0.0, 0.0, 0.0
        with suppress(LimnerError):
            for _ in range(2):  # the first time, what is slow once is slow
                begun = time.monotonic()
                for _ in studio.expand(row.request, seed=0):
                    pass
            brief = time.monotonic() - begun
            if self._config.expand_only:
                return brief, 0.0
            with closing(
                studio.stream(row.request, seed=0, images_per_round=1, refine=False)
            ) as events:
                for event in events:
                    if isinstance(event, BriefReady):
                        begun = time.monotonic()
                    elif isinstance(event, CandidateReady):
                        spent += studio.painter.cost(event.candidate.image_request)
                painting = time.monotonic() - begun
        return brief, painting / spent if spent else 0.0
