"""Pictures as the autoencoder leaves them: put through it, or as soft as if they had been."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from limner.pipelines.pocket.autoencoder import autocast

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny
    from torch import Tensor


def by_autoencoder(model: AutoencoderTiny, device: str) -> Callable[[Tensor], Tensor]:
    """A function that wears pictures in -1..1: half through the autoencoder, half softened."""
    import torch

    def worn(pictures: Tensor) -> Tensor:
        some = (len(pictures) + 1) // 2
        with autocast(device):
            latents = model.encoder(pictures[:some])
            blur = 0.15 * torch.rand(len(latents), 1, 1, 1, device=latents.device)
            back = model.decoder(latents + blur * torch.randn_like(latents)).float()
        return torch.cat([back, softened(pictures[some:])])

    return worn


def softened(pictures: Tensor) -> Tensor:
    """Pictures seen through half the resolution: cheap, and not unlike the autoencoder's blur."""
    import torch.nn.functional as nn

    small = nn.avg_pool2d(pictures, 2)
    soft: Tensor = nn.interpolate(small, scale_factor=2, mode="bilinear")
    return soft
