"""The search that limner uses: fresh seeds, repairs and rewordings, each where it is worth most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from limner.agent.events import Decided
from limner.agent.records import company
from limner.agent.search.rounds import (
    Attempt,
    Rounds,
    Sketch,
    affordable,
    holding,
    missing,
    next_seed,
    order_of,
)
from limner.agent.search.run import Repair, Run
from limner.agent.syntax.reader import parse
from limner.pipelines.roles import ImageRequest, InitImage, Painter

__all__ = [
    "Refine",
]


_PATIENCE = 6  # takes after which a claim that never came near may be given up
_HOPELESS = 0.1
_EACH = 2  # pictures' worth of a round for which one sketch is painted to its end


@dataclass(frozen=True, slots=True)
class Refine(Rounds):
    """Goes on until it is sure, and says of each step why.

    A round of fresh seeds; then, while something fails, by turns a repair of the best take (what
    fails is found by covering places, and painted over with `strength`; not what stands in the
    wrong place, and nothing without `repairs`) and a rewording. `sure` is
    the chance that all claims hold from which it stops early. A share `control` of the budget goes
    to the request as it was typed, so that a wording that does worse than none is found out. With
    `sketches`, a round begins so many of fresh seeds, looks at what they are going to be after the
    share `rough` of all steps, and paints on the best, one for each `_EACH` pictures' worth (see
    `Sketching`). Each wording has `patience` rounds before anything else is tried.
    """

    sure: float = 0.5
    strength: float = 0.9
    control: float = 0.125
    repairs: bool = True
    patience: int = 1
    sketches: int = 0
    rough: float = 0.2

    def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
        """A repair where one was aimed, else fresh seeds, of which some of the plain request."""
        if run.repair:
            return _over(run, painter, run.repair, self.strength)
        fresh = self._fresh(run, painter)
        plain = self._plain(run, painter, len(fresh))
        return [*fresh[: len(fresh) - len(plain)], *plain]

    def decide(self, run: Run, painter: Painter) -> Decided:
        """Done when sure; given up when hopeless; else what seems to help most."""
        run.repair = None
        best = run.best
        if best is None or not best.critique.known:
            return Rounds.decide(self, run, painter)
        why = self.spent(run, painter)
        if best.critique.holds and (why or best.critique.chance >= self.sure):
            return Decided(run.round, "done", holding(best))
        if given_up := hopeless(run):
            return Decided(run.round, "stop", given_up)
        if why:
            return Decided(run.round, "stop", why)
        if best.critique.holds:
            chance = f"all at once with a chance of {best.critique.chance:.0%}"
            return Decided(run.round, "repaint", f"What could be checked holds, but {chance}.")
        wrong = f"Not yet true: {missing(best.critique)}."
        if self._tried(run) < self.patience:
            return Decided(run.round, "repaint", wrong)
        return Decided(run.round, "repair" if self._can_repair(run, painter) else "revise", wrong)

    def sketch(self, run: Run, painter: Painter, attempts: Sequence[Attempt]) -> Sketch | None:
        """As many as a round takes are painted on of the fresh seeds, where they are sketches."""
        if run.repair or not self._sketched(run, painter):
            return None
        keep = self._kept(run, painter.cost(attempts[0].order))
        return Sketch(self._steps(attempts[0].order), keep)

    def _fresh(self, run: Run, painter: Painter) -> list[Attempt]:
        """A round's worth of fresh seeds, or of what the budget pays for."""
        one = order_of(run, painter)
        plain = max(0, min(run.settings.takes, affordable(run, painter.cost(one))))
        count = self._sketched(run, painter) or plain
        seeds = [next_seed(run, ahead) for ahead in range(count)]
        return [Attempt(replace(one, seed=seed), run.brief) for seed in seeds]

    def _tried(self, run: Run) -> int:
        """In how many rounds the present wording was painted."""
        return len({take.round for take in run.takes if take.brief.prompt == run.brief.prompt})

    def _can_repair(self, run: Run, painter: Painter) -> bool:
        best = run.best
        assert best  # something was wrong with it
        worst = best.critique.worst
        stands = worst is not None and bool(best.critique.claims[worst].things)
        able = self.repairs and painter.dialect.repairs
        return able and not stands and best.number not in run.repaired

    def _sketched(self, run: Run, painter: Painter) -> int:
        """How many sketches a round makes, which leave enough for its pictures; 0 for none.

        Where nothing is claimed there is nothing to choose by.
        """
        one = order_of(run, painter)
        steps, full = self._steps(one), painter.cost(one)
        keep, rough = self._kept(run, full), full * steps / one.steps
        most = min(self.sketches, affordable(run, rough, keep * (full - rough)))
        able = run.refine and run.claims and steps < one.steps
        return most if able and most > keep > 0 else 0

    def _kept(self, run: Run, full: float) -> int:
        """How many sketches are painted to their end, when a picture costs so much."""
        each = max(1, affordable(run, full * _EACH))
        return min(run.settings.takes, each, affordable(run, full))

    def _steps(self, order: ImageRequest) -> int:
        return max(1, round(order.steps * self.rough))

    def _plain(self, run: Run, painter: Painter, count: int) -> list[Attempt]:
        """The control: pictures of the request in the user's own words, in the first round."""
        brief = replace(run.brief, prompt=run.request)
        same = run.request == run.brief.prompt or run.request != parse(run.request).text
        whole = all(claim.quote in run.request for claim in run.brief.asked)  # no change to another
        said = run.request.isascii() and whole and not same
        if run.round or not run.refine or not said:
            return []
        number = min(round(run.settings.budget * self.control), count // 2)
        order = order_of(run, painter, brief)
        seeds = [next_seed(run, count - number + ahead) for ahead in range(number)]
        return [Attempt(replace(order, seed=seed), brief) for seed in seeds]


def hopeless(run: Run) -> str:
    """Why to stop: what still fails came near to true in no take; "" while there is hope."""
    best = run.best
    if best is None or len(run.takes) < _PATIENCE:
        return ""
    wrong = best.critique.blamed
    nearest = {i: max(take.critique.probabilities[i] or 0.0 for take in run.takes) for i in wrong}
    if not wrong or max(nearest.values()) >= _HOPELESS:
        return ""
    texts = {i: best.critique.claims[i].text.rstrip(".") for i in wrong}
    told = "; ".join(f"{texts[i]} ({nearest[i]:.0%})" for i in wrong)
    return f"Given up, for none of {len(run.takes)} pictures came near: {told}."


def _over(run: Run, painter: Painter, repair: Repair, strength: float) -> list[Attempt]:
    """The best take painted over in one place, from a few fresh seeds."""
    take = repair.take
    beside = company(take, run.takes)
    start = InitImage(take.picture, strength, repair.box, take.order, *beside)
    one = replace(take.order, start=start)
    count = max(0, min(run.settings.takes, affordable(run, painter.cost(one))))
    seeds = [next_seed(run, ahead) for ahead in range(count)]
    return [Attempt(replace(one, seed=seed), take.brief) for seed in seeds]
