"""The command `limner gallery`: lists the sessions of the archive, and saves one as a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limner.agent.archive.archive import Archive
from limner.agent.archive.gallery import page_of
from limner.agent.archive.rows import SessionRow
from limner.agent.cli.options import ArchiveFolder, Json
from limner.agent.plain import one_line
from limner.agent.terminal.terminal import console_for, say, warn
from limner.agent.terminal.words import as_rows, columns, said
from limner.errors import LimnerError

__all__ = [
    "gallery",
    "kept_archive",
]


def _warn(problem: LimnerError) -> None:
    warn(f"not kept in the archive: {problem.message} — {problem.hint}")


@contextmanager
def kept_archive(
    folder: Path | None, wanted: bool, complain: Callable[[LimnerError], None] = _warn
) -> Iterator[Archive | None]:
    """The archive; None where it isn't wanted, or can't be opened, which costs no picture."""
    archive = None
    if wanted:
        try:
            archive = Archive.open(folder)
        except LimnerError as problem:
            complain(problem)
    if archive is None:
        yield None
        return
    with archive:
        yield archive


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
    search = " ".join(words or [])
    with Archive.open(archive) as opened:
        if export is not None:
            page = str(page_of(opened, export, out))
            say(json.dumps({"page": page, "session": export}) if as_json else one_line(page))
            return 0
        found = opened.sessions(search)
    if as_json:
        say(json.dumps({"sessions": [asdict(row) for row in found]}))
        return 0
    console = console_for(sys.stdout)
    if found:
        console.print(_table(found, console))
    elif search.split():
        console.print(said(f"Nothing in the gallery has “{one_line(search, 100)}”."))
    else:
        console.print('The gallery is empty. Paint something: limner "a cat on the grass"')
    return 0


def _table(found: list[SessionRow], console: Console) -> Table:
    table = columns("no.", "pictures", "best", "when", "request", right=("no.", "pictures", "best"))
    for column in table.columns[:-1]:
        column.no_wrap = True
    table.columns[-1].overflow, table.columns[-1].no_wrap = "ellipsis", console.is_terminal
    for *cells, words in as_rows(found):
        table.add_row(*cells, said(words))
    return table
