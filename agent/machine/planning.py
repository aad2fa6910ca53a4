"""Decides which models work together on this machine, and opens them as the plan says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limner import configs
from limner.configs import Profile, Role
from limner.errors import LimnerError
from limner.pipelines import registry
from limner.pipelines.memory import PARTS, Machine, Need, Plan, plan
from limner.pipelines.swap import Swap

__all__ = ["AUTO", "Planned", "opened", "planned", "size_of"]

AUTO = "auto"
"""The profile that is chosen anew from what is on the machine, each time."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A profile with its models, named or as objects, and where limner will keep its own.

    `plan` is None where none of them is limner's to place; `why` are lines on how they were chosen,
    `missing` what opening those would raise that are not on this machine.
    """

    name: str
    profile: Profile
    models: Mapping[str, tuple[Any, Mapping[str, Any]]]
    plan: Plan | None
    why: tuple[str, ...] = ()
    missing: tuple[LimnerError, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether all of them are there, and fit."""
        return not self.missing and (self.plan is None or self.plan.fits)


def planned(
    profile: str | Path, given: Mapping[str, Any] | None = None, machine: Machine | None = None
) -> Planned:
    """What will be opened, and where; no model is opened or fetched.

    `given` are names, folders, hub ids or objects that replace those of the profile; `machine` is
    this one where it is None. Raises `BadInput` for an unknown profile.
    """
    mine = {part: model for part, model in (given or {}).items() if model is not None}
    name, why = str(profile), tuple[str, ...]()
    if name == AUTO:
        from limner.agent.machine.auto import chosen

        name, told, why = chosen(mine, machine)
    else:
        told = configs.load(profile)
    models = {part: _model(getattr(told, part), mine.get(part)) for part in PARTS}
    needs = [need for part in PARTS if (need := size_of(part, *models[part]))]
    if models["critic"][0] == "writer":  # which looks while the painter is at work
        needs = [replace(need, stays=need.part == "writer") for need in needs]
    made = plan(machine or _here(), needs, max(told.takes, told.sketches)) if needs else None
    missing = [lack for part in PARTS if (lack := _lack(part, models[part][0]))]
    return Planned(name, told, models, made, why, tuple(missing))


def opened(now: Planned) -> dict[str, Any]:
    """Writer, painter and critic, opened as planned: those that take turns one after another.

    Raises what the registry does.
    """
    swap, models = Swap(), dict[str, Any]()
    for part in PARTS:
        spec, settings = now.models[part]
        place = now.plan.place(part) if now.plan else None
        swap.turn(None)
        made = {**settings, **(place.settings() if place else {})}
        models[part] = _open(part, spec, made, models.get("writer"))
        if place and part != "critic":  # which looks while the painter is at work
            swap.add(models[part], place.way.in_turn)
    return models


def _open(part: str, spec: Any, settings: dict[str, Any], writer: object) -> Any:
    if part == "writer":
        return registry.open_writer(spec, settings)
    if part == "painter":
        return registry.open_painter(spec, settings)
    return registry.open_critic(spec, settings, writer)


def _model(role: Role, given: Any) -> tuple[Any, Mapping[str, Any]]:
    """A model and its settings: the profile's, where it is the profile's own that is opened."""
    return (role.name, role.settings) if given in (None, role.name) else (given, {})


def size_of(part: str, spec: Any, settings: Mapping[str, Any]) -> Need | None:
    """What a model needs, by its name, folder or hub id; None for one that limner does not open."""
    from limner.pipelines.needs import need_of

    if not _is_ours(part, spec):
        return None
    folder = None if _lack(part, spec) else registry.folder_of(part, spec)
    return need_of(part, str(spec), folder, settings)


def _is_ours(part: str, spec: Any) -> bool:
    return isinstance(spec, str | Path) and registry.is_ours(part, str(spec))


def _lack(part: str, spec: Any) -> LimnerError | None:
    """What opening it would raise, if it is limner's to open and is not on this machine."""
    try:
        if _is_ours(part, spec):
            registry.folder_of(part, spec)
    except LimnerError as problem:
        return problem
    return None


def _here() -> Machine:
    from limner.pipelines.needs import here

    return here()
