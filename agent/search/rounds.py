"""Where the budget goes: what a search may decide, and the simplest one there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from limner.agent.brief.prompt import Fitted, fit
from limner.agent.events import Decided
from limner.agent.records import Brief, Candidate, Critique
from limner.agent.search.run import Run
from limner.pipelines.roles import ImageRequest, Painter

__all__ = [
    "Attempt",
    "DropPlan",
    "Rounds",
    "Search",
    "affordable",
    "all_checked",
    "holding",
    "image_request_of",
    "missing",
    "next_seed",
    "seed_of",
    "wording",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A picture to be painted, and the brief that it is painted from."""

    image_request: ImageRequest
    brief: Brief


@dataclass(frozen=True, slots=True)
class DropPlan:
    """A look at attempts after so many of their `steps`; the `keep` best are painted on."""

    steps: int
    keep: int


class Search(Protocol):
    """Decides, from what was painted so far, what is painted next, and says why."""

    def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
        """The next batch; all share size, steps and guidance. Empty when nothing is affordable."""
        ...

    def decide(self, run: Run, painter: Painter) -> Decided:
        """What to do after a round: "done", "revise", "repaint", "repair" or "stop"."""
        ...

    def drop_plan(self, run: Run, painter: Painter, attempts: Sequence[Attempt]) -> DropPlan | None:
        """How to choose among the attempts half-way; None to paint all of them to their end."""
        return None


class Rounds(Search):
    """Rounds of equal size on the newest wording, until all claims hold or the budget is spent."""

    def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
        """As many as a round has and the budget still pays for, each with a fresh seed."""
        one = image_request_of(run, painter)
        count = max(0, min(run.settings.images_per_round, affordable(run, painter.cost(one))))
        seeds = [next_seed(run, ahead) for ahead in range(count)]
        return [Attempt(replace(one, seed=seed), run.brief) for seed in seeds]

    def decide(self, run: Run, painter: Painter) -> Decided:
        """Stop at the first picture of which every claim holds; else reword what went wrong."""
        best = run.best
        if best is None or not best.critique.known:
            return Decided(run.round, "stop", "Nothing could be checked, so nothing can be mended.")
        if best.critique.holds:
            return Decided(run.round, "done", holding(best))
        if why := self.spent(run, painter):
            return Decided(run.round, "stop", why)
        return Decided(run.round, "revise", f"Not yet true: {missing(best.critique)}.")

    def spent(self, run: Run, painter: Painter) -> str:
        """Why no other round can follow; "" when one can."""
        if not run.refine:
            return "One round was asked for."
        if run.out_of_time:
            return "The time is spent."
        return "" if self.attempts(run, painter) else "The budget is spent."


def affordable(run: Run, cost: float, kept: float = 0.0) -> int:
    """How many pictures of that cost the budget still pays for, when so much of it is kept back.

    Both are in image-equivalents.
    """
    return int((run.settings.budget - run.spent - kept) / cost + 1e-6)


def holding(candidate: Candidate) -> str:
    """That what was asked holds on a candidate; no more than was looked at."""
    if all_checked(candidate):
        return f"Every claim holds on #{candidate.number + 1}."
    return f"All that could be checked holds on #{candidate.number + 1}."


def all_checked(candidate: Candidate) -> bool:
    """True where every word of the request became a claim, and the critic could judge each."""
    brief = candidate.brief
    return candidate.critique.verified and not (brief.unchecked or brief.not_shown)


def missing(critique: Critique) -> str:
    """The claims that are to blame, in words."""
    wrong = critique.blamed or critique.failed
    return "; ".join(critique.claims[i].text.rstrip(".") for i in wrong)


def seed_of(seed: int, number: int) -> int:
    """The seed of the picture at `number` (0-based, through all rounds), in 0..2**32 - 1.

    An odd multiplier spreads the requests' seeds over the 32 bits (Knuth's multiplicative hash,
    TAOCP 3, 6.4); counting on from there keeps all seeds of a request distinct.
    """
    return (seed * 2_654_435_761 + number) % 2**32


def image_request_of(run: Run, painter: Painter, brief: Brief | None = None) -> ImageRequest:
    """The next picture, on the run's present wording or that of another brief."""
    settings = run.settings
    assert settings.size and settings.steps and settings.guidance is not None  # settle() saw to it
    width, height = settings.size
    told, shunned = wording(brief or run.brief, painter)
    return ImageRequest(
        prompt=told.prompt,
        seed=next_seed(run),
        width=width,
        height=height,
        steps=settings.steps,
        guidance=settings.guidance,
        negative=shunned.prompt,
    )


def wording(brief: Brief, painter: Painter) -> tuple[Fitted, Fitted]:
    """The prompt and the negative prompt, as the painter wants them, and as much as it reads."""
    count, most = painter.count_tokens, painter.spec.tokens
    asked = [claim for claim in brief.asked if claim.kind != "absent"]
    keep = tuple(word for claim in asked for word in (claim.subject, claim.object, claim.value))
    negative = ", ".join(brief.negative) if painter.spec.negative else ""
    avoided = brief.style_negative if painter.spec.negative else ()
    return (
        fit(brief.prompt, count, most, keep=tuple(filter(None, keep)), style=brief.style_prompt),
        fit(negative, count, most, style=", ".join(avoided)),
    )


def next_seed(run: Run, ahead: int = 0) -> int:
    """The seed of the picture after `ahead` others, all fresh."""
    number = run.requested + ahead
    if run.first_seed is None:
        return seed_of(run.seed, number)
    if number == 0:
        return run.first_seed
    seed = seed_of(run.seed, number)
    return seed_of(run.seed, 0) if seed == run.first_seed else seed  # never the same picture twice
