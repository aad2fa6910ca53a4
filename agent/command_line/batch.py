"""The command `limner batch`: many requests from one file, as a folder of pictures and reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from limner.agent.command_line.options import (
    Budget,
    Explain,
    Profile,
    Size,
    Takes,
    above_zero,
    pixels,
)
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.agent.batch.terms import Terms

__all__ = ["EPILOG", "batch"]

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
    from limner.agent.machine.planning import AUTO

    if profile == AUTO:
        raise BadInput("a batch needs a profile that stays as it is", "name one, or a YAML file")
    if explain:
        from limner.agent.view import doctor

        doctor.explain(profile, {})
    if "\0" in str(out):
        raise BadInput("--out has a character that no name may have", "type another")
    from limner.agent.batch.conduct import Job
    from limner.agent.batch.terms import Terms
    from limner.agent.view.batch import foretold, shown

    terms = Terms(
        profile=_named(profile),
        models=Terms.digest(profile),
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
    job = Job(
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


def _check(terms: Terms) -> None:
    """Refuse what no row could be worked on with."""
    _ = terms.required


def _threads(workers: int) -> int:
    """How many CPU threads each worker has: all that this process may use, in equal parts."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (able or 1) // workers)
