"""What a search can do besides fresh seeds: variations, early drops, repairs, rewording."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from limner.agent.brief.writer import BriefWriter
from limner.agent.events import Decided, Event, PromptRevised
from limner.agent.plain import first_line
from limner.agent.records import Candidate, Critique
from limner.agent.scoring.evaluate import instead, look
from limner.agent.scoring.localize import region
from limner.agent.search.rounds import Attempt, Rounds, Sketch, holding, seed_of
from limner.agent.search.run import Repair, Run
from limner.errors import LimnerError
from limner.pipelines.roles import (
    Critic,
    GeneratedImage,
    ImageRequest,
    ImageStream,
    InitImage,
    Painter,
    Step,
)

__all__ = [
    "EarlyDrop",
    "RepairOrReword",
    "Variation",
]


Company = tuple[tuple[int, ...], tuple[int, ...]]


class Variation(Rounds):
    """Paints one round over a take; `strength`, above 0 and up to 1, is how much is painted anew.

    `beside` is the take's own batch (`records.company`).
    Each starts from the take's own picture with a noise of its own (SDEdit, arXiv:2108.01073).
    """

    def __init__(self, take: Candidate, strength: float, beside: Company = ((), ())) -> None:
        self.take = take
        self.start = InitImage(take.picture, strength, None, take.order, *beside)

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


@dataclass(slots=True)
class EarlyDrop:
    """One batch of pictures of which only the best are painted to their end.

    The first rung of successive halving (Jamieson and Talwalkar, arXiv:1502.07943). `gone` says
    after which step each order was dropped, 0 for none, and `seen` what was said of each. A painter
    short of memory paints a batch in parts, and tells the steps of each: then the best of each part
    stay, as many as are its due.
    """

    critic: Critic
    run: Run
    orders: Sequence[ImageRequest]
    asked: Sketch
    gone: list[int] = field(init=False)
    seen: dict[int, Critique] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gone = [0] * len(self.orders)

    def after(self, step: Step, painting: ImageStream) -> Generator[Event, None, None]:
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

    def told(self, done: GeneratedImage) -> GeneratedImage:
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


@dataclass(frozen=True, slots=True)
class RepairOrReword:
    """The two who can tell what to mend and how, and the run that they mend."""

    writer: BriefWriter
    critic: Critic
    run: Run

    def aim(self, best: Candidate) -> Iterator[Event]:
        """Finds where to paint the best take over; where no place tells, fresh seeds are next."""
        run, critique = self.run, best.critique
        claim = critique.worst
        assert claim is not None  # else there was nothing to repair
        run.repaired.add(best.number)
        why = "No place in it tells more than another."
        try:
            found = region(self.critic, best, run.settings, claim)
        except Exception as problem:  # a critic is anyone's code; fresh seeds need none
            found, why = None, f"The critic failed: {first_line(problem)}."
        if found is None:
            yield Decided(run.round, "repaint", f"{why} Fresh seeds are next.")
            return
        run.repair = Repair(best, found.box)
        where = "from {} x {} to {} x {}".format(*found.box)
        said = f"{critique.claims[claim].text}: {found.why}"
        yield Decided(run.round, "aim", f"{said}, {where}.")

    def revise(self, best: Candidate) -> Iterator[Event]:
        """Rewords the best take's prompt; where no new wording comes of it, keeps that one."""
        run = self.run
        tried = {take.brief.prompt for take in run.takes}
        prompt, why = best.brief.prompt, ""
        seed = seed_of(run.seed, run.round)
        try:
            seen = self._seen(best)
            fresh = self.writer.reword(best.brief, best.critique, seed, seen)
        except Exception as problem:  # a writer is anyone's code; fresh seeds need none
            why = problem.message if isinstance(problem, LimnerError) else first_line(problem)
            run.note(f"no new wording: {why}")
        else:
            if fresh not in tried:
                run.brief = replace(best.brief, prompt=fresh)
                yield PromptRevised(run.round, prompt, fresh, "")
                return
        reason = why or "The writer has no wording that was not tried."
        yield Decided(run.round, "repaint", f"{reason} The best wording gets fresh seeds.")

    def _seen(self, best: Candidate) -> dict[int, str]:
        """What the take looks like in place of what failed, for the writer to read."""
        try:
            return instead(self.critic, best.picture, best.critique)
        except Exception as problem:  # a critic is anyone's code; a rewording can do without
            self.run.note(f"what it looks like instead is not known: {first_line(problem)}")
            return {}
