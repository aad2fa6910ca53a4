"""The plain arms: one picture, or the best of as many seeds as the budget pays for."""

from __future__ import annotations

from dataclasses import replace

from limner import Brief
from limner.agent.search.refine import Refine
from limner.benchmarks.arms.records import Case, Trial
from limner.benchmarks.arms.room import Attempt, Room

__all__ = [
    "as_typed",
    "best_of_expanded",
    "best_of_raw",
    "best_of_sketches",
    "ceiling",
    "expanded",
    "raw",
]


def raw(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """One picture of the request as it was typed, whatever the budget."""
    return best_of_raw(room, case, seed, 1)


def expanded(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """One picture of the writer's brief, whatever the budget."""
    return best_of_expanded(room, case, seed, 1)


def best_of_raw(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The critic's choice among as many seeds of the request as the budget pays for."""
    work = Attempt(room, case, seed, budget)
    return _seeds(work, as_typed(work.brief))


def best_of_expanded(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The critic's choice among as many seeds of the brief as the budget pays for."""
    work = Attempt(room, case, seed, budget)
    return _seeds(work, work.brief)


def best_of_sketches(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The critic's choice among all the sketches that the budget pays for, handed over as it is.

    What limner's own sketches are worth without painting any of them. With a search that makes
    none, this is `best_of_expanded`.
    """
    search = room.studio.search
    rough = search.rough if isinstance(search, Refine) and search.sketches else 1.0
    work = Attempt(room, case, seed, budget, rough)
    return _seeds(work, work.brief)


def ceiling(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The truth's choice among as many seeds of the brief as the budget pays for."""
    trial = best_of_expanded(room, case, seed, budget)
    right = [room.right(case, shot.picture) for shot in trial.shots]
    if not any(right):
        return trial
    chosen = right.index(True)
    return replace(trial, chosen=chosen, told=trial.shots[chosen].order)


def as_typed(brief: Brief) -> Brief:
    """A brief that the painter is told in the user's own words; its claims are the writer's."""
    return replace(brief, prompt=brief.request, negative=())


def _seeds(work: Attempt, brief: Brief) -> Trial:
    work.spend(brief)
    return work.done()
