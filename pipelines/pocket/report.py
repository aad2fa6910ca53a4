"""Measures the pocket models against their gates, for the card that ships with them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from limner.pipelines.detector import Slots
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import random_spec, seen
from limner.pipelines.pocket.sheets import round_trip_sheet
from limner.pipelines.pocket.spec import Spec, questions
from limner.pipelines.pocket.world import world
from limner.pipelines.roles import GeneratedImage, ImageRequest

if TYPE_CHECKING:
    from limner.pipelines.detector import Detector
    from limner.pipelines.roles import Critic, Painter

DEVELOPMENT_SEED = 424_242
BATCH = 8
Asked = tuple[list[str], list[list[str]]]


@dataclass(frozen=True, slots=True)
class Gate:
    """One line of the model card: what was measured, what it must be, what it is."""

    part: str
    what: str
    target: str
    measured: str
    met: bool


def development_specs(kinds: int, count: int) -> list[Spec]:
    """What the painter is examined on: specs of a seed that no training uses, told in full."""
    chance = Random(DEVELOPMENT_SEED + kinds)
    return [random_spec(chance, kinds) for _ in range(count)]


def asked(spec: Spec) -> Asked:
    """A spec's statements and, for each, those that contradict it."""
    found = questions(spec)
    texts = [true for true, _ in found]
    return texts, [[other for other in said if other != true] for true, said in found]


def paint(
    painter: Painter, prompts: Sequence[str], guidance: float, steps: int
) -> list[Image.Image]:
    """One picture of each prompt, seeds 0, 1, 2 ..., in batches of eight."""
    width, height = painter.spec.size
    orders = [ImageRequest(p, s, width, height, steps, guidance) for s, p in enumerate(prompts)]
    pictures: list[Image.Image] = []
    for at in range(0, len(orders), BATCH):
        done = [d for d in painter.paint(orders[at : at + BATCH]) if isinstance(d, GeneratedImage)]
        pictures += [d.picture for d in sorted(done, key=lambda d: d.index)]
    return pictures


def clean_answers(critic: Critic, count: int) -> dict[str, float]:
    """How a critic does on scenes drawn afresh: true statements and false ones, by kind of figure.

    `right` is the share of true statements that hold, `fooled` that of false ones, `error` the
    expected calibration error over ten bins.
    """
    probabilities: list[float] = []
    truths: list[bool] = []
    for scene, chance in scenes(DEVELOPMENT_SEED, 0, count):
        picture = Image.fromarray(draw(scene))
        for true, said in questions(seen(scene)):
            false = chance.choice([other for other in said if other != true])
            for claim in (true, false):
                foils = [other for other in said if other != claim]
                probabilities.append(critic.look([picture], [claim], [foils])[0][0])
                truths.append(claim == true)
    return summary(np.array(probabilities), np.array(truths))


def drawn_claims(truth: Spec, chance: Random) -> Iterator[tuple[Slots, bool]]:
    """Claims about a drawn scene, as many false as true ones."""
    known = world()
    for group in truth.groups:
        name, count = group.name, group.count
        yield Slots("count", name, str(count)), True
        yield Slots("count", name, str(count + chance.choice((-1, 1)))), False
        tables = {"colour": [*known.colours], "size": [*known.sizes], "place": [*known.places]}
        for kind, table in tables.items():
            if value := getattr(group, kind):
                yield Slots(kind, name, value), True
                yield Slots(kind, name, chance.choice([v for v in table if v != value])), False
        yield Slots("absent", name), False
        there = {other.name for other in truth.groups}
        yield Slots("absent", chance.choice([n for n in known.things if n not in there])), True
    for link in truth.links:
        yield Slots("relation", link.thing, link.how, link.other), True
        others = [how for how in known.relations if how != link.how]
        yield Slots("relation", link.thing, chance.choice(others), link.other), False


def found_answers(detector: Detector, count: int) -> dict[str, float]:
    """How a detector does on scenes drawn afresh; see `clean_answers`."""
    probabilities: list[float] = []
    truths: list[bool] = []
    for scene, chance in scenes(DEVELOPMENT_SEED, 0, count):
        said = list(drawn_claims(seen(scene), chance))
        row = detector.judge([Image.fromarray(draw(scene))], [claim for claim, _ in said])[0]
        for chance_, (_, true) in zip(row, said, strict=True):
            if chance_ is not None:
                probabilities.append(chance_)
                truths.append(true)
    return summary(np.array(probabilities), np.array(truths))


def summary(probabilities: np.ndarray, truths: np.ndarray) -> dict[str, float]:
    """Rates at 0.5, the area under the ROC curve, and the expected calibration error."""
    bins = np.clip((probabilities * 10).astype(int), 0, 9)
    error = sum(
        (bins == b).mean() * abs(probabilities[bins == b].mean() - truths[bins == b].mean())
        for b in range(10)
        if (bins == b).any()
    )
    return {
        "right": float((probabilities[truths] >= 0.5).mean()),
        "fooled": float((probabilities[~truths] >= 0.5).mean()),
        "area": area(probabilities, truths),
        "error": float(error),
    }


def area(probabilities: np.ndarray, truths: np.ndarray) -> float:
    """How often a true claim is held more probable than a false one; half where both are alike.

    The area under the ROC curve; not a number where all are true, or all false.
    """
    true, false = int(truths.sum()), int((~truths).sum())
    if not true or not false:
        return float("nan")
    _, where, often = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = (often.cumsum() - (often - 1) / 2)[where]
    return float((ranks[truths].sum() - true * (true + 1) / 2) / (true * false))


def peak_ratio(weights: Path, count: int, out: Path) -> float:
    """PSNR in dB of the autoencoder on fresh scenes; leaves a sheet of round trips in `out`."""
    import torch
    from diffusers import AutoencoderTiny

    from limner.pipelines.pocket.autoencoder import normalized

    model = AutoencoderTiny.from_pretrained(weights / "painter" / "vae", torch_dtype=torch.float32)
    pictures = np.stack([draw(scene) for scene, _ in scenes(DEVELOPMENT_SEED, 0, count)])
    with torch.inference_mode():
        shown = normalized(torch.from_numpy(pictures))
        back = torch.cat([model.decoder(model.encoder(p)) for p in torch.split(shown, 16)]).clamp(
            -1, 1
        )
    round_trip_sheet(model, pictures[:8], out / "autoencoder.png")
    error = ((back - shown) / 2).square().mean(dim=(1, 2, 3))
    return float((-10 * error.log10()).mean())


def seconds_for(painter: Painter, batch: int, steps: int, guidance: float) -> float:
    """Seconds for each picture in one batch, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        paint(painter, ["a red car"] * batch, guidance, steps)
        best = min(best, time.perf_counter() - start)
    return best / batch


def table(gates: Sequence[Gate]) -> str:
    """The gates as a Markdown table."""
    rows = ["| part | figure | gate | measured | met |", "| --- | --- | --- | --- | --- |"]
    rows += [
        f"| {g.part} | {g.what} | {g.target} | {g.measured} | {'yes' if g.met else '**no**'} |"
        for g in gates
    ]
    return "\n".join(rows)


def keep(gates: Sequence[Gate], path: Path) -> None:
    """The gates as JSON, for whoever compares two trainings."""
    rows = [{name: getattr(gate, name) for name in Gate.__dataclass_fields__} for gate in gates]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
