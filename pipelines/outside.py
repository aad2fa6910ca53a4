"""Holds what lies outside a box to the old picture, while a pipeline paints the inside anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from limner.pipelines.preview import mixture, place
from limner.pipelines.roles import Start

if TYPE_CHECKING:
    import torch

__all__ = ["Outside"]


class Outside:
    """The old pictures of a batch, as noisy as each step wants them, outside the boxes.

    After every step the latents outside the box are replaced by those of the old picture with the
    noise of that step (Blended Latent Diffusion, arXiv:2206.02779). Unlike the inpainting
    pipelines of diffusers this works for latents of any depth, and orders can leave the batch.
    `size` is the pictures' (width, height) in pixels.
    """

    def __init__(self, starts: Sequence[Start | None], size: tuple[int, int]) -> None:
        whole = (0, 0, *size)
        self._boxes = [start.box or whole if start else whole for start in starts]
        self._needed = any(start is not None and start.box for start in starts)
        self._size = size
        self._clean: torch.Tensor | None = None
        self._noise: torch.Tensor | None = None
        self._mask: torch.Tensor | None = None

    @contextmanager
    def noted(self, scheduler: Any) -> Iterator[None]:
        """Within it, what the scheduler mixes at the start (picture and noise) is kept for later.

        It is the only place where every family has both of them apart.
        """
        if not self._needed:
            yield
            return
        adds, scales = (getattr(scheduler, name, None) for name in ("add_noise", "scale_noise"))
        if adds:
            scheduler.add_noise = self._listening(adds, noise_at=1)
        if scales:
            scheduler.scale_noise = self._listening(scales, noise_at=2)
        try:
            yield
        finally:
            vars(scheduler).pop("add_noise", None)
            vars(scheduler).pop("scale_noise", None)

    def hold(self, pipe: Any, step: int, latents: torch.Tensor) -> torch.Tensor:
        """The latents after that step (0-based), with the old picture outside the boxes."""
        if self._clean is None or self._noise is None:
            return latents
        if self._mask is None:
            self._mask = self._fit(pipe, latents)
        keep, noise = mixture(pipe.scheduler, place(pipe, step) + 1)
        before = keep * self._clean + noise * self._noise
        return (before + self._mask * (latents - before)).to(latents.dtype)

    def leave(self, rows: list[int]) -> None:
        """Go on with those rows of the batch alone."""
        if self._clean is not None and self._noise is not None and self._mask is not None:
            self._clean, self._noise = self._clean[rows], self._noise[rows]
            self._mask = self._mask[rows]

    def _listening(self, mix: Callable[..., Any], noise_at: int) -> Callable[..., Any]:
        def mixing(*given: Any) -> Any:
            if self._clean is None:
                self._clean, self._noise = given[0], given[noise_at]
            return mix(*given)

        return mixing

    def _fit(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """The mask; it, picture and noise in the form of the latents: some families pack them."""
        import torch

        assert self._clean is not None  # hold() saw to it
        assert self._noise is not None
        height, width = self._clean.shape[-2:]
        rows = [self._cells(box, width, height) for box in self._boxes]
        shape = (len(rows), *[1] * (self._clean.dim() - 3), height, width)
        mask = torch.stack(rows).to(self._clean).view(shape).expand_as(self._clean)
        parts = (self._clean, self._noise, mask)
        if self._clean.shape != latents.shape:
            channels = int(self._clean.numel() / len(rows) / height / width)
            parts = tuple(
                pipe._pack_latents(part, len(rows), channels, height, width) for part in parts
            )
        self._clean, self._noise, mask = (part.to(latents) for part in parts)
        return mask

    def _cells(self, box: tuple[int, int, int, int], width: int, height: int) -> torch.Tensor:
        """1 for each latent that the box touches, 0 for the others: [height, width]."""
        import torch

        across, down = width / self._size[0], height / self._size[1]
        left, right = math.floor(box[0] * across), math.ceil(box[2] * across)
        top, bottom = math.floor(box[1] * down), math.ceil(box[3] * down)
        cells = torch.zeros(height, width)
        cells[top:bottom, left:right] = 1
        return cells
