"""The picture check of Stable Diffusion, as a filter after any painter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL.Image import Image

from limner.errors import ModelUnusable
from limner.pipelines.device import place
from limner.pipelines.loading import hushed, load, opening
from limner.pipelines.registry import resolve
from limner.pipelines.safety import OFF, Guard, mode_of
from limner.pipelines.weights import verify

__all__ = ["KNOWN", "SafetyChecker", "open_guard"]

KNOWN = "CompVis/stable-diffusion-safety-checker"
"""Where the checker is to be had by itself."""


class SafetyChecker:
    """diffusers' `StableDiffusionSafetyChecker`: CLIP's distance to 17 hidden sexual concepts.

    It sees sexual content only, and neither all of it nor nothing else (Rando et al.,
    arXiv:2210.04610). `folder` has the checker, or a pipeline that has it as a part.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        part = folder / "safety_checker"
        folder, beside = (part, folder / "feature_extractor") if part.is_dir() else (folder, folder)
        for one in {folder, beside}:
            verify(one)
        self._device, self._dtype = place(device)
        with opening(folder.name, "safety checker", "diffusers"):
            from diffusers.pipelines.stable_diffusion.safety_checker import (
                StableDiffusionSafetyChecker,
            )
            from transformers import CLIPImageProcessorPil

            how = {"local_files_only": True, "trust_remote_code": False}
            self._eyes = CLIPImageProcessorPil.from_pretrained(beside, **how)
            model = load(StableDiffusionSafetyChecker, folder, self._dtype)
        self._model: Any = model.to(self._device).eval()
        self.name = folder.name

    def find(self, pictures: Sequence[Image]) -> list[str]:
        """ "sexual content" for each picture that is near one of the concepts, else ""."""
        import numpy as np

        shown = [picture.convert("RGB") for picture in pictures]
        pixels = self._eyes(images=shown, return_tensors="pt")["pixel_values"]
        with hushed("diffusers"):
            _, found = self._model(
                clip_input=pixels.to(self._device, self._dtype),
                images=[np.zeros((1, 1, 3))] * len(shown),  # it blackens these, not ours
            )
        return ["sexual content" if one else "" for one in found]


def open_guard(said: str | None, checker: str, painter: Any) -> Guard:
    """The guard of a studio with that painter; without a mode, on where it can paint anything.

    `checker` is a folder or hub id; "" for the painter's own, or the known one where it is on this
    machine. Raises `ModelUnusable` for a checker that can't be opened, and `BadInput` for a mode
    that there is not.
    """
    mode = mode_of(said or ("block" if getattr(painter, "paints_anything", True) else "off"))
    if mode == "off":
        return OFF
    found = resolve(checker, "safety checker") if checker else _here(painter)
    return Guard(mode, SafetyChecker(found) if found else None)


def _here(painter: Any) -> Path | None:
    """A checker on this machine: a part of the painter's folder, or the known one, else None."""
    own: Path | None = getattr(painter, "folder", None)
    if own and any((own / "safety_checker").glob("*.safetensors")):
        return own
    try:
        known = resolve(KNOWN, "safety checker")
    except ModelUnusable:
        return None
    return known if any(known.glob("*.safetensors")) else None
