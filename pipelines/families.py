"""The families of painters that limner knows, and which of them a folder belongs to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from limner.errors import BadInput

__all__ = ["Family", "families", "family_named", "family_of", "pipeline_of"]


@dataclass(frozen=True, slots=True)
class Family:
    """How a family of painters wants to be addressed and called; see `families.yaml`.

    `params` and `largest` are billions of parameters, `work` GiB, `size` pixels.
    """

    key: str
    title: str
    pipeline: str
    tokens: int
    negative: bool
    size: tuple[int, int]
    steps: int
    guidance: float
    over: Literal["nothing", "all", "box"]
    params: float
    largest: float
    work: float
    licence: str
    like: str
    style: Literal["prose", "tags"] = "prose"
    weights: bool = False
    channels_last: bool = False
    multiple: int = 0
    knob: str = "guidance_scale"
    dtypes: tuple[str, ...] = ("bfloat16", "float16")
    preview: str = ""
    also: str = ""
    named: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)

    def gib(self, bytes_each: int = 2) -> float:
        """How much memory its weights take, in GiB, at so many bytes for each number."""
        return self.params * 1e9 * bytes_each / 2**30


@cache
def families() -> tuple[Family, ...]:
    """All rows of the table, in its order."""
    text = files(__package__).joinpath("families.yaml").read_text(encoding="utf-8")
    return tuple(_family(key, row) for key, row in yaml.safe_load(text).items())


def family_named(key: str) -> Family:
    """The row of that key. Raises `BadInput` for one that the table has not."""
    for family in families():
        if family.key == key:
            return family
    known = ", ".join(family.key for family in families())
    raise BadInput(f"There is no family {key!r}.", f"Known: {known}.")


def family_of(folder: Path, name: str = "") -> Family | None:
    """The family of the model in a folder, told by its configurations; None for an unknown one.

    `name` are the names that the model and its LoRA go by. Nothing but JSON is read.
    """
    kind = pipeline_of(folder)
    for family in families():
        ours = kind and kind in (family.pipeline, family.also)
        if ours and family.named in name.lower() and _holds(family, folder):
            return family
    return None


def pipeline_of(folder: Path) -> str:
    """The pipeline's class, as its folder names it; "" where it does not."""
    return str(_json(folder / "model_index.json").get("_class_name", ""))


def _family(key: str, row: dict[str, Any]) -> Family:
    fixed = {name: tuple(row[name]) for name in ("size", "dtypes") if name in row}
    told: dict[str, Any] = row | fixed
    return Family(key=key, **told)


def _holds(family: Family, folder: Path) -> bool:
    for place, wanted in family.facts.items():
        file, _, key = place.rpartition(":")
        if _json(folder / file).get(key) != wanted:
            return False
    return True


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a folder that is none; opening it will say so better
        return {}
    return read if isinstance(read, dict) else {}
