"""Opens a model's weights whole, or in 8 or 4 bits where whole ones take too much memory."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import BadInput
from limner.pipelines import loading

if TYPE_CHECKING:
    import torch

__all__ = ["check_bits", "load", "painter_in"]


def check_bits(bits: int | None) -> None:
    """Raises `BadInput` for a number of bits that nothing is opened in."""
    if bits not in (None, 4, 8):
        raise BadInput(f"A model cannot be opened in {bits} bits.", "Type 4 or 8, or leave it out.")


def load(
    kind: Any, folder: Path, device: torch.device, dtype: torch.dtype, bits: int | None = None
) -> Any:
    """The model of a transformers class in that folder, on that device, ready to be asked.

    `bits` 8 (LLM.int8, arXiv:2208.07339) or 4 (NF4, arXiv:2305.14314) packs the matrices of its
    layers by bitsandbytes, on a GPU and on a CPU; the rest keeps the dtype. None packs nothing.
    Raises `BadInput` for any other number, and what `loading.load` raises.
    """
    packed = _packed(bits, device, dtype)
    model = loading.load(kind, folder, dtype, **packed)
    return (model if packed else model.to(device)).eval()


def painter_in(bits: int, folder: Path, where: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """What diffusers is to open a pipeline with: its denoiser and its text encoders in few bits.

    Raises `BadInput` where there is no CUDA: diffusers refuses it elsewhere.
    """
    if where.type != "cuda":
        raise BadInput(
            "A painter can be opened in fewer bits on a CUDA GPU alone.", "Leave `bits` out."
        )
    from diffusers import PipelineQuantizationConfig

    names = ("unet", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3")
    return {
        "quantization_config": PipelineQuantizationConfig(
            quant_backend=f"bitsandbytes_{bits}bit",
            quant_kwargs=_how(bits, dtype),
            components_to_quantize=[name for name in names if (folder / name).is_dir()],
        )
    }


def _packed(bits: int | None, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    check_bits(bits)
    if bits is None:
        return {}
    from transformers import BitsAndBytesConfig

    # It says before every product that it rounds to float16, which int8 always does.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    how = BitsAndBytesConfig(**_how(bits, dtype))
    return {"quantization_config": how, "device_map": {"": str(device)}}


def _how(bits: int, dtype: torch.dtype) -> dict[str, Any]:
    if bits == 8:
        return {"load_in_8bit": True}
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_compute_dtype": dtype,
    }
