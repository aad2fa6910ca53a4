"""The command `limner audit`: what a writer did to all the requests of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.agent.command_line.options import Json

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
    from limner.agent.view.audit import audited

    return audited(folder, strict, as_json)
