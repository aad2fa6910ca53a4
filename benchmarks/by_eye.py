"""How often the exact judge decides as the eye did, on painted pictures that were labelled.

`python -m benchmarks.by_eye` judges all of benchmarks/labels once more, prints how it went
and keeps it in benchmarks/labels/agreement.json, which stands beside every table of the judge's.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from PIL import Image

from limner.agent.archive.atomic_io import write_named
from limner.benchmarks import album
from limner.benchmarks.album import LABELS, Row
from limner.benchmarks.asked import claims_of, loaded
from limner.benchmarks.cases import said
from limner.benchmarks.judge import all_right, verdict
from limner.benchmarks.parse import parsed

__all__ = ["PARTS", "Agreement", "agreement", "apart", "kept", "lines"]

KEPT = LABELS.with_name("agreement.json")
PARTS = ("tuning", "validation", "later")
"""The judge's thresholds were chosen on the first; the second was touched by nothing, and the third
was painted afterwards, by a painter with more hours behind it."""

Agreement = dict[str, Any]
"""`claims`, `pictures` and each sort of claim: `both` true, `neither`, `judge` alone, `eye` alone.
"""


def main() -> None:
    """Judge, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apart", choices=PARTS, help="list where judge and eye differ")
    parser.add_argument("--keep", action="store_true", help="write agreement.json")
    given = parser.parse_args()
    rows, pictures = album.opened()
    if given.apart:
        print("\n".join(apart(*of_part(rows, pictures, given.apart))))
    found = {part: agreement(*of_part(rows, pictures, part)) for part in PARTS}
    print("\n".join(lines(found)))
    for sort in found["validation"]:
        print(f"{sort:<12}" + "".join(f"{_shown(found[part].get(sort)):<54}" for part in PARTS))
    if given.keep:
        write_named(KEPT, (json.dumps(found, indent=1) + "\n").encode())


def of_part(
    rows: Sequence[Row], pictures: Sequence[Image.Image], part: str
) -> tuple[list[Row], list[Image.Image]]:
    """The labels of one part, and their pictures."""
    chosen = [n for n, row in enumerate(rows) if row["part"] == part]
    return [rows[n] for n in chosen], [pictures[n] for n in chosen]


def agreement(rows: Sequence[Row], pictures: Sequence[Image.Image]) -> Agreement:
    """How judge and eye went together, claim by claim and picture by picture."""
    counts: dict[str, Counter[str]] = {"pictures": Counter(), "claims": Counter()}
    for row, picture in zip(rows, pictures, strict=True):
        asked, found = loaded(row), parsed(picture)
        claims = claims_of(asked)
        counts["pictures"][_how(all_right(found, asked), all(row["right"]))] += 1
        for claim, held, right in zip(claims, verdict(found, claims), row["right"], strict=True):
            for name in ("claims", claim.sort):
                counts.setdefault(name, Counter())[_how(held, right)] += 1
    return {name: dict(count) for name, count in counts.items()}


def apart(rows: Sequence[Row], pictures: Sequence[Image.Image]) -> list[str]:
    """Each claim on which they differ, and what the judge says of it."""
    found = []
    for row, picture in zip(rows, pictures, strict=True):
        claims = claims_of(loaded(row))
        held = verdict(parsed(picture), claims)
        found += [
            f"{row['number']}: {said(claim)}: {'true' if judge else 'false'}"
            for claim, judge, right in zip(claims, held, row["right"], strict=True)
            if judge != right
        ]
    return found


def kept() -> dict[str, Agreement]:
    """What was last found of the labels that are shipped."""
    found: dict[str, Agreement] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def lines(found: dict[str, Agreement]) -> Iterable[str]:
    """A line for each part: how often judge and eye agree, and which of them says true alone."""
    for part, told in found.items():
        every = ", ".join(f"{name}: {_shown(told[name])}" for name in ("claims", "pictures"))
        yield f"{part}: {every}"


def _how(judge: bool, eye: bool) -> str:
    if judge == eye:
        return "both" if judge else "neither"
    return "judge" if judge else "eye"


def _shown(count: dict[str, int] | None) -> str:
    if not count:
        return "-"
    whole = sum(count.values())
    same = count.get("both", 0) + count.get("neither", 0)
    alone = f"judge alone {count.get('judge', 0)}, eye alone {count.get('eye', 0)}"
    return f"{same / whole:.1%} of {whole} ({alone})"


if __name__ == "__main__":
    main()
