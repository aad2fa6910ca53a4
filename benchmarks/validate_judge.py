"""How far the exact judge can be trusted: on drawn scenes, worn in four ways, and against the eye.

`python -m benchmarks.validate_judge` judges each scene against all that is true of it, which should
pass, and against descriptions with one thing changed, which should not.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from PIL import Image

from limner.benchmarks.asked import Asked, claims_of, loaded
from limner.benchmarks.cases import said
from limner.benchmarks.falsified import falsified
from limner.benchmarks.judge import all_right, verdict
from limner.benchmarks.labelling import Row, painted_again
from limner.benchmarks.parse import parse
from limner.benchmarks.worn import WEARS
from limner.errors import BadInput
from limner.pipelines.pocket.dataset import scenes
from limner.pipelines.pocket.draw import draw
from limner.pipelines.pocket.scene import seen
from limner.pipelines.pocket.spec import Spec
from limner.pipelines.roles import Painter

SEED = 20_260  # of scenes that no training has drawn
LABELS = Path(__file__).parent / "labels" / "painted.jsonl"


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
    if LABELS.exists():
        figures["by eye"] = against_labels(LABELS)
    if given.json:
        print(json.dumps(figures))
        return
    print(f"{given.count} scenes of seed {given.seed}, shares in %")
    print(table(figures))


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


def against_labels(path: Path) -> dict[str, float]:
    """How often the judge decides as people did who labelled painted pictures by eye.

    Pictures that are not kept beside the labels are painted again, which takes the painter that
    made them; those of another painter are left out. The form of the labels is told in
    benchmarks/labels/README.md. Raises `BadInput` where a label does not answer each of its
    picture's claims.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        _check(row, path.name)
    kept = [row for row in rows if "picture" in row]
    pictures = [_opened(path.parent / row["picture"]) for row in kept]
    if lost := [row for row in rows if "order" in row]:
        painter = _pocket()
        mine = [row for row in lost if row["painter"] == painter.name]
        pictures += painted_again(painter, mine)
        kept += mine
    return agreement(kept, pictures)[0]


def agreement(
    rows: Sequence[Row], pictures: Sequence[Image.Image]
) -> tuple[dict[str, float], list[str]]:
    """Shares of claims and of pictures on which judge and eye agree; and where they don't."""
    score, apart = Score(), list[str]()
    for row, picture in zip(rows, pictures, strict=True):
        asked = loaded(row)
        claims, found = claims_of(asked), parse(picture)
        for claim, held, right in zip(claims, verdict(found, claims), row["right"], strict=True):
            score.add("claims as the eye", held == right)
            if held != right:
                judged = "true" if held else "false"
                apart.append(f"{row.get('number', row.get('picture'))}: {said(claim)}: {judged}")
        score.add("pictures as the eye", all_right(found, asked) == all(row["right"]))
        score.add("right to the eye", all(row["right"]))
        score.add("right to the judge", all_right(found, asked))
    return {sort: score.share([sort]) for sort in score.asked}, apart


def _check(row: Row, name: str) -> None:
    claims = claims_of(loaded(row))
    if len(claims) != len(row["right"]):
        raise BadInput(
            f"{row.get('picture', row.get('number'))} has {len(row['right'])} labels for "
            f"{len(claims)} claims.",
            f"Mend its line in {name}.",
        )


def _opened(path: Path) -> Image.Image:
    with Image.open(path, formats=["PNG"]) as picture:
        return picture.convert("RGB")


def _pocket() -> Painter:
    from limner import configs
    from limner.pipelines.registry import open_painter

    return open_painter("pocket", configs.load("pocket").painter.settings)


if __name__ == "__main__":
    main()
