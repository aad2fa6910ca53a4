"""OPT2I: a writer that sees what was tried, with scores by element, and paraphrases against them.

After Mañas et al., "Improving text-to-image consistency via automatic prompt optimization"
(arXiv:2403.17804), from its description.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from limner import Brief
from limner.benchmarks.arms.records import Case, Shot, Trial
from limner.benchmarks.arms.room import Attempt, Room
from limner.benchmarks.arms.seeds import as_typed
from limner.benchmarks.arms.wordings import distinct, instructed, redrafted, reworded

__all__ = ["opt2i"]

KEPT = 5  # prompts of the history that the writer sees
AT_ONCE = 5  # candidates of an iteration, at most
PERFECT = 99.5  # of 100: nothing is left to optimise


@dataclass(frozen=True, slots=True)
class _Tried:
    """A wording, its score over all seeds and elements (0 to 100), and each element's."""

    brief: Brief
    score: float
    elements: tuple[float, ...]
    shots: tuple[Shot, ...]


def opt2i(room: Room, case: Case, seed: int, budget: int) -> Trial:
    """Iterations of up to five paraphrases on fixed seeds, until the budget or a perfect score.

    The score is decomposed (the paper's dCS): the mean over elements and seeds, always against the
    user's own prompt. Its elements are the brief's claims, weighed by the studio's critic, with
    which all arms choose; the paper's are noun phrases and plain CLIP scores. The paper's 30
    iterations of 5 prompts of 4 pictures shrink with the budget, pictures of a prompt first. The
    user's prompt is among the candidates. A small writer's first paraphrases are other drafts of
    the request, its later ones rewordings of the best prompt, told its lowest elements first.
    """
    work = Attempt(room, case, seed, budget)
    seeds = work.seeds(1 if budget < 8 else 2 if budget < 32 else 4)
    tried = _scored(work, [as_typed(work.brief)], seeds)
    turn = 0
    while work.left >= len(seeds) and max(t.score for t in tried) < PERFECT:
        turn += 1
        room_for = work.left // len(seeds)
        count = max(1, min(AT_ONCE, -(-room_for // 2) if turn == 1 else room_for))
        new = distinct(_candidates(work, tried, count, turn), [t.brief for t in tried])
        if not new:
            break
        tried += _scored(work, new[:count], seeds)
    best = max(tried, key=lambda t: t.score)
    if best.score >= PERFECT:
        return work.done(best.shots[0].order, "done")
    work.spend(best.brief)
    return work.done(best.shots[0].order)


def _scored(work: Attempt, briefs: Sequence[Brief], seeds: Sequence[int]) -> list[_Tried]:
    """Each wording painted from every seed, all in one batch."""
    shots = work.paint([b for b in briefs for _ in seeds], [*seeds] * len(briefs))
    each = [shots[n : n + len(seeds)] for n in range(0, len(shots), len(seeds))]
    return [_score(brief, few) for brief, few in zip(briefs, each, strict=True)]


def _score(brief: Brief, shots: Sequence[Shot]) -> _Tried:
    rows = [[100 * (p or 0.0) for p in shot.critique.probabilities] for shot in shots]
    elements = tuple(fmean(column) for column in zip(*rows, strict=True))
    return _Tried(brief, fmean(elements) if elements else 0.0, elements, tuple(shots))


def _candidates(work: Attempt, tried: Sequence[_Tried], count: int, turn: int) -> list[Brief]:
    shown = sorted(tried, key=lambda t: t.score)[-KEPT:]
    if not work.room.taught:
        told = [_told(work, t) for t in shown]
        return instructed(work, "opt2i", count, request=work.case.request, history=told)
    if turn == 1:
        return [work.brief, *redrafted(work, as_typed(work.brief), count - 1, turn)]
    best = shown[-1]
    order = sorted(range(len(best.elements)), key=lambda n: best.elements[n])
    low = [n for n in order if best.elements[n] < 50] or order[:1]
    wrong = "; ".join(work.claims[n].text for n in low)
    right = "; ".join(work.claims[n].text for n in order if n not in low)
    return reworded(work, best.brief, (wrong, right), count, turn)


def _told(work: Attempt, tried: _Tried) -> dict[str, object]:
    rows = zip(work.claims, tried.elements, strict=True)
    elements = ", ".join(f"{claim.text}: {round(score)}" for claim, score in rows)
    return {"prompt": tried.brief.prompt, "score": round(tried.score), "elements": elements}
