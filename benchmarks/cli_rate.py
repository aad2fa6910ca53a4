"""The command `limner rate`: which pictures of two folders are better, as people see it."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli.options import Json
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.benchmarks.rating import Pair
    from limner.benchmarks.rating_page import Book

__all__ = ["rate"]

rate = typer.Typer(add_completion=False, rich_markup_mode=None)


@rate.command()
def pairs(
    folders: Annotated[
        list[Path], typer.Argument(metavar="A B", help="Folders with pictures of the same names.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where ratings are kept, and gone on with.")
    ] = Path("ratings.json"),
    page: Annotated[bool, typer.Option("--page", help="In a browser of this machine.")] = False,
    count: Annotated[int, typer.Option(metavar="N", min=0, help="Pairs; 0: all.")] = 0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the order.")] = 1,
    table: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the ratings as CSV, too.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Show pairs side by side and take 1 (left), 2 (right) or =; then say how strong each is."""
    from limner.benchmarks import rating
    from limner.benchmarks.rating_page import Book

    if len(folders) < 2:
        raise BadInput("There is nothing to compare with.", "Give two folders, or more.")
    if len({folder.name for folder in folders}) < len(folders):
        raise BadInput("Two of the folders have the same name.", "Rename one of them.")
    book = Book(rating.pairs(folders, seed, count), rating.ratings(out), partial(_keep, out))
    if page:
        _served(book)
    else:
        _asked(book)
    if table:
        rating.written(table, book.said)
    return _told(book, as_json)


def _keep(out: Path, said: object) -> None:
    from limner.benchmarks.rating import written

    written(out, said)  # type: ignore[arg-type]


def _served(book: Book) -> None:
    from limner.benchmarks.rating_page import door

    server, address = door(book)
    print(f"Open {address} and press Ctrl-C here when you are done.", file=sys.stderr)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def _asked(book: Book) -> None:
    """At the terminal, pair by pair, until all are done or somebody types q."""
    for number, pair in enumerate(book.pairs):
        _shown(pair, f"{number + 1} of {len(book.pairs)}")
        said = _answer()
        if said == "q":
            return
        book.write(number, said)


def _shown(pair: Pair, where: str) -> None:
    from PIL import Image
    from rich.console import Console
    from rich.table import Table

    from limner.agent.plain import one_line
    from limner.agent.terminal.pictures import HalfBlocks

    console, row = Console(stderr=True), Table.grid(padding=(0, 2, 0, 0))
    wide = max(8, min(40, console.width // 2 - 2))
    sides = []
    for path in (pair.left, pair.right):
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as picture:
            sides.append(HalfBlocks(picture.convert("RGB"), wide, wide // 2))
    row.add_row(*sides)
    console.print(row)
    console.print(
        f"{where}: {one_line(pair.name)} — 1 left, 2 right, = neither, q quit", markup=False
    )


def _answer() -> str:
    """1, 2, = or q; the end of the input is q."""
    from limner.benchmarks.rating import ANSWERS

    while True:
        if sys.stdin.isatty():
            said = typer.getchar()
        else:
            line = sys.stdin.readline()
            said = line.strip() if line else "q"
        if said in ANSWERS or said == "q":
            return said


def _told(book: Book, as_json: bool) -> int:
    import json

    from limner.benchmarks.rating import strengths
    from limner.benchmarks.rating import table as rows_of
    from limner.benchmarks.report import aligned

    if as_json:
        print(json.dumps({"ratings": len(book.said), "strengths": strengths(book.said)}))
    elif book.said:
        print(aligned(rows_of(book.said)))
    return 0
