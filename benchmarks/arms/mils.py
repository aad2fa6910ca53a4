"""MILS and No Concept Left Behind: many new descriptions at a time, learnt from the best so far.

After Ashutosh et al., "LLMs can see and hear without any training" (arXiv:2501.18096), and the
variant of it that feeds back a score for each concept, both from their descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from limner import Brief
from limner.benchmarks.arms.records import Case, Shot, Trial
from limner.benchmarks.arms.room import Attempt, Room
from limner.benchmarks.arms.seeds import as_typed
from limner.benchmarks.arms.wordings import distinct, instructed, redrafted, reworded

__all__ = ["mils", "no_concept_left_behind"]

KEPT = 20  # descriptions that the writer sees
PARENTS = 3  # descriptions that a small writer drafts anew in a round
ROUNDS = 4  # at most; the paper's are 19 of 50 descriptions, and gain little after the first ones

Pool = list[tuple[Brief, Shot]]
Propose = Callable[[Attempt, Pool, int, int], list[Brief]]


def mils(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """Rounds of new descriptions, each painted once from one fixed seed, told overall scores only.

    The score of a picture is the mean of the critic's probabilities (the paper's is PickScore).
    A small writer can't read scores: its new descriptions are fresh drafts of the best ones. Where
    it has none left, the rest of the budget goes into other seeds of the best one.
    """
    return _rounds(Attempt(room, case, seed, budget), _blind)


def no_concept_left_behind(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """The same, told the score of each concept, and asked to raise the weak ones.

    The concepts are the brief's claims, weighed by the studio's critic (the paper has words, and
    FG-CLIP's cosines). A small writer is told which are weak by limner's message for it.
    """
    return _rounds(Attempt(room, case, seed, budget), _by_concept)


def _rounds(work: Attempt, propose: Propose) -> Trial:
    (seed,) = work.seeds(1)
    first = as_typed(work.brief)
    pool: Pool = list(zip([first], work.paint([first], [seed]), strict=True))
    size = max(1, -(-(work.budget - 1) // ROUNDS))
    turn = 0
    while work.left:
        turn += 1
        seen = [brief for brief, _ in pool]
        new = distinct(propose(work, pool, min(size, work.left), turn), seen)[: work.left]
        if not new:
            break
        pool += zip(new, work.paint(new, [seed] * len(new)), strict=True)
    brief, shot = max(pool, key=lambda one: _score(one[1]))
    work.spend(brief)
    return work.done(told=shot.order)


def _blind(work: Attempt, pool: Pool, count: int, turn: int) -> list[Brief]:
    if not work.room.taught:
        return _told(work, "mils", pool, count)
    return _drafts(work, pool, count, turn)


def _by_concept(work: Attempt, pool: Pool, count: int, turn: int) -> list[Brief]:
    if not work.room.taught:
        return _told(work, "no_concept_left_behind", pool, count)
    if turn == 1:
        return _drafts(work, pool, count, turn)
    brief, shot = _best(pool)[0]
    order = sorted(range(len(work.claims)), key=lambda n: shot.critique.probabilities[n] or 0.0)
    weak = [n for n in order if n in shot.critique.failed] or order[:1]
    wrong = "; ".join(work.claims[n].text for n in weak)
    right = "; ".join(work.claims[n].text for n in order if n not in weak)
    return reworded(work, brief, (wrong, right), count, turn)


def _drafts(work: Attempt, pool: Pool, count: int, turn: int) -> list[Brief]:
    """Fresh drafts of the best descriptions, the writer's own brief among the first."""
    if turn == 1:
        return [work.brief, *redrafted(work, as_typed(work.brief), count - 1, turn)]
    found: list[Brief] = []
    for number, (brief, _) in enumerate(_best(pool)[:PARENTS]):
        if len(found) < count:
            found += redrafted(work, brief, -(-count // 2), turn + 100 * number)
    return found[:count]


def _told(work: Attempt, name: str, pool: Pool, count: int) -> list[Brief]:
    history = [_row(work, brief, shot) for brief, shot in reversed(_best(pool))]
    return instructed(work, name, count, request=work.case.request, history=history)


def _row(work: Attempt, brief: Brief, shot: Shot) -> dict[str, str]:
    rows = zip(work.claims, shot.critique.probabilities, strict=True)
    concepts = ", ".join(f"{claim.text}: {p or 0:.2f}" for claim, p in rows)
    return {"prompt": brief.prompt, "score": f"{_score(shot):.3f}", "elements": concepts}


def _best(pool: Pool) -> Sequence[tuple[Brief, Shot]]:
    return sorted(pool, key=lambda one: _score(one[1]), reverse=True)[:KEPT]


def _score(shot: Shot) -> float:
    known = [p for p in shot.critique.probabilities if p is not None]
    return fmean(known) if known else 0.0
