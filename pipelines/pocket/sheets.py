"""Sample sheets: what a model makes of fixed scenes, side by side, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from limner.pipelines.pocket.captions import canonical
from limner.pipelines.pocket.scene import SIDE, random_scene, seen, told

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny, StableDiffusionPipeline

GAP = 4
LABEL = 26


def sheet(
    pictures: Sequence[Image.Image], labels: Sequence[str], columns: int = 8, side: int = SIDE
) -> Image.Image:
    """Pictures in rows, `side` pixels wide and high, each above its label in small print."""
    rows = -(-len(pictures) // columns)
    wide, tall = side + GAP, side + GAP + LABEL
    whole = Image.new("RGB", (columns * wide, rows * tall), "white")
    draw = ImageDraw.Draw(whole)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        left, top = number % columns * wide, number // columns * tall
        whole.paste(picture.resize((side, side)), (left, top))
        draw.text(
            (left, top + side + 1), _wrapped(label, 26 * side // SIDE), fill="black", font_size=9
        )
    return whole


def development_prompts(count: int, things: int = 0, seed: int = 77) -> list[str]:
    """Plain captions of scenes that no training draws."""
    chance = Random(seed)
    return [canonical(told(seen(random_scene(chance, things)), chance)) for _ in range(count)]


def paint_sheet(pipe: StableDiffusionPipeline, prompts: Sequence[str], path: Path) -> None:
    """Paint each prompt once, seeds 0, 1, 2 ..., and keep the sheet as a PNG."""
    import torch

    pipe.set_progress_bar_config(disable=True)
    seeds = [torch.Generator("cpu").manual_seed(seed) for seed in range(len(prompts))]
    pictures = pipe(
        prompt=list(prompts), generator=seeds, num_inference_steps=25, guidance_scale=3.0
    ).images
    sheet(pictures, prompts).save(path)


def round_trip_sheet(model: AutoencoderTiny, pictures: np.ndarray, path: Path) -> None:
    """Pictures above what the autoencoder gives back of them."""
    import torch

    from limner.pipelines.pocket.autoencoder import normalized

    device = next(model.parameters()).device
    with torch.inference_mode():
        shown = normalized(torch.from_numpy(pictures.copy()).to(device))
        back = model.decoder(model.encoder(shown)).clamp(-1, 1)
    rows = ((back + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    both = [Image.fromarray(p) for part in (pictures, rows) for p in part]
    sheet(both, ["drawn"] * len(pictures) + ["given back"] * len(rows), len(pictures)).save(path)


def _wrapped(text: str, width: int = 26) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines[:2])
