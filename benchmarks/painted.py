"""Measures how often the painter is right by the exact judge, and whether the critic knows.

`python -m benchmarks.painted --count 100` prints rows for the model card, on development prompts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from limner.benchmarks.judge import PromptSpec, claims_of, verdict
from limner.benchmarks.scene_graph import parse
from limner.pipelines import registry
from limner.pipelines.pocket.captions import canonical
from limner.pipelines.pocket.report import Gate, asked, development_specs, paint, summary, table
from limner.pipelines.roles import Critic, Painter

LEAST = {1: 0.95, 2: 0.75, 3: 0.55}  # of pictures with so many kinds of thing are to be all right


def main() -> None:
    """Paint, judge, and print the gates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="pictures for each number of kinds")
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=25)
    given = parser.parse_args()
    painter, critic = registry.open_painter("pocket", {}), registry.open_critic("pocket", {})
    print(f"guidance {given.guidance:g}, {given.steps} steps, {given.count} pictures of each\n")
    print(table(list(gates(painter, critic, given.count, given.guidance, given.steps))))


def gates(
    painter: Painter, critic: Critic, count: int, guidance: float, steps: int
) -> Iterator[Gate]:
    """The painter's gates by the exact judge, and the critic's on the painter's own pictures.

    Of a picture, all claims must be true and nothing may be there that was not asked for.
    """
    truths, probabilities = list[bool](), list[float]()
    for kinds, least in LEAST.items():
        specs, right = development_specs(kinds, count), 0
        pictures = paint(painter, [canonical(spec) for spec in specs], guidance, steps)
        for picture, spec in zip(pictures, specs, strict=True):
            texts, foils = asked(spec)  # in the order of the judge's claims
            told = verdict(parse(picture), claims_of(PromptSpec(spec)))
            right += all(told)
            truths += told[: len(texts)]
            probabilities += critic.look([picture], texts, foils)[0]
        what = f"all right, {kinds} kind{'s' * (kinds > 1)} of thing"
        share = right / count
        yield Gate("painter, one shot", what, f">= {least}", f"{share:.2f}", share >= least)
    yield Gate("painter", "single claims true", "-", f"{np.mean(truths):.3f}", True)
    told_by = summary(np.array(probabilities), np.array(truths))
    area, fooled, error = told_by["area"], told_by["fooled"], told_by["error"]
    name = "critic, painted pictures"
    yield Gate(name, "area under the ROC curve", ">= .98", f"{area:.3f}", area >= 0.98)
    yield Gate(name, "false claims that pass", "<= 2 %", f"{fooled:.1%}", fooled <= 0.02)
    yield Gate(name, "true claims that pass", "-", f"{told_by['right']:.1%}", True)
    yield Gate(name, "calibration error", "<= .05", f"{error:.3f}", error <= 0.05)


if __name__ == "__main__":
    main()
