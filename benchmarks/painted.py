"""Measures what only the exact judge can: how often the painter is right, and if the critic knows.

`python -m benchmarks.painted --count 100` prints rows for the model card; with several values of
`--guidance` it prints a block for each, on the same development prompts and seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from limner.benchmarks.asked import Asked, claims_of
from limner.benchmarks.judge import verdict
from limner.benchmarks.parse import parse
from limner.pipelines import registry
from limner.pipelines.pocket.captions import canonical
from limner.pipelines.pocket.report import (
    Gate,
    asked,
    development_specs,
    paint,
    summary,
    table,
)
from limner.pipelines.pocket.sheets import sheet
from limner.pipelines.pocket.spec import Spec
from limner.pipelines.roles import Critic, Painter

LEAST = {1: 0.95, 2: 0.75, 3: 0.55}


@dataclass(frozen=True, slots=True)
class Judged:
    """A painted picture, the truth of each claim of its spec, and how probable the critic has it.

    `right` is the judge's word on the whole: all claims, and nothing there that was not asked for.
    """

    picture: Image.Image
    right: bool
    truths: tuple[bool, ...]
    probabilities: tuple[float, ...]


def main() -> None:
    """Paint, judge, and print the gates for each guidance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="pictures for each number of kinds")
    parser.add_argument("--guidance", type=float, nargs="+", default=[3.0])
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--out", type=Path, help="folder for a sheet of each number of kinds")
    given = parser.parse_args()
    painter = registry.open_painter("pocket", {})
    critic = registry.open_critic("pocket", {})
    for guidance in given.guidance:
        found = {
            kinds: judged(painter, critic, kinds, given.count, guidance, given.steps)
            for kinds in LEAST
        }
        print(f"guidance {guidance:g}, {given.steps} steps, {given.count} pictures of each\n")
        print(table(gates(found)), "\n", flush=True)
        if given.out:
            keep(found, given.count, given.out)


def judged(
    painter: Painter, critic: Critic, kinds: int, count: int, guidance: float, steps: int
) -> list[Judged]:
    """One-shot pictures of development prompts with so many kinds of thing, each judged."""
    specs = development_specs(kinds, count)
    pictures = paint(painter, [canonical(spec) for spec in specs], guidance, steps)
    return [look(critic, picture, spec) for picture, spec in zip(pictures, specs, strict=True)]


def look(critic: Critic, picture: Image.Image, spec: Spec) -> Judged:
    """The judge's word and the critic's on one picture; both take a spec's claims in one order."""
    texts, foils = asked(spec)
    said = verdict(parse(picture), claims_of(Asked(spec)))
    probabilities = critic.look([picture], texts, foils)[0]
    return Judged(picture, all(said), said[: len(texts)], tuple(probabilities))


def gates(found: dict[int, list[Judged]]) -> list[Gate]:
    """The painter's gates by the exact judge, and the critic's on the painter's own pictures."""
    rows = [_right(kinds, pictures) for kinds, pictures in found.items()]
    every = [one for pictures in found.values() for one in pictures]
    truths = np.array([truth for one in every for truth in one.truths])
    told = summary(np.array([p for one in every for p in one.probabilities]), truths)
    name = "critic, painted pictures"
    return [
        *rows,
        Gate("painter", "single claims true", "-", f"{truths.mean():.3f}", True),
        Gate(
            name, "area under the ROC curve", ">= .98", f"{told['area']:.3f}", told["area"] >= 0.98
        ),
        Gate(
            name,
            "false claims that pass",
            "<= 2 %",
            f"{told['fooled']:.1%}",
            told["fooled"] <= 0.02,
        ),
        Gate(name, "true claims that pass", "-", f"{told['right']:.1%}", True),
        Gate(name, "calibration error", "<= .05", f"{told['error']:.3f}", told["error"] <= 0.05),
    ]


def _right(kinds: int, pictures: Sequence[Judged]) -> Gate:
    share = sum(one.right for one in pictures) / len(pictures)
    things = f"{kinds} kind{'s' * (kinds > 1)} of thing"
    return Gate(
        "painter, one shot",
        f"all right, {things}",
        f">= {LEAST[kinds]}",
        f"{share:.2f}",
        share >= LEAST[kinds],
    )


def keep(found: dict[int, list[Judged]], count: int, out: Path) -> None:
    """A sheet for each number of kinds, with + where the judge finds all right."""
    out.mkdir(parents=True, exist_ok=True)
    for kinds, pictures in found.items():
        prompts = [canonical(spec) for spec in development_specs(kinds, count)][:48]
        shown = pictures[:48]
        labels = [f"{'+' if one.right else '-'} {p}" for one, p in zip(shown, prompts, strict=True)]
        sheet([one.picture for one in shown], labels).save(out / f"painter-{kinds}.png")


if __name__ == "__main__":
    main()
