"""How far two sets of pictures are apart: FID and IS by Inception, else by CLIP.

FID (arXiv:1706.08500) and the Inception Score (arXiv:1606.03498) are those of torchmetrics. CMMD
(arXiv:2401.09603) and the Fréchet distance over CLIP features need a critic's folder alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from limner.errors import BadInput, MissingExtra

__all__ = ["cmmd", "compared", "features", "frechet", "inception", "opened"]

Features = NDArray[np.float64]
KINDS = {".png", ".jpg", ".jpeg", ".webp"}
BATCH = 32
SIGMA, SCALE = 10.0, 1000.0  # CMMD's kernel width and the factor that it is reported with


def compared(one: Path, other: Path, critic: Path, weights: Path | None) -> dict[str, float]:
    """Every figure that can be had of two folders of pictures.

    `weights` are those of torch-fidelity's Inception; None leaves FID and IS out. Raises `BadInput`
    for a folder with fewer than two pictures, `MissingExtra` where torchmetrics is not installed.
    """
    sets = [opened(one), opened(other)]
    found: dict[str, float] = {}
    if weights is not None:
        found |= inception(sets[0], sets[1], weights)
    first, second = (features(critic, pictures) for pictures in sets)
    found["CMMD"] = cmmd(first, second)
    found["Fréchet distance, CLIP"] = frechet(first, second)
    return found


def opened(folder: Path) -> list[Image.Image]:
    """The pictures of a folder, by name."""
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in KINDS)
    if len(paths) < 2:
        raise BadInput(f"{folder} has {len(paths)} pictures; two are the least.", "Name a folder.")
    return [_opened(path) for path in paths]


def features(critic: Path, pictures: Sequence[Image.Image]) -> Features:
    """A unit vector for each picture, by the image half of a CLIP folder."""
    import torch
    from transformers import AutoImageProcessor, AutoModel

    local = {"local_files_only": True}
    model: Any = AutoModel.from_pretrained(critic, use_safetensors=True, **local).eval()
    processor: Any = AutoImageProcessor.from_pretrained(critic, backend="pil", **local)
    rows = []
    with torch.inference_mode():
        for few in _batches(pictures):
            pixels = processor(images=few, return_tensors="pt")["pixel_values"]
            seen = model.get_image_features(pixel_values=pixels)
            seen = getattr(seen, "pooler_output", seen)
            rows.append(torch.nn.functional.normalize(seen.float(), dim=-1))
    return np.asarray(torch.cat(rows).numpy(), np.float64)


def cmmd(one: Features, other: Features) -> float:
    """The maximum mean discrepancy of two sets with a Gaussian kernel, squared, times 1000."""

    def kernel(a: Features, b: Features) -> float:
        squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
        return float(np.exp(-np.maximum(squared, 0) / (2 * SIGMA**2)).mean())

    return SCALE * (kernel(one, one) + kernel(other, other) - 2 * kernel(one, other))


def frechet(one: Features, other: Features) -> float:
    """The Fréchet distance of the normal distributions that fit two sets (Dowson, Landau 1982)."""
    gap = one.mean(axis=0) - other.mean(axis=0)
    spread, others = (np.cov(rows, rowvar=False) for rows in (one, other))
    mixed = np.sqrt(np.maximum(np.linalg.eigvals(spread @ others).real, 0)).sum()
    return float(gap @ gap + np.trace(spread) + np.trace(others) - 2 * mixed)


def inception(
    one: Sequence[Image.Image], other: Sequence[Image.Image], weights: Path
) -> dict[str, float]:
    """FID between two sets and the Inception Score of each, by torchmetrics."""
    try:
        import torch_fidelity  # noqa: F401
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.inception import InceptionScore
    except ImportError as missing:
        raise MissingExtra(
            "FID and IS need torchmetrics and torch-fidelity.", "pip install 'limner[metrics]'"
        ) from missing
    if not weights.is_file():
        raise BadInput(f"There is no file {weights}.", "Name torch-fidelity's Inception weights.")
    distance = FrechetInceptionDistance(2048, feature_extractor_weights_path=str(weights))
    found: dict[str, float] = {}
    for name, pictures in (("IS of the first", one), ("IS of the second", other)):
        spread = InceptionScore(feature_extractor_weights_path=str(weights))
        for few in _batches(pictures):
            distance.update(_pixels(few), real=pictures is other)
            spread.update(_pixels(few))
        found[name] = float(spread.compute()[0])
    return {"FID": float(distance.compute()), **found}


def _pixels(pictures: Sequence[Image.Image]) -> Any:
    import torch

    side = 299
    rows = [np.asarray(p.resize((side, side), Image.Resampling.BICUBIC)) for p in pictures]
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2)


def _batches(pictures: Sequence[Image.Image]) -> Iterator[Sequence[Image.Image]]:
    for start in range(0, len(pictures), BATCH):
        yield pictures[start : start + BATCH]


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=["PNG", "JPEG", "WEBP"]) as picture:
            return picture.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as problem:
        raise BadInput(f"{path} is no picture that can be read.", "Remove it.") from problem
