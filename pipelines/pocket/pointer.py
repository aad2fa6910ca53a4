"""A head that points out what stands where, so that a painter's words find places and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.pipelines.pocket.dataset import looks, sprite_parts

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from torch import Tensor


class Pointer:
    """Reads off a denoiser at work what it takes each cell for: which part of what, which colour.

    A cell of a cat's left ear has one set of latents wherever the cat sits, so whoever knows the
    part knows what to paint: shapes are learned from it many times sooner than from noise alone.
    """

    def __init__(self, unet: UNet2DConditionModel) -> None:
        import torch

        self.sizes = (looks(), sprite_parts())
        self.head = torch.nn.Conv2d(unet.config.block_out_channels[1], sum(self.sizes), 1)
        self._seen: Tensor | None = None
        unet.up_blocks[-2].register_forward_hook(self._look)

    def to(self, device: str) -> Pointer:
        """The same, on that device."""
        self.head.to(device)
        return self

    def keep(self, path: Path) -> None:
        """Write the head, for a later sitting."""
        from safetensors.torch import save_model

        save_model(self.head, str(path))

    def go_on(self, path: Path) -> None:
        """Take the head up again, where an earlier sitting kept it."""
        from safetensors.torch import load_model

        if path.exists():
            load_model(self.head, str(path))

    def loss(self, cells: Tensor, parts: Tensor) -> Tensor:
        """The surprise at what stands in each cell (both N x 16 x 16), on the pass just made."""
        from torch.nn.functional import cross_entropy

        seen, self._seen = self._seen, None
        assert seen is not None  # the denoiser has just passed by
        look, part = self.head(seen).split(self.sizes, dim=1)
        return cross_entropy(look, cells) + cross_entropy(part, parts)

    def _look(self, _block: Any, _given: Any, features: Tensor) -> None:
        self._seen = features
