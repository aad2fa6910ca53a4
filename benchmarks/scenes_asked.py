"""A scene that is what was asked for, drawn: what the exact judge must find all right."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from limner.benchmarks.asked import BESIDE, OPEN, Asked
from limner.pipelines.pocket.scene import Scene, lay_out
from limner.pipelines.pocket.spec import Group, Spec
from limner.pipelines.pocket.world import world

__all__ = ["example"]


def example(asked: Asked, chance: Random) -> Scene:
    """A scene that is what was asked for. Raises `Crowded` where the world has no room for it."""
    spec = asked.spec
    groups = spec.groups or (Group("tree" if "tree" not in asked.absent else "cat"),)
    sized = tuple(
        replace(g, size=g.size or "small", count=2 if g.count == OPEN else g.count) for g in groups
    )
    links = tuple(replace(k, how="left of" if k.how == BESIDE else k.how) for k in spec.links)
    light = spec.light or _lit(groups, bool(spec.where), chance)
    return lay_out(Spec(sized, links, spec.where, light, spec.style or "flat"), chance)


def _lit(groups: tuple[Group, ...], grounded: bool, chance: Random) -> str:
    """A sky, or a backdrop where nothing stands on a ground; none that swallows a thing."""
    colours = {g.colour for g in groups}
    fit = [x for x in world().light if x.removeprefix("plain ") not in colours]
    if grounded:
        fit = [x for x in fit if not x.startswith("plain")]
    return chance.choice([x for x in fit if x != "night" or "black" not in colours])
