"""The commands `limner models`, `pull` and `train`: which models there are, and how to get more."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table

from limner.agent.cli.options import Json, above_zero
from limner.agent.machine import LocalPainter, fits, on_disk
from limner.agent.plain import one_line
from limner.agent.terminal.terminal import console_for, say
from limner.agent.terminal.words import ClaimRows, columns, said, world_rows
from limner.errors import BadInput
from limner.pipelines import hub
from limner.pipelines.families import Family, families
from limner.pipelines.memory import Machine, ModelSize, declared, here

if TYPE_CHECKING:
    from limner.pipelines.roles import World

__all__ = [
    "models",
    "pull",
    "train",
]


OVER = {"nothing": "", "all": "whole", "box": "whole, part"}


def models(as_json: Json = False) -> int:
    """List the families of painters that limner knows, the models on this machine, and what fits.

    Nothing is opened or fetched.
    """
    machine, found = here(), on_disk()
    if as_json:
        rows = [
            {**asdict(row), "gib": round(row.gib(), 1), "fits": fits(machine, declared(row))}
            for row in families()
        ]
        ours = [{k: v for k, v in asdict(one).items() if k != "need"} for one in found]
        made = {"families": rows, "here": ours, "room": {"ram": machine.ram, "gpu": machine.gpu}}
        say(json.dumps(made, ensure_ascii=False))
        return 0
    console = console_for(sys.stdout)
    console.print(_families(families(), machine))
    gpu = f"{machine.gpu:g} GiB on the GPU" if machine.gpu else "no GPU"
    console.print(
        "GiB: weights of 2 bytes each, about, as on a GPU; in the machine's own memory they take"
        f" twice that. Here: {machine.ram:g} GiB, {gpu}.\n"
    )
    console.print(_on_disk(found, machine) if found else "No painter is on this machine.")
    if any(one.name == "pocket" for one in found):
        from limner.pipelines.pocket.small_world import SmallWorld

        console.print("\nThe pocket painter paints a small world:")
        console.print(ClaimRows(world_rows(cast("World", SmallWorld()))))
    if len(found) <= 1:
        console.print("\nMore, while online: limner pull OWNER/MODEL")
    return 0


def _families(rows: Sequence[Family], machine: Machine) -> Table:
    table = columns("family", "what it is", "GiB", "fits", "paints over", "licence")
    for row in rows:
        where, over = _fit(machine, declared(row)), OVER[row.over]
        table.add_row(row.key, row.title, f"{row.gib():.0f}", where, over, row.licence)
    return table


def _on_disk(found: Sequence[LocalPainter], machine: Machine) -> Table:
    table = columns("on this machine", "family", "GiB", "fits")
    for one in found:
        kind = one.family or f"unknown: {one.pipeline}"
        table.add_row(said(one.name), said(kind), f"{one.gib:.2f}", _fit(machine, one.need))
    return table


def _fit(machine: Machine, need: ModelSize | None) -> str:
    return (fits(machine, need) if need else "") or "no"


_UNITS = ("B", "kB", "MB", "GB", "TB")


def pull(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="owner/model, or one .safetensors file in it.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Fetch it without asking.")] = False,
) -> int:
    """Fetch MODEL from the hub: its safetensors and what belongs to them, nothing else.

    Licence, size and files are shown first. What was fetched before is not fetched again.
    """
    plan = hub.planned(model)
    _show(plan)
    if plan.missing and not (yes or _agreed(plan, model)):
        say("nothing was fetched")
        return 1
    folder = hub.fetch(plan, _bar())
    say(f"fetched to {one_line(str(folder))}" if plan.missing else "it is all here")
    return 0


def _show(plan: hub.Download) -> None:
    table = Table.grid(padding=(0, 2))
    for file in plan.files:
        table.add_row(said(file.name), _sized(file.size), "here" if file.here else "")
    console = console_for(sys.stdout)
    console.print(table)
    gate = ", behind a gate" if plan.gated else ""
    line = f"{plan.model}: licence {plan.licence}{gate}; {_sized(plan.size)} in all"
    console.print(said(f"{line}, {_sized(plan.missing)} to fetch", "bold"), soft_wrap=True)


def _agreed(plan: hub.Download, model: str) -> bool:
    if not sys.stdin.isatty():
        raise BadInput(
            f"It takes your yes to fetch {_sized(plan.missing)}", f"type limner pull {model} --yes"
        )
    return input("Fetch it? [y/N] ").strip().lower() in ("y", "yes")


def _sized(size: float) -> str:
    unit = 0
    while size >= 999.5 and unit + 1 < len(_UNITS):
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"


def _bar() -> Any:
    """A class of progress bars of which only that of the bytes is seen, and only by people."""
    base: Any = import_module("tqdm.auto").tqdm

    class Bytes(base):  # type: ignore[misc]  # it has no types
        def __init__(self, *given: Any, **how: Any) -> None:
            how.pop("name", None)
            how.pop("bar_format", None)
            seen = how.get("unit") == "B" and how.get("desc", "").startswith("Downloading")
            super().__init__(*given, **{**how, "disable": not (seen and sys.stderr.isatty())})

    return Bytes


def train(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help="world, autoencoder, critic, monitor, painter, repaint, spoil, label, detector, "
            "calibrate, writer, "
            "ship, report, or all of them.",
        ),
    ],
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A YAML file of settings.")
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for checkpoints, curves and samples.")
    ] = Path("pocket-training"),
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or cuda.")] = "cpu",
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="Stop, ready to go on, after so long.")
    ] = None,
) -> int:
    """Train PART of the pocket models, or all of them, going on from the last checkpoint."""
    above_zero(minutes=minutes)
    from limner.pipelines.pocket import train as training

    training.run(part, settings, out, device, minutes)
    return 0
