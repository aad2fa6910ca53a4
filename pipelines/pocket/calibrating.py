"""Fits what the pocket critic says of the painter's pictures to what is true of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.pipelines import registry
from limner.pipelines.platt import Curve, fit
from limner.pipelines.pocket.repaint import FOLDER, repaint
from limner.pipelines.pocket.ship import ship
from limner.pipelines.pocket.tokens import all_statements

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

SEED = 777_001  # scenes that no training and no examination draws
STARTS = {
    "the ground": "where",
    "there is no ground": "where",
    "the sky": "light",
    "the backdrop": "light",
    "the style": "style",
    "there": "count",
}
ENDS = {
    "small": "size",
    "large": "size",
    "on the left": "place",
    "in the centre": "place",
    "on the right": "place",
}
LINKS = (" left of ", " right of ", " above ", " below ")


def curves(out: Path, tokenizer: CLIPTokenizer, device: str, count: int) -> dict[str, Curve]:
    """The curve of each kind of claim, from so many fresh scenes that `out`'s painter did over.

    What is true of these is known from how much of each thing is left (`survival`). No exact judge
    takes part.
    """
    from limner.pipelines.pocket.dataset import build

    folder = out / "calibration"
    drawn = build(folder / "world", count, out / "tokenizer", seed=SEED, workers=1)
    if not (folder / "painter").exists():
        (folder / "painter").symlink_to((out / "painter").resolve())
    repaint(drawn, tokenizer, folder, device, count=count, seed=SEED)
    ship(out, folder / "weights")
    critic = registry.open_critic(str(folder / "weights" / "critic"), {})
    said: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for kind, texts, foils, truths, picture in _asked(folder / FOLDER):
        rows = critic.look([picture], texts, foils)
        said[kind] += zip(rows[0], truths, strict=True)
    return {kind: _fitted(pairs) for kind, pairs in sorted(said.items())}


def _fitted(pairs: list[tuple[float, bool]]) -> Curve:
    return fit([said for said, _ in pairs], [truth for _, truth in pairs])


def _asked(
    folder: Path,
) -> Iterator[tuple[str, list[str], list[list[str]], list[bool], Image.Image]]:
    """Each question as two claims, the true one and a false one, with what contradicts them."""
    pictures: NDArray[np.uint8] = np.load(folder / "pictures.npy")
    questions: NDArray[np.int16] = np.load(folder / "questions.npy")
    statements, chance = all_statements(), Random(SEED)
    for pixels, rows in zip(pictures, questions, strict=True):
        picture = Image.fromarray(pixels)
        for row in rows[rows[:, 0] >= 0]:
            options = [statements[number] for number in row if number >= 0]
            claims = [options[0], chance.choice(options[1:])]
            for claim, truth in zip(claims, (True, False), strict=True):
                others = [other for other in options if other != claim]
                yield kind_of(claim), [claim], [others], [truth], picture


def kind_of(statement: str) -> str:
    """What a statement is about, in the words of a brief's claims."""
    for start, kind in STARTS.items():
        if statement.startswith(start) and not (start == "there" and " ground" in statement):
            return kind
    for end, kind in ENDS.items():
        if statement.endswith(end):
            return kind
    return "relation" if any(link in statement for link in LINKS) else "colour"
