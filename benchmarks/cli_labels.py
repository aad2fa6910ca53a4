"""The commands `limner bench sheets` and `limner bench labels`: the judge against the eye."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.errors import BadInput

__all__ = ["labels", "sheets"]

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the sheets.")]


def sheets(
    out: Folder = Path("sheets"),
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Pictures to label.")] = 60,
    first: Annotated[int, typer.Option(min=0, metavar="N", help="Other prompts.")] = 0,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of the first picture.")] = 1,
    painter: Annotated[str, typer.Option(metavar="NAME")] = "pocket",
) -> int:
    """Paint pictures and lay them out, to be labelled by eye in DIR/labels.txt."""
    from limner import configs
    from limner.benchmarks.labelling import paint_sheets
    from limner.pipelines.registry import open_painter

    settings = configs.load("pocket").painter.settings if painter == "pocket" else {}
    paint_sheets(open_painter(painter, settings), count, out, first, seed)
    print(f"Look at {out}/sheet-*.png, write digits into {out}/labels.txt, then type")
    print(f"limner bench labels {out} --by YOUR-INITIALS")
    return 0


def labels(
    folder: Folder = Path("sheets"),
    by: Annotated[str, typer.Option(metavar="INITIALS", help="Who looked.")] = "",
    part: Annotated[
        str, typer.Option(metavar="NAME", help="tuning; or validation, later: not tuned on.")
    ] = "validation",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add labels and pictures to this file.")
    ] = None,
) -> int:
    """Read the labels in DIR, and say how often the exact judge decides as the eye did."""
    from limner.benchmarks import album, by_eye
    from limner.benchmarks.labelling import kept, read_labels

    if part not in by_eye.PARTS:
        raise BadInput(f"There is no part {part!r}.", f"type --part {by_eye.PARTS[0]}")
    rows = [{**row, "part": part} for row in read_labels(folder, by)]
    pictures = kept(folder, rows)
    if out:
        album.add(out, rows, pictures)
        print(f"{len(rows)} labels added to {out}")
        return 0
    print("\n".join(by_eye.lines({part: by_eye.agreement(rows, pictures)})))
    print("The judge and the eye differ on:")
    print("\n".join(by_eye.apart(rows, pictures)) or "none")
    return 0
