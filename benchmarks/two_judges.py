"""How often the exact judge, the second judge and the eye say the same of painted pictures.

`python -m benchmarks.two_judges` compares them on the labelled pictures, and the judges on as many
one-shot pictures of development prompts as `--count` says.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from PIL.Image import Image

from limner.benchmarks import album, by_eye
from limner.benchmarks.asked import Asked, claims_of, loaded
from limner.benchmarks.judge import verdict
from limner.benchmarks.parse import parsed
from limner.benchmarks.second_judge import read

__all__ = ["same"]


def main() -> None:
    """Print how often the two judges, and the eye, say the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    given = parser.parse_args()
    rows, pictures = album.opened()
    for part in by_eye.PARTS:
        here = [n for n, row in enumerate(rows) if row["part"] == part]
        asked = [loaded(rows[n]) for n in here]
        few = [pictures[n] for n in here]
        eye = [tuple(rows[n]["right"]) for n in here]
        first, second = _verdicts(few, asked)
        print(f"labelled, {part}:")
        print(f"  exact judge and second judge: {same(first, second)}")
        print(f"  exact judge and eye: {same(first, eye)}")
        print(f"  second judge and eye: {same(second, eye)}")
    if given.count:
        first, second = _verdicts(*_painted(given.count))
        print(f"painted now: exact judge and second judge: {same(first, second)}")


def same(one: Sequence[Sequence[bool]], other: Sequence[Sequence[bool]]) -> str:
    """The shares of claims and of whole pictures on which two verdicts agree."""
    claims = [a == b for p, q in zip(one, other, strict=True) for a, b in zip(p, q, strict=True)]
    whole = [all(p) == all(q) for p, q in zip(one, other, strict=True)]
    right = f"{sum(map(all, one))} and {sum(map(all, other))} all right"
    return (
        f"{np.mean(claims):.1%} of {len(claims)} claims, "
        f"{np.mean(whole):.1%} of {len(whole)} pictures ({right})"
    )


def _verdicts(
    pictures: Sequence[Image], asked: Sequence[Asked]
) -> tuple[list[tuple[bool, ...]], list[tuple[bool, ...]]]:
    claims = [claims_of(one) for one in asked]
    first = [verdict(parsed(p), c) for p, c in zip(pictures, claims, strict=True)]
    second = [verdict(s, c) for s, c in zip(read(pictures), claims, strict=True)]
    return first, second


def _painted(count: int) -> tuple[list[Image], list[Asked]]:
    """One-shot pictures of development prompts, evenly spread, as they were typed."""
    from limner.benchmarks.prompts import prompts
    from limner.pipelines import registry
    from limner.pipelines.pocket.report import paint

    rows = prompts("development")
    few = rows[:: max(1, len(rows) // count)][:count]
    painter = registry.open_painter("pocket", {})
    steps, guidance = painter.dialect.steps, painter.dialect.guidance
    return paint(painter, [row.request for row in few], guidance, steps), [r.asked for r in few]


if __name__ == "__main__":
    main()
