"""Spoils drawn scenes as a young painter does: a critic has to learn what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limner.pipelines.pocket.autoencoder import autocast, normalized
from limner.pipelines.pocket.dataset import Drawn, create, open_drawn, scenes, tensor
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.repaint import FOLDER as REPAINTED
from limner.pipelines.pocket.repaint import described
from limner.pipelines.pocket.scene import GRID, SIDE, Scene, Spot
from limner.pipelines.pocket.sprites import sprite
from limner.pipelines.pocket.survival import remaining
from limner.pipelines.pocket.world import world

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny
    from transformers import CLIPTokenizer

Pixels = NDArray[np.uint8]

FOLDER = "spoiled"
CROWDED = 0.4
"""The share of scenes in which nothing is spoiled, but of one kind there are too many."""
ROOM = {True: 0.55, False: 0.75}
"""How near such a thing may come to one of its own kind, or another, in shares of both's width."""
COVERED = 0.25
"""The share of a cell that a sprite has to cover, for the cell to show any of it."""
LEAST, MOST = {"mixed": 0.4, "gone": 0.5, "shuffled": 0.6}, {"mixed": 0.6, "gone": 0.85}
"""The shares of a thing's cells that are spoiled: by another thing's, by nothing, by each other."""
FAINT = 0.6, 0.85
"""How much of the backdrop shows through a thing that is hardly there."""


def spoil(
    out: Path,
    tokenizer: CLIPTokenizer,
    autoencoder: AutoencoderTiny,
    device: str,
    *,
    count: int = 6_000,
    seed: int = 2,
) -> Drawn:
    """Draw scenes in which some things are no longer what they were, and leave them in `out`.

    What a painter of few hours gets wrong is a thing of which some cells are another thing's, or
    missing, or in each other's place, or a thing that is hardly there, or one too many, close to
    its like. Here that is done on purpose, so what is true is known: a spoiled thing is not there.
    All pictures went through the autoencoder.
    """
    kept = create(out / FOLDER, count)
    for row, (scene, chance) in enumerate(scenes(seed, 0, count)):
        if chance.random() < CROWDED:
            scene = left = crowded(scene, chance)
            picture = draw(scene)
        else:
            picture, whole = spoiled(scene, chance)
            left = remaining(scene, whole)[0]
        kept.pictures[row] = picture
        described(kept, row, scene, left, frozenset(), chance, tokenizer)
    _wear(kept.pictures, autoencoder, device)
    return kept


def with_faults(drawn: Drawn, out: Path, share: float = 0.25) -> Drawn:
    """The data set with what was repainted and spoiled in front, each so often as to be that share.

    Of these there are few; a critic sees them again and again.
    """
    folders = [out / name for name in (REPAINTED, FOLDER)]
    faults = [open_drawn(one) for one in folders if (one / "pictures.npy").exists()]
    wanted = len(drawn.pictures) * share / (1 - share * len(faults))
    often = [max(1, round(wanted / len(one.pictures))) for one in faults]
    every = [one for one, times in zip(faults, often, strict=True) for _ in range(times)]
    return Drawn._make(np.concatenate(arrays) for arrays in zip(*every, drawn, strict=True))


def spoiled(scene: Scene, chance: Random) -> tuple[Pixels, list[bool]]:
    """The picture of a scene with at least one thing spoiled, and which of its spots are whole."""
    whole = [chance.random() < 0.6 for _ in scene.spots]
    whole[chance.randrange(len(whole))] = False
    picture = draw(scene)
    for spot, fine in zip(scene.spots, whole, strict=True):
        if not fine:
            _spoil(picture, scene, spot, chance)
    return picture, whole


def crowded(scene: Scene, chance: Random) -> Scene:
    """The scene with one to three more of one of its kinds, wherever they find room.

    They may stand closer than things do in scenes that are laid out, and half over one another.
    """
    group = chance.choice(scene.spec.groups)
    one = next(spot for spot in scene.spots if spot.name == group.name)
    spots = list(scene.spots)
    for _ in range(chance.choice((1, 1, 2, 3))):
        spots += _another(one, spots, chance)
    count = sum(spot.name == group.name for spot in spots)
    groups = (replace(g, count=count) if g is group else g for g in scene.spec.groups)
    return Scene(replace(scene.spec, groups=tuple(groups), links=()), tuple(spots))


def _another(one: Spot, taken: list[Spot], chance: Random) -> list[Spot]:
    """One more of a thing, where it leaves enough of the others to be seen; none without room."""
    grid = range(0, SIDE - one.span + 1, GRID)
    for _ in range(24):
        x, y = (chance.choice(grid) + one.span / 2 for _ in "xy")
        near = (max(abs(x - o.x), abs(y - o.y)) / (0.5 * (one.span + o.span)) for o in taken)
        if all(far >= ROOM[o.name == one.name] for far, o in zip(near, taken, strict=True)):
            return [replace(one, x=x, y=y)]
    return []


def _spoil(picture: Pixels, scene: Scene, spot: Spot, chance: Random) -> None:
    """Changes some of the cells that show a thing, or lets the backdrop show through all."""
    how = chance.choice(("mixed", "mixed", "gone", "shuffled", "faint"))
    there = list(_cells(spot))
    source = picture.copy() if how == "shuffled" else _instead(how, scene, spot, chance)
    if how == "faint":
        share = chance.uniform(*FAINT)
        for place in there:
            picture[place] = (picture[place] * (1 - share) + source[place] * share).round()
        return
    some = round(len(there) * chance.uniform(LEAST[how], MOST.get(how, 1.0)))
    chosen = places = chance.sample(there, max(1, some))
    if how == "shuffled":
        places = chosen[1:] + chosen[:1]
    for to, place in zip(chosen, places, strict=True):
        picture[to] = source[place]


def _instead(how: str, scene: Scene, spot: Spot, chance: Random) -> Pixels:
    """The scene with another thing in that spot, or with none."""
    others = tuple(s for s in scene.spots if s is not spot)
    if how != "mixed":
        return draw(replace(scene, spots=others))
    name = chance.choice([n for n in world().things if n != spot.name])
    colour = chance.choice((spot.colour, "", *world().colours))
    return draw(replace(scene, spots=(*others, replace(spot, name=name, colour=colour))))


def _cells(spot: Spot) -> Iterator[tuple[slice, slice]]:
    """The cells of the picture that show something of the thing in a spot."""
    cover = sprite(spot.name, spot.colour, spot.span)[..., 3]
    left, top = round(spot.x - spot.span / 2), round(spot.y - spot.span / 2)
    for y in range(0, spot.span, GRID):
        for x in range(0, spot.span, GRID):
            if cover[y : y + GRID, x : x + GRID].mean() > COVERED:
                yield np.s_[top + y : top + y + GRID, left + x : left + x + GRID]


def _wear(pictures: Pixels, autoencoder: AutoencoderTiny, device: str, batch: int = 50) -> None:
    import torch

    for at in range(0, len(pictures), batch):
        pixels = normalized(tensor(pictures[at : at + batch]).to(device))
        with torch.inference_mode(), autocast(device):
            back = autoencoder.decoder(autoencoder.encoder(pixels)).float().clamp(-1, 1)
        shown = ((back + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
        pictures[at : at + batch] = shown.cpu().numpy()
