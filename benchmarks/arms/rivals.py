"""The rivals, re-implemented from what their papers say: blind paraphrases, OPT2I, MILS and NCLB.

A general writer is given the rival's own instructions (the .j2 files beside this one) and answers
with numbered or marked prompts. A small writer that was taught limner's messages and no others is
sampled: what comes nearest to a paraphrase is the prompt of another draft of the same request, and
to a rewording that heeds scores, limner's own message about what came out wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from limner import Brief
from limner.agent.plain import one_line
from limner.benchmarks.arms.harness import ArmRun, Case, Harness, Sample, TrialRecord
from limner.errors import LimnerError

__all__ = ["mils", "no_concept_left_behind", "opt2i", "paraphrases", "rendered"]

PATIENCE = 4  # samples in a row that bring nothing new, after which no more are asked for
LONGEST = 600  # characters of a prompt
OPT2I_SHOWN = 5  # prompts of the history that the writer sees
OPT2I_AT_ONCE = 5  # candidates of an iteration, at most
PERFECT = 99.5  # of 100: nothing is left to optimise
MILS_SHOWN = 20  # descriptions that the writer sees
MILS_PARENTS = 3  # descriptions that a small writer drafts anew in a round
MILS_ROUNDS = 4  # at most; the paper's are 19 of 50 descriptions, and gain little after the first


def paraphrases(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """As many blind wordings as the budget pays for, the first draft among them; no feedback.

    OPT2I's control (arXiv:2403.17804). Each has a seed of its own, as best-of-N has; where the
    writer has no more wordings, those that there are get another seed. A small writer's paraphrases
    are other drafts of the same request.
    """
    run, others = ArmRun(harness, case, seed, budget), list[Brief]()
    if budget > 1 and harness.taught:
        others = _reworded(run, run.typed, budget - 1, turn=1)
    elif budget > 1:
        others = _instructed(run, "paraphrases", budget - 1, request=case.request)
    known = [run.brief, *(brief for brief in others if brief.prompt != run.brief.prompt)]
    run.paint([known[number % len(known)] for number in range(budget)], run.seeds(budget))
    return run.done()


# OPT2I.


@dataclass(frozen=True, slots=True)
class _Scored:
    """A wording, its score over all seeds and elements (0 to 100), and each element's."""

    brief: Brief
    score: float
    elements: tuple[float, ...]
    samples: tuple[Sample, ...]


def opt2i(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """Iterations of up to five paraphrases on fixed seeds, until the budget or a perfect score.

    After Mañas et al., "Improving text-to-image consistency via automatic prompt optimization"
    (arXiv:2403.17804). The score is decomposed (the paper's dCS): the mean over elements and seeds,
    always against the user's own prompt. Its elements are the brief's claims, weighed by the
    studio's critic, with which all arms choose; the paper's are noun phrases and plain CLIP scores.
    The paper's 30 iterations of 5 prompts of 4 pictures shrink with the budget, pictures of a
    prompt first. The user's prompt is among the candidates. A small writer's first paraphrases are
    other drafts of the request, its later ones rewordings of the best prompt, told its lowest
    elements first.
    """
    run = ArmRun(harness, case, seed, budget)
    seeds = run.seeds(1 if budget < 8 else 2 if budget < 32 else 4)
    tried = _scored(run, [run.typed], seeds)
    turn = 0
    while run.left >= len(seeds) and max(t.score for t in tried) < PERFECT:
        turn += 1
        payable = run.left // len(seeds)
        count = max(1, min(OPT2I_AT_ONCE, -(-payable // 2) if turn == 1 else payable))
        new = _distinct(_opt2i_proposes(run, tried, count, turn), [t.brief for t in tried])
        if not new:
            break
        tried += _scored(run, new[:count], seeds)
    best = max(tried, key=lambda t: t.score)
    if best.score >= PERFECT:
        return run.done(best.samples[0].image_request, "done")
    run.spend(best.brief)
    return run.done(best.samples[0].image_request)


def _scored(run: ArmRun, briefs: Sequence[Brief], seeds: Sequence[int]) -> list[_Scored]:
    """Each wording painted from every seed, all in one batch."""
    samples = run.paint([b for b in briefs for _ in seeds], [*seeds] * len(briefs))
    found = []
    for number, brief in enumerate(briefs):
        few = tuple(samples[number * len(seeds) : (number + 1) * len(seeds)])
        rows = [[100 * (p or 0.0) for p in sample.critique.probabilities] for sample in few]
        elements = tuple(fmean(column) for column in zip(*rows, strict=True))
        found.append(_Scored(brief, fmean(elements) if elements else 0.0, elements, few))
    return found


def _opt2i_proposes(run: ArmRun, tried: list[_Scored], count: int, turn: int) -> list[Brief]:
    shown = sorted(tried, key=lambda t: t.score)[-OPT2I_SHOWN:]
    if not run.harness.taught:
        history = []
        for one in shown:
            rows = zip(run.claims, one.elements, strict=True)
            elements = ", ".join(f"{claim.text}: {round(score)}" for claim, score in rows)
            score = round(one.score)
            history.append({"prompt": one.brief.prompt, "score": score, "elements": elements})
        return _instructed(run, "opt2i", count, request=run.case.request, history=history)
    if turn == 1:
        return [run.brief, *_reworded(run, run.typed, count - 1, turn)]
    best = shown[-1]
    low = [n for n, score in enumerate(best.elements) if score < 50]
    return _reworded(run, best.brief, count, turn, _wrong_and_right(run, best.elements, low))


# MILS and No Concept Left Behind.

Pool = list[tuple[Brief, Sample]]
Propose = Callable[[ArmRun, Pool, int, int], list[Brief]]


def mils(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """Rounds of new descriptions, each painted once from one fixed seed, told overall scores only.

    After Ashutosh et al., "LLMs can see and hear without any training" (arXiv:2501.18096). The
    score of a picture is the mean of the critic's probabilities (the paper's is PickScore). A small
    writer can't read scores: its new descriptions are fresh drafts of the best ones. Where it has
    none left, the rest of the budget goes into other seeds of the best one.
    """
    return _rounds(ArmRun(harness, case, seed, budget), _mils_proposes)


def no_concept_left_behind(harness: Harness, case: Case, seed: int, budget: int) -> TrialRecord:
    """The variant of MILS that is told the score of each concept, and asked to raise the weak ones.

    The concepts are the brief's claims, weighed by the studio's critic (the paper has words, and
    FG-CLIP's cosines). A small writer is told which are weak by limner's message for it.
    """
    return _rounds(ArmRun(harness, case, seed, budget), _nclb_proposes)


def _rounds(run: ArmRun, propose: Propose) -> TrialRecord:
    (seed,) = run.seeds(1)
    pool: Pool = list(zip([run.typed], run.paint([run.typed], [seed]), strict=True))
    size = max(1, -(-(run.budget - 1) // MILS_ROUNDS))
    turn = 0
    while run.left:
        turn += 1
        known = [brief for brief, _ in pool]
        new = _distinct(propose(run, pool, min(size, run.left), turn), known)[: run.left]
        if not new:
            break
        pool += zip(new, run.paint(new, [seed] * len(new)), strict=True)
    brief, sample = _best(pool)[0]
    run.spend(brief)
    return run.done(told=sample.image_request)


def _mils_proposes(run: ArmRun, pool: Pool, count: int, turn: int) -> list[Brief]:
    if not run.harness.taught:
        return _told_scores(run, "mils", pool, count)
    if turn == 1:  # the writer's own brief is among the first
        return [run.brief, *_reworded(run, run.typed, count - 1, turn)]
    found: list[Brief] = []
    for number, (brief, _) in enumerate(_best(pool)[:MILS_PARENTS]):
        if len(found) < count:
            found += _reworded(run, brief, -(-count // 2), turn + 100 * number)
    return found[:count]


def _nclb_proposes(run: ArmRun, pool: Pool, count: int, turn: int) -> list[Brief]:
    if not run.harness.taught:
        return _told_scores(run, "no_concept_left_behind", pool, count)
    if turn == 1:
        return _mils_proposes(run, pool, count, turn)
    brief, sample = _best(pool)[0]
    scores = [p or 0.0 for p in sample.critique.probabilities]
    claims = _wrong_and_right(run, scores, sample.critique.failed)
    return _reworded(run, brief, count, turn, claims)


def _told_scores(run: ArmRun, name: str, pool: Pool, count: int) -> list[Brief]:
    history = []
    for brief, sample in reversed(_best(pool)):
        rows = zip(run.claims, sample.critique.probabilities, strict=True)
        concepts = ", ".join(f"{claim.text}: {p or 0:.2f}" for claim, p in rows)
        score = f"{_mean(sample):.3f}"
        history.append({"prompt": brief.prompt, "score": score, "elements": concepts})
    return _instructed(run, name, count, request=run.case.request, history=history)


def _best(pool: Pool) -> Sequence[tuple[Brief, Sample]]:
    return sorted(pool, key=lambda one: _mean(one[1]), reverse=True)[:MILS_SHOWN]


def _mean(sample: Sample) -> float:
    known = [p for p in sample.critique.probabilities if p is not None]
    return fmean(known) if known else 0.0


# How a writer is asked for other wordings.


def rendered(name: str, count: int, **values: Any) -> str:
    """A rival's own instructions to a general writer."""
    source = Path(__file__).with_name(f"{name}.j2").read_text(encoding="utf-8")
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source).render(count=count, **values)


def _instructed(run: ArmRun, name: str, count: int, **values: Any) -> list[Brief]:
    """So many prompts by a general writer: between <PROMPT> marks, or else its numbered lines."""
    said = run.harness.writer.invoke([("human", rendered(name, count, **values))]).text
    found: Sequence[str] = re.findall(r"<PROMPT>(.*?)</PROMPT>", said, re.DOTALL | re.IGNORECASE)
    if not found:
        found = re.findall(r"^\s*\d+\s*[.):]\s*(.+)$", said, re.MULTILINE)
    lines = (one_line(text).strip(' "*')[:LONGEST] for text in found)
    prompts = [line for line in dict.fromkeys(lines) if line][:count]
    return [replace(run.brief, prompt=prompt, negative=()) for prompt in prompts]


def _reworded(
    run: ArmRun, brief: Brief, count: int, turn: int, claims: tuple[str, str] = ("", "")
) -> list[Brief]:
    """So many other wordings by limner's own message, told which claims came out wrong and right.

    Without any claims, they are other drafts.
    """
    found: list[Brief] = []
    idle, seed = 0, run.seed + 1_000 * turn
    while len(found) < count and idle < PATIENCE:
        seed += 1
        new = list[Brief]()
        try:
            prompt = run.harness.studio.writer.worded(brief, *claims, seed)
            new = _distinct([replace(brief, prompt=prompt)], [brief, *found])
        except LimnerError:
            pass
        found, idle = [*found, *new], 0 if new else idle + 1
    return found


def _wrong_and_right(run: ArmRun, scores: Sequence[float], wrong: Sequence[int]) -> tuple[str, str]:
    """The texts of the claims that came out wrong, lowest first, and of the others."""
    order = sorted(range(len(scores)), key=lambda number: scores[number])
    low = [number for number in order if number in wrong] or order[:1]
    high = [number for number in order if number not in low]
    low_texts, high_texts = ([run.claims[n].text for n in few] for few in (low, high))
    return "; ".join(low_texts), "; ".join(high_texts)


def _distinct(briefs: Iterable[Brief], known: Iterable[Brief]) -> list[Brief]:
    """The briefs whose prompts are new."""
    old = {brief.prompt.casefold() for brief in known}
    new: dict[str, Brief] = {}
    for brief in briefs:
        if brief.prompt.casefold() not in old:
            new.setdefault(brief.prompt.casefold(), brief)
    return list(new.values())
