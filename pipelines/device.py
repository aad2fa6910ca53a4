"""Which processor a model runs on, and in which number format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limner.errors import BadInput

if TYPE_CHECKING:
    import torch

__all__ = ["place"]


def place(device: str = "auto", sound: Sequence[str] = ()) -> tuple[torch.device, torch.dtype]:
    """The device of that name, "auto" for the fastest there is, and the dtype that suits it.

    float32 on a CPU, where shorter formats are no faster; bfloat16 on an accelerator that has it,
    else float16; float32 where the one that it has is not among the `sound` ones of the model
    (none: all are). Raises `BadInput` for a device that is not there.
    """
    import torch

    if device == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        device = str(found or "cpu")
    try:
        chosen = torch.empty(0, device=torch.device(device)).device  # with its number
    except (RuntimeError, AssertionError, NotImplementedError):
        raise BadInput(
            f"There is no device {device!r} here.", "For instance: cpu or cuda."
        ) from None
    if chosen.type == "cpu":
        return chosen, torch.float32
    short = chosen.type == "cuda" and not torch.cuda.is_bf16_supported()
    name = "float16" if short or "bfloat16" not in (sound or ("bfloat16",)) else "bfloat16"
    return chosen, getattr(torch, name if name in (sound or (name,)) else "float32")
