"""Options that several commands share: how they are typed, read and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.errors import BadInput

__all__ = [
    "ArchiveFolder",
    "Budget",
    "Explain",
    "ImagesPerRound",
    "Json",
    "Model",
    "NoArchive",
    "Out",
    "Profile",
    "Seconds",
    "Seed",
    "Size",
    "Writer",
    "above_zero",
    "named",
]

# The help of what a request can be given is that of `limner.agent.tools.arguments`: a test compares
# them. It is repeated here so that `limner --help` need not build those models.
Seed = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=2**32 - 1,
        metavar="N",
        help="Same seed, same picture; one is drawn if it is left out.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(metavar="N", help="What it may cost at most, in pictures' worth of painting."),
]
Seconds = Annotated[
    float | None, typer.Option(metavar="S", help="How long it may take, in seconds.")
]
ImagesPerRound = Annotated[
    int | None, typer.Option(metavar="N", help="Pictures painted at once, in each round.")
]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="Width x height in pixels: 128x96")]
Profile = Annotated[
    str, typer.Option(metavar="NAME", help="Which models: pocket, fake, auto, or a YAML file.")
]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="A name, folder or hub id.")]
Writer = Annotated[
    str | None, typer.Option(metavar="NAME", help="A name, folder, hub id or provider:model.")
]
Out = Annotated[Path, typer.Option(metavar="PATH", help="Folder, or a name that ends in .png.")]
Explain = Annotated[
    bool, typer.Option("--explain", help="Say first where the models go, on standard error.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ArchiveFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="LIMNER_HOME",
        help="Where sessions are kept, if not in your data folder.",
    ),
]
NoArchive = Annotated[bool, typer.Option("--no-archive", help="Keep nothing but what is saved.")]


_MOST = {"budget": 1_000, "seconds": 86_400, "images_per_round": 64}  # as in `tools.arguments`


def above_zero(**numbers: float | None) -> None:
    """Raises `BadInput` for a number that is not above 0, or is larger than its option takes."""
    for name, number in numbers.items():
        if number is not None and not 0 < number <= _MOST.get(name, 1e9):
            option = f"--{name.replace('_', '-')}"
            raise BadInput(f"{option} {number:g} is out of range", f"type {option} 4, for instance")


def named(writer: str | None, painter: str | None, critic: str | None) -> dict[str, str]:
    """The models that replace those of a profile, by their part."""
    given = {"writer": writer, "painter": painter, "critic": critic}
    return {part: name for part, name in given.items() if name}
