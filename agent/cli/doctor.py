"""The commands `limner doctor` and `limner calibrate`: what fits here, what a critic is worth."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

from limner import configs
from limner.agent.archive import atomic_io
from limner.agent.cli.options import Json, Model, Profile, Seed, named
from limner.agent.machine import Peak, PlannedProfile, measured, on_disk, planned
from limner.agent.plain import one_line
from limner.agent.terminal.terminal import console_for, kept_clean, say
from limner.agent.terminal.words import columns, said
from limner.errors import BadInput
from limner.pipelines.memory import Machine, MemoryPlan, here
from limner.pipelines.platt import Curve

__all__ = [
    "calibrate",
    "doctor",
    "explain",
    "plan_json",
]


PACKAGES = (
    *("limner", "torch", "diffusers", "transformers", "accelerate", "bitsandbytes"),
    *("safetensors", "langchain-core", "compel", "peft"),
)


def doctor(
    profile: Profile = "pocket",
    writer: Model = None,
    painter: Model = None,
    critic: Model = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Paint once, and put the peak beside the estimate.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Tell what this machine has, which models are on it, and where those of a profile would go.

    The exit code is 1 where one of them is not here, or they don't fit. Nothing is fetched, and
    nothing opened but by --measure.
    """
    given, machine = named(writer, painter, critic), here()
    with kept_clean(True):
        now = planned(profile, given, machine)
        peak = measured(profile, given) if measure and not now.missing else None
    if as_json:
        found = [{"name": one.name, "family": one.family, "gib": one.gib} for one in on_disk()]
        state = {"machine": _machine(machine), "versions": _versions(), "here": found}
        say(json.dumps({**state, **plan_json(now), "measured": peak}))
    else:
        console = console_for(sys.stdout)
        _show_machine(console, machine)
        _show_plan(console, now, peak)
    return 0 if now.runs else 1


def explain(profile: str, given: Mapping[str, Any]) -> None:
    """Print the plan on standard error, before anything is opened."""
    _show_plan(console_for(sys.stderr), planned(profile, given), None)


def plan_json(now: PlannedProfile) -> dict[str, Any]:
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


def _show_plan(console: Console, now: PlannedProfile, peak: Peak | None) -> None:
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


def _places(profile: str, made: MemoryPlan) -> Table:
    sizes = ("GPU GiB", "RAM GiB") if made.machine.gpu else ("RAM GiB",)
    table = columns(f"profile {profile}", "model", "where", *sizes, "why")
    for place in made.places:
        gib = [f"{place.gpu:.2f}"] * bool(made.machine.gpu) + [f"{place.ram:.2f}"]
        table.add_row(place.need.part, said(place.need.name), str(place.way), *gib, place.why)
    return table


def calibrate(
    profile: Profile = "pocket",
    requests: Annotated[
        Path | None,
        typer.Option("--requests", metavar="FILE", help="Requests of your own, one a line."),
    ] = None,
    passing: Annotated[
        float,
        typer.Option(min=0.001, max=0.5, help="The share of false claims that may still hold."),
    ] = 0.05,
    seed: Seed = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The profile that is written, with the curves.")
    ] = Path("calibrated.yaml"),
) -> int:
    """Paint some requests, ask the critic what is false of them, and write a profile that knows."""
    if out.suffix not in {".yaml", ".yml"}:
        raise BadInput("The profile's name must end in .yaml.", "For instance: --out mine.yaml")
    from limner.agent import calibrate as calibration
    from limner.agent.studio import Studio

    asked = calibration.requests_in(requests) if requests else []
    console = Console(stderr=True)
    curves: dict[str, Curve] = {}
    studio = Studio.open(profile)
    for found in calibration.calibrate(studio, asked, seed=seed or 0, passing=passing):
        if isinstance(found, dict):
            curves = found
        else:
            console.print(f"looked at: {one_line(found.brief.request)}", markup=False)
    chosen = configs.load(profile).as_json
    chosen["calibration"] = {kind: [round(v, 4) for v in c] for kind, c in curves.items()}
    text = yaml.safe_dump(chosen, allow_unicode=True, sort_keys=False)
    path = atomic_io.write_new(out, text.encode())
    table = Table("claims of", "hold from", "instead of")
    for kind, curve in sorted(curves.items()):
        table.add_row(kind, f"{1 - Curve(1.0, curve.shift)(0.5):.2f}", "0.50")
    console.print(table)
    print(path)
    return 0
