"""The command `limner batch`: reads what was typed, and shows how far the batch is."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from limner.agent.batch.runner import BatchRun, forecast, run_batch
from limner.agent.batch.stop_signal import stop_signals
from limner.agent.cli.options import Budget, Explain, ImagesPerRound, Profile, Size, above_zero
from limner.agent.plain import one_line
from limner.agent.search.run import pixels
from limner.agent.terminal.terminal import console_for, kept_clean, say, warn
from limner.errors import INTERRUPTED, BadInput

if TYPE_CHECKING:
    from limner.agent.batch.workers import BatchEvent

__all__ = ["EPILOG", "BatchScreen", "ProgressLines", "batch"]

View = Literal["screen", "quiet", "json"]
_NOT_DONE = ("short", "failed", "set aside", "bad")
_LINE_EVERY = 60.0  # seconds, where the output is no terminal


def _run(job: BatchRun, view: View) -> int:
    """Works on a batch and shows it; returns the exit code."""
    end: BatchEvent = {"exit_code": INTERRUPTED}
    try:
        with (
            _watching(view) as watch,
            kept_clean(view == "json"),
            stop_signals() as stop,
            closing(run_batch(job, stop)) as events,
        ):
            for event in events:
                watch(event)
                end = event
    except KeyboardInterrupt:
        warn("stopped at once; what is done is on the disk, and the same line goes on")
        return INTERRUPTED
    if view == "quiet":
        say(end["written"][0])
    elif view == "screen":
        console = console_for(sys.stdout)
        console.print(Text(_counted(end), "bold"))
        for path in end["written"]:
            console.print(Text("saved ", "cyan").append(one_line(path)), soft_wrap=True)
    return int(end["exit_code"])


def _dry_run(job: BatchRun, view: View) -> int:
    """Names the rows that can't be used, and says what the others would cost."""
    with kept_clean(True):
        found = forecast(job)
    if view == "json":
        say(json.dumps({"event": "forecast", **found.as_mapping()}))
        return found.exit_code
    for row in found.bad:
        name = f" ({row.id})" if row.id else ""
        say(one_line(f"line {row.line}{name}: {row.why}"))
    for note in found.notes:
        say(one_line(f"note: {note}"))
    seconds = "" if found.seconds is None else f"; about {_duration(found.seconds)} for one worker"
    bad = f" ({len(found.bad)} can't be used)" if found.bad else ""
    at_most = f"at most {found.pictures} pictures, {found.equivalents:g} image-equivalents"
    say(f"{found.rows} rows{bad}: {at_most}{seconds}")
    return found.exit_code


class _Pace:
    """How fast rows are done: takes in events, and tells the rest of the time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.total = self.done = self.ended = 0
        self._begun = clock()

    def note(self, event: BatchEvent) -> None:
        """Take in what happened."""
        if event["event"] == "began":
            self._begun = self.clock()
        if event["event"] in ("began", "progress"):
            self.total, self.done = event["rows"], event["rows"] - event["waiting"]
        elif event["event"] == "row-ended" and event["status"] != "bad":
            self.ended, self.done = self.ended + 1, min(self.done + 1, self.total)

    def __str__(self) -> str:
        rate = self.ended / max(self.clock() - self._begun, 1e-9)
        if not rate:
            return ""
        return f"{60 * rate:.1f} a minute, {_duration((self.total - self.done) / rate)} left"


class ProgressLines:
    """For logs and pipes: a line for each row that is not done, and one a minute."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self._pace = _Pace(clock)
        self._last = clock()

    def show(self, event: BatchEvent) -> None:
        """Take in what happened."""
        self._pace.note(event)
        if line := _news(event):
            self.console.print(line)
        now = self._pace.clock()
        if now - self._last >= _LINE_EVERY:
            self._last = now
            parts = (f"{self._pace.done} of {self._pace.total} rows", str(self._pace))
            self.console.print(", ".join(filter(None, parts)))


class BatchScreen:
    """For a terminal: a line that moves, and a line for each row that is not done."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self._pace = _Pace(clock)
        self._names: dict[int, str] = {}
        text = TextColumn("{task.description}", markup=False)
        pace = TextColumn("{task.fields[pace]}", markup=False)
        columns = (text, BarColumn(bar_width=30), MofNCompleteColumn(), pace)
        self.bar = Progress(*columns, console=console, transient=True)
        self._task = self.bar.add_task("rows", total=None, pace="")

    def show(self, event: BatchEvent) -> None:
        """Take in what happened."""
        self._pace.note(event)
        if event["event"] == "rows-began":
            self._names |= {row["number"]: row["id"] for row in event["rows"]}
        elif event["event"] == "row-ended":
            self._names.pop(event["number"], None)
        elif "row" in event:
            name = one_line(self._names.get(event["row"], str(event["row"])), 40)
            self.bar.update(self._task, description=f"{name} {_doing(event)}")
        if line := _news(event):
            self.console.print(Text(line, "yellow"))
        pace = self._pace
        self.bar.update(self._task, total=pace.total or None, completed=pace.done, pace=str(pace))


@contextmanager
def _watching(view: View) -> Iterator[Callable[[BatchEvent], None]]:
    """What is done with each event: printed as JSON, drawn, printed as lines, or nothing."""
    if view == "json":
        output = console_for(sys.stdout)
        yield lambda event: output.out(json.dumps(event), highlight=False)
        return
    console = console_for(sys.stderr)
    if view == "quiet":
        yield lambda _: None
    elif not console.is_terminal or console.is_dumb_terminal:
        yield ProgressLines(console).show
    else:
        screen = BatchScreen(console)
        with screen.bar:
            yield screen.show


def _news(event: BatchEvent) -> str:
    """What is worth a line that stays; "" for most."""
    match event["event"]:
        case "began":
            names = ("new", "changed", "removed", "lost")
            news = ", ".join(f"{event[name]} {name}" for name in names if event[name])
            before = event["rows"] > event["waiting"] + event["bad"] or event["removed"]
            return f"{event['rows']} rows: {news}" if news and before else ""
        case "row-ended" if event["status"] != "done":
            line = f" (line {event['line']})" if event["status"] == "bad" else ""
            why = event["error"] or "; ".join(event["short"])
            return one_line(f"{event['id']}{line}: {event['status']}: {why}", 300)
        case "row-ended" if event["notes"]:
            return one_line(f"{event['id']}: {'; '.join(event['notes'])}", 300)
        case "paused":
            return f"paused: {event['why']}; make room"
        case "resumed":
            return "going on"
        case "worker-lost":
            return "a worker was lost; another takes its place"
    return ""


def _doing(event: BatchEvent) -> str:
    match event["event"]:
        case "brief":
            return "is drafted"
        case "step":
            return f"round {event['round'] + 1}, step {event['number']}/{event['of']}"
        case "take" | "candidate":
            claims = event["claims"]
            return f"picture {event['number']}: {sum(c['holds'] is True for c in claims)} hold"
    return str(event["event"])


def _counted(end: BatchEvent) -> str:
    wrong = "".join(f", {end[name]} {name}" for name in _NOT_DONE if end[name])
    waiting = f", {end['waiting']} still waiting: type the same again" if end["waiting"] else ""
    return f"{end['done']} of {end['rows']} rows done{wrong}{waiting}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


EPILOG = """\b
What is done is on the disk: the same line again goes on, and several at once share the work.
Of a FILE that was changed, the rows that are new or changed are done.

\b
Exit codes:
  0    every row is done, and nothing that is required is missing
  1    a row fell short, failed, was set aside or could not be used
  2    something typed, a file or a model's folder is not usable
  130  interrupted; 143 ended by the system: the same line again goes on
"""


def batch(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV, JSON lines, Parquet, plain lines; - a pipe."),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for pictures, manifest and page.")
    ],
    profile: Profile = "pocket",
    explain: Explain = False,
    form: Annotated[
        Literal["csv", "jsonl", "parquet", "lines"] | None,
        typer.Option("--format", help="If FILE's name does not tell it."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, metavar="N", help="For rows without one.")
    ] = 0,
    budget: Budget = None,
    images_per_round: ImagesPerRound = None,
    size: Size = None,
    no_refine: Annotated[
        bool, typer.Option("--no-refine", help="Paint each row once; reword nothing.")
    ] = False,
    expand_only: Annotated[
        bool, typer.Option("--expand-only", help="Write the briefs; paint nothing.")
    ] = False,
    wildcards: Annotated[
        bool, typer.Option("--wildcards", help="Choose one of {red|blue} in each request.")
    ] = False,
    matrix: Annotated[
        str | None,
        typer.Option(metavar="WHAT", help="Every row with each: 'style=flat,photo; seed=1..4'."),
    ] = None,
    require: Annotated[
        str, typer.Option(metavar="WHAT", help='"reached", "all claims", or kinds: count …')
    ] = "",
    least: Annotated[
        float | None,
        typer.Option("--min", min=0, max=1, metavar="P", help="Least probability of any claim."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Begin nothing if any row can't be used.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add FILE's rows to the batch in DIR.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed or was set aside.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every row, say the cost; keep nothing.")
    ] = False,
    group: Annotated[
        int, typer.Option(min=1, max=64, metavar="N", help="Rows that are painted together.")
    ] = 4,
    workers: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Processes; with GPUs, one for each.")
    ] = 1,
    ray: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Work on a Ray cluster; local begins one.")
    ] = "",
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what came of it as JUnit's XML.")
    ] = None,
    json_events: Annotated[
        bool, typer.Option("--json-events", help="Print what happens, one JSON object a line.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the manifest's path only.")] = False,
) -> int:
    """Paint every request in FILE; what is done stays done, whatever ends it."""
    above_zero(budget=budget, images_per_round=images_per_round)
    from limner.agent.machine import AUTO

    if profile == AUTO:
        raise BadInput("a batch needs a profile that stays as it is", "name one, or a YAML file")
    if explain:
        from limner.agent.cli import doctor

        doctor.explain(profile, {})
    if "\0" in str(out):
        raise BadInput("--out has a character that no name may have", "type another")
    from limner.agent.batch.config import BatchConfig

    config = BatchConfig(
        profile=_named(profile),
        models=BatchConfig.digest(profile),
        seed=seed,
        budget=budget,
        images_per_round=images_per_round,
        size=pixels(size),
        refine=not no_refine,
        expand_only=expand_only,
        require=require,
        least=least,
        group=group,
        threads=_threads(workers),
        reading=f"format {form}, wildcards {wildcards}, matrix {matrix}",
    )
    _ = config.required  # refuse here what no row could be worked on with
    job = BatchRun(
        source=file,
        out=out,
        config=config,
        form=form,
        wildcards=wildcards,
        matrix=matrix,
        strict=strict,
        append=append,
        retry_failed=retry_failed,
        workers=workers,
        ray=ray,
        junit=junit,
    )
    view: View = "json" if json_events else "quiet" if quiet else "screen"
    return _dry_run(job, view) if dry_run else _run(job, view)


def _named(profile: str) -> str:
    """The profile as workers in other folders find it, too."""
    from limner.configs import known

    return profile if profile in known() else str(Path(profile).resolve())


def _threads(workers: int) -> int:
    """How many CPU threads each worker has: all that this process may use, in equal parts."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (able or 1) // workers)
