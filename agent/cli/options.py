"""Options that several commands share: how they are typed, read and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.errors import BadInput

__all__ = [
    "Budget",
    "Explain",
    "Json",
    "Model",
    "Out",
    "Profile",
    "Seconds",
    "Seed",
    "Size",
    "Takes",
    "Writer",
    "above_zero",
]


Explain = Annotated[
    bool, typer.Option("--explain", help="Say first where the models go, on standard error.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="A name, folder or hub id.")]
Writer = Annotated[
    str | None, typer.Option(metavar="NAME", help="A name, folder, hub id or provider:model.")
]
Profile = Annotated[
    str, typer.Option(metavar="NAME", help="Which models: pocket, fake, auto, or a YAML file.")
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0, max=2**32 - 1, metavar="N", help="Same seed, same picture; none: one is drawn."
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(metavar="N", help="At most this many pictures' worth of painting."),
]
Seconds = Annotated[float | None, typer.Option(metavar="S", help="At most this long.")]
Takes = Annotated[int | None, typer.Option(metavar="N", help="Pictures painted at once.")]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="In pixels.")]
Out = Annotated[Path, typer.Option(metavar="PATH", help="Folder, or a name that ends in .png.")]


def above_zero(**numbers: float | None) -> None:
    """Raises `BadInput` for a number that is not above 0 and below a thousand million."""
    for name, number in numbers.items():
        if number is not None and not 0 < number < 1e9:
            raise BadInput(f"--{name} {number:g} is out of range", f"type --{name} 4, for instance")
