"""Looks for painters on this machine, and for the memory that they would need."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from limner.pipelines.families import family_of, pipeline_of

__all__ = ["Here", "Room", "on_disk", "room"]

SPARE = 0.85
"""The share of a memory that weights may take; the rest is for what is computed with them."""


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


@dataclass(frozen=True, slots=True)
class Room:
    """How much memory there is in all, in GiB: of the machine, and of its GPU (0: none)."""

    ram: float
    gpu: float

    def fits(self, params: float) -> str:
        """Where so many billions of weights would fit: "gpu", "ram" or "".

        On a GPU each takes 2 bytes; on a CPU 4, for limner paints there in float32.
        """
        gib = params * 1e9 / 2**30
        if 2 * gib <= self.gpu * SPARE:
            return "gpu"
        return "ram" if 4 * gib <= self.ram * SPARE else ""


def room() -> Room:
    """What this machine has. A GPU is asked for through torch, which is slow to come."""
    import psutil
    import torch

    gpu = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else 0
    return Room(round(psutil.virtual_memory().total / 2**30, 1), round(gpu / 2**30, 1))


def on_disk() -> list[Here]:
    """The pocket painter, and every pipeline in the Hugging Face cache, by name.

    Only names, sizes and JSON are read; nothing is opened or fetched.
    """
    pocket = Path(str(files("limner.pipelines.pocket"))) / "weights" / "painter"
    found = [_here("pocket", pocket)] if pocket.is_dir() else []
    return found + sorted(_cached(), key=lambda here: here.name)


def _cached() -> Iterator[Here]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return
    for repo in repos:
        newest = max(repo.revisions, key=lambda one: one.last_modified, default=None)
        if repo.repo_type == "model" and newest and pipeline_of(newest.snapshot_path):
            yield _here(repo.repo_id, newest.snapshot_path)


def _here(name: str, folder: Path) -> Here:
    family = family_of(folder, name)
    weights = [path for path in folder.glob("*/*.safetensors") if ".fp16" not in path.suffixes]
    return Here(
        name,
        family.key if family else "",
        pipeline_of(folder),
        round(sum(path.stat().st_size for path in weights) / 2**30, 6),
        round(sum(map(_numbers, weights)) / 1e9, 6),
    )


def _numbers(path: Path) -> int:
    """How many numbers a file of safetensors has, by its header; 0 for one that has none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    except (OSError, SafetensorError):  # cut off, say; opening it would tell
        return 0
    return sum(math.prod(shape) for shape in shapes)
