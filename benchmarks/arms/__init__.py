"""The arms: ways to spend the same budget on one request, a short file for each family.

All paint with the same painter and, but for `ceiling` and the arms that say so in their name,
choose with the same critic. Rivals are re-implemented from what their papers say.
"""

from __future__ import annotations

from limner.benchmarks.arms import mils, opt2i, ours, paraphrases, seeds
from limner.benchmarks.arms.records import Case, Cost, Shot, Trial
from limner.benchmarks.arms.room import Arm, Room

__all__ = ["ARMS", "INFORMED", "SETS", "WORLDLY", "Arm", "Case", "Cost", "Room", "Shot", "Trial"]

ARMS: dict[str, Arm] = {
    "raw": seeds.raw,
    "expanded": seeds.expanded,
    "best of raw": seeds.best_of_raw,
    "best of expanded": seeds.best_of_expanded,
    "best of sketches": seeds.best_of_sketches,
    "paraphrases": paraphrases.paraphrases,
    "opt2i": opt2i.opt2i,
    "mils": mils.mils,
    "no concept left behind": mils.no_concept_left_behind,
    "limner": ours.limner,
    "limner, no repair": ours.limner_no_repair,
    "limner, no rewording": ours.limner_no_rewording,
    "limner, no control": ours.limner_no_control,
    "limner, no sketches": ours.limner_no_sketches,
    "limner, seeds only": ours.limner_seeds_only,
    "limner, exact brief": ours.limner_exact_brief,
    "limner, true critic": ours.limner_true_critic,
    "limner, exact brief, true critic": ours.limner_exact_brief_true_critic,
    "ceiling": seeds.ceiling,
}
"""Every arm by its name; a single picture stays one at every budget."""

SETS: dict[str, list[str]] = {
    "all": list(ARMS),
    "rivals": [n for n in ARMS if "limner," not in n and n != "best of sketches"],
    "parts": [
        *(name for name in ARMS if "limner" in name),
        *("best of sketches", "best of expanded", "ceiling"),
    ],
}
"""Arms by one name: the loop among its rivals, and the loop with its parts taken away."""

INFORMED = frozenset({"limner, true critic", "limner, exact brief, true critic", "ceiling"})
"""The arms that are told the truth as they work: they say what is possible, and are no rivals."""

WORLDLY = INFORMED - {"ceiling"}
"""The arms whose truth is the exact judge's, who knows the small world alone."""
