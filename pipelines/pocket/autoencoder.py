"""Trains the autoencoder that sketches a picture in the 16 x 16 cells where the painter works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limner.pipelines.pocket.dataset import Drawn, tensor
from limner.pipelines.pocket.sheets import round_trip_sheet
from limner.pipelines.pocket.training import TrainingRun

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderTiny
    from torch import Tensor

LATENTS = 16
FITTED = 500  # pictures
BLUR = 0.02
SPREAD = 0.35
"""The standard deviation of latents; the decoder bends beyond 3."""


def new_autoencoder(width: int = 40) -> AutoencoderTiny:
    """An `AutoencoderTiny` from 128 x 128 x 3 to 16 x 16 x 16 and back, not fitted yet.

    Its encoder has no blocks, so nothing in it bends: a linear sketch of every 8 x 8 pixels.
    """
    from diffusers import AutoencoderTiny

    return AutoencoderTiny(
        latent_channels=LATENTS,
        encoder_block_out_channels=(48,) * 4,
        decoder_block_out_channels=(width,) * 4,
        # Next to nothing at full size, where a convolution costs most: 2.5 times as fast on a CPU.
        num_encoder_blocks=(0, 0, 0, 0),
        num_decoder_blocks=(4, 3, 0, 0),
        act_fn="silu",
    )


def fit_encoder(model: AutoencoderTiny, pictures: Tensor) -> None:
    """Make the encoder take the principal components of 8 x 8 pixels, half way to unit variance.

    `pictures` are N x 3 x 128 x 128 in -1..1. A sprite's edge then is a plain mixture of sprite and
    backdrop among the latents too, which makes them much easier to paint in than learned ones.
    """
    import torch

    first, half, quarter, eighth, last = model.encoder.layers
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.zero_()
        first.weight[range(3), range(3), 1, 1] = 1
        _gather(half.weight, 3)
        _gather(quarter.weight, 12)
        fours = quarter(half(first(pictures / 2 + 0.5)))
        eights = torch.nn.functional.unfold(fours, 2, stride=2).transpose(1, 2).flatten(0, 1)
        centre, strengths, axes = _principal(eights.double())
        axes = axes * SPREAD * strengths**-0.25 / strengths.sqrt().mean().sqrt()
        eighth.weight[:LATENTS, :, 1:, 1:] = axes.T.reshape(LATENTS, 48, 2, 2).float()
        last.weight[range(LATENTS), range(LATENTS), 1, 1] = 1
        last.bias.copy_(-(centre @ axes))
    model.encoder.requires_grad_(False)


def _principal(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The mean of vectors, and their strongest variances with the directions of these."""
    import torch

    centre = rows.mean(0)
    strengths, axes = torch.linalg.eigh((rows - centre).T @ (rows - centre) / len(rows))
    return centre, strengths.flip(0)[:LATENTS], axes.flip(1)[:, :LATENTS]


def _gather(weight: Tensor, channels: int) -> None:
    """Make a halving convolution lay every 2 x 2 values side by side as four channels."""
    for channel in range(channels):
        for place in range(4):
            weight[4 * channel + place, channel, 1 + place // 2, 1 + place % 2] = 1


def train(  # noqa: PLR0913
    drawn: Drawn,
    out: Path,
    *,
    device: str = "cpu",
    minutes: float | None = None,
    steps: int = 60_000,
    batch: int = 32,
    rate: float = 1.2e-3,
    pictures: int = 40_000,
    width: int = 40,
    crop: int = 64,
) -> AutoencoderTiny:
    """Fit the encoder, then let the decoder learn to give every picture back.

    It minds the absolute error, its square, and the error of the picture's edges. The latents are
    blurred by a little noise before they are decoded, so that a painter's small mistakes stay
    small. The encoder of an earlier sitting stays as it is, and so do the latents of all painters
    that learned from it. Returns the trained model.
    """
    import torch

    from limner.pipelines.pocket.muon import Muon, sorted_parameters

    torch.manual_seed(0)
    model = _opened(out, width, drawn).to(device, memory_format=torch.channels_last)
    pixels = tensor(drawn.pictures[:pictures]).to(device)
    optimizer = Muon(*sorted_parameters(model), rate=rate, decay=0.0)

    def save(folder: Path) -> None:
        model.save_pretrained(folder)
        round_trip_sheet(model, drawn.pictures[-8:], folder / "sheet.png")

    run = TrainingRun(out, optimizer, save, steps=steps, minutes=minutes)
    for step in run:
        rows = torch.randint(len(pixels), (batch,), device=device)
        loss, figures = _loss(model, _cropped(normalized(pixels[rows]), crop), device)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            run.log(**{name: value.item() for name, value in figures.items()})
    return model


def normalized(pixels: Tensor) -> Tensor:
    """Pictures N x 128 x 128 x 3 in 0..255 as N x 3 x 128 x 128 in -1..1."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def _cropped(pictures: Tensor, side: int) -> Tensor:
    """One random window of every picture, on the latents' grid, the same for the whole batch."""
    import torch

    top, left = (8 * torch.randint((pictures.shape[-1] - side) // 8 + 1, (2,))).tolist()
    return pictures[..., top : top + side, left : left + side]


def encode_all(model: AutoencoderTiny, drawn: Drawn, device: str, batch: int = 512) -> torch.Tensor:
    """The latents of a whole data set, N x 16 x 16 x 16, half precision, on the device."""
    import torch

    found = []
    with torch.inference_mode(), autocast(device):
        for at in range(0, len(drawn.pictures), batch):
            pixels = tensor(drawn.pictures[at : at + batch]).to(device)
            found.append(model.encode(normalized(pixels)).latents.half())
    return torch.cat(found)


def latents_of(model: AutoencoderTiny, drawn: Drawn, device: str, kept: Path) -> torch.Tensor:
    """The same, kept in a folder under a name of its own for each autoencoder and data set."""
    import numpy as np
    import torch

    weight = next(model.parameters()).detach().double().sum().item()
    path = kept / f"latents-{len(drawn.pictures)}-{weight:.9f}.npy"
    if not path.exists():
        np.save(path, encode_all(model, drawn, device).cpu().numpy())
    return torch.from_numpy(np.load(path)).to(device)


def autocast(device: str) -> torch.autocast:
    """bfloat16 on a GPU; on a CPU it is no faster, so nothing."""
    import torch

    return torch.autocast(device.split(":")[0], torch.bfloat16, enabled=device != "cpu")


def _opened(out: Path, width: int, drawn: Drawn) -> AutoencoderTiny:
    from diffusers import AutoencoderTiny

    if (out / "config.json").exists():
        model = AutoencoderTiny.from_pretrained(out)
        model.encoder.requires_grad_(False)
        return model
    model = new_autoencoder(width)
    fit_encoder(model, normalized(tensor(drawn.pictures[:FITTED])))
    return model


def _loss(
    model: AutoencoderTiny, pictures: Tensor, device: str
) -> tuple[Tensor, dict[str, Tensor]]:
    import torch

    with autocast(device):
        latents = model.encoder(pictures)
        blurred = latents + BLUR * torch.randn_like(latents)
        back = model.decoder(blurred)
    error = (back.float() - pictures).abs().mean()
    edges = sum((_slope(back.float(), d) - _slope(pictures, d)).abs().mean() for d in (2, 3))
    square = (back.float() - pictures).square().mean()
    loss = error + 0.5 * edges + square
    return loss, {"l1": error, "mse": square}


def _slope(pictures: Tensor, dim: int) -> Tensor:
    return pictures.diff(dim=dim)
