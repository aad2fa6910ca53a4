"""The second judge: a network trained apart, to see how far the exact judge is to be believed.

Like the first, it never takes part in training, choosing or rewarding. `benchmarks.second_training`
made it, and `benchmarks.two_judges` compares both with each other and with the eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL.Image import Image

from limner.benchmarks.parse import OWN, SPECK, Seen, Thing
from limner.pipelines.pocket.scene import GRID, SPAN, Spot

if TYPE_CHECKING:
    from torch import Tensor

    from limner.benchmarks.eyes import Eyes

__all__ = ["WEIGHTS", "read", "seen"]

WEIGHTS = Path(__file__).with_name("second-judge.safetensors")
SURE, DOUBT = 0.5, 0.25
"""From which chance on there is a thing, and from which there may be one."""


def read(pictures: Sequence[Image]) -> list[Seen]:
    """The scene graph of each picture of 128 x 128 pixels, as the network sees it."""
    import torch

    found: list[Seen] = []
    for at in range(0, len(pictures), 16):
        pixels = np.stack([np.asarray(p.convert("RGB")) for p in pictures[at : at + 16]])
        shown = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            told = _eyes()(shown)
        found += [seen({name: part[i] for name, part in told.items()}) for i in range(len(shown))]
    return found


def seen(told: dict[str, Tensor]) -> Seen:
    """What the network's logits for one picture say."""
    import torch.nn.functional as nn

    from limner.benchmarks.eyes import places

    known = places()
    chances = told["thing"].softmax(0)
    there = 1 - chances[0]
    peaks = there == nn.max_pool2d(there[None], 3, 1, 1)[0]
    things, strange = [], 0
    for y, x in (peaks & (there > DOUBT)).nonzero().tolist():
        if there[y, x] < SURE:
            strange = SPECK + 1
            continue
        best = {n: known[n][int(told[n][1:, y, x].argmax()) + 1] for n in ("thing", "size")}
        colour = known["colour"][int(told["colour"][:, y, x].argmax())]
        middle = GRID / 2 + x * GRID, GRID / 2 + y * GRID
        spot = Spot(best["thing"], colour, best["size"], *middle, SPAN[best["size"]])
        things.append(Thing(spot, (colour,) if colour else OWN.get(best["thing"], ())))
    around = {name: known[name][int(told[name].argmax())] for name in ("where", "light", "style")}
    return Seen(tuple(things), strange=strange, **around)


@cache
def _eyes() -> Eyes:
    from safetensors.torch import load_file

    from limner.benchmarks.eyes import Eyes

    eyes = Eyes()
    eyes.load_state_dict({name: value.float() for name, value in load_file(WEIGHTS).items()})
    return eyes.eval()
