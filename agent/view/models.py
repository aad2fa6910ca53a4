"""Lists painters in the terminal: the families that limner knows, and the models that are here."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from limner.agent.machine.models import Here, fits, on_disk
from limner.agent.plain import one_line
from limner.agent.view.terminal import console_for, say
from limner.agent.view.words import said
from limner.pipelines.families import Family, families
from limner.pipelines.memory import Machine
from limner.pipelines.needs import declared, here

__all__ = ["listed"]

OVER = {"nothing": "", "all": "whole", "box": "whole, part"}


def listed(as_json: bool) -> int:
    """Show families, models and memory; returns the exit code."""
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
    console.print(_memory(machine))
    console.print()
    console.print(_here(found, machine) if found else "No painter is on this machine.")
    _count(found, console)
    return 0


def _families(rows: Sequence[Family], machine: Machine) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("family", "what it is", "GiB", "fits", "paints over", "licence"):
        table.add_column(name, justify="right" if name == "GiB" else "left")
    for row in rows:
        where = fits(machine, declared(row)) or "no"
        table.add_row(row.key, row.title, f"{row.gib():.0f}", where, OVER[row.over], row.licence)
    return table


def _memory(machine: Machine) -> str:
    gpu = f"{machine.gpu:g} GiB on the GPU" if machine.gpu else "no GPU"
    return (
        "GiB: weights of 2 bytes each, about, as on a GPU; in the machine's own memory they take"
        f" twice that. Here: {machine.ram:g} GiB, {gpu}."
    )


def _here(here: Sequence[Here], machine: Machine) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("on this machine", "family", "GiB", "fits"):
        table.add_column(name, justify="right" if name == "GiB" else "left")
    for one in here:
        kind = one.family or f"unknown: {one.pipeline}"
        where = (fits(machine, one.need) if one.need else "") or "no"
        table.add_row(said(one_line(one.name)), said(one_line(kind)), f"{one.gib:.2f}", where)
    return table


def _count(here: Sequence[Here], console: Console) -> None:
    if len(here) <= 1:
        console.print("\nMore, while online: limner pull OWNER/MODEL")
