"""Early drop: many pictures are begun, and only the best of the drafts are painted to their end."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

from limner.agent.events import Decided, Event
from limner.agent.records import Critique
from limner.agent.scoring.evaluate import look
from limner.agent.search.rounds import DropPlan
from limner.agent.search.run import Run
from limner.pipelines.roles import Critic, GeneratedImage, ImageRequest, ImageStream, Step

__all__ = ["EarlyDrop"]


@dataclass(slots=True)
class EarlyDrop:
    """One batch of pictures of which only the best are painted to their end.

    The first rung of successive halving (Jamieson and Talwalkar, arXiv:1502.07943). `dropped_at`
    says after which step each was dropped, 0 for none, and `seen` what the critic saw in each
    draft. A painter short of memory paints a batch in parts, and tells the steps of each: then the
    best of each part stay, as many as are its due.
    """

    critic: Critic
    run: Run
    requests: Sequence[ImageRequest]
    plan: DropPlan
    dropped_at: list[int] = field(init=False)
    seen: dict[int, Critique] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dropped_at = [0] * len(self.requests)

    def after(self, step: Step, painting: ImageStream) -> Generator[Event, None, None]:
        """Once the drafts are there, looks at them and drops what is not worth finishing."""
        if step.number != self.plan.steps:
            return
        here = sorted(step.previews) or list(range(len(self.requests)))
        keep = max(1, round(self.plan.keep * len(here) / len(self.requests)))
        best = self._best(step, here, keep)
        for index in set(here) - set(best):
            self.dropped_at[index] = step.number
            painting.drop(index)
        why = f"{len(here)} quick sketches; finishing the best {len(best)}."
        yield Decided(self.run.round, "drop", why)

    def with_batch(self, done: GeneratedImage) -> GeneratedImage:
        """A finished picture, with the batch that it was painted in."""
        if done.batch_seeds or not any(self.dropped_at):
            return done
        seeds = tuple(request.seed for request in self.requests)
        return replace(done, batch_seeds=seeds, dropped_at=tuple(self.dropped_at))

    def _best(self, step: Step, here: Sequence[int], keep: int) -> list[int]:
        """The most promising of the drafts; the first of them where nobody can tell."""
        run = self.run
        drawn = [step.previews[index] for index in here if index in step.previews]
        critiques, failed = look(self.critic, drawn, run.claims, run.settings)
        if failed or not drawn:
            return list(here[:keep])
        self.seen |= dict(zip(here, critiques, strict=True))
        return sorted(here, key=lambda index: self.seen[index].score, reverse=True)[:keep]
