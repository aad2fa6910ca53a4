"""The second judge: a detector trained apart, to see how far the exact judge is to be believed.

Like the first, it never takes part in training, choosing or rewarding. `python -m
benchmarks.second_judge --minutes 11` trains it anew on drawn scenes, whole, crowded and spoiled, of
a seed that nothing else draws; `--ship` puts the weights into the package. How often both judges
agree: `python -m benchmarks.judge_validation`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool2d, pad, silu

from limner.benchmarks.scene_graph import OWN, SPECK, FoundThing, SceneGraph
from limner.pipelines.pocket.scene import GRID, SPAN, Scene, Spot
from limner.pipelines.pocket.world import world

__all__ = ["CELLS", "GridDetector", "answers", "drawn_examples", "graph_of", "read", "train"]

WEIGHTS = Path(__file__).with_name("second-judge.safetensors")
CELLS = 16  # cells of 8 x 8 pixels in a row
WIDTHS = (24, 48, 96)
SURE, DOUBT = 0.5, 0.25  # from which chance on there is a thing, and from which there may be one
LOCAL, WHOLE = ("thing", "colour", "size"), ("where", "light", "style")
SEED = 31_337
BATCH = 32
WORN = 16  # of a batch that are seen through the autoencoder
EMPTY = 0.2  # the weight of a cell in which nothing has its middle: there are 60 times as many


class GridDetector(nn.Module):
    """Pictures, N x 3 x 128 x 128 in -1..1, to what stands in the middle of each 8 x 8 cell.

    In this world the middle of every thing is that of a cell, so a thing is one cell's answer, as
    in CenterNet (arXiv:1904.07850). Three strided filters, then four residual blocks, two of them
    dilated so that a cell sees all of the largest thing.
    """

    def __init__(self) -> None:
        super().__init__()
        one, two, three = WIDTHS
        self.conv_in = nn.Conv2d(3, one, 4, 2, 1)
        self.halved = _halved(one, two)
        self.fine = _Block(two, 1)
        self.cells = _halved(two, three)
        self.wide = nn.Sequential(*(_Block(three, by) for by in (1, 2, 2)))
        self.conv_out = nn.Conv2d(three, sum(_sizes(LOCAL)), 1)
        self.embed_scene = nn.Linear(4 * three, sum(_sizes(WHOLE)))

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Logits: thing, colour and size, N x kinds x 16 x 16; where, light and style, N x kinds.

        The first kind of each is none: no thing, its own colour, nothing at all.
        """
        found = self.wide(self.cells(self.fine(self.halved(self.conv_in(pictures)))))
        here = torch.split(self.conv_out(found), _sizes(LOCAL), 1)
        halves = found[:, :, :8], found[:, :, 8:]
        pooled = [half.mean((2, 3)) for half in halves] + [half.std((2, 3)) for half in halves]
        around = torch.split(self.embed_scene(torch.cat(pooled, 1)), _sizes(WHOLE), 1)
        return dict(zip((*LOCAL, *WHOLE), (*here, *around), strict=True))


class _Block(nn.Module):
    def __init__(self, width: int, apart: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, 1, apart, apart)
        self.second = nn.Conv2d(width, width, 3, 1, apart, apart)
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(2))

    def forward(self, found: Tensor) -> Tensor:
        """The same, with what two filters find added to it."""
        once = self.first(silu(self.norms[0](found)))
        more: Tensor = self.second(silu(self.norms[1](once)))
        return found + more


def _halved(width: int, to: int) -> nn.Sequential:
    return nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, to, 4, 2, 1))


def answers() -> dict[str, list[str]]:
    """The names that each answer can have; "" is none."""
    known = world()
    local: Sequence[Iterable[str]] = known.things, known.colours, known.sizes
    every = *local, known.where, known.light, known.styles
    return {name: ["", *values] for name, values in zip((*LOCAL, *WHOLE), every, strict=True)}


def _sizes(names: Sequence[str]) -> list[int]:
    return [len(answers()[name]) for name in names]


# Judging.


def read(pictures: Sequence[Image]) -> list[SceneGraph]:
    """The scene graph of each picture of 128 x 128 pixels, as the network sees it."""
    found: list[SceneGraph] = []
    for at in range(0, len(pictures), 16):
        pixels = np.stack([np.asarray(p.convert("RGB")) for p in pictures[at : at + 16]])
        shown = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            logits = _detector()(shown)
        found += [graph_of({n: part[i] for n, part in logits.items()}) for i in range(len(shown))]
    return found


def graph_of(logits: dict[str, Tensor]) -> SceneGraph:
    """The scene graph that the logits for one picture say."""
    known = answers()
    there = 1 - logits["thing"].softmax(0)[0]
    peaks = there == max_pool2d(there[None], 3, 1, 1)[0]
    things, strange = [], 0
    for y, x in (peaks & (there > DOUBT)).nonzero().tolist():
        if there[y, x] < SURE:
            strange = SPECK + 1
            continue
        best = {n: known[n][int(logits[n][1:, y, x].argmax()) + 1] for n in ("thing", "size")}
        colour = known["colour"][int(logits["colour"][:, y, x].argmax())]
        middle = GRID / 2 + x * GRID, GRID / 2 + y * GRID
        spot = Spot(best["thing"], colour, best["size"], *middle, SPAN[best["size"]])
        things.append(FoundThing(spot, (colour,) if colour else OWN.get(best["thing"], ())))
    around = {name: known[name][int(logits[name].argmax())] for name in WHOLE}
    return SceneGraph(tuple(things), strange=strange, **around)


@cache
def _detector() -> GridDetector:
    from safetensors.torch import load_file

    detector = GridDetector()
    detector.load_state_dict({name: part.float() for name, part in load_file(WEIGHTS).items()})
    return detector.eval()


# Training.


def train(out: Path, count: int, minutes: float) -> None:
    """Learn what stands where in so many scenes; goes on with what is in the folder."""
    from diffusers import AutoencoderTiny
    from safetensors.torch import load_file

    from limner.pipelines.pocket.autoencoder import normalized
    from limner.pipelines.pocket.muon import Muon, sorted_parameters
    from limner.pipelines.pocket.ship import WEIGHTS as MODELS
    from limner.pipelines.pocket.training import TrainingRun
    from limner.pipelines.pocket.wear import by_autoencoder

    torch.manual_seed(SEED)
    pictures, truth = drawn_examples(count)
    detector = GridDetector()
    if (out / "whole.safetensors").exists():
        detector.load_state_dict(load_file(out / "whole.safetensors"))
    optimizer = Muon(*sorted_parameters(detector), rate=2e-3, decay=0.02)
    vae = AutoencoderTiny.from_pretrained(MODELS / "painter" / "vae", torch_dtype=torch.float32)
    worn = by_autoencoder(vae.eval(), "cpu")
    run = TrainingRun(out, optimizer, partial(_save, detector), steps=10**6, minutes=minutes)
    for step in run:
        rows = torch.randint(len(pictures), (BATCH,))
        shown = _moved(normalized(torch.from_numpy(pictures[rows.numpy()])))
        with torch.no_grad():
            shown = torch.cat([worn(shown[:WORN]).clamp(-1, 1), shown[WORN:]])
        loss = _loss(detector(shown), {name: part[rows] for name, part in truth.items()})
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 50 == 0:
            run.log(loss=loss.item())


def _save(detector: GridDetector, folder: Path) -> None:
    from safetensors.torch import save_file

    whole = {name: part.detach().clone() for name, part in detector.state_dict().items()}
    save_file(whole, folder / "whole.safetensors")
    save_file({name: part.half() for name, part in whole.items()}, folder / WEIGHTS.name)


def drawn_examples(count: int) -> tuple[NDArray[np.uint8], dict[str, Tensor]]:
    """Pictures, N x 128 x 128 x 3, and what is true of them, as the network answers it."""
    pictures = np.zeros((count, 128, 128, 3), np.uint8)
    local = {name: np.zeros((count, CELLS, CELLS), np.int64) for name in LOCAL}
    whole = {name: np.zeros(count, np.int64) for name in WHOLE}
    known = answers()
    for row, (picture, scene) in enumerate(_drawn(count)):
        pictures[row] = picture
        for spot in scene.spots:
            here = row, int(spot.y) // GRID, int(spot.x) // GRID
            for name, value in zip(LOCAL, (spot.name, spot.colour, spot.size), strict=True):
                local[name][here] = known[name].index(value)
        for name, values in whole.items():
            values[row] = known[name].index(getattr(scene.spec, name))
    return pictures, {name: torch.from_numpy(values) for name, values in (local | whole).items()}


def _drawn(count: int) -> Iterator[tuple[NDArray[np.uint8], Scene]]:
    """Scenes as they are, crowded, or with things spoiled, which are then not there."""
    from limner.pipelines.pocket.dataset import scenes
    from limner.pipelines.pocket.draw import draw
    from limner.pipelines.pocket.spoil import crowded, spoiled

    for scene, chance in scenes(SEED, 0, count):
        kind = chance.random()
        if kind < 0.3:
            picture, whole = spoiled(scene, chance)
            left = tuple(s for s, fine in zip(scene.spots, whole, strict=True) if fine)
            yield picture, replace(scene, spots=left)
            continue
        there = crowded(scene, Random(chance.random())) if kind < 0.6 else scene
        yield draw(there), there


def _loss(logits: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    weights = torch.ones(logits["thing"].shape[1])
    weights[0] = EMPTY
    loss = cross_entropy(logits["thing"], truth["thing"], weights)
    there = truth["thing"] > 0
    for name in ("colour", "size"):
        loss = loss + 0.3 * cross_entropy(logits[name].movedim(1, -1)[there], truth[name][there])
    for name in WHOLE:
        loss = loss + 0.1 * cross_entropy(logits[name], truth[name])
    return loss


def _moved(pictures: Tensor) -> Tensor:
    """The pictures moved by up to three pixels each way: a painter is not that exact."""
    down, across = (int(n) for n in torch.randint(-3, 4, (2,)))
    padded = pad(pictures, (3, 3, 3, 3), mode="replicate")
    return padded[:, :, 3 + down : 131 + down, 3 + across : 131 + across].contiguous()


def main() -> None:
    """Train, or put what was trained into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("second-judge"))
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--count", type=int, default=16_000, help="drawn scenes")
    parser.add_argument("--ship", action="store_true", help="only put what is there in the package")
    given = parser.parse_args()
    if not given.ship:
        train(given.out, given.count, given.minutes)
    else:
        shutil.copy(given.out / WEIGHTS.name, WEIGHTS)


if __name__ == "__main__":
    main()
