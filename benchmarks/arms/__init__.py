"""The arms: ways to spend the same budget on one request.

All paint with the same painter and, but for `ceiling` and the arms that say so in their name,
choose with the same critic.
"""

from __future__ import annotations

from limner.benchmarks.arms import ours, rivals
from limner.benchmarks.arms.harness import Arm, Case, Harness, Sample, TrialRecord

__all__ = [
    "ARMS",
    "INFORMED",
    "SETS",
    "SINGLE",
    "WORLDLY",
    "Arm",
    "Case",
    "Harness",
    "Sample",
    "TrialRecord",
]

ARMS: dict[str, Arm] = {
    **ours.SEEDS,
    "paraphrases": rivals.paraphrases,
    "opt2i": rivals.opt2i,
    "mils": rivals.mils,
    "no concept left behind": rivals.no_concept_left_behind,
    **ours.LOOPS,
    "ceiling": ours.ceiling,
}
"""Every arm by its name; a single picture stays one at every budget."""

SETS: dict[str, list[str]] = {
    "all": list(ARMS),
    "rivals": [n for n in ARMS if "limner," not in n and n != "best of sketches"],
    "parts": [*ours.LOOPS, "best of sketches", "best of expanded", "ceiling"],
}
"""Arms by one name: the loop among its rivals, and the loop with its parts taken away."""

SINGLE = frozenset({"raw", "expanded"})
"""Arms that paint one picture at every budget: they are run at one."""

INFORMED = frozenset({"limner, true critic", "limner, exact brief, true critic", "ceiling"})
"""The arms that are told the truth as they work: they say what is possible, and are no rivals."""

WORLDLY = INFORMED - {"ceiling"}
"""The arms whose truth is the exact judge's, who knows the small world alone."""
