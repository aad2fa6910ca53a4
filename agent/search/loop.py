"""Draft, paint, evaluate, reword: the loop of one request, as a stream of events."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from limner.agent.brief.prompt import spans
from limner.agent.brief.writer import BriefWriter, Drafted
from limner.agent.events import (
    BriefReady,
    BriefToken,
    CandidateReady,
    Decided,
    Event,
    Finished,
    PaintingStep,
)
from limner.agent.plain import first_line
from limner.agent.records import Brief, Candidate, Critique
from limner.agent.scoring.evaluate import look, unseen
from limner.agent.search.early_drop import EarlyDrop
from limner.agent.search.repair import RepairOrReword
from limner.agent.search.rounds import Attempt, Search, wording
from limner.agent.search.run import Run
from limner.errors import BadInput, Blocked, LimnerError, ModelFailed, OutOfMemory
from limner.pipelines.roles import Critic, GeneratedImage, ImageRequest, Painter
from limner.pipelines.safety import OFF, Guard, blank

__all__ = [
    "Loop",
    "evaluate",
    "permit",
    "ready",
    "tokens",
]


_UNCHECKED = (
    "no picture was checked for what it should not show: there is no safety checker on this machine"
)


def permit(guard: Guard, run: Run, *texts: str) -> None:
    """Raises `Blocked` for words that the policy refuses, and notes what it flags."""
    found = guard.words(*texts)
    if found.outcome == "blocked":
        raise Blocked(f"This is not painted: {found.why}.", "Ask for something else.")
    if found.why:
        run.note(f"the request was flagged: {found.why}")


def evaluate(
    critic: Critic,
    guard: Guard,
    run: Run,
    attempts: Sequence[Attempt],
    pictures: Mapping[int, GeneratedImage],
    drafts: Mapping[int, Critique],
) -> Generator[Event, None, bool]:
    """Has the pictures checked and looked at: a candidate for each, known by its attempt's index.

    `drafts` is what was seen of their drafts. Of a blocked picture nothing is kept but what it was
    painted from. False when the critic failed.
    """
    checked = guard.pictures([done.picture for done in pictures.values()])
    found = dict(zip(pictures, checked, strict=True))
    run.note(_UNCHECKED if guard.mode != "off" and guard.check is None else "")
    free = [at for at in pictures if found[at].outcome != "blocked"]
    shown = {at: pictures[at].picture for at in free}
    critiques, failed = look(critic, [*shown.values()], run.claims, run.settings)
    run.note(failed if shown else "")
    seen = dict(zip(shown, critiques, strict=True))
    for at, done in pictures.items():
        number = run.first_number + len(run.candidates)
        critique = seen.get(at) or unseen(run.claims, run.settings)
        if at in drafts:
            critique = replace(critique, draft=drafts[at].probabilities)
        candidate = Candidate(
            number,
            run.round,
            attempts[at].brief,
            attempts[at].image_request,
            done.picture if at in shown else blank(done.picture),
            critique,
            found[at],
            done.batch_seeds,
            done.dropped_at,
        )
        run.candidates.append(candidate)
        if found[at].why:
            run.note(f"#{number + 1} was {found[at].outcome}: {found[at].why}")
        yield CandidateReady(candidate, best=run.best is candidate, spent=run.spent)
    return not failed or not run.claims


@dataclass(frozen=True, slots=True)
class Loop:
    """The three models, the search that directs them, and the run that they work on."""

    writer: BriefWriter
    painter: Painter
    critic: Critic
    search: Search
    run: Run
    guard: Guard = OFF

    def events(self) -> Generator[Event, None, None]:
        """Everything that happens, to `Finished`.

        Closing the iterator stops the painter between two steps. What broke on the way is in the
        result's notes; only a painter that breaks before the first picture raises.
        """
        yield from self._draft(self.writer.draw(self.run.request, self.run.seed))
        yield from self.rounds()

    def changed(self, before: Brief) -> Generator[Event, None, None]:
        """The same, with the run's request as a change to a brief."""
        request = self.run.request
        drafting = self.writer.edit(before, request, self.run.seed)
        yield from self._draft(drafting, f"{before.request}\n{request}")
        yield from self.rounds()

    def rounds(self) -> Generator[Event, None, None]:
        """The same, from a brief that is there already."""
        while (yield from self._round()):
            self.run.round += 1
        self._compare()
        yield Finished(self.run.result())

    def _compare(self) -> None:
        """Says so when the wording that the writer found is no better than the user's own."""
        best = self.run.best
        worded = {candidate.brief.prompt for candidate in self.run.candidates}
        if best and best.brief.prompt == self.run.request and len(worded) > 1:
            self.run.note("the request as you typed it came out better than any other wording")

    def check(self) -> None:
        """Raises `BadInput` when not even one picture can be painted as asked, and `Blocked`."""
        permit(self.guard, self.run, self.run.request)
        if not self.search.attempts(self.run, self.painter):
            raise BadInput(
                f"A budget of {self.run.settings.budget:g} does not pay for one picture.",
                "Give a larger budget, a smaller size or fewer steps.",
            )

    def _draft(self, drafting: Generator[str, None, Drafted], said: str = "") -> Iterator[Event]:
        drafted = yield from tokens(drafting)
        event = ready(drafted, said)
        self.run.brief, self.run.claims = event.brief, event.claims
        for note in event.notes:
            self.run.note(note)
        yield event

    def _round(self) -> Generator[Event, None, bool]:
        """Paints and looks once; false when that was the last time."""
        attempts = self.search.attempts(self.run, self.painter)
        if not attempts:
            return (yield from self._stop("budget", "The budget is spent."))
        prompts = {attempt.image_request.prompt for attempt in attempts}
        permit(self.guard, self.run, self.run.brief.request, *prompts)
        self._measure(attempts[0].image_request)
        self.run.requested += len(attempts)
        early_drop = self._early_drop(attempts)
        try:
            pictures = yield from self._paint(attempts, early_drop)
        except Exception as problem:  # a painter is anyone's code; the best picture outlives it
            return (yield from self._painter_failed(problem))
        if not pictures:
            return (yield from self._stop("budget", "The time is spent."))
        seen = early_drop.seen if early_drop else {}
        checked = yield from evaluate(self.critic, self.guard, self.run, attempts, pictures, seen)
        if any(candidate.blocked for candidate in self.run.candidates):  # never searched around
            return (yield from self._withheld())
        if not checked:
            return (yield from self._stop("failed", "The critic failed."))
        return (yield from self._go_on(self.search.decide(self.run, self.painter)))

    def _paint(
        self, attempts: list[Attempt], early_drop: EarlyDrop | None
    ) -> Generator[Event, None, dict[int, GeneratedImage]]:
        """The finished pictures by index; none when the time is up and there is a best one."""
        requests = [attempt.image_request for attempt in attempts]
        every = early_drop.plan.steps if early_drop else self.run.preview_every
        before, pictures = self.run.spent, dict[int, GeneratedImage]()
        with closing(self.painter.paint(requests, every)) as painting:
            for done in painting:
                self.run.spent = before + painting.spent
                if isinstance(done, GeneratedImage):
                    pictures[done.index] = early_drop.with_batch(done) if early_drop else done
                    continue
                previews = self.guard.shown(done.previews)
                yield PaintingStep(self.run.round, done.number, done.of, previews)
                if self.run.out_of_time and self.run.candidates:
                    return {}
                if early_drop:
                    yield from early_drop.after(done, painting)
        return pictures

    def _early_drop(self, attempts: list[Attempt]) -> EarlyDrop | None:
        """How to choose among them half-way; None where all are painted to their end."""
        plan = self.search.drop_plan(self.run, self.painter, attempts)
        requests = [attempt.image_request for attempt in attempts]
        return EarlyDrop(self.critic, self.run, requests, plan) if plan else None

    def _measure(self, image_request: ImageRequest) -> None:
        """Notes what is left out, or won't be read, because the painter reads only so much."""
        most, length = self.painter.spec.tokens, self.painter.count_tokens(image_request.prompt)
        cut = [words for fitted in wording(self.run.brief, self.painter) for words in fitted.cut]
        if cut:
            self.run.note(f"left out, for the painter reads {most} tokens: {'; '.join(cut)}")
        if length > most:  # another search may say more than ours does
            self.run.note(f"the painter reads {most} of the prompt's {length} tokens")

    def _withheld(self) -> Generator[Event, None, bool]:
        """The end, for a picture was blocked: to paint another would be to search for a way round.

        Raises `Blocked` where no other picture is left.
        """
        blocked = [candidate for candidate in self.run.candidates if candidate.blocked]
        count, why = f"{len(blocked)} of {len(self.run.candidates)}", blocked[0].safety.why
        line = f"{count} pictures blocked: {why}"
        if self.run.best is None:
            raise Blocked(f"Nothing is shown: {line}.", "Ask for something else.")
        return (yield from self._stop("blocked", f"{line}. Nothing is painted in their place."))

    def _go_on(self, decided: Decided) -> Generator[Event, None, bool]:
        if decided.what in {"done", "stop"}:
            self.run.ended = "done" if decided.what == "done" else "budget"
            yield decided
            return False
        yield decided
        best = self.run.best
        assert best  # a round has just been looked at
        self.run.brief = best.brief
        repair = RepairOrReword(self.writer, self.critic, self.run)
        if decided.what == "revise":
            yield from repair.revise(best)
        if decided.what == "repair":
            yield from repair.aim(best)
        return True

    def _painter_failed(self, problem: Exception) -> Generator[Event, None, bool]:
        if isinstance(problem, BadInput) or (
            isinstance(problem, OutOfMemory) and not self.run.candidates
        ):
            raise problem
        line = problem.message if isinstance(problem, LimnerError) else first_line(problem)
        if not self.run.candidates:
            hint = problem.hint if isinstance(problem, LimnerError) else ""
            raise ModelFailed(f"The painter failed: {line}", hint) from problem
        self.run.note(f"the painter failed: {line}")
        return (yield from self._stop("failed", "The painter failed; this is the best so far."))

    def _stop(self, ended: str, why: str) -> Generator[Event, None, bool]:
        self.run.ended = ended
        yield Decided(self.run.round, "stop", why)
        return False


def tokens(drafting: Generator[str, None, Drafted]) -> Generator[Event, None, Drafted]:
    """The pieces of a draft as events; returns what came of it."""
    with closing(drafting):
        while True:
            try:
                yield BriefToken(next(drafting))
            except StopIteration as end:
                drafted: Drafted = end.value
                return drafted


def ready(drafted: Drafted, said: str = "") -> BriefReady:
    """The event of a finished draft: its claims, its repairs, and where its words came from.

    `said` is all that the user has said of the picture, where that is more than the last request.
    """
    brief = drafted.brief
    earlier = replace(brief, prompt=drafted.worded) if drafted.worded else None
    return BriefReady(
        brief,
        brief.claims,
        fallback=drafted.fallback,
        why=drafted.why,
        repaired=drafted.repaired,
        spans=spans(brief, said or brief.request, earlier),
    )
