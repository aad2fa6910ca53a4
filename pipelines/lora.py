"""Blends a LoRA, a small file of changes, into a painter's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limner.errors import BadInput, MissingExtra

__all__ = ["blend", "file_of"]


def file_of(lora: Path) -> Path:
    """The LoRA itself: the only safetensors file of a folder, or the file that was named.

    Raises `MissingExtra` without peft, and `BadInput` for a folder of several files or none.
    """
    try:
        import peft  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "A LoRA needs the package peft.", "Type: pip install 'limner[lora]'"
        ) from None
    found = [lora] if lora.is_file() else sorted(lora.glob("*.safetensors"))
    if len(found) != 1:
        raise BadInput(
            f"There are {len(found)} files in {lora.name!r} that could be the LoRA.",
            "Name the .safetensors file itself.",
        )
    return found[0]


def blend(pipe: Any, lora: Path, scale: float) -> None:
    """Fuses a LoRA's file into the pipeline's weights at that scale; painting costs no more then.

    Raises `BadInput` for a painter that takes none.
    """
    if not hasattr(pipe, "load_lora_weights"):
        raise BadInput("This painter takes no LoRA.", "Open it without.")
    pipe.load_lora_weights(
        lora.parent, weight_name=lora.name, use_safetensors=True, local_files_only=True
    )
    pipe.fuse_lora(lora_scale=scale)
    pipe.unload_lora_weights()
