"""B paraphrases of the request, one picture of each, and the critic's choice: OPT2I's control."""

from __future__ import annotations

from limner.benchmarks.arms.records import Case, Trial
from limner.benchmarks.arms.room import Attempt, Room
from limner.benchmarks.arms.seeds import as_typed
from limner.benchmarks.arms.wordings import instructed, redrafted

__all__ = ["paraphrases"]


def paraphrases(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """As many blind wordings as the budget pays for, the first draft among them; no feedback.

    Each has a seed of its own, as best-of-N has; where the writer has no more wordings, those that
    there are get another seed. A small writer's paraphrases are other drafts of the same request.
    """
    work = Attempt(room, case, seed, budget)
    more = budget - 1
    if room.taught:
        others = redrafted(work, as_typed(work.brief), more, turn=1) if more else []
    else:
        others = instructed(work, "paraphrases", more, request=case.request) if more else []
    known = [work.brief, *(brief for brief in others if brief.prompt != work.brief.prompt)]
    briefs = [known[number % len(known)] for number in range(budget)]
    work.paint(briefs, work.seeds(budget))
    return work.done()
