"""Shows what fetching a model takes, asks, and shows how far it is."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from rich.table import Table

from limner.agent.plain import one_line
from limner.agent.view.terminal import console_for, say
from limner.agent.view.words import said
from limner.errors import BadInput
from limner.pipelines import hub

__all__ = ["pulled"]

_UNITS = ("B", "kB", "MB", "GB", "TB")


def pulled(model: str, yes: bool) -> int:
    """Shows, asks and fetches; returns the exit code. Raises what a user can mend."""
    plan = hub.planned(model)
    _show(plan)
    if plan.missing and not (yes or _agreed(plan, model)):
        say("nothing was fetched")
        return 1
    folder = hub.fetch(plan, _bar())
    say(f"fetched to {one_line(str(folder))}" if plan.missing else "it is all here")
    return 0


def _show(plan: hub.Plan) -> None:
    table = Table.grid(padding=(0, 2))
    for file in plan.files:
        table.add_row(said(file.name), _sized(file.size), "here" if file.here else "")
    console = console_for(sys.stdout)
    console.print(table)
    gate = ", behind a gate" if plan.gated else ""
    line = f"{plan.model}: licence {plan.licence}{gate}; {_sized(plan.size)} in all"
    console.print(said(f"{line}, {_sized(plan.missing)} to fetch", "bold"), soft_wrap=True)


def _agreed(plan: hub.Plan, model: str) -> bool:
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
