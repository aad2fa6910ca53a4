"""How far the exact judge can be trusted on drawn scenes, worn in four ways.

`python -m benchmarks.validate_judge` judges each scene against all that is true of it, which should
pass, and against descriptions with one thing changed, which should not.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from PIL import Image

from limner.benchmarks import by_eye
from limner.benchmarks.asked import Asked, claims_of
from limner.benchmarks.falsified import falsified
from limner.benchmarks.judge import all_right, verdict
from limner.benchmarks.parse import parse
from limner.benchmarks.worn import WEARS
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import seen
from limner.pipelines.pocket.spec import Spec

SEED = 20_260  # of scenes that no training has drawn


@dataclass(slots=True)
class Score:
    """How many there were of each sort of claim, and how many of those went as they should."""

    asked: Counter[str] = field(default_factory=Counter)
    good: Counter[str] = field(default_factory=Counter)

    def add(self, sort: str, good: bool) -> None:
        """Count one."""
        self.asked[sort] += 1
        self.good[sort] += good

    def share(self, sorts: Iterable[str] = ()) -> float:
        """The share of some sorts, or of all, that went as they should; 1.0 where there is none."""
        chosen = list(sorts) or list(self.asked)
        every = sum(self.asked[sort] for sort in chosen)
        return sum(self.good[sort] for sort in chosen) / every if every else 1.0


def main() -> None:
    """Judge the scenes in every kind of wear and print the shares, as a table or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--wear", choices=WEARS, action="append")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = {wear: validated(wear, given.count, given.seed) for wear in given.wear or list(WEARS)}
    if given.json:
        print(json.dumps(figures))
        return
    print(f"{given.count} scenes of seed {given.seed}, shares in %")
    print(table(figures))
    print("against the eye, on painted pictures (python -m benchmarks.by_eye):")
    print("\n".join(by_eye.lines(by_eye.kept())))


def table(figures: dict[str, dict[str, float]]) -> str:
    """One column for each wear, one row for each share."""
    rows = list(dict.fromkeys(name for shares in figures.values() for name in shares))
    wide = max(len(row) for row in rows) + 2
    lines = [" " * wide + "".join(f"{wear:>13}" for wear in figures)]
    for row in rows:
        cells = (f"{100 * s[row]:13.2f}" if row in s else " " * 13 for s in figures.values())
        lines.append(f"{row:<{wide}}" + "".join(cells))
    return "\n".join(lines)


def validated(wear: str, count: int, seed: int = SEED) -> dict[str, float]:
    """Shares of claims and whole scenes that are accepted, and of false descriptions refused."""
    drawn = [scene for scene, _ in scenes(seed, 0, count)]
    pictures = WEARS[wear]([Image.fromarray(draw(scene)) for scene in drawn])
    truths = [seen(scene) for scene in drawn]
    kept, refused = judged(pictures, truths, Random(seed))
    claims = [sort for sort in kept.asked if sort != "all right"]
    return {
        "all right": kept.share(["all right"]),
        "claims": kept.share(claims),
        **{f"  {sort}": kept.share([sort]) for sort in claims},
        "false descriptions refused": refused.share(),
        **{f"  {sort} changed": refused.share([sort]) for sort in refused.asked},
    }


def judged(
    pictures: Sequence[Image.Image], truths: Sequence[Spec], chance: Random
) -> tuple[Score, Score]:
    """How what is true was accepted, by claim and as a whole, and what is false refused."""
    kept, refused = Score(), Score()
    for picture, truth in zip(pictures, truths, strict=True):
        found, asked = parse(picture), Asked(truth)
        claims = claims_of(asked)
        for claim, held in zip(claims, verdict(found, claims), strict=True):
            kept.add(claim.sort, held)
        kept.add("all right", all_right(found, asked))
        for sort, false in falsified(truth, chance):
            refused.add(sort, not all_right(found, false))
    return kept, refused


if __name__ == "__main__":
    main()
