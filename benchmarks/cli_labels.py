"""The commands `limner bench sheets` and `limner bench labels`: the judge against the eye."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

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
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add the labels to this file.")
    ] = None,
) -> int:
    """Read the labels in DIR, and say how often the exact judge decides as the eye did."""
    from limner.benchmarks.labelling import kept, read_labels
    from limner.benchmarks.validate_judge import agreement

    rows = read_labels(folder, by)
    shares, apart = agreement(rows, kept(folder, rows))
    for name, share in shares.items():
        print(f"{name:<24} {100 * share:6.1f} %")
    print(f"{len(rows)} pictures; the judge and the eye differ on:")
    print("\n".join(apart) or "none")
    if out:
        with out.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return 0
