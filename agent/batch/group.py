"""Works on the rows of one claim together, and says what came of each."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any, cast

from limner import configs
from limner.agent.archive import saving
from limner.agent.archive.pictures import name_of
from limner.agent.batch.ahead import Ahead, apart
from limner.agent.batch.asking import briefed, painted
from limner.agent.batch.company import Company, Seat
from limner.agent.batch.queue import Asked, Claim
from limner.agent.batch.requiring import falls_short
from limner.agent.batch.rows import Outcome, seen
from limner.agent.batch.terms import Terms
from limner.agent.brief import BriefWriter
from limner.agent.events import Event, Finished, PaintingStep
from limner.agent.outputs import brief_dict, verdict_dict
from limner.agent.pasted import with_pasted
from limner.agent.plain import first_line
from limner.agent.records import Critique, Result
from limner.agent.studio import Studio
from limner.agent.verdict import verdict, verdict_of
from limner.errors import LimnerError, ModelFailed

__all__ = ["Group", "Made", "Rooms"]

PICTURES = "pictures"
"""The folder of the pictures, beside the manifest."""


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a row: one line of the manifest, and its picture as a PNG, or b""."""

    outcome: Outcome
    content: bytes = b""


class Rooms:
    """The studios of a batch: each profile is opened once, when its first row comes."""

    def __init__(self, terms: Terms, given: Studio | None = None) -> None:
        self._terms = terms
        self._open = {terms.profile: given} if given else {}
        self._ahead: Ahead | None = None

    def studio(self, profile: str = "") -> Studio:
        """The studio of that profile, "" for the batch's own. Raises as `Studio.open` does."""
        name = profile or self._terms.profile
        if name not in self._open:
            self._open[name] = Studio.open(name, **self._instead(name))
        return self._open[name]

    def writer(self, profile: str = "") -> BriefWriter:
        """Who writes the briefs of that profile's rows."""
        if self._ahead and self._is_own(profile):
            return self._ahead.writer
        return self.studio(profile).writer

    def foresee(self, rows: Sequence[Asked]) -> None:
        """Have the briefs of these rows written from now on, if that holds up no painting."""
        if not self._ahead and not self._terms.expand_only and apart(self.studio()):
            self._ahead = Ahead(self.studio().writer)
        if self._ahead:
            self._ahead.foresee([asked for asked in rows if self._is_own(asked.row.profile)])

    def close(self) -> None:
        """Nothing more is written ahead; closing twice is harmless."""
        if self._ahead:
            self._ahead.close()
        self._ahead = None

    def _instead(self, name: str) -> dict[str, str]:
        """The models that briefs alone can do without; what a small world shows, they need."""
        if not self._terms.expand_only:
            return {}
        small = bool(configs.load(name).styles)
        return {"critic": "fake"} if small else {"painter": "fake", "critic": "fake"}

    def _is_own(self, profile: str) -> bool:
        return profile in ("", self._terms.profile)


class Group:
    """The rows of one claim at work: iterate over what happens, as (row's number, event).

    Rows go on in turn, in one thread, each up to where it waits for the others' orders. After the
    last event, `made` has what came of each row, in their order; all of it follows from the rows
    and the terms, whatever came before and however fast it went.
    """

    def __init__(self, claim: Claim, rooms: Rooms, terms: Terms) -> None:
        self.made: list[Made] = []
        self._claim = claim
        self._company = Company(0 if claim.how == "apart" else terms.most)
        self._rows = [_AtWork(asked, rooms, terms, self._company) for asked in claim.asked]

    def events(self) -> Generator[tuple[int, Event], None, None]:
        """Everything that happens, row by row; close it to stop between two steps."""
        try:
            while live := [row for row in self._rows if row.made is None]:
                for row in live:
                    yield from row.go_on()
                self._company.advance()
        finally:
            for row in self._rows:
                row.close()
            self._company.close()
        self.made = [row.made for row in self._rows if row.made]


class _AtWork:
    """One row at work."""

    def __init__(self, asked: Asked, rooms: Rooms, terms: Terms, company: Company) -> None:
        self.made: Made | None = None
        self._asked = asked
        self._terms = terms
        self._rooms = rooms
        self._company = company
        self._seat: Seat | None = None
        self._waits = False
        self._events = self._work()

    def go_on(self) -> Generator[tuple[int, Event], None, None]:
        """The events up to where the row waits for company, or ends."""
        while self.made is None and not (self._waits and self._seat and self._seat.waits):
            event = next(self._events, None)
            self._waits = isinstance(event, PaintingStep) and event.number == 0
            if event is not None and not self._waits:
                yield self._asked.row.number, event

    def close(self) -> None:
        """Stops it, if it is not at its end."""
        with suppress(Exception):  # it is on its way out; what it says now is of no use
            self._events.close()

    def _work(self) -> Generator[Event, None, None]:
        try:
            with closing(self._made()) as events:
                self.made = yield from events
        except Exception as problem:  # whatever breaks a row breaks that row alone
            self.made = Made(self._failed(problem))

    def _made(self) -> Generator[Event, None, Made]:
        base = self._rooms.studio(self._asked.row.profile)
        self._seat = self._company.seat(base.painter)
        asked, writer = self._asked, cast("Any", base.writer.writer)
        settings = with_pasted(base.settings, asked.row.request)
        studio = Studio(writer, self._seat, base.critic, settings, base.search, base.guard)
        studio.writer = self._rooms.writer(asked.row.profile)
        if self._terms.expand_only:
            return (yield from self._briefed(studio))
        with closing(painted(studio, asked, self._terms)) as events:
            for event in events:
                yield event
                if isinstance(event, Finished):
                    return self._finished(event.result, base)
        raise ModelFailed("it ended before it was finished")

    def _briefed(self, studio: Studio) -> Generator[Event, None, Made]:
        brief = yield from briefed(studio, self._asked)
        unseen = Critique(brief.claims, (None,) * len(brief.claims))
        told: dict[str, Any] = {
            "prompt": brief.prompt,
            "brief": brief_dict(brief),
            "verdict": verdict_dict(verdict(brief)),
            "claims": seen(unseen),
            "ended": "done",
        }
        return Made(replace(self._outcome(), **told))

    def _finished(self, result: Result, studio: Studio) -> Made:
        """Files the result; the picture tells nothing of the time it took, nor of the clock's."""
        asked, best = self._asked, result.best
        if best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        content = saving.stamped(
            replace(result, seconds=0.0),
            best,
            asked.row.request,
            studio,
            seed=asked.seed,
            profile=asked.row.profile or self._terms.profile,
        )
        short = falls_short(asked.row, best.critique, best.brief, self._terms.required)
        broken = "; ".join(result.notes) if result.ended == "failed" else ""
        outcome = replace(
            self._outcome(),
            status="short" if short or broken else "done",
            picture=f"{PICTURES}/{asked.row.id}.png",
            sha256=name_of(content),
            prompt=best.order.prompt,
            brief=brief_dict(best.brief),
            verdict=verdict_dict(verdict_of(best)),
            claims=seen(best.critique),
            ended=result.ended,
            spent=round(result.spent, 4),
            seconds=round(result.seconds, 2),
            error=broken,
            short=short,
        )
        return Made(outcome, content)

    def _failed(self, problem: Exception) -> Outcome:
        message = problem.message if isinstance(problem, LimnerError) else first_line(problem)
        hint = problem.hint if isinstance(problem, LimnerError) else ""
        return replace(self._outcome(), status="failed", ended="failed", error=message, hint=hint)

    def _outcome(self) -> Outcome:
        row = self._asked.row
        return Outcome(
            id=row.id,
            number=row.number,
            line=row.line,
            request=row.request,
            status="done",
            seed=self._asked.seed,
            attempts=self._asked.attempt,
            more=row.more,
        )
