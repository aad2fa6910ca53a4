"""What a person sees of a batch: how far the whole is, and the row in hand."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from limner.agent.batch.events import Happening
from limner.agent.batch.runner import BatchRun, at_hand, conducted, forecast, rows_of
from limner.agent.batch.stop_signal import halting
from limner.agent.cli.options import Budget, Explain, Profile, Size, Takes, above_zero
from limner.agent.plain import one_line
from limner.agent.terminal.terminal import console_for, kept_clean, say, warn
from limner.agent.tools.arguments import pixels
from limner.errors import INTERRUPTED, BadInput

if TYPE_CHECKING:
    from limner.agent.batch.config import BatchConfig

__all__ = [
    "EPILOG",
    "BatchScreen",
    "batch",
    "foretold",
    "shown",
]


Form = Literal["screen", "quiet", "json"]
_BARS = ("short", "failed", "set aside", "bad")


def shown(job: BatchRun, form: Form) -> int:
    """Works on a batch and shows it; returns the exit code. Raises what a user can mend."""
    end: Happening = {"exit_code": INTERRUPTED}
    try:
        with (
            _watching(form) as watch,
            kept_clean(form == "json"),
            halting() as halt,
            closing(conducted(job, halt)) as happenings,
        ):
            for happening in happenings:
                watch(happening)
                end = happening
    except KeyboardInterrupt:
        warn("stopped at once; what was done is on the disk, and the same line goes on")
        return INTERRUPTED
    if form == "quiet":
        say(end["written"][0])
    elif form == "screen":
        _tell_end(end, console_for(sys.stdout))
    return int(end["exit_code"])


def foretold(job: BatchRun, form: Form) -> int:
    """Says what a batch would cost; returns 0."""
    with kept_clean(True), at_hand(job.source) as file:
        found = forecast(rows_of(replace(job, source=file)), job.terms)
    if form == "json":
        say(json.dumps({"event": "forecast", **found.as_mapping()}))
        return 0
    time_left = "" if found.seconds is None else f"; about {_long(found.seconds)} for one worker"
    bad = f" ({found.bad} can't be used)" if found.bad else ""
    at_most = f"at most {found.pictures} pictures, {found.equivalents:g} image-equivalents"
    say(f"{found.rows} rows{bad}: {at_most}{time_left}")
    return 0


class BatchScreen:
    """Two lines that move, on a terminal: the whole, and the row in hand."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self._clock = clock
        self._begun = clock()
        self._names: dict[int, str] = {}
        self._ended = self._done = 0
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            _Rate(),
            console=console,
            transient=True,
        )
        self._whole = self._bar.add_task("rows", total=None, note="")

    def show(self, happening: Happening) -> None:
        """Take in what happened."""
        match happening["event"]:
            case "began" | "progress":
                self._count(happening)
            case "rows-began":
                self._names |= {row["number"]: row["id"] for row in happening["rows"]}
            case "row-ended":
                self._one_more(happening)
            case "paused":
                self.console.print(Text(f"paused: {happening['why']}; make room", "yellow"))
            case "resumed":
                self.console.print(Text("going on", "yellow"))
            case "worker-lost":
                self.console.print(Text("a worker was lost; another takes its place", "yellow"))
            case _ if "number" in happening:
                self._note(_doing(happening), happening["number"])

    def start(self) -> None:
        """Begin to draw."""
        self._bar.start()

    def close(self) -> None:
        """Take it off the screen."""
        self._bar.stop()

    def _count(self, state: Happening) -> None:
        if state["event"] == "began":
            self._begun = self._clock()
        self._done = state["rows"] - state["waiting"]
        self._bar.update(self._whole, total=state["rows"], completed=self._done)

    def _one_more(self, outcome: Happening) -> None:
        self._ended += 1
        self._names.pop(outcome["number"], None)
        rate = self._ended / max(self._clock() - self._begun, 1e-9)
        total = self._bar.tasks[0].total or 0
        left = max(total - self._done - 1, 0) / rate
        self._bar.update(self._whole, advance=1, rate=rate, left=left)
        self._done += 1
        if outcome["status"] != "done":
            why = outcome["error"] or "; ".join(outcome["short"])
            line = one_line(f"{outcome['id']}: {outcome['status']}: {why}", 200)
            self.console.print(Text(line, "yellow"))

    def _note(self, doing: str, number: int) -> None:
        name = one_line(self._names.get(number, str(number)), 40)
        self._bar.update(self._whole, description=f"{name} {doing}")


class _Rate(ProgressColumn):
    """Rows a minute, and the time that the rest will take at this rate."""

    def render(self, task: Task) -> Text:
        """What is known of it so far."""
        rate, left = task.fields.get("rate"), task.fields.get("left")
        return Text(f"{60 * rate:.1f} a minute, {_long(left or 0)} left" if rate else "")


@contextmanager
def _watching(form: Form) -> Iterator[Callable[[Happening], None]]:
    """What is done with each happening: printed as JSON, drawn on a terminal, or nothing."""
    if form == "json":
        output = console_for(sys.stdout)
        yield lambda happening: output.out(json.dumps(happening), highlight=False)
        return
    console = console_for(sys.stderr)
    if form == "quiet" or not console.is_terminal or console.is_dumb_terminal:
        yield lambda _: None
        return
    screen = BatchScreen(console)
    screen.start()
    try:
        yield screen.show
    finally:
        screen.close()


def _doing(happening: Happening) -> str:
    match happening["event"]:
        case "brief":
            return "is drafted"
        case "step":
            return f"round {happening['round'] + 1}, step {happening['step']}/{happening['of']}"
        case "take":
            return f"take {happening['take'] + 1}: {happening['holds']} of {happening['claims']}"
    return str(happening["event"])


def _tell_end(end: Happening, console: Console) -> None:
    """One line of numbers, and where everything is."""
    wrong = ", ".join(f"{end[name]} {name}" for name in _BARS if end[name])
    waiting = f", {end['waiting']} still waiting: type the same again" if end["waiting"] else ""
    said = f"{end['done']} of {end['rows']} rows done{', ' + wrong if wrong else ''}{waiting}"
    console.print(Text(said, "bold"))
    for path in end["written"]:
        console.print(Text("saved ", "cyan").append(one_line(path)), soft_wrap=True)


def _long(seconds: float) -> str:
    """A time as people say it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


EPILOG = """\b
What is done is on the disk: the same line again goes on, and several at once share the work.

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
    takes: Takes = None,
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
        bool, typer.Option("--dry-run", help="Say what it would cost; keep nothing.")
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
    above_zero(budget=budget, takes=takes)
    from limner.agent.machine import AUTO

    if profile == AUTO:
        raise BadInput("a batch needs a profile that stays as it is", "name one, or a YAML file")
    if explain:
        from limner.agent.cli import doctor

        doctor.explain(profile, {})
    if "\0" in str(out):
        raise BadInput("--out has a character that no name may have", "type another")
    from limner.agent.batch.config import BatchConfig
    from limner.agent.batch.runner import BatchRun

    terms = BatchConfig(
        profile=_named(profile),
        models=BatchConfig.digest(profile),
        seed=seed,
        budget=budget,
        takes=takes,
        size=pixels(size),
        refine=not no_refine,
        expand_only=expand_only,
        require=require,
        least=least,
        group=group,
        threads=_threads(workers),
        reading=f"format {form}, wildcards {wildcards}, matrix {matrix}",
    )
    _check(terms)
    job = BatchRun(
        source=file,
        out=out,
        terms=terms,
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
    how: Literal["screen", "quiet", "json"] = (
        "json" if json_events else "quiet" if quiet else "screen"
    )
    return foretold(job, how) if dry_run else shown(job, how)


def _named(profile: str) -> str:
    """The profile as workers, who may be elsewhere, find it, too."""
    from limner.configs import known

    return profile if profile in known() else str(Path(profile).resolve())


def _check(terms: BatchConfig) -> None:
    """Refuse what no row could be worked on with."""
    _ = terms.required


def _threads(workers: int) -> int:
    """How many CPU threads each worker has: all that this process may use, in equal parts."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (able or 1) // workers)
