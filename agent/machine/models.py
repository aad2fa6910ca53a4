"""Looks for painters on this machine, and for the memory that they would need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from limner.pipelines.families import family_of, pipeline_of
from limner.pipelines.memory import Machine, Need, plan
from limner.pipelines.needs import need_of, settings_of

__all__ = ["Here", "cached", "fits", "on_disk", "part_of"]

CRITICS = {"clip", "siglip", "siglip2"}
"""The kinds of models that can be a critic, as their configurations name them."""


@dataclass(frozen=True, slots=True)
class Here:
    """A painter that is on disk: its name, family ("" if unknown) and pipeline.

    `gib` is its size on disk, `params` how many billions of numbers it has.
    """

    name: str
    family: str
    pipeline: str
    gib: float
    params: float
    need: Need | None = None


def fits(machine: Machine, need: Need) -> str:
    """Where a painter would fit alone: "gpu", "gpu, offloaded", "ram" or ""; see `memory.plan`."""
    made = plan(machine, [need])
    way = made.places[0].way
    if not made.fits:
        return ""
    if way.on == "cpu":
        return "ram"
    more = [f"{way.bits} bits"] * (way.bits < 16) + ["offloaded"] * bool(way.offload)
    return ", ".join(["gpu", *more])


def on_disk() -> list[Here]:
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


def _here(name: str, folder: Path) -> Here:
    family = family_of(folder, name)
    weights = [path for path in folder.glob("*/*.safetensors") if ".fp16" not in path.suffixes]
    need = need_of("painter", name, folder, {})
    return Here(
        name,
        family.key if family else "",
        pipeline_of(folder),
        round(sum(path.stat().st_size for path in weights) / 2**30, 6),
        round(need.params, 6) if need else 0.0,
        need,
    )
