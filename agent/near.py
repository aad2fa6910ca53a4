"""One round of pictures near a take: painted over it, so that only so much of it differs."""

from __future__ import annotations

from dataclasses import replace

from limner.agent.events import Decided
from limner.agent.records import Take
from limner.agent.run import Run
from limner.agent.search import Attempt, Rounds, holding
from limner.pipelines.roles import Painter, Start

__all__ = ["Near"]

Company = tuple[tuple[int, ...], tuple[int, ...]]


class Near(Rounds):
    """Paints one round over a take; `strength`, above 0 and up to 1, is how much is painted anew.

    `beside` is the take's own batch (`records.company`).
    Each starts from the take's own picture with a noise of its own (SDEdit, arXiv:2108.01073).
    """

    def __init__(self, take: Take, strength: float, beside: Company = ((), ())) -> None:
        self.take = take
        self.start = Start(take.picture, strength, None, take.order, *beside)

    def attempts(self, run: Run, painter: Painter) -> list[Attempt]:
        """As many as a round takes and the budget pays for; none after the first round."""
        if run.takes:
            return []
        fresh = super().attempts(run, painter)
        near = [replace(self.take.order, seed=one.order.seed, start=self.start) for one in fresh]
        return [Attempt(order, run.brief) for order in near]

    def decide(self, run: Run, painter: Painter) -> Decided:
        """Stop after the one round, whatever came of it."""
        best = run.best
        if best and best.critique.holds:
            return Decided(run.round, "done", holding(best))
        return Decided(run.round, "stop", f"One round near take {self.take.number + 1}.")
