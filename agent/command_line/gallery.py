"""The command `limner gallery`: what was painted so far, searched, listed, and made into a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.agent.command_line.options import Json

__all__ = ["ArchiveFolder", "gallery"]

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
    from limner.agent.view.gallery import exported, listed

    if export is None:
        return listed(archive, " ".join(words or []), as_json)
    return exported(archive, export, out, as_json)
