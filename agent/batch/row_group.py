"""Works on the rows of one claim together, and says what came of each."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from limner import configs
from limner.agent.archive import pictures
from limner.agent.archive.pictures import name_of
from limner.agent.batch.config import BatchConfig, falls_short
from limner.agent.batch.queue import Lease, QueuedRow
from limner.agent.batch.rows import BatchRow, Outcome, seen
from limner.agent.batch.shared_batch import BatchSlot, SharedBatch
from limner.agent.brief.claims import complete
from limner.agent.brief.enforce import said_in
from limner.agent.brief.extract import extract, phrases
from limner.agent.brief.prompt import size_for, styled
from limner.agent.brief.verdict import verdict, verdict_of
from limner.agent.brief.writer import BriefWriter, Drafted
from limner.agent.events import BriefReady, Event, Finished, PaintingStep
from limner.agent.plain import first_line
from limner.agent.records import Brief, Claim, Critique, Result
from limner.agent.search.run import Limits
from limner.agent.studio import Studio
from limner.agent.syntax.reader import with_pasted
from limner.agent.tools.outputs import brief_dict, verdict_dict
from limner.errors import LimnerError, ModelFailed
from limner.prompts.styles import style as style_called

__all__ = [
    "DraftAhead",
    "RowGroup",
    "RowResult",
    "Studios",
    "apart",
    "briefed",
    "painted",
]


def painted(studio: Studio, asked: QueuedRow, terms: BatchConfig) -> Generator[Event, None, None]:
    """Works on a row until its claims hold or its budget is spent; ends with `Finished`.

    A row that says no more than its request is worked on exactly as `Studio.takes` does.
    """
    row, limits = asked.row, _limits(studio, asked.row, terms)
    if not (row.style or row.negative or row.locked):
        yield from studio.takes(row.request, seed=asked.seed, **limits)
        return
    brief = yield from briefed(studio, asked)
    yield from studio.paint(brief, seed=asked.seed, **limits)


def briefed(studio: Studio, asked: QueuedRow) -> Generator[Event, None, Brief]:
    """Drafts the brief of a row, in its style and with its words; returns it."""
    brief = Brief(asked.row.request, asked.row.request)
    with closing(studio.expand(asked.row.request, seed=asked.seed)) as events:
        for event in events:
            if isinstance(event, BriefReady):
                brief = _as_asked(event.brief, studio, asked.row)
                event = replace(event, brief=brief, claims=brief.claims)
            yield event
    return brief


def _as_asked(brief: Brief, studio: Studio, row: BatchRow) -> Brief:
    settings, dialect = studio.settings, studio.painter.dialect
    if row.style:
        style = style_called(row.style, settings.prompts)
        brief = styled(brief, style, dialect, settings.styles)
    if row.negative and dialect.negative:
        brief = replace(brief, style_negative=(*brief.style_negative, row.negative))
    for words in row.locked:
        brief = _locked(brief, words, studio)
    return brief


def _locked(brief: Brief, words: str, studio: Studio) -> Brief:
    """The brief with words of a row that must not be lost: claimed, and said to the painter."""
    world = studio.writer.world
    if not any(_says(claim, words) for claim in brief.asked):
        claims = extract(words) or phrases(words) or (Claim(words, quote=words),)
        brief = replace(brief, claims=complete([*brief.claims, *claims]))
        if world and not all(world.shows(claim) for claim in claims):
            return replace(brief, not_shown=(*brief.not_shown, words))
    if world or words.casefold() in brief.prompt.casefold():
        return brief
    return replace(brief, prompt=f"{brief.prompt.rstrip(' .,;')}, {words}")


def _says(claim: Claim, words: str) -> bool:
    """Whether a claim speaks for these words of a row already."""
    return words.casefold() in claim.quote.casefold() or said_in(words, claim.text)


def _limits(studio: Studio, row: BatchRow, terms: BatchConfig) -> Limits:
    return Limits(
        budget=row.budget or terms.budget,
        takes=terms.takes,
        size=row.size or terms.size or _shape(studio, row),
        refine=terms.refine,
    )


def _shape(studio: Studio, row: BatchRow) -> tuple[int, int] | None:
    """The shape that a style suggests, where nobody asked for a size."""
    settings = studio.settings
    if not row.style or settings.styles or settings.size:
        return None
    return size_for(style_called(row.style, settings.prompts), studio.painter.dialect)


_BETWEEN_LOOKS = 0.2  # seconds


def apart(studio: Studio) -> bool:
    """Whether the writer computes on a device of its own, or elsewhere.

    Models of ours say where they are; a writer that doesn't is a program or a service of its own.
    A critic that looks with the writer's weights is where that is: one can't work beside the other.
    """
    models = (studio.writer.writer, studio.painter, studio.critic)
    writer, *others = (getattr(model, "device", None) for model in models)
    return writer is None or writer not in others


class DraftAhead:
    """The drafts of some rows, written one after another in a thread of their own.

    A draft follows from the writer, the request and the seed: it is the same whenever it is
    written, and one that nobody comes for is lost time alone.
    """

    def __init__(self, writer: BriefWriter) -> None:
        told = {field.name: getattr(writer, field.name) for field in fields(writer)}
        self.writer: BriefWriter = _Shared(**told, ahead=self)
        self.turn = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "limner-ahead")
        self._drafts: dict[tuple[str, int], Future[Drafted]] = {}
        self._closed = threading.Event()

    def foresee(self, rows: Iterable[QueuedRow]) -> None:
        """Have the drafts of these rows written, in their order, and of no others any more."""
        wanted = dict.fromkeys((asked.row.request, asked.seed) for asked in rows)
        for key in self._drafts.keys() - wanted:
            self._drafts[key].cancel()
        self._drafts = {key: self._drafts.get(key) or self._begun(*key) for key in wanted}

    def draft(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """The draft of a row; yields "" while it is being written, so that one may stop waiting."""
        draft = self._drafts.get((request, seed)) or self._begun(request, seed)
        while not draft.done():
            yield ""
            wait([draft], _BETWEEN_LOOKS)
        return draft.result()

    def close(self) -> None:
        """Stops after the piece that is being written."""
        self._closed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begun(self, request: str, seed: int) -> Future[Drafted]:
        return self._thread.submit(self._written, request, seed)

    def _written(self, request: str, seed: int) -> Drafted:
        with closing(BriefWriter.draw(self.writer, request, seed)) as pieces:
            while not self._closed.is_set():
                try:
                    next(pieces)
                except StopIteration as end:
                    drafted: Drafted = end.value
                    return drafted
        raise CancelledError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared(BriefWriter):
    """A writer whose drafts are written ahead; one thread at a time asks it for anything."""

    ahead: DraftAhead

    def draw(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """As `BriefWriter.draw`; of what is written, nothing is told."""
        return self.ahead.draft(request, seed)

    def _pieces(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        with self.ahead.turn:
            yield from BriefWriter._pieces(self, task, values, seed)


PICTURES = "pictures"
"""The folder of the pictures, beside the manifest."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of a row: one line of the manifest, and its picture as a PNG, or b""."""

    outcome: Outcome
    content: bytes = b""


class Studios:
    """The studios of a batch: each profile is opened once, when its first row comes."""

    def __init__(self, terms: BatchConfig, given: Studio | None = None) -> None:
        self._terms = terms
        self._open = {terms.profile: given} if given else {}
        self._ahead: DraftAhead | None = None

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

    def foresee(self, rows: Sequence[QueuedRow]) -> None:
        """Have the briefs of these rows written from now on, if that holds up no painting."""
        if not self._ahead and not self._terms.expand_only and apart(self.studio()):
            self._ahead = DraftAhead(self.studio().writer)
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


class RowGroup:
    """The rows of one claim at work: iterate over what happens, as (row's number, event).

    Rows go on in turn, in one thread, each up to where it waits for the others' orders. After the
    last event, `made` has what came of each row, in their order; all of it follows from the rows
    and the terms, whatever came before and however fast it went.
    """

    def __init__(self, claim: Lease, rooms: Studios, terms: BatchConfig) -> None:
        self.made: list[RowResult] = []
        self._claim = claim
        self._company = SharedBatch(0 if claim.how == "apart" else terms.most)
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

    def __init__(
        self, asked: QueuedRow, rooms: Studios, terms: BatchConfig, company: SharedBatch
    ) -> None:
        self.made: RowResult | None = None
        self._asked = asked
        self._terms = terms
        self._rooms = rooms
        self._company = company
        self._seat: BatchSlot | None = None
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
            self.made = RowResult(self._failed(problem))

    def _made(self) -> Generator[Event, None, RowResult]:
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

    def _briefed(self, studio: Studio) -> Generator[Event, None, RowResult]:
        brief = yield from briefed(studio, self._asked)
        unseen = Critique(brief.claims, (None,) * len(brief.claims))
        told: dict[str, Any] = {
            "prompt": brief.prompt,
            "brief": brief_dict(brief),
            "verdict": verdict_dict(verdict(brief)),
            "claims": seen(unseen),
            "ended": "done",
        }
        return RowResult(replace(self._outcome(), **told))

    def _finished(self, result: Result, studio: Studio) -> RowResult:
        """Files the result; the picture tells nothing of the time it took, nor of the clock's."""
        asked, best = self._asked, result.best
        if best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        content = pictures.stamped(
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
        return RowResult(outcome, content)

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
