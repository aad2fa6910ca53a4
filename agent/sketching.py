"""Looks at pictures that are just begun, and drops all but those that promise most."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

from limner.agent.events import Decided, Event
from limner.agent.looking.look import look
from limner.agent.records import Critique
from limner.agent.run import Run
from limner.agent.search import Sketch
from limner.pipelines.roles import Critic, Order, Painted, Painting, Step

__all__ = ["Sketching"]


@dataclass(slots=True)
class Sketching:
    """One batch of pictures of which only the best are painted to their end.

    The first rung of successive halving (Jamieson and Talwalkar, arXiv:1502.07943). `gone` says
    after which step each order was dropped, 0 for none, and `seen` what was said of each. A painter
    short of memory paints a batch in parts, and tells the steps of each: then the best of each part
    stay, as many as are its due.
    """

    critic: Critic
    run: Run
    orders: Sequence[Order]
    asked: Sketch
    gone: list[int] = field(init=False)
    seen: dict[int, Critique] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gone = [0] * len(self.orders)

    def after(self, step: Step, painting: Painting) -> Generator[Event, None, None]:
        """Once the sketches are there, looks at them and drops what is not worth finishing."""
        if step.number != self.asked.steps:
            return
        here = sorted(step.previews) or list(range(len(self.orders)))
        keep = max(1, round(self.asked.keep * len(here) / len(self.orders)))
        best = self._best(step, here, keep)
        for index in set(here) - set(best):
            self.gone[index] = step.number
            painting.drop(index)
        why = f"{len(best)} of {len(here)} sketches of {step.number} steps are painted on."
        yield Decided(self.run.round, "sketch", why)

    def told(self, done: Painted) -> Painted:
        """A finished picture, with the batch that it was painted in."""
        if done.company or not any(self.gone):
            return done
        seeds = tuple(order.seed for order in self.orders)
        return replace(done, company=seeds, gone=tuple(self.gone))

    def _best(self, step: Step, here: Sequence[int], keep: int) -> list[int]:
        """The most promising of the sketches; the first of them where nobody can tell."""
        run = self.run
        drawn = [step.previews[index] for index in here if index in step.previews]
        critiques, failed = look(self.critic, drawn, run.claims, run.settings)
        if failed or not drawn:
            return list(here[:keep])
        self.seen |= dict(zip(here, critiques, strict=True))
        return sorted(here, key=lambda index: self.seen[index].score, reverse=True)[:keep]
