"""The search that limner uses: fresh seeds, repairs and rewordings, each where it is worth most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from limner.agent.events import Decided
from limner.agent.records import batch_of
from limner.agent.search.rounds import (
    Attempt,
    DropPlan,
    Rounds,
    affordable,
    all_checked,
    holding,
    image_request_of,
    missing,
    next_seed,
)
from limner.agent.search.run import Repair, Run
from limner.pipelines.roles import ImageRequest, InitImage, Painter

__all__ = [
    "Refine",
]


_PATIENCE = 6  # pictures after which a claim that never came near may be given up
_HOPELESS = 0.1
_EACH = 2  # pictures' worth of a round for which one draft is painted to its end


@dataclass(frozen=True, slots=True)
class Refine(Rounds):
    """Goes on until it is confident, and says of each step why.

    A round of fresh seeds; then, while something fails, by turns a repair of the best picture (what
    fails is found by covering places, and painted over with `strength`; not what stands in the
    wrong place, and nothing without `repairs`) and a rewording. `stop_confidence` is the chance
    that all claims hold from which it stops early. A share `control` of the budget goes to the
    request as it was typed, so that a wording that does worse than none is found out. With
    `drafts`, a round begins so many of fresh seeds, looks at what they are going to be after the
    share `drop_at` of all steps, and paints on the best, one for each `_EACH` pictures' worth (see
    `EarlyDrop`). Each wording has `patience` rounds before anything else is tried.
    """

    stop_confidence: float = 0.5
    strength: float = 0.9
    control: float = 0.125
    repairs: bool = True
    patience: int = 1
    drafts: int = 0
    drop_at: float = 0.2

    def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
        """A repair where one was aimed, else fresh seeds, of which some of the plain request."""
        if run.repair:
            return _over(run, painter, run.repair, self.strength)
        fresh = self._fresh(run, painter)
        plain = self._plain(run, painter, len(fresh))
        return [*fresh[: len(fresh) - len(plain)], *plain]

    def decide(self, run: Run, painter: Painter) -> Decided:
        """Done when confident; given up when hopeless; else what seems to help most."""
        run.repair = None
        best = run.best
        if best is None or not best.critique.known:
            return Rounds.decide(self, run, painter)
        why = self.spent(run, painter)
        if best.critique.holds and (why or best.critique.chance >= self.stop_confidence):
            return Decided(run.round, "done", holding(best))
        if given_up := hopeless(run):
            return Decided(run.round, "stop", given_up)
        if why:
            return Decided(run.round, "stop", why)
        if best.critique.holds:
            what = "all claims hold" if all_checked(best) else "all that could be checked holds"
            why = f"{best.critique.chance:.0%} sure that {what}; trying once more."
            return Decided(run.round, "repaint", why)
        wrong = f"Not yet true: {missing(best.critique)}."
        if self._tried(run) < self.patience:
            return Decided(run.round, "repaint", wrong)
        return Decided(run.round, "repair" if self._can_repair(run, painter) else "revise", wrong)

    def drop_plan(self, run: Run, painter: Painter, attempts: Sequence[Attempt]) -> DropPlan | None:
        """As many as a round has are painted on of the fresh seeds, where they are drafts."""
        if run.repair or not self._drafted(run, painter):
            return None
        keep = self._kept(run, painter.cost(attempts[0].image_request))
        return DropPlan(self._steps(attempts[0].image_request), keep)

    def _fresh(self, run: Run, painter: Painter) -> list[Attempt]:
        """A round's worth of fresh seeds, or of what the budget pays for."""
        one = image_request_of(run, painter)
        plain = max(0, min(run.settings.images_per_round, affordable(run, painter.cost(one))))
        count = self._drafted(run, painter) or plain
        seeds = [next_seed(run, ahead) for ahead in range(count)]
        return [Attempt(replace(one, seed=seed), run.brief) for seed in seeds]

    def _tried(self, run: Run) -> int:
        """In how many rounds the present wording was painted."""
        return len({one.round for one in run.candidates if one.brief.prompt == run.brief.prompt})

    def _can_repair(self, run: Run, painter: Painter) -> bool:
        best = run.best
        assert best  # something was wrong with it
        worst = best.critique.worst
        stands = worst is not None and bool(best.critique.claims[worst].things)
        able = self.repairs and painter.spec.repairs
        return able and not stands and best.number not in run.repaired

    def _drafted(self, run: Run, painter: Painter) -> int:
        """How many drafts a round makes, which leave enough for its pictures; 0 for none.

        Where nothing is claimed there is nothing to choose by.
        """
        one = image_request_of(run, painter)
        steps, full = self._steps(one), painter.cost(one)
        keep, draft = self._kept(run, full), full * steps / one.steps
        most = min(self.drafts, affordable(run, draft, keep * (full - draft)))
        able = run.refine and run.claims and steps < one.steps
        return most if able and most > keep > 0 else 0

    def _kept(self, run: Run, full: float) -> int:
        """How many drafts are painted to their end, when a picture costs so much."""
        each = max(1, affordable(run, full * _EACH))
        return min(run.settings.images_per_round, each, affordable(run, full))

    def _steps(self, image_request: ImageRequest) -> int:
        return max(1, round(image_request.steps * self.drop_at))

    def _plain(self, run: Run, painter: Painter, count: int) -> list[Attempt]:
        """The control: pictures of the request in the user's own words, in the first round."""
        brief = replace(run.brief, prompt=run.request)
        same = run.request == run.brief.prompt or run.request != run.parsed.text
        whole = all(claim.quote in run.request for claim in run.brief.asked)  # no change to another
        said = run.request.isascii() and whole and not same
        if run.round or not run.refine or not said:
            return []
        number = min(round(run.settings.budget * self.control), count // 2)
        image_request = image_request_of(run, painter, brief)
        seeds = [next_seed(run, count - number + ahead) for ahead in range(number)]
        return [Attempt(replace(image_request, seed=seed), brief) for seed in seeds]


def hopeless(run: Run) -> str:
    """Why to stop: what still fails came near to true in no picture; "" while there is hope."""
    best = run.best
    if best is None or len(run.candidates) < _PATIENCE:
        return ""
    wrong = best.critique.blamed
    nearest = {
        i: max(candidate.critique.probabilities[i] or 0.0 for candidate in run.candidates)
        for i in wrong
    }
    if not wrong or max(nearest.values()) >= _HOPELESS:
        return ""
    texts = {i: best.critique.claims[i].text.rstrip(".") for i in wrong}
    told = "; ".join(f"{texts[i]} ({nearest[i]:.0%})" for i in wrong)
    return f"Given up, for none of {len(run.candidates)} pictures came near: {told}."


def _over(run: Run, painter: Painter, repair: Repair, strength: float) -> list[Attempt]:
    """The best candidate painted over in one place, from a few fresh seeds."""
    candidate = repair.candidate
    batch_seeds = batch_of(candidate, run.candidates)
    start = InitImage(
        candidate.picture, strength, repair.box, candidate.image_request, *batch_seeds
    )
    one = replace(candidate.image_request, start=start)
    count = max(0, min(run.settings.images_per_round, affordable(run, painter.cost(one))))
    seeds = [next_seed(run, ahead) for ahead in range(count)]
    return [Attempt(replace(one, seed=seed), candidate.brief) for seed in seeds]
