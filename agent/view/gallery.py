"""Lists the sessions of the archive in the terminal, and saves one of them as a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from limner.agent.archive.archive import Archive
from limner.agent.archive.gallery import page
from limner.agent.archive.rows import SessionRow
from limner.agent.archive.saving import slug
from limner.agent.archive.whole import write_new
from limner.agent.plain import one_line
from limner.agent.view.terminal import console_for, say
from limner.agent.view.words import said

__all__ = ["as_rows", "exported", "listed", "page_of"]

_LONGEST = 100  # characters of a request


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


def page_of(archive: Archive, session: int, out: Path) -> Path:
    """Write a session as one page, as `exported` does, and return its path."""
    row = archive.load(session).row
    content = page(archive, session)
    wanted = out
    if out.suffix.lower() != ".html":
        wanted = out / f"{slug(row.name or row.request)}.html"
    return write_new(wanted, content.encode())


def as_rows(found: Sequence[SessionRow]) -> list[tuple[str, str, str, str, str]]:
    """Each session's number, takes, best, time and request, as a list shows them."""
    return [
        (
            str(row.id),
            str(row.takes),
            f"{row.holds} of {row.claims}" if row.best is not None and row.claims else "",
            _local(row.changed),
            one_line(row.name or row.request, _LONGEST),
        )
        for row in found
    ]


def _table(found: list[SessionRow], console: Console) -> Table:
    table = Table(box=None, pad_edge=False, header_style="cyan", expand=False)
    for name in ("no.", "takes", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("request", overflow="ellipsis", no_wrap=console.is_terminal)
    for *cells, words in as_rows(found):
        table.add_row(*cells, said(words))
    return table


def _local(moment: str) -> str:
    """The user's own clock: the one place where it matters when something was painted."""
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
