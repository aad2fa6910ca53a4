"""Repair or reword: finds the place to paint over, or another wording, for what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from limner.agent.brief.writer import BriefWriter
from limner.agent.events import Decided, Event, PromptRevised
from limner.agent.plain import first_line
from limner.agent.records import Candidate
from limner.agent.scoring.evaluate import instead
from limner.agent.scoring.localize import region
from limner.agent.search.rounds import seed_of
from limner.agent.search.run import Repair, Run
from limner.errors import LimnerError
from limner.pipelines.roles import Critic

__all__ = ["RepairOrReword"]


@dataclass(frozen=True, slots=True)
class RepairOrReword:
    """Decides how the next round differs: by a place to paint over, or by another wording."""

    writer: BriefWriter
    critic: Critic
    run: Run

    def aim(self, best: Candidate) -> Iterator[Event]:
        """Finds where to paint the best one over; where no place tells, fresh seeds follow."""
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
        """Rewords the best candidate's prompt; where no new wording comes of it, keeps that one."""
        run = self.run
        tried = {candidate.brief.prompt for candidate in run.candidates}
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
        """What the picture looks like in place of what failed, for the writer to read."""
        try:
            return instead(self.critic, best.picture, best.critique)
        except Exception as problem:  # a critic is anyone's code; a rewording can do without
            self.run.note(f"what it looks like instead is not known: {first_line(problem)}")
            return {}
