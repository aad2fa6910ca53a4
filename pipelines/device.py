"""Which processor a model runs on, and in which number format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from limner.errors import BadInput
from limner.pipelines.oom import free

if TYPE_CHECKING:
    import torch

__all__ = [
    "Closable",
    "ModelSwap",
    "place",
]


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


class Closable(Protocol):
    """A model that can let go of its weights, and opens again by itself when it has work."""

    def join(self, swap: ModelSwap) -> None:
        """From now on, ask for a turn before any work."""
        ...

    def release(self) -> None:
        """Let go of all weights. Doing it twice is harmless."""
        ...


class ModelSwap:
    """Models that ask for their turn before they work, so that others can be closed meanwhile."""

    def __init__(self) -> None:
        self._closed_in_turn: list[Closable] = []

    def add(self, model: Closable, closes: bool) -> None:
        """From now on the model asks for turns, and, if it `closes`, is closed in others'."""
        model.join(self)
        if closes:
            self._closed_in_turn.append(model)

    def turn(self, model: Closable | None) -> None:
        """Closes the others (None: all), and gives back what they took, before it works."""
        others = [other for other in self._closed_in_turn if other is not model]
        for other in others:
            other.release()
        if others:
            free()
