"""What a painter works with while it is open: its pipelines, and the small decoder of previews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from limner.errors import BadInput
from limner.pipelines.device import place
from limner.pipelines.families import Family
from limner.pipelines.loading import opening
from limner.pipelines.lora import blend, file_of
from limner.pipelines.pipes import PARTS, open_over, open_pipe
from limner.pipelines.preview import small_decoder
from limner.pipelines.quantized import painter_in
from limner.pipelines.recall import remembering
from limner.pipelines.relief import free, offload
from limner.pipelines.speedups import Speedups
from limner.pipelines.weighing import Weighing

__all__ = ["OFFLOADS", "Palette", "Recipe"]

OFFLOADS = ("", "model", "group")
"""How little of a painter is on the accelerator at a time: all, a part, a layer."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a painter is opened from, once or again: folders and settings of `DiffusersPainter`."""

    folder: Path
    name: str
    family: Family | None
    others: Mapping[str, Path]
    scale: float
    weigh: bool
    device: str
    bits: int | None
    offload: str
    speedups: Speedups

    def check(self) -> None:
        """Raises `BadInput` for settings that don't go together."""
        if self.offload not in OFFLOADS:
            raise BadInput(
                f"A painter can't be offloaded by {self.offload!r}.", "Say model, or group."
            )
        if self.bits and {"lora", "prior", "second"} & set(self.others):
            raise BadInput(
                "A painter with a LoRA, or one made of two, is not opened in fewer bits.",
                "Leave `bits` out.",
            )
        self.speedups.check(self.offload)


class Palette:
    """A painter's pipelines in memory: `pipe` paints from nothing, `over` over a picture (or None).

    `eyes` is the small decoder of previews, `weighing` weighs words; None where there is none.
    `speedups` are those that it paints with.
    """

    def __init__(self, recipe: Recipe) -> None:
        family, others = recipe.family, recipe.others
        changes = file_of(others["lora"]) if "lora" in others else None
        self.where, dtype = place(recipe.device, family.dtypes if family else ())
        bits, folder = recipe.bits, recipe.folder
        self.speedups = recipe.speedups.settled(family, self.where)
        how = painter_in(bits, folder, self.where, dtype) if bits else {}
        with opening(recipe.name, "painter", "diffusers"):
            second = others.get(PARTS.get(family.key, "") if family else "")
            self.pipe = open_pipe(folder, family, dtype, second, how)
            if changes:
                blend(self.pipe, changes, recipe.scale)
            self.speedups.apply(self.pipe, self.where, dtype)
            self.over = open_over(self.pipe, family)
            self.eyes = small_decoder(others.get("preview"), family, self.where, dtype)
            self.offload = recipe.offload if self.where.type != "cpu" else ""
            offload(self.pipe, self.where, self.offload)
        self.speedups.hush()  # out here, since opening leaves warnings as they were
        for pipe in filter(None, (self.pipe, self.over)):
            pipe.set_progress_bar_config(disable=True)
            remembering(pipe)
        self.weighing = Weighing.of(self.pipe, recipe.name) if recipe.weigh else None

    def ease(self) -> bool:
        """Offloads it a degree further, for good; False where that can't be."""
        ways = OFFLOADS[:2] if self.speedups.compile else OFFLOADS
        further = ways[ways.index(self.offload) + 1 :]
        if not further or self.where.type == "cpu":
            return False
        self.offload = further[0]
        offload(self.pipe, self.where, self.offload)
        free()
        return True
