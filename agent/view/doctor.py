"""Shows what a machine has, and the plan of where writer, painter and critic go on it."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.table import Table

from limner.agent.machine.measuring import Peak, measured
from limner.agent.machine.models import on_disk
from limner.agent.machine.planning import Planned, planned
from limner.agent.view.terminal import console_for, kept_clean, say
from limner.agent.view.words import said
from limner.pipelines.memory import Machine, Plan
from limner.pipelines.needs import here

__all__ = ["examined", "explain", "plan_json"]

PACKAGES = (
    *("limner", "torch", "diffusers", "transformers", "accelerate", "bitsandbytes"),
    *("safetensors", "langchain-core", "compel", "peft"),
)


def examined(profile: str, given: Mapping[str, str | None], measure: bool, as_json: bool) -> int:
    """Show machine, versions, models and plan; returns the exit code."""
    machine = here()
    with kept_clean(True):
        now = planned(profile, given, machine)
        peak = measured(profile, given) if measure and not now.missing else None
    if as_json:
        told = {"machine": _machine(machine), "versions": _versions()}
        found = [{"name": one.name, "family": one.family, "gib": one.gib} for one in on_disk()]
        say(json.dumps({**told, "here": found, **plan_json(now), "measured": peak}))
    else:
        console = console_for(sys.stdout)
        _show_machine(console, machine)
        _show_plan(console, now, peak)
    return 0 if now.runs else 1


def explain(profile: str, given: Mapping[str, Any]) -> None:
    """Print the plan on standard error, before anything is opened."""
    _show_plan(console_for(sys.stderr), planned(profile, given), None)


def plan_json(now: Planned) -> dict[str, Any]:
    """The plan as JSON has it; its memory in GiB."""
    made = now.plan
    places = [
        {
            "part": place.need.part,
            "name": place.need.name,
            "way": str(place.way),
            "settings": place.settings(),
            "gpu": place.gpu,
            "ram": place.ram,
            "why": place.why,
        }
        for place in (made.places if made else ())
    ]
    told = {"gpu": made.gpu, "ram": made.ram, "fits": made.fits, "why": made.why} if made else {}
    missing = [f"{lack.message} {lack.hint}" for lack in now.missing]
    plan = {**told, "places": places}
    return {"profile": now.name, "chosen": list(now.why), "missing": missing, "plan": plan}


def _machine(machine: Machine) -> dict[str, Any]:
    told = {"system": platform.platform(terse=True), "python": platform.python_version()}
    cores = {"processor": platform.machine(), "cores": os.cpu_count()}
    gpu = {"gpu": machine.gpu, "gpu_name": machine.gpu_name, "device": machine.device or "cpu"}
    return {**told, **cores, "ram": machine.ram, **gpu}


def _versions() -> dict[str, str]:
    """Those of the packages that models run on; what is not installed is left out."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _show_machine(console: Console, machine: Machine) -> None:
    told = _machine(machine)
    gpu = f"{machine.gpu_name}, {machine.gpu:g} GiB" if machine.gpu else "no GPU"
    console.print(f"{told['system']}, {told['processor']}, Python {told['python']}")
    console.print(said(f"{told['cores']} cores, {machine.ram:g} GiB of memory, {gpu}"))
    console.print(", ".join(f"{name} {number}" for name, number in _versions().items()))
    if find_spec("torchvision"):
        console.print("torchvision is installed: if critics won't open, its build is another one")
    names = ", ".join(one.name for one in on_disk()) or "none"
    console.print(said(f"painters on this machine: {names}"))
    console.print()


def _show_plan(console: Console, now: Planned, peak: Peak | None) -> None:
    for line in (*now.why, *(f"{lack.message} {lack.hint}" for lack in now.missing)):
        console.print(said(line), soft_wrap=True)  # what is to be typed stays one line
    made = now.plan
    if made is None:
        console.print(said(f"profile {now.name}: its models are not limner's to place"))
        return
    console.print(_places(now.name, made))
    gpu = f"{made.gpu:.2f} GiB of the GPU and " if made.machine.gpu else ""
    console.print(f"estimated peak: {gpu}{made.ram:.2f} GiB of memory. {made.why}")
    if peak:
        seen = f"{peak['gpu']:.2f} GiB of the GPU and " if made.machine.gpu else ""
        console.print(f"measured peak: {seen}{peak['ram']:.2f} GiB of memory")


def _places(profile: str, made: Plan) -> Table:
    table = Table(box=None, pad_edge=False)
    sizes = ("GPU GiB", "RAM GiB") if made.machine.gpu else ("RAM GiB",)
    for name in (f"profile {profile}", "model", "where", *sizes, "why"):
        table.add_column(said(name), justify="right" if name in sizes else "left", overflow="fold")
    for place in made.places:
        gib = [f"{place.gpu:.2f}"] * bool(made.machine.gpu) + [f"{place.ram:.2f}"]
        table.add_row(place.need.part, said(place.need.name), str(place.way), *gib, place.why)
    return table
