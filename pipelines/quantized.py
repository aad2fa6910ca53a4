"""Opens a model's weights whole, or in 8 or 4 bits where whole ones take too much memory."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import BadInput
from limner.pipelines import loading

if TYPE_CHECKING:
    import torch

__all__ = ["load"]


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


def _packed(bits: int | None, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    if bits is None:
        return {}
    if bits not in (4, 8):
        raise BadInput(f"A model cannot be opened in {bits} bits.", "Type 4 or 8, or leave it out.")
    from transformers import BitsAndBytesConfig

    # It says before every product that it rounds to float16, which int8 always does.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    how = BitsAndBytesConfig(
        load_in_8bit=bits == 8,
        load_in_4bit=bits == 4,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
    )
    return {"quantization_config": how, "device_map": {"": str(device)}}
