"""A tiny painter of each family, saved as any other would be."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_cascades import deepfloyd, deepfloyd_second, kandinsky
from tiny_diffusion import flux, flux_dev, sd15, sd35, sdxl, sdxl_turbo
from tiny_transformers import klein, pixart, qwen_image, sana, sana_sprint, z_image

BUILDERS: dict[str, Callable[[], Any]] = {
    "sd15": sd15,
    "sdxl": sdxl,
    "sdxl-turbo": sdxl_turbo,
    "sd35": sd35,
    "flux1-schnell": flux,
    "flux1-dev": flux_dev,
    "flux2-klein": klein,
    "qwen-image": qwen_image,
    "z-image": z_image,
    "sana": sana,
    "sana-sprint": sana_sprint,
    "pixart-sigma": pixart,
    "kandinsky22": kandinsky,
    "deepfloyd-if": deepfloyd,
}


def tiny(key: str, folder: Path) -> Path:
    """The family's tiny model, saved."""
    import torch

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BUILDERS[key]().save_pretrained(folder / key)
        if key == "deepfloyd-if":
            deepfloyd_second().save_pretrained(folder / "second")
    return folder / key
