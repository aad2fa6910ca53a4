"""Lets the painter paint drawn scenes over, and says of each what is still true of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from limner.errors import BadInput
from limner.pipelines.pocket.autoencoder import autocast, normalized
from limner.pipelines.pocket.captions import describe
from limner.pipelines.pocket.dataset import (
    Drawn,
    ask,
    cells_of,
    create,
    scenes,
    tensor,
    tokenized,
)
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import Scene, seen, told
from limner.pipelines.pocket.survival import remaining, survivors
from limner.pipelines.pocket.world import world

if TYPE_CHECKING:
    import torch
    from diffusers import StableDiffusionPipeline
    from torch import Tensor
    from transformers import CLIPTokenizer

FOLDER = "repainted"


def repaint(  # noqa: PLR0913
    drawn: Drawn,
    tokenizer: CLIPTokenizer,
    out: Path,
    device: str,
    *,
    count: int = 4_000,
    batch: int = 50,
    steps: int = 12,
    guidance: float = 3.0,
    least: float = 0.3,
    most: float = 0.75,
    seed: int = 1,
) -> None:
    """Let the painter paint the first scenes over, from a share of noise, under their captions.

    What comes back has the painter's hand (SDEdit, arXiv:2108.01073), and its faults: what did
    not survive is asked about as something that is not there, so that the critic learns to refuse
    what is no more than the shadow of a thing. `seed` is that which the scenes were drawn with.
    Leaves a data set beside `world` in `out`. Raises `BadInput` for another seed.
    """
    import torch
    from diffusers import StableDiffusionPipeline

    _check(drawn, seed)
    pipe = StableDiffusionPipeline.from_pretrained(
        out / "painter", safety_checker=None, torch_dtype=torch.float32
    ).to(device)
    kept = create(out / FOLDER, min(count, len(drawn.pictures)))
    torch.manual_seed(3)
    strengths = torch.linspace(least, most, max(1, count // batch)).tolist()
    for number, at in enumerate(range(0, len(kept.pictures), batch)):
        rows = slice(at, min(at + batch, len(kept.pictures)))
        pixels = tensor(drawn.pictures[rows]).to(device)
        said = tensor(drawn.captions[rows, 0], "int64").to(device)
        how = (strengths[number % len(strengths)], steps, guidance)
        with torch.inference_mode(), autocast(device):
            kept.pictures[rows] = repainted(pipe, normalized(pixels), said, how).cpu().numpy()
        found = scenes(seed, at, rows.stop - at)
        for row, (scene, chance) in enumerate(found, start=at):
            left, doubtful = remaining(scene, survivors(scene, kept.pictures[row]))
            described(kept, row, scene, left, doubtful, chance, tokenizer)


def _check(drawn: Drawn, seed: int) -> None:
    ((scene, _),) = scenes(seed, 0, 1)
    if not np.array_equal(draw(scene), drawn.pictures[0]):
        raise BadInput(
            f"The world was not drawn with seed {seed}.", "Give the seed of the world's settings."
        )


def described(  # noqa: PLR0913
    kept: Drawn,
    row: int,
    scene: Scene,
    left: Scene,
    doubtful: frozenset[str],
    chance: Random,
    tokenizer: CLIPTokenizer,
) -> None:
    """Writes what is true of a picture of which only a part of the scene is `left`.

    Its captions, questions, cells and parts; what was lost is asked about as something that is not
    there, and what is doubtful is not asked about.
    """
    truth = seen(left)
    kept.cells[row], kept.parts[row] = cells_of(left)
    said = truth if truth.groups else seen(scene)
    texts = [describe(told(said, chance), chance) for _ in range(kept.captions.shape[1])]
    kept.captions[row] = tokenized(tokenizer, texts)
    kept.questions[row] = -1
    lost = {group.name for group in scene.spec.groups} - {group.name for group in truth.groups}
    sure = _sure(ask(truth, chance, missing=sorted(lost)), doubtful)
    for number, question in enumerate(sure):
        kept.questions[row, number, : len(question)] = question


def _sure(questions: list[list[int]], doubtful: frozenset[str]) -> Iterator[list[int]]:
    """The questions that name nothing doubtful."""
    from limner.pipelines.pocket.tokens import all_statements

    statements = all_statements()
    nouns = [world().things[name].counted(n) for name in doubtful for n in (1, 2)]
    for question in questions:
        words = " ".join(statements[number] for number in question).split()
        if not any(set(noun.split()) <= set(words) for noun in nouns):
            yield question


def repainted(
    pipe: StableDiffusionPipeline,
    pictures: Tensor,
    said: Tensor,
    how: tuple[float, int, float],
) -> torch.Tensor:
    """What a painter makes of pictures, N x 3 x 128 x 128 in -1..1, under captions as token ids.

    `how` are the share of noise in 0..1 that it begins from (1: of the pictures nothing is left),
    the steps of a whole picture, and the guidance. Returns N x 128 x 128 x 3 in 0..255.
    """
    import torch

    strength, steps, guidance = how
    scale = pipe.vae.config.scaling_factor
    pipe.scheduler.set_timesteps(steps, device=pictures.device)
    times = pipe.scheduler.timesteps[-max(1, round(strength * steps)) :]
    latents = pipe.vae.encoder(pictures).float() * scale
    latents = pipe.scheduler.add_noise(
        latents, torch.randn_like(latents), times[:1].expand(len(latents))
    )
    context = _contexts(pipe, said)
    for time in times:
        guess = pipe.unet(torch.cat([latents] * 2), time, context).sample.float()
        without, with_text = guess.chunk(2)
        guided = without + guidance * (with_text - without)
        latents = pipe.scheduler.step(guided, time, latents).prev_sample
    back = pipe.vae.decoder(latents / scale).float().clamp(-1, 1)
    pixels: torch.Tensor = ((back + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    return pixels


def _contexts(pipe: StableDiffusionPipeline, said: Tensor) -> torch.Tensor:
    import torch

    empty = torch.full_like(said, pipe.tokenizer.pad_token_id)
    empty[:, 0] = pipe.tokenizer.bos_token_id
    found: torch.Tensor = pipe.text_encoder(input_ids=torch.cat([empty, said])).last_hidden_state
    return found
