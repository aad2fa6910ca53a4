"""Lists the sessions of the archive in the terminal, and saves one of them as a page."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limner.agent.archive.archive import Archive
from limner.agent.archive.gallery import page_of
from limner.agent.archive.rows import SessionRow
from limner.agent.cli.options import Json
from limner.agent.plain import one_line
from limner.agent.terminal.terminal import console_for, say
from limner.agent.terminal.words import _LONGEST, as_rows, said

__all__ = [
    "ArchiveFolder",
    "exported",
    "gallery",
    "listed",
]


def listed(folder: Path | None, search: str, as_json: bool) -> int:
    """Show the sessions in which every word of the search is found; returns the exit code."""
    with Archive.open(folder) as archive:
        found = archive.sessions(search)
    if as_json:
        say(json.dumps({"sessions": [asdict(row) for row in found]}))
        return 0
    console = console_for(sys.stdout)
    if found:
        console.print(_table(found, console))
    elif search.split():
        console.print(said(f"Nothing in the gallery has “{one_line(search, _LONGEST)}”."))
    else:
        console.print('The gallery is empty. Paint something: limner "a cat on the grass"')
    return 0


def exported(folder: Path | None, session: int, out: Path, as_json: bool) -> int:
    """Save a session as one page and tell its path; returns the exit code.

    As with pictures, `out` is a folder, or a name that ends in .html, and no file is overwritten.
    """
    with Archive.open(folder) as archive:
        path = page_of(archive, session, out)
    say(json.dumps({"page": str(path), "session": session}) if as_json else one_line(str(path)))
    return 0


def _table(found: list[SessionRow], console: Console) -> Table:
    table = Table(box=None, pad_edge=False, header_style="cyan", expand=False)
    for name in ("no.", "takes", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("request", overflow="ellipsis", no_wrap=console.is_terminal)
    for *cells, words in as_rows(found):
        table.add_row(*cells, said(words))
    return table


ArchiveFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="LIMNER_HOME",
        help="Where sessions are kept, if not in your data folder.",
    ),
]


def gallery(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", show_default=False, help="Only sessions that have these."),
    ] = None,
    export: Annotated[
        int | None,
        typer.Option(min=1, max=2**63 - 1, metavar="N", help="Make a page of session N."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="Folder, or a name that ends in .html.")
    ] = Path(),
    archive: ArchiveFolder = None,
    as_json: Json = False,
) -> int:
    """List what was painted so far, or make one page of a session that needs nothing else."""

    if export is None:
        return listed(archive, " ".join(words or []), as_json)
    return exported(archive, export, out, as_json)
