"""What this machine has, which painters are on it, and which models fit it together."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

from limner import configs
from limner.agent.scoring.panel import Panel
from limner.configs import Profile, Role
from limner.errors import LimnerError, ModelFailed
from limner.pipelines import registry
from limner.pipelines.device import ModelSwap
from limner.pipelines.families import family_of, pipeline_of
from limner.pipelines.memory import (
    PARTS,
    Machine,
    MemoryPlan,
    ModelSize,
    here,
    need_of,
    plan,
    settings_of,
)

__all__ = [
    "AUTO",
    "LocalPainter",
    "Peak",
    "PlannedProfile",
    "cached",
    "chosen",
    "first_fitting",
    "fits",
    "measured",
    "on_disk",
    "opened",
    "part_of",
    "planned",
    "size_of",
]


CRITICS = {"clip", "siglip", "siglip2"}
"""The kinds of models that can be a critic, as their configurations name them."""


@dataclass(frozen=True, slots=True)
class LocalPainter:
    """A painter that is on disk: its name, family ("" if unknown) and pipeline.

    `gib` is its size on disk, `params` how many billions of numbers it has.
    """

    name: str
    family: str
    pipeline: str
    gib: float
    params: float
    need: ModelSize | None = None


def fits(machine: Machine, need: ModelSize) -> str:
    """Where a painter would fit alone: "gpu", "gpu, offloaded", "ram" or ""; see `memory.plan`."""
    made = plan(machine, [need])
    way = made.places[0].way
    if not made.fits:
        return ""
    if way.on == "cpu":
        return "ram"
    more = [f"{way.bits} bits"] * (way.bits < 16) + ["offloaded"] * bool(way.offload)
    return ", ".join(["gpu", *more])


def on_disk() -> list[LocalPainter]:
    """The pocket painter, and every pipeline in the Hugging Face cache, by name.

    Only names, sizes and JSON are read; nothing is opened or fetched.
    """
    pocket = Path(str(files("limner.pipelines.pocket"))) / "weights" / "painter"
    found = [_here("pocket", pocket)] if pocket.is_dir() else []
    return found + [_here(name, place) for name, place in cached() if pipeline_of(place)]


def cached() -> Iterator[tuple[str, Path]]:
    """The hub id and folder of every model in the Hugging Face cache, by its newest revision."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repo in sorted(repos, key=lambda repo: repo.repo_id):
        newest = max(repo.revisions, key=lambda one: one.last_modified, default=None)
        if repo.repo_type == "model" and newest:
            yield repo.repo_id, newest.snapshot_path


def part_of(folder: Path) -> str:
    """What the model in a folder can be: "writer", "painter", "critic", or "" for none of them."""
    if pipeline_of(folder):
        return "painter"
    told = settings_of(folder)
    if told.get("model_type") in CRITICS:
        return "critic"
    kinds = told.get("architectures")
    speaks = isinstance(kinds, list) and any("ForCausalLM" in str(kind) for kind in kinds)
    return "writer" if speaks and _chats(folder) else ""


def _chats(folder: Path) -> bool:
    """Whether a language model has a chat template."""
    return (folder / "chat_template.jinja").is_file() or "chat_template" in settings_of(
        folder, "tokenizer_config.json"
    )


def _here(name: str, folder: Path) -> LocalPainter:
    family = family_of(folder, name)
    weights = [path for path in folder.glob("*/*.safetensors") if ".fp16" not in path.suffixes]
    need = need_of("painter", name, folder, {})
    return LocalPainter(
        name,
        family.key if family else "",
        pipeline_of(folder),
        round(sum(path.stat().st_size for path in weights) / 2**30, 6),
        round(need.params, 6) if need else 0.0,
        need,
    )


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
    found = on_disk_auto(given)
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
    writer, painter, critic = (Role(name=names.get(part, "pocket")) for part in PARTS)
    profile = Profile(writer=writer, painter=painter, critic=critic)
    return "auto", profile, (f"of what is on this machine: {told}",) if told else ()


def first_fitting(
    machine: Machine, found: Mapping[str, Sequence[ModelSize]]
) -> dict[str, ModelSize] | None:
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


def on_disk_auto(given: Mapping[str, Any]) -> dict[str, list[ModelSize]]:
    """What each part that is not given could be, of the models in the Hugging Face cache."""
    found: dict[str, list[ModelSize]] = {part: [] for part in PARTS}
    for name, folder in cached() if set(PARTS) - set(given) else ():
        part = part_of(folder)
        need = need_of(part, name, folder, {}) if part else None
        if need and need.params:
            found[part].append(need)
    return found


def _rank(machine: Machine, need: ModelSize) -> tuple[float, str]:
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


AUTO = "auto"
"""The profile that is chosen anew from what is on the machine, each time."""


@dataclass(frozen=True, slots=True)
class PlannedProfile:
    """A profile with its models, named or as objects, and where limner will keep its own.

    `plan` is None where none of them is limner's to place; `why` are lines on how they were chosen,
    `missing` what opening those would raise that are not on this machine.
    """

    name: str
    profile: Profile
    models: Mapping[str, tuple[Any, Mapping[str, Any]]]
    plan: MemoryPlan | None
    why: tuple[str, ...] = ()
    missing: tuple[LimnerError, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether all of them are there, and fit."""
        return not self.missing and (self.plan is None or self.plan.fits)


def planned(
    profile: str | Path, given: Mapping[str, Any] | None = None, machine: Machine | None = None
) -> PlannedProfile:
    """What will be opened, and where; no model is opened or fetched.

    `given` are names, folders, hub ids or objects that replace those of the profile; `machine` is
    this one where it is None. Raises `BadInput` for an unknown profile.
    """
    mine = {part: model for part, model in (given or {}).items() if model is not None}
    name, why = str(profile), tuple[str, ...]()
    if name == AUTO:
        name, told, why = chosen(mine, machine)
    else:
        told = configs.load(profile)
    if "critic" in mine:  # who is named in the critic's place judges alone
        told = replace(told, detector=None)
    models = {part: _model(getattr(told, part), mine.get(part)) for part in PARTS}
    needs = [need for part in PARTS if (need := size_of(part, *models[part]))]
    if models["critic"][0] == "writer":  # which looks while the painter is at work
        needs = [replace(need, stays=need.part == "writer") for need in needs]
    most = max(told.images_per_round, told.drafts)
    made = plan(machine or here(), needs, most) if needs else None
    missing = [lack for part in PARTS if (lack := _lack(part, models[part][0]))]
    if told.detector and (lack := _lack("detector", told.detector.name)):
        missing.append(lack)
    return PlannedProfile(name, told, models, made, why, tuple(missing))


def opened(now: PlannedProfile) -> dict[str, Any]:
    """Writer, painter and critic, opened as planned: those that take turns one after another.

    Raises what the registry does.
    """
    swap, models = ModelSwap(), dict[str, Any]()
    for part in PARTS:
        spec, settings = now.models[part]
        place = now.plan.place(part) if now.plan else None
        swap.turn(None)
        made = {**settings, **(place.settings() if place else {})}
        models[part] = _open(part, spec, made, models.get("writer"))
        if place and part != "critic":  # which looks while the painter is at work
            swap.add(models[part], place.way.in_turn)
    if now.profile.detector:
        models["critic"] = _panel(models["painter"], models["critic"], now.profile.detector)
    return models


def _panel(painter: Any, critic: Any, chosen: Role) -> Any:
    """The critic, with the detector beside it.

    Not one of a small world over a painter of anything, which `--painter` may put into a profile:
    it would take whatever it sees for something that it knows.
    """
    detector = registry.open_detector(chosen.name, dict(chosen.settings))
    if detector.world is not None and getattr(painter, "world", None) is None:
        return critic
    return Panel(critic, detector)


def _open(part: str, spec: Any, settings: dict[str, Any], writer: object) -> Any:
    if part == "writer":
        return registry.open_writer(spec, settings)
    if part == "painter":
        return registry.open_painter(spec, settings)
    return registry.open_critic(spec, settings, writer)


def _model(role: Role, given: Any) -> tuple[Any, Mapping[str, Any]]:
    """A model and its settings: the profile's, where it is the profile's own that is opened."""
    return (role.name, role.settings) if given in (None, role.name) else (given, {})


def size_of(part: str, spec: Any, settings: Mapping[str, Any]) -> ModelSize | None:
    """What a model needs, by its name, folder or hub id; None for one that limner does not open."""
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


REQUEST = "a lighthouse"
Peak = dict[str, float]
"""GiB at most: "ram", the machine's own memory, and "gpu"."""


def measured(profile: str, given: Mapping[str, str | None]) -> Peak:
    """The peak of opening a profile's models and painting one round of takes with them.

    Raises `ModelFailed` where that fails.
    """
    told = json.dumps([profile, {part: name for part, name in given.items() if name}])
    command = [sys.executable, "-m", __name__, told]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise ModelFailed(lines[-1], "Nothing was measured; limner doctor says what fits.")
    made: Peak = json.loads(done.stdout.splitlines()[-1])
    return made


def _paint(profile: str, given: Mapping[str, str]) -> Peak:
    import resource

    import torch

    from limner.agent.studio import Studio

    studio = Studio.open(profile, **given)
    takes = studio.settings.images_per_round
    studio.imagine(REQUEST, seed=1, images_per_round=takes, budget=takes, refine=False)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    ram = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    gpu = torch.cuda.max_memory_reserved() / 2**30 if torch.cuda.is_available() else 0.0
    return {"ram": round(ram, 2), "gpu": round(gpu, 2)}


if __name__ == "__main__":
    try:
        print(json.dumps(_paint(*json.loads(sys.argv[1]))))  # noqa: T201
    except LimnerError as told:
        sys.exit(f"{told.message} {told.hint}")
