"""The profile `auto`: a writer, a painter and a critic on this machine that fit it together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from limner import configs
from limner.agent.machine.models import cached, part_of
from limner.agent.machine.planning import size_of
from limner.configs import Profile, Role
from limner.pipelines.memory import PARTS, Machine, Need, plan
from limner.pipelines.needs import here, need_of

__all__ = ["chosen", "first_fitting"]

BEARABLE = 10
"""The pain of a plan (`memory.Way`) up to which a larger model is worth it."""
TALKATIVE = 3.0
"""Billions of numbers of a writer that a CPU is quick enough for."""

FETCH = {
    "writer": ((0, "HuggingFaceTB/SmolLM3-3B"),),
    "painter": (
        (15, "Tongyi-MAI/Z-Image-Turbo"),
        (7, "black-forest-labs/FLUX.2-klein-4B"),
        (0, "stable-diffusion-v1-5/stable-diffusion-v1-5"),
    ),
    "critic": ((0, "openai/clip-vit-base-patch32"),),
}
"""What to fetch for a machine with so many GiB on its GPU, or more."""


def chosen(
    given: Mapping[str, Any], machine: Machine | None = None
) -> tuple[str, Profile, tuple[str, ...]]:
    """The profile's name, the profile, and why it is this one.

    What is `given` stays; the others are the best of what is on disk that fits beside it. Where
    one of the three is missing it is pocket, whose models are always there.
    """
    machine = machine or here()
    found = on_disk(given)
    missing = [part for part in PARTS if part not in given and not found[part]]
    if missing:
        return "pocket", configs.load("pocket"), _why_pocket(missing, machine)
    for part, spec in given.items():
        need = size_of(part, spec, {})
        found[part] = [need] if need else []
    picked = first_fitting(machine, {part: needs for part, needs in found.items() if needs})
    if picked is None:
        why = "profile pocket, for nothing else that is on this machine fits it together"
        return "pocket", configs.load("pocket"), (why,)
    names = {part: need.name for part, need in picked.items() if part not in given}
    told = ", ".join(f"{part} {name}" for part, name in names.items())
    profile = Profile.model_validate({part: Role(name=names.get(part, "pocket")) for part in PARTS})
    return "auto", profile, (f"of what is on this machine: {told}",) if told else ()


def first_fitting(machine: Machine, found: Mapping[str, Sequence[Need]]) -> dict[str, Need] | None:
    """The best of each part that fit together, one of each; None where nothing does.

    On a GPU the largest painter that needs no slow way to fit, then the largest writer and critic;
    on a CPU the smallest painter, and a writer that is quick enough.
    """
    parts = [part for part in ("painter", "writer", "critic") if part in found]
    ordered = [sorted(found[part], key=lambda need: _rank(machine, need)) for part in parts]
    for bearable in (BEARABLE, None):
        for combined in product(*ordered):
            made = plan(machine, combined)
            pain = sum(place.way.pain for place in made.places)
            if made.fits and (bearable is None or pain <= bearable):
                return dict(zip(parts, combined, strict=True))
    return None


def on_disk(given: Mapping[str, Any]) -> dict[str, list[Need]]:
    """What each part that is not given could be, of the models in the Hugging Face cache."""
    found: dict[str, list[Need]] = {part: [] for part in PARTS}
    for name, folder in cached() if set(PARTS) - set(given) else ():
        part = part_of(folder)
        need = need_of(part, name, folder, {}) if part else None
        if need and need.params:
            found[part].append(need)
    return found


def _rank(machine: Machine, need: Need) -> tuple[float, str]:
    """The first is the best."""
    small = need.part == "painter" or (need.part == "writer" and need.params > TALKATIVE)
    return (need.params if small and not machine.gpu else -need.params), need.name


def _why_pocket(missing: Sequence[str], machine: Machine) -> tuple[str, ...]:
    """What is not there, and what to type to have it."""
    lines = [f"profile pocket, for no {' and no '.join(missing)} is on this machine but its own"]
    for part in missing:
        name = next(name for least, name in FETCH[part] if machine.gpu >= least)
        lines.append(f"for a {part} of the world at large, while online: limner pull {name}")
    return tuple(lines)
