"""Guesses the finished picture from one that is still half noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from limner.pipelines.weights import verify

if TYPE_CHECKING:
    import torch

    from limner.pipelines.families import Family

__all__ = ["clean_guess", "decode_roughly", "legible", "mixture", "place", "small_decoder"]


def clean_guess(
    scheduler: Any, step: int, before: torch.Tensor, after: torch.Tensor
) -> torch.Tensor:
    """The latents without their noise, as the step from `before` to `after` implies them.

    Every sampler of diffusers keeps x = a * x0 + b * noise with known a and b. Two states on one
    straight path give two equations for the two unknowns (as in DDIM, arXiv:2010.02502, eq. 12);
    for samplers with memory or fresh noise the guess is rougher, and for one that does not tell
    its a and b it is the latents as they are.
    """
    if not legible(scheduler):
        return after
    a, b = mixture(scheduler, step)
    a_after, b_after = mixture(scheduler, step + 1)
    apart = a * b_after - a_after * b
    return after if abs(apart) < 1e-6 else (b_after * before - b * after) / apart


def small_decoder(folder: Path | None, family: Family | None, where: Any, dtype: Any) -> Any:
    """The small decoder in a folder, or the family's own where it is on this machine, else None."""
    from diffusers import AutoencoderTiny

    found = folder or (_on_disk(family.preview) if family and family.preview else None)
    if found is None:
        return None
    how = {"dtype": dtype, "use_safetensors": True, "local_files_only": True}
    return AutoencoderTiny.from_pretrained(found, **how).to(where)


def decode_roughly(
    pipe: Any, latents: torch.Tensor, eyes: Any, size: tuple[int, int]
) -> list[Image.Image]:
    """Pictures of the latents, when there is a cheap way to them; else none.

    It is a small decoder (the pipeline's own, or `eyes`), or none is needed, for the latents are
    pixels. `size` is the pictures' (width, height) in pixels.
    """
    from diffusers.image_processor import VaeImageProcessor

    own: Any = getattr(pipe, "vae", None)
    tiny: Any = own if type(own).__name__ == "AutoencoderTiny" else eyes
    pixels = own is None and latents.ndim == 4 and latents.shape[1] == 3
    if tiny is None and not pixels:
        return []
    if latents.ndim == 3 and hasattr(pipe, "_unpack_latents"):
        latents = pipe._unpack_latents(latents, size[1], size[0], pipe.vae_scale_factor)
    if not pixels:
        unscaled = latents / tiny.config.scaling_factor
        latents = tiny.decode(unscaled.to(tiny.dtype), return_dict=False)[0]
    pictures: list[Image.Image] = VaeImageProcessor().postprocess(
        latents, output_type="pil", do_denormalize=[True] * latents.shape[0]
    )
    return [picture.resize(size) if picture.size != size else picture for picture in pictures]


def _on_disk(hub_id: str) -> Path | None:
    from limner.pipelines import hub

    found = hub.here(hub_id)
    if found:
        verify(found)
    return found


def place(pipe: Any, step: int) -> int:
    """Which of the scheduler's own steps a pipeline's step is, both 0-based.

    Painting over a picture leaves out the first ones; a second stage begins again.
    """
    of = len(pipe.scheduler.timesteps)
    return (of - int(pipe.num_timesteps) + step) % of


def legible(scheduler: Any) -> bool:
    """Whether a scheduler tells how picture and noise are mixed at each step."""
    return any(getattr(scheduler, name, None) is not None for name in ("sigmas", "alphas_cumprod"))


def mixture(scheduler: Any, step: int) -> tuple[float, float]:
    """The shares of picture and of noise before that step; after the last one, no noise."""
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is None:
        return _from_alphas(scheduler, step)
    sigma = float(sigmas[min(step, len(sigmas) - 1)])
    if hasattr(scheduler, "_sigma_to_alpha_sigma_t"):  # DPM-Solver, UniPC and DEIS
        keep, noise = scheduler._sigma_to_alpha_sigma_t(sigmas[min(step, len(sigmas) - 1)])
        return float(keep), float(noise)
    return (1 - sigma, sigma) if "Flow" in type(scheduler).__name__ else (1.0, sigma)


def _from_alphas(scheduler: Any, step: int) -> tuple[float, float]:
    if step >= len(scheduler.timesteps):
        return 1.0, 0.0
    kept = float(scheduler.alphas_cumprod[int(scheduler.timesteps[step])])
    return kept**0.5, (1 - kept) ** 0.5
