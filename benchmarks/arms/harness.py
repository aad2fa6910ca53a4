"""What every arm works with: cases, trials, one metered writer, painter and critic, a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace

from PIL.Image import Image

from limner import Brief, Critique, Result, Studio
from limner.agent.brief.verdict import verdict
from limner.agent.brief.writer import BriefWriter
from limner.agent.events import BriefReady
from limner.agent.records import Claim
from limner.agent.scoring.evaluate import look
from limner.agent.search.rounds import seed_of, wording
from limner.agent.search.run import settle
from limner.benchmarks.arms.metered import Cost, MeteredCritic, MeteredPainter, metered_writer
from limner.errors import LimnerError, ModelFailed
from limner.pipelines.roles import ImageRequest

__all__ = ["FRESH", "Arm", "ArmRun", "Case", "Decide", "Harness", "Sample", "TrialRecord"]

FRESH = 500_009  # added to a run's seed for pictures that no arm has seen

Decide = Callable[[Image], tuple[bool, ...]]
Arm = Callable[["Harness", "Case", int, int], "TrialRecord"]
"""A way to spend a budget: takes the harness, a case, a seed and a budget in pictures."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request, its claims in words, and whoever decides which of them are true of a picture.

    `exact` is the brief that says just what was asked, where that is known without a writer;
    `second` another judge's word on the same claims, which nothing but a report is told.
    """

    id: str
    category: str
    request: str
    claims: tuple[str, ...]
    decide: Decide
    exact: Brief | None = None
    second: Decide | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture that an arm painted, what the critic says of it, and what had been spent by then.

    `at` counts image-equivalents to the end of this picture, as if those of a batch were painted
    one after the other.
    """

    image_request: ImageRequest
    picture: Image
    critique: Critique
    at: float


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What an arm made of a case: its pictures, the one handed over, and the order whose prompt is.

    `brief` is what the claims are from, `ended` the arm's own word on why it stopped.
    """

    samples: tuple[Sample, ...]
    chosen: int
    told: ImageRequest
    brief: Brief
    ended: str = ""
    cost: Cost = field(default_factory=Cost)

    @property
    def best(self) -> Sample:
        """The picture that is handed over."""
        return self.samples[self.chosen]

    @property
    def claimed(self) -> bool:
        """Whether the arm itself says that the picture is all that was asked for."""
        return verdict(self.brief, self.best.critique).reached


class Harness:
    """A studio whose models are metered, and what an arm needs beside it."""

    def __init__(self, studio: Studio, batch: int = 8) -> None:
        self.painter = MeteredPainter(studio.painter, batch)
        self.writer = metered_writer(studio.writer.writer, studio.names["writer"])
        self.critic = MeteredCritic(studio.critic)
        self.studio = Studio(self.writer, self.painter, self.critic, studio.settings, studio.search)
        self._search, self._writer = studio.search, self.studio.writer
        self._truths: dict[tuple[Decide, bytes], tuple[bool, ...]] = {}

    @property
    def taught(self) -> bool:
        """Whether the writer knows limner's own messages and no others, as the small ones do."""
        return (self.writer.name or "").startswith(("pocket", "fake"))

    def next_case(self) -> None:
        """Forget what was painted and said: the next case has no use for it."""
        self.painter.forget()
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
        key = decide, picture.tobytes()
        if key not in self._truths:
            self._truths[key] = decide(picture)
        return self._truths[key]

    def run(self, arm: Arm, case: Case, seed: int, budget: int) -> TrialRecord:
        """One arm at one case, with what it took; what was remembered is charged as if done again.

        All is whole again that an earlier arm took away.
        """
        self.studio.search, self.studio.writer = self._search, self._writer
        models = (self.painter, self.writer, self.critic)
        for each in models:
            each.begin()
        start = time.perf_counter()
        trial = arm(self, case, seed, budget)
        own, cost = time.perf_counter() - start, trial.cost
        cost.spent = self.painter.charged.spent
        cost.writer, cost.asked = self.writer.charged.writer, self.writer.charged.asked
        cost.painter, cost.critic = self.painter.charged.painter, self.critic.charged.critic
        rest = own - sum(each.real for each in models)
        cost.whole = max(rest, 0.0) + cost.writer + cost.painter + cost.critic
        return trial

    def brief(self, request: str, seed: int) -> Brief:
        """What the writer makes of a request."""
        *_, ready = self.studio.expand(request, seed=seed)
        assert isinstance(ready, BriefReady)
        return ready.brief

    def order(self, brief: Brief, seed: int) -> ImageRequest:
        """A full picture of a brief, as the studio would order it."""
        asked = settle(self.studio.settings, self.painter.spec, {})
        assert asked.size and asked.steps and asked.guidance is not None
        told, shunned = wording(brief, self.painter)
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

    def trial(self, result: Result) -> TrialRecord:
        """A result of the studio's own loop as a trial."""
        assert result.best
        marks = self.painter.marks
        samples = tuple(
            Sample(t.image_request, t.picture, t.critique, marks.get(t.image_request, result.spent))
            for t in result.candidates
        )
        chosen = result.candidates.index(result.best)
        told = replace(
            result.best.image_request, start=None
        )  # the prompt alone, whatever was painted over
        return TrialRecord(samples, chosen, told, result.best.brief, result.ended)

    def reword_nothing(self) -> None:
        """From now on in this trial, the writer refuses to reword a prompt, as if it could not."""
        whole = self._writer
        parts = {one.name: getattr(whole, one.name) for one in fields(whole) if one.init}
        self.studio.writer = _RewordsNothing(**parts)


@dataclass(frozen=True, slots=True)
class _RewordsNothing(BriefWriter):
    """The writer without one of its tasks."""

    def worded(self, brief: Brief, wrong: str, right: str, seed: int) -> str:
        """Refuses."""
        raise LimnerError("This arm rewords nothing.")


class ArmRun:
    """An arm's own loop: it paints wordings of a request as long as the budget pays for them.

    Every picture is weighed by the claims that the writer's brief of the request makes, whatever
    wording it was painted from. `typed` is that brief in the user's own words. `seeds` are those
    that the studio would take, in its order. `rough` is the share of all steps in which each
    picture is painted.
    """

    def __init__(
        self, harness: Harness, case: Case, seed: int, budget: int, rough: float = 1.0
    ) -> None:
        self.harness, self.case, self.seed, self.budget = harness, case, seed, budget
        self.rough = rough
        self.brief = harness.brief(case.request, seed)
        self.typed = replace(self.brief, prompt=self.brief.request, negative=())
        self.claims = self.brief.claims
        self.samples: list[Sample] = []

    @property
    def left(self) -> int:
        """Pictures that are still paid for."""
        cost = self.harness.painter.cost(self._order(self.brief, self.seed))
        return int(self.budget / cost + 1e-6) - len(self.samples)

    def seeds(self, count: int, first: int = 0) -> list[int]:
        """The seeds of so many pictures."""
        return [seed_of(self.seed, number) for number in range(first, first + count)]

    def paint(self, briefs: Sequence[Brief], seeds: Sequence[int]) -> list[Sample]:
        """A picture of each brief from the seed beside it, as many as are paid for, looked at."""
        pairs = list(zip(briefs, seeds, strict=True))[: self.left]
        orders = [self._order(brief, seed) for brief, seed in pairs]
        if not orders:
            return []
        pictures = self.harness.painter.pictures(orders)
        critiques = self.harness.critiques(pictures, self.claims)
        marks = [self.harness.painter.marks[order] for order in orders]
        new = list(map(Sample, orders, pictures, critiques, marks))
        self.samples += new
        return new

    def _order(self, brief: Brief, seed: int) -> ImageRequest:
        order = self.harness.order(brief, seed)
        return replace(order, steps=max(1, round(order.steps * self.rough)))

    def spend(self, brief: Brief) -> None:
        """Put all that is left into fresh seeds of one wording."""
        self.paint([brief] * self.left, self.seeds(self.left, first=len(self.samples)))

    def done(self, told: ImageRequest | None = None, ended: str = "budget") -> TrialRecord:
        """Hands over the picture that the critic likes best, the earliest of equals."""
        scores = [sample.critique.score for sample in self.samples]
        best = scores.index(max(scores))
        order = told or self.samples[best].image_request
        return TrialRecord(tuple(self.samples), best, order, self.brief, ended)
