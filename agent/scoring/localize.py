"""Finds where in a picture a claim is shown, and so whether things stand as was claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from limner.agent.records import Candidate, Critique, Settings
from limner.agent.scoring.evaluate import look
from limner.agent.scoring.places import Box, boxes, covered
from limner.errors import ModelFailed
from limner.pipelines.roles import Critic

__all__ = [
    "Region",
    "region",
]


_CLEAR = 0.2  # a change of probability that is more than wear


@dataclass(frozen=True, slots=True)
class Region:
    """A place, and why it is the one: there is too much, the wrong thing, or nothing there."""

    box: Box
    why: str


def region(critic: Critic, candidate: Candidate, settings: Settings, claim: int) -> Region | None:
    """Where to paint anew so that the failed `claim` may come true and the others stay so.

    Occlusion (Zeiler and Fergus, arXiv:1311.2901), asked of claims against their foils: where
    covering makes the claim true, something is too much; where it takes away what the claim is
    about, that is wrong; else something is missing, and goes where covering harms least. None
    where no place tells more than another.
    """
    critique, places = candidate.critique, boxes(candidate.picture.size)
    without = [covered(candidate.picture, box) for box in places]
    seen, failed = look(critic, without, critique.claims, replace(settings, locate=False))
    if failed:
        raise ModelFailed(failed)
    before = [p or 0.0 for p in critique.probabilities]
    changed = [
        [(p or 0.0) - q for p, q in zip(found.probabilities, before, strict=True)] for found in seen
    ]
    return _too_much(places, changed, claim) or _other(places, changed, critique, claim)


def _too_much(places: Sequence[Box], changed: list[list[float]], claim: int) -> Region | None:
    best = max(range(len(places)), key=lambda place: changed[place][claim])
    if changed[best][claim] < _CLEAR:
        return None
    return Region(places[best], "what is there stands against it")


def _other(
    places: Sequence[Box], changed: list[list[float]], critique: Critique, claim: int
) -> Region | None:
    about = critique.claims[claim].needs
    if about is not None:
        worst = min(range(len(places)), key=lambda place: changed[place][about])
        shown = changed[worst][about] < -_CLEAR
        return Region(places[worst], "that is where it is") if shown else None
    if critique.claims[claim].kind != "count":
        return None
    kept = [i for i in range(len(critique.claims)) if i not in critique.failed]
    loss = [sum(max(0.0, -row[i]) for i in kept) for row in changed]
    free = min(range(len(places)), key=lambda place: (loss[place], -places[place][3]))
    return Region(places[free], "there is room for it") if loss[free] < _CLEAR else None
