"""The room that all arms work in: one writer, painter and critic, with their accounts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from PIL.Image import Image

from limner import Brief, Critique, Result, Studio
from limner.agent.brief.writer import BriefWriter
from limner.agent.events import BriefReady
from limner.agent.records import Claim
from limner.agent.scoring.evaluate import look
from limner.agent.search.rounds import seed_of, wording
from limner.agent.search.run import settle
from limner.benchmarks.arms.easel import Easel
from limner.benchmarks.arms.records import Case, Cost, Decide, Shot, Trial
from limner.benchmarks.arms.watched import WatchedCritic, watched
from limner.errors import LimnerError, ModelFailed
from limner.pipelines.roles import ImageRequest

__all__ = ["FRESH", "Arm", "Attempt", "Room"]

FRESH = 500_009  # added to a run's seed for pictures that no arm has seen

Arm = Callable[["Room", Case, int, int], Trial]


class Room:
    """A studio whose models are watched, and what an arm needs beside it."""

    def __init__(self, studio: Studio, batch: int = 8) -> None:
        self.easel = Easel(studio.painter, batch)
        self.writer = watched(studio.writer.writer, studio.names["writer"])
        self.critic = WatchedCritic(studio.critic)
        self.studio = Studio(self.writer, self.easel, self.critic, studio.settings, studio.search)
        self._search, self._writer = studio.search, self.studio.writer
        self._truths: dict[tuple[Decide, bytes], tuple[bool, ...]] = {}

    @property
    def taught(self) -> bool:
        """Whether the writer knows limner's own messages and no others, as the small ones do."""
        return (self.writer.name or "").startswith(("pocket", "fake"))

    def enter(self) -> None:
        """Begin a new case: what was painted and said for the last one is of no use any more."""
        self.easel.forget()
        self.writer.forget()
        self._truths.clear()

    def truth(self, case: Case, picture: Image) -> tuple[bool, ...]:
        """Which of the case's claims are true of a picture."""
        return self._judged(case.decide, picture)

    def second(self, case: Case, picture: Image) -> tuple[bool, ...]:
        """The same by the second judge; nothing where there is none."""
        return self._judged(case.second, picture) if case.second else ()

    def _judged(self, decide: Decide, picture: Image) -> tuple[bool, ...]:
        """Each picture is judged once by each."""
        seen = decide, picture.tobytes()
        if seen not in self._truths:
            self._truths[seen] = decide(picture)
        return self._truths[seen]

    def right(self, case: Case, picture: Image) -> bool:
        """Whether the picture is all that was asked for."""
        return all(self.truth(case, picture))

    def run(self, arm: Arm, case: Case, seed: int, budget: int) -> Trial:
        """One arm at one case, with what it took."""
        self._begin()
        start = time.perf_counter()
        trial = arm(self, case, seed, budget)
        own = time.perf_counter() - start
        self._settle(trial.cost, own)
        return trial

    def brief(self, request: str, seed: int) -> Brief:
        """What the writer makes of a request."""
        *_, ready = self.studio.expand(request, seed=seed)
        assert isinstance(ready, BriefReady)
        return ready.brief

    def order(self, brief: Brief, seed: int) -> ImageRequest:
        """A full picture of a brief, as the studio would order it."""
        painter = self.easel
        asked = settle(self.studio.settings, painter.dialect, {})
        assert asked.size and asked.steps and asked.guidance is not None
        told, shunned = wording(brief, painter)
        return ImageRequest(
            told.prompt, seed, *asked.size, asked.steps, asked.guidance, negative=shunned.prompt
        )

    def critiques(self, pictures: Sequence[Image], claims: Sequence[Claim]) -> list[Critique]:
        """What the critic says of each picture, calibrated as in the studio's own loop.

        Raises `ModelFailed` where it says nothing.
        """
        found, failed = look(self.critic, pictures, tuple(claims), self.studio.settings)
        if failed and claims:
            raise ModelFailed(failed, "The run goes on where it was, by the same line.")
        return found

    def trial(self, result: Result) -> Trial:
        """A result of the studio's own loop as a trial."""
        assert result.best
        shots = tuple(
            Shot(t.order, t.picture, t.critique, self.easel.marks.get(t.order, result.spent))
            for t in result.takes
        )
        chosen = result.takes.index(result.best)
        told = replace(result.best.order, start=None)  # the prompt alone, whatever was painted over
        return Trial(shots, chosen, told, result.best.brief, result.ended)

    def reword_nothing(self) -> None:
        """From now on in this trial, the writer refuses to reword a prompt, as if it could not."""
        whole = self._writer
        parts = {field.name: getattr(whole, field.name) for field in fields(whole)}
        self.studio.writer = _Wordless(**parts)

    def _begin(self) -> None:
        """Clean accounts, and all whole again that an arm took away."""
        self.studio.search, self.studio.writer = self._search, self._writer
        for each in (self.easel, self.writer, self.critic):
            each.begin()

    def _settle(self, cost: Cost, own: float) -> None:
        """Charges what was remembered as if it had been done again."""
        watched = (self.easel, self.writer, self.critic)
        cost.spent = self.easel.charged.spent
        cost.writer, cost.asked = self.writer.charged.writer, self.writer.charged.asked
        cost.painter, cost.critic = self.easel.charged.painter, self.critic.charged.critic
        rest = own - sum(each.real for each in watched)
        cost.whole = max(rest, 0.0) + cost.writer + cost.painter + cost.critic


@dataclass(frozen=True, slots=True)
class _Wordless(BriefWriter):
    """The writer without one of its tasks."""

    def worded(self, brief: Brief, wrong: str, right: str, seed: int) -> str:
        """Refuses."""
        raise LimnerError("This arm rewords nothing.")


class Attempt:
    """An arm's own loop: it paints wordings of a request as long as the budget pays for them.

    Every picture is weighed by the claims that the writer's brief of the request makes, whatever
    wording it was painted from. `seeds` are those that the studio would take, in its order.
    `rough` is the share of all steps in which each picture is painted.
    """

    def __init__(self, room: Room, case: Case, seed: int, budget: int, rough: float = 1.0) -> None:
        self.room, self.case, self.seed, self.budget = room, case, seed, budget
        self.rough = rough
        self.brief = room.brief(case.request, seed)
        self.claims = self.brief.claims
        self.shots: list[Shot] = []

    @property
    def left(self) -> int:
        """Pictures that are still paid for."""
        cost = self.room.easel.cost(self._order(self.brief, self.seed))
        return int(self.budget / cost + 1e-6) - len(self.shots)

    def seeds(self, count: int, first: int = 0) -> list[int]:
        """The seeds of so many pictures."""
        return [seed_of(self.seed, number) for number in range(first, first + count)]

    def paint(self, briefs: Sequence[Brief], seeds: Sequence[int]) -> list[Shot]:
        """A picture of each brief from the seed beside it, as many as are paid for, looked at."""
        pairs = list(zip(briefs, seeds, strict=True))[: self.left]
        orders = [self._order(brief, seed) for brief, seed in pairs]
        if not orders:
            return []
        pictures = self.room.easel.pictures(orders)
        seen = self.room.critiques(pictures, self.claims)
        marks = self.room.easel.marks
        rows = zip(orders, pictures, seen, strict=True)
        new = [Shot(order, picture, critique, marks[order]) for order, picture, critique in rows]
        self.shots += new
        return new

    def _order(self, brief: Brief, seed: int) -> ImageRequest:
        order = self.room.order(brief, seed)
        return replace(order, steps=max(1, round(order.steps * self.rough)))

    def spend(self, brief: Brief) -> None:
        """Put all that is left into fresh seeds of one wording."""
        self.paint([brief] * self.left, self.seeds(self.left, first=len(self.shots)))

    def done(self, told: ImageRequest | None = None, ended: str = "budget") -> Trial:
        """Hands over the picture that the critic likes best, the earliest of equals."""
        best = max(range(len(self.shots)), key=lambda n: (self.shots[n].critique.score, -n))
        order = told or self.shots[best].order
        return Trial(tuple(self.shots), best, order, self.brief, ended)
