"""Trains the second judge's eyes on drawn scenes of its own, whole, crowded and spoiled.

`python -m benchmarks.second_training --minutes 15` leaves them in a folder; `--ship` puts them into
the package. Its scenes are of a seed that nothing else draws, and no painter takes part.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from limner.benchmarks.eyes import CELLS, Eyes, places
from limner.benchmarks.second_judge import WEIGHTS
from limner.pipelines.pocket.autoencoder import normalized
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.muon import Muon, sorted_parameters
from limner.pipelines.pocket.scene import GRID, Scene
from limner.pipelines.pocket.ship import WEIGHTS as MODELS
from limner.pipelines.pocket.spoil import crowded, spoiled
from limner.pipelines.pocket.training import TrainingRun
from limner.pipelines.pocket.wear import by_autoencoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 31_337
BATCH = 32
WORN = 0.5
EMPTY = 0.2
"""The weight of a cell in which nothing has its middle: there are sixty times as many."""


def main() -> None:
    """Draw, train, and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("second-judge"))
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--count", type=int, default=16_000)
    parser.add_argument("--ship", action="store_true", help="only put what is there in the package")
    given = parser.parse_args()
    if not given.ship:
        train(given.out, given.count, given.minutes)
    else:
        shutil.copy(given.out / "eyes.safetensors", WEIGHTS)


def train(out: Path, count: int, minutes: float) -> None:
    """Learn what stands where in so many scenes; half of them seen through the autoencoder."""
    from safetensors.torch import load_file

    torch.manual_seed(SEED)
    pictures, answers = lessons(count)
    eyes = Eyes()
    if (out / "whole.safetensors").exists():
        eyes.load_state_dict(load_file(out / "whole.safetensors"))
    optimizer = Muon(*sorted_parameters(eyes), rate=2e-3, decay=0.02)
    worn = _wear()
    run = TrainingRun(
        out, optimizer, lambda folder: _save(eyes, folder), steps=10**6, minutes=minutes
    )
    for step in run:
        rows = torch.randint(len(pictures), (BATCH,))
        shown = _moved(normalized(torch.from_numpy(pictures[rows.numpy()])))
        some = round(WORN * BATCH)
        with torch.no_grad():
            shown = torch.cat([worn(shown[:some]).clamp(-1, 1), shown[some:]])
        loss = _loss(eyes(shown), {name: part[rows] for name, part in answers.items()})
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 50 == 0:
            run.log(loss=loss.item())


def lessons(count: int) -> tuple[NDArray[np.uint8], dict[str, Tensor]]:
    """Pictures, N x 128 x 128 x 3, and what is true of them, as the network answers it."""
    pictures = np.zeros((count, 128, 128, 3), np.uint8)
    grids = {
        name: np.zeros((count, CELLS, CELLS), np.int64) for name in ("thing", "colour", "size")
    }
    around = {name: np.zeros(count, np.int64) for name in ("where", "light", "style")}
    known = places()
    for row, (picture, scene) in enumerate(_shown(count)):
        pictures[row] = picture
        for spot in scene.spots:
            here = row, int(spot.y) // GRID, int(spot.x) // GRID
            told = {"thing": spot.name, "colour": spot.colour, "size": spot.size}
            for name, value in told.items():
                grids[name][here] = known[name].index(value)
        for name, values in around.items():
            values[row] = known[name].index(getattr(scene.spec, name))
    return pictures, {n: torch.from_numpy(a) for n, a in (grids | around).items()}


def _shown(count: int) -> Iterator[tuple[NDArray[np.uint8], Scene]]:
    """Scenes as they are, crowded, or with things spoiled, which are then not there."""
    for scene, chance in scenes(SEED, 0, count):
        kind = chance.random()
        if kind < 0.3:
            picture, whole = spoiled(scene, chance)
            left = tuple(s for s, fine in zip(scene.spots, whole, strict=True) if fine)
            yield picture, replace(scene, spots=left)
            continue
        there = crowded(scene, Random(chance.random())) if kind < 0.6 else scene
        yield draw(there), there


def _loss(told: dict[str, Tensor], true: dict[str, Tensor]) -> Tensor:
    weights = torch.ones(told["thing"].shape[1])
    weights[0] = EMPTY
    loss = cross_entropy(told["thing"], true["thing"], weights)
    there = true["thing"] > 0
    for name in ("colour", "size"):
        loss = loss + 0.3 * cross_entropy(told[name].movedim(1, -1)[there], true[name][there])
    for name in ("where", "light", "style"):
        loss = loss + 0.1 * cross_entropy(told[name], true[name])
    return loss


def _moved(pictures: Tensor) -> Tensor:
    """The pictures moved by up to three pixels each way: a painter is not that exact."""
    down, across = (int(n) for n in torch.randint(-3, 4, (2,)))
    padded = torch.nn.functional.pad(pictures, (3, 3, 3, 3), mode="replicate")
    return padded[:, :, 3 + down : 131 + down, 3 + across : 131 + across].contiguous()


def _wear() -> Callable[[Tensor], Tensor]:
    from diffusers import AutoencoderTiny

    vae = AutoencoderTiny.from_pretrained(MODELS / "painter" / "vae", torch_dtype=torch.float32)
    return by_autoencoder(vae.eval(), "cpu")


def _save(eyes: Eyes, out: Path) -> None:
    from safetensors.torch import save_file

    whole = {name: value.detach().clone() for name, value in eyes.state_dict().items()}
    save_file(whole, out / "whole.safetensors")
    save_file({name: value.half() for name, value in whole.items()}, out / "eyes.safetensors")


if __name__ == "__main__":
    main()
