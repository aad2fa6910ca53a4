"""Opens a folder as the critic that its config.json says it is, or a writer that can see as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limner.errors import ModelUnusable
from limner.pipelines.critic_blip import BlipCritic
from limner.pipelines.critic_clip import ClipCritic
from limner.pipelines.critic_vlm import VlmCritic
from limner.pipelines.device import place
from limner.pipelines.loading import load_quantized, opening
from limner.pipelines.roles import Critic
from limner.pipelines.still import open_still, sees
from limner.pipelines.weights import named, verify
from limner.pipelines.writer_local import LocalWriter

__all__ = ["critic_of", "open_local_critic"]


def open_local_critic(folder: Path, name: str, **settings: Any) -> Critic:
    """The critic in that folder, checked before it is opened.

    BLIP with a head for matching, a vision language model with a chat template, else CLIP's plan:
    CLIP, SigLIP, SigLIP 2 and what was trained from them. Raises `ModelUnusable` for anything else.
    """
    verify(folder)
    with opening(name, "critic"):
        from transformers import PreTrainedConfig

        told, _ = PreTrainedConfig.get_config_dict(folder, local_files_only=True)
        speaks = sees(folder)
    if "BlipForImageTextRetrieval" in (told.get("architectures") or ()):
        return _open_blip(folder, name, **settings)
    if speaks:
        return _open_vlm(folder, name, **settings)
    return ClipCritic(folder, name, **settings)


def critic_of(writer: object, **settings: Any) -> VlmCritic:
    """A critic that looks with a writer's own weights.

    Raises `ModelUnusable` for a writer that has none here, or that sees nothing.
    """
    if not isinstance(writer, LocalWriter) or not writer.sees:
        raise ModelUnusable(
            f"The writer {getattr(writer, 'name', '')!r} cannot see, so it is no critic.",
            "Name a writer that reads pictures (Qwen3-VL, say), or another critic.",
        )
    name = str(writer.name)
    with opening(name, "critic"):
        reads = open_still(writer.folder)
    return VlmCritic(writer.model, reads, name, **settings)


def _open_blip(folder: Path, name: str, device: str = "auto", **settings: Any) -> BlipCritic:
    where, dtype = place(device)
    with opening(name, "critic"):
        from transformers import AutoImageProcessor, AutoTokenizer, BlipForImageTextRetrieval

        local = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        eyes = AutoImageProcessor.from_pretrained(folder, backend="pil", **local)
        model = load_quantized(BlipForImageTextRetrieval, folder, where, dtype)
    return BlipCritic(model, tokenizer, eyes, named(folder, name), **settings)


def _open_vlm(
    folder: Path, name: str, device: str = "auto", bits: int | None = None, **settings: Any
) -> VlmCritic:
    where, dtype = place(device)
    with opening(name, "critic"):
        from transformers import AutoModelForImageTextToText

        reads = open_still(folder)
        model = load_quantized(AutoModelForImageTextToText, folder, where, dtype, bits)
    return VlmCritic(model, reads, named(folder, name), **settings)
