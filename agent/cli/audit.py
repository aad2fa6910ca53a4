"""The command `limner audit`: shows what was found in the briefs of a batch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from limner.agent.batch.audit import Audit, audit_briefs
from limner.agent.batch.reports import Manifest
from limner.agent.cli.options import Json
from limner.agent.terminal.terminal import console_for, say
from limner.agent.terminal.words import said

__all__ = ["audit"]


def audit(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the batch is, or its manifest.jsonl.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where anything was found.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Look through the briefs of a batch for styles that collapse, and what is added or lost."""
    found = audit_briefs(Manifest.of(folder))
    if as_json:
        say(json.dumps(asdict(found) | {"clean": found.clean}))
    else:
        _show(found, console_for(sys.stdout))
    return int(strict and not found.clean)


def _show(found: Audit, console: Console) -> None:
    if not found.rows:
        console.print("No row has a prompt yet: there is nothing to look through.")
        return
    size = found.length
    console.print(
        f"{found.rows:,} prompt{'' if found.rows == 1 else 's'} of {size.words:g} words on average"
        f"{f' ({found.same:,} more are the same)' if found.same else ''}:"
        f" {size.ratio_median:g} for each word of the request (the longest has {size.longest:,})"
    )
    console.print(said(f"longest for their requests: {', '.join(size.examples)}", "dim"))
    _table(
        console,
        "How varied the briefs are",
        ("", "commonest", "entropy, bits", "as many as", "asked", "where left open", ""),
        (
            (
                spread.field,
                f"{spread.commonest} ({spread.count} of {spread.rows})",
                f"{spread.bits:.2f}",
                f"{spread.kinds:.1f}",
                str(spread.asked),
                f"{spread.favourite} ({spread.own:.0%})" if spread.favourite else "nothing",
                "collapsed" if spread.collapsed else "",
            )
            for spread in found.spreads
        ),
    )
    _table(
        console,
        "What was added about people",
        ("", "prompts", "words", "for instance"),
        (
            (
                f"{one.about}: {one.value}",
                f"{one.count} of {found.rows}",
                ", ".join(one.words),
                ", ".join(one.examples),
            )
            for one in found.inserted
        ),
    )
    _table(
        console,
        "Phrases that come again and again",
        ("prompts", "unasked"),
        ((f"{one.count} of {found.rows}", one.text) for one in found.repeated),
    )
    _table(
        console,
        "What was stated and lost",
        ("", "lost", "for instance"),
        (
            (loss.kind, f"{loss.count} of {loss.stated}", ", ".join(loss.examples))
            for loss in found.lost
        ),
    )


def _table(
    console: Console, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    table = Table(box=None, pad_edge=False, header_style="cyan", expand=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(said(cell, "red" if cell == "collapsed" else "") for cell in row))
    console.print()
    console.print(Text(title, "bold") if table.row_count else said(f"{title}: nothing", "bold"))
    if table.row_count:
        console.print(table)
