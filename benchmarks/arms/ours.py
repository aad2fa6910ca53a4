"""limner's own arms: the whole loop, and the loop with one part taken away or made perfect."""

from __future__ import annotations

from dataclasses import replace

from limner import Result
from limner.agent.events import Finished
from limner.agent.search.refine import Refine
from limner.benchmarks.arms.records import Case, Trial
from limner.benchmarks.arms.room import Room
from limner.benchmarks.arms.truthful import TruthfulCritic

__all__ = [
    "limner",
    "limner_exact_brief",
    "limner_exact_brief_true_critic",
    "limner_no_control",
    "limner_no_repair",
    "limner_no_rewording",
    "limner_no_sketches",
    "limner_seeds_only",
    "limner_true_critic",
]


def limner(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The whole loop, in rounds of half the budget at most, so that it can learn from the first."""
    takes = _takes(room, budget)
    return room.trial(room.studio.imagine(case.request, seed=seed, budget=budget, takes=takes))


def limner_no_repair(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop with a painter that paints nothing over: what fails is reworded."""
    room.easel.dialect = replace(room.easel.dialect, repairs=False)
    return limner(room, case, seed, budget)


def limner_no_rewording(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop with a writer that rewords nothing: it paints over, or from fresh seeds."""
    room.reword_nothing()
    return limner(room, case, seed, budget)


def limner_no_control(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop without the share of its budget that goes to the request as it was typed."""
    search = room.studio.search
    if isinstance(search, Refine):
        room.studio.search = replace(search, control=0.0)
    return limner(room, case, seed, budget)


def limner_no_sketches(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop that paints every picture that it begins."""
    search = room.studio.search
    if isinstance(search, Refine):
        room.studio.search = replace(search, sketches=0)
    return limner(room, case, seed, budget)


def limner_seeds_only(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop without repairs and rewording: what is left are fresh seeds, and when to stop."""
    room.reword_nothing()
    return limner_no_repair(room, case, seed, budget)


def limner_true_critic(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop with the judge for a critic, on the brief's own claims: what the critic costs it."""
    room.critic.instead = TruthfulCritic()
    return limner(room, case, seed, budget)


def limner_exact_brief(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop from a brief that says just what was asked: what the writer's drift costs it.

    Where that brief is not known, this is the loop.
    """
    if case.exact is None:
        return limner(room, case, seed, budget)
    takes = _takes(room, budget)
    *_, last = room.studio.paint(case.exact, seed=seed, budget=budget, takes=takes)
    assert isinstance(last, Finished)
    result: Result = last.result
    return room.trial(result)


def limner_exact_brief_true_critic(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The loop with nothing but the painter to blame."""
    room.critic.instead = TruthfulCritic()
    return limner_exact_brief(room, case, seed, budget)


def _takes(room: Room, budget: int) -> int:
    return min(room.studio.settings.takes, max(1, budget // 2))
