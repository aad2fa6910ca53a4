"""Puts trained models into the package, and takes them out again to train on from there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from limner.errors import BadInput
from limner.pipelines.pocket.scene import SIDE
from limner.pipelines.weights import write_manifest

WEIGHTS = Path(__file__).parent / "weights"
PARTS = ("writer", "painter", "critic", "monitor", "detector")
MARKS = {
    "writer": "model/config.json",
    "painter": "model_index.json",
    "critic": "config.json",
    "monitor": "config.json",
    "detector": "config.json",
}
SCHOOLED = 1_000
"""Steps after which the first, easier lessons of every part are over."""


def ship(out: Path, weights: Path = WEIGHTS) -> None:
    """Bring what a training folder holds into `weights`, replacing what was there, part by part.

    Raises `BadInput` when nothing is trained yet.
    """
    ready = [part for part in PARTS if (out / part / MARKS[part]).exists()]
    if not ready:
        raise BadInput(f"Nothing is trained in {out}.", f"limner train all --out {out}")
    for part in ready:
        shutil.rmtree(weights / part, ignore_errors=True)
        SHIPPERS[part](out / part, weights / part)
    for config in weights.rglob("*.json"):
        _forget_origin(config)
    write_manifest(weights)


def take_out(part: str, out: Path, weights: Path = WEIGHTS) -> bool:
    """Lay a shipped model where training goes on from it, unless `out` has one of its own.

    Returns whether it did. The optimizer's memory does not ship: a sitting warms up anew.
    """
    shipped = {"autoencoder": weights / "painter" / "vae"}.get(part, weights / part)
    if part not in TAKERS or (out / part).exists() or not shipped.is_dir():
        return False
    TAKERS[part](shipped, out / part)
    (out / part / "run.json").write_text(json.dumps({"step": SCHOOLED}))
    return True


def _forget_origin(config: Path) -> None:
    """Take out of a configuration the folder that it was trained in, which is nobody's business."""
    told = json.loads(config.read_text(encoding="utf-8"))
    if isinstance(told, dict) and told.pop("_name_or_path", None) is not None:
        config.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _ship_writer(source: Path, to: Path) -> None:
    shutil.copytree(source / "model", to)


def _ship_painter(source: Path, to: Path) -> None:
    import torch
    from diffusers import AutoencoderTiny, StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(source, safety_checker=None)
    finer = source.parent / "autoencoder"
    if (finer / "config.json").exists():
        # Its decoder may have learned on since the painter took its latents.
        scale = pipe.vae.config.scaling_factor
        pipe.vae = AutoencoderTiny.from_pretrained(finer)
        pipe.vae.register_to_config(scaling_factor=scale)
    pipe.to(torch.float16).save_pretrained(to, safe_serialization=True)


def _ship_critic(source: Path, to: Path) -> None:
    import torch
    from transformers import CLIPModel, CLIPTokenizer

    CLIPModel.from_pretrained(source, dtype=torch.float16).save_pretrained(to)
    CLIPTokenizer.from_pretrained(source).save_pretrained(to)
    (to / "preprocessor_config.json").write_text(json.dumps(EYES, indent=2) + "\n")


def _ship_detector(source: Path, to: Path) -> None:
    import torch
    from transformers import CLIPTokenizer, OwlViTForObjectDetection

    OwlViTForObjectDetection.from_pretrained(source, dtype=torch.float16).save_pretrained(to)
    CLIPTokenizer.from_pretrained(source).save_pretrained(to)
    (to / "preprocessor_config.json").write_text(json.dumps(SQUARE_EYES, indent=2) + "\n")


EYES = {
    "image_processor_type": "CLIPImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": SIDE},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": SIDE, "width": SIDE},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
SQUARE_EYES = {
    **EYES,
    "image_processor_type": "OwlViTImageProcessor",
    "size": {"height": SIDE, "width": SIDE},
    "do_center_crop": False,
    "crop_size": None,
}
SHIPPERS = {
    "writer": _ship_writer,
    "painter": _ship_painter,
    "critic": _ship_critic,
    "monitor": _ship_critic,
    "detector": _ship_detector,
}


def _take_autoencoder(shipped: Path, to: Path) -> None:
    import torch
    from diffusers import AutoencoderTiny

    AutoencoderTiny.from_pretrained(shipped, torch_dtype=torch.float32).save_pretrained(to)


def _take_painter(shipped: Path, to: Path) -> None:
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    unet = UNet2DConditionModel.from_pretrained(shipped / "unet", torch_dtype=torch.float32)
    unet.save_pretrained(to / "raw" / "unet")
    text = CLIPTextModel.from_pretrained(shipped / "text_encoder", dtype=torch.float32)
    text.save_pretrained(to / "raw" / "text_encoder")


def _take_critic(shipped: Path, to: Path) -> None:
    import torch
    from transformers import CLIPModel

    CLIPModel.from_pretrained(shipped, dtype=torch.float32).save_pretrained(to)


def _take_detector(shipped: Path, to: Path) -> None:
    import torch
    from transformers import CLIPTokenizer, OwlViTForObjectDetection

    OwlViTForObjectDetection.from_pretrained(shipped, dtype=torch.float32).save_pretrained(to)
    CLIPTokenizer.from_pretrained(shipped).save_pretrained(to)


def _take_writer(shipped: Path, to: Path) -> None:
    from safetensors.torch import load_file, save_file

    to.mkdir(parents=True)
    shutil.copy(shipped / "tokenizer.json", to / "tokenizer.json")
    weights = load_file(shipped / "model.safetensors")
    save_file({name: value.float() for name, value in weights.items()}, to / "weights.safetensors")


TAKERS = {
    "autoencoder": _take_autoencoder,
    "painter": _take_painter,
    "critic": _take_critic,
    "monitor": _take_critic,
    "writer": _take_writer,
    "detector": _take_detector,
}
