"""Works on a group of rows together, and returns what came of each."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, cast

from limner import configs
from limner.agent.archive import pictures
from limner.agent.archive.pictures import name_of
from limner.agent.batch.config import BatchConfig, falls_short
from limner.agent.batch.queue import Lease, QueuedRow
from limner.agent.batch.rows import BatchRow, Outcome, checked_claims
from limner.agent.batch.shared_batch import BatchSlot, SharedBatch
from limner.agent.brief.claims import complete
from limner.agent.brief.client import WriterClient
from limner.agent.brief.enforce import said_in
from limner.agent.brief.extract import extract, phrases
from limner.agent.brief.prompt import size_for, sized, styled
from limner.agent.brief.verdict import verdict, verdict_of
from limner.agent.brief.writer import BriefWriter, Drafted
from limner.agent.events import BriefReady, Event, Finished, PaintingStep
from limner.agent.plain import first_line
from limner.agent.records import Brief, Claim, Critique, Result
from limner.agent.search.run import Limits
from limner.agent.studio import Studio
from limner.agent.tools.outputs import brief_dict, verdict_dict
from limner.errors import LimnerError, ModelFailed
from limner.pipelines.finish import Finish
from limner.pipelines.roles import PainterSpec
from limner.prompts.styles import style as style_called

__all__ = [
    "BriefPrefetch",
    "RowGroup",
    "RowResult",
    "Studios",
    "painted_size",
    "writes_elsewhere",
]

PICTURES = "pictures"
"""The folder of the pictures, beside the manifest."""

_FAR = 2.0  # times the painter's own number of pixels, or a part of it: beyond, it is scaled


def painted_size(size: tuple[int, int], spec: PainterSpec, any_shape: bool) -> tuple[int, int]:
    """The size in which a picture of the wanted `size` is painted; another one is scaled.

    That is the wanted one, unless the painter can't paint it, or it has more than twice the
    painter's own number of pixels, or less than half. Then it is the painter's own number of
    pixels in the wanted shape; without `any_shape`, that is tried for the painter's own shape only.
    """
    times = prod(size) / prod(spec.size)
    fits = max(size) <= spec.largest and not any(side % spec.multiple for side in size)
    if fits and 1 / _FAR <= times <= _FAR:
        return size
    same_shape = size[0] * spec.size[1] == size[1] * spec.size[0]
    return sized(*size, spec) if any_shape else spec.size if same_shape else size


def _painted(
    studio: Studio, queued: QueuedRow, config: BatchConfig, size: tuple[int, int] | None
) -> Generator[Event, None, None]:
    """Works on a row until its claims hold or its budget is spent; ends with `Finished`.

    A row that says no more than its request is worked on exactly as `Studio.stream` does.
    """
    row = queued.row
    limits = Limits(
        budget=row.budget or config.budget,
        images_per_round=config.images_per_round,
        size=size,
        refine=config.refine,
    )
    if not (row.style or row.negative or row.locked):
        yield from studio.stream(row.request, seed=queued.seed, **limits)
        return
    brief = yield from _briefed(studio, queued)
    yield from studio.paint(brief, seed=queued.seed, **limits)


def _briefed(studio: Studio, queued: QueuedRow) -> Generator[Event, None, Brief]:
    """Drafts the brief of a row, in its style and with its words; returns it."""
    brief = Brief(queued.row.request, queued.row.request)
    with closing(studio.expand(queued.row.request, seed=queued.seed)) as events:
        for event in events:
            if isinstance(event, BriefReady):
                brief = _as_asked(event.brief, studio, queued.row)
                event = replace(event, brief=brief, claims=brief.claims)
            yield event
    return brief


def _as_asked(brief: Brief, studio: Studio, row: BatchRow) -> Brief:
    settings, spec = studio.settings, studio.painter.spec
    if row.style:
        brief = styled(brief, style_called(row.style, settings.prompts), spec, settings.styles)
    if row.negative and spec.negative:
        brief = replace(brief, style_negative=(*brief.style_negative, row.negative))
    for words in row.locked:
        brief = _locked(brief, words, studio)
    return brief


def _locked(brief: Brief, words: str, studio: Studio) -> Brief:
    """The brief with words of a row that must not be lost: as a claim, and in the prompt."""
    world, own = studio.writer.world, words.casefold()
    if not any(own in c.quote.casefold() or said_in(words, c.text) for c in brief.asked):
        claims = extract(words) or phrases(words) or (Claim(words, quote=words),)
        brief = replace(brief, claims=complete([*brief.claims, *claims]))
        if world and not all(world.shows(claim) for claim in claims):
            return replace(brief, not_shown=(*brief.not_shown, words))
    if world or own in brief.prompt.casefold():
        return brief
    return replace(brief, prompt=f"{brief.prompt.rstrip(' .,;')}, {words}")


def writes_elsewhere(studio: Studio) -> bool:
    """Whether the writer computes on a device of its own, or in another program or service.

    Models of limner's say where they are. A critic that looks with the writer's weights is where
    that is: one can't work beside the other.
    """
    models = (studio.writer.writer, studio.painter, studio.critic)
    writer, *others = (getattr(model, "device", None) for model in models)
    return writer is None or writer not in others


class BriefPrefetch:
    """Writes the briefs of the next rows in a thread of its own, one after another.

    A draft follows from the writer, the request and the seed: it is the same whenever it is
    written, and one that nobody asks for is lost time alone.
    """

    _POLL = 0.2  # seconds

    def __init__(self, writer: BriefWriter) -> None:
        self.lock = threading.Lock()
        own = {field.name: getattr(writer, field.name) for field in fields(writer) if field.init}
        self.writer: BriefWriter = _PrefetchedWriter(**own, prefetch=self)
        self._thread = ThreadPoolExecutor(1, "limner-prefetch")
        self._drafts: dict[tuple[str, int], Future[Drafted]] = {}
        self._closed = threading.Event()

    def want(self, rows: Iterable[QueuedRow]) -> None:
        """Have the briefs of these rows written, in their order, and of no others any more."""
        wanted = dict.fromkeys((queued.row.request, queued.seed) for queued in rows)
        for key in self._drafts.keys() - wanted:
            self._drafts[key].cancel()
        self._drafts = {key: self._drafts.get(key) or self._begin(*key) for key in wanted}

    def draft(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """The draft of a row; yields "" while it is being written, so that one may stop waiting."""
        draft = self._drafts.get((request, seed)) or self._begin(request, seed)
        while not draft.done():
            yield ""
            wait([draft], self._POLL)
        return draft.result()

    def close(self) -> None:
        """Stops after the piece that is being written."""
        self._closed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self, request: str, seed: int) -> Future[Drafted]:
        return self._thread.submit(self._write, request, seed)

    def _write(self, request: str, seed: int) -> Drafted:
        with closing(BriefWriter.draw(self.writer, request, seed)) as pieces:
            while not self._closed.is_set():
                try:
                    next(pieces)
                except StopIteration as end:
                    drafted: Drafted = end.value
                    return drafted
        raise CancelledError


@dataclass(frozen=True, slots=True, kw_only=True)
class _PrefetchedWriter(BriefWriter):
    """A writer whose drafts come from a prefetch; one thread at a time asks it for anything."""

    prefetch: BriefPrefetch

    def __post_init__(self) -> None:
        client = WriterClient(self.writer, self.prompts, self.prefetch.lock)
        object.__setattr__(self, "client", client)

    def draw(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """As `BriefWriter.draw`; what is written stays unseen."""
        return self.prefetch.draft(request, seed)


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of a row: one line of the manifest, and its picture as a PNG, or b""."""

    outcome: Outcome
    content: bytes = b""


class Studios:
    """The studios of a batch: each profile is opened once, when its first row comes."""

    def __init__(self, config: BatchConfig, given: Studio | None = None) -> None:
        self._config = config
        self._open = {config.profile: given} if given else {}
        self._prefetch: BriefPrefetch | None = None

    def studio(self, profile: str = "") -> Studio:
        """The studio of that profile, "" for the batch's own. Raises as `Studio.open` does."""
        name = profile or self._config.profile
        if name not in self._open:
            self._open[name] = Studio.open(name, **self._substitutes(name))
        return self._open[name]

    def writer(self, profile: str = "") -> BriefWriter:
        """Who writes the briefs of that profile's rows."""
        if self._prefetch and self._is_own(profile):
            return self._prefetch.writer
        return self.studio(profile).writer

    def prefetch(self, rows: Sequence[QueuedRow]) -> None:
        """Have the briefs of these rows written from now on, if that holds up no painting."""
        own = not self._config.expand_only and writes_elsewhere(self.studio())
        if not self._prefetch and own:
            self._prefetch = BriefPrefetch(self.studio().writer)
        if self._prefetch:
            self._prefetch.want([queued for queued in rows if self._is_own(queued.row.profile)])

    def close(self) -> None:
        """Nothing more is prefetched; closing twice is harmless."""
        if self._prefetch:
            self._prefetch.close()
        self._prefetch = None

    def _substitutes(self, name: str) -> dict[str, str]:
        """The models that briefs alone can do without; what a small world shows, they need."""
        if not self._config.expand_only:
            return {}
        small = bool(configs.load(name).styles)
        return {"critic": "fake"} if small else {"painter": "fake", "critic": "fake"}

    def _is_own(self, profile: str) -> bool:
        return profile in ("", self._config.profile)


class RowGroup:
    """The rows of one lease at work: iterate over `events`, as (row's number, event).

    Rows go on in turn, in one thread, each up to where it waits for the others' requests. After
    the last event, `results` has what came of each row, in their order; all of it follows from the
    rows and the config, whatever came before and however fast it went.
    """

    def __init__(self, lease: Lease, studios: Studios, config: BatchConfig) -> None:
        self.results: list[RowResult] = []
        self._shared = SharedBatch(0 if lease.how == "apart" else config.most)
        self._rows = [_RowRun(queued, studios, config, self._shared) for queued in lease.rows]

    def events(self) -> Generator[tuple[int, Event], None, None]:
        """Everything that happens, row by row; close it to stop between two steps."""
        try:
            while live := [row for row in self._rows if row.result is None]:
                for row in live:
                    yield from row.go_on()
                self._shared.advance()
        finally:
            for row in self._rows:
                row.close()
            self._shared.close()
        self.results = [row.result for row in self._rows if row.result]


class _RowRun:
    """One row at work."""

    def __init__(
        self, queued: QueuedRow, studios: Studios, config: BatchConfig, shared: SharedBatch
    ) -> None:
        self.result: RowResult | None = None
        self._queued = queued
        self._row = queued.row
        self._config = config
        self._studios = studios
        self._shared = shared
        self._slot: BatchSlot | None = None
        self._waits = False
        self._events = self._work()

    def go_on(self) -> Generator[tuple[int, Event], None, None]:
        """The events up to where the row waits for the shared batch, or ends."""
        while self.result is None and not (self._waits and self._slot and self._slot.waits):
            event = next(self._events, None)
            self._waits = isinstance(event, PaintingStep) and event.number == 0
            if event is not None and not self._waits:
                yield self._row.number, event

    def close(self) -> None:
        """Stops it, if it is not at its end."""
        with suppress(Exception):  # it is on its way out; what it raises now is of no use
            self._events.close()

    def _work(self) -> Generator[Event, None, None]:
        try:
            with closing(self._run()) as events:
                self.result = yield from events
        except Exception as problem:  # whatever breaks a row breaks that row alone
            self.result = RowResult(self._failed(problem))

    def _run(self) -> Generator[Event, None, RowResult]:
        base = self._studios.studio(self._row.profile)
        self._slot = self._shared.slot(base.painter)
        writer = cast("Any", base.writer.writer)
        studio = Studio(writer, self._slot, base.critic, base.settings, base.search, base.guard)
        studio.writer = self._studios.writer(self._row.profile)
        if self._config.expand_only:
            brief = yield from _briefed(studio, self._queued)
            return RowResult(self._expanded(brief))
        wanted, size = self._sizes(studio)
        with closing(_painted(studio, self._queued, self._config, size)) as events:
            for event in events:
                yield event
                if isinstance(event, Finished):
                    return self._finished(event.result, base, wanted)
        raise ModelFailed("it ended before it was finished")

    def _sizes(self, studio: Studio) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """The size that is wanted where that is not the one to paint in; and the latter."""
        settings, spec = studio.settings, studio.painter.spec
        if wanted := self._row.size or self._config.size:
            size = painted_size(wanted, spec, any_shape=not studio.writer.world)
            return (wanted if size != wanted else None), size
        if not self._row.style or settings.styles or settings.size:
            return None, None
        return None, size_for(style_called(self._row.style, settings.prompts), spec)

    def _expanded(self, brief: Brief) -> Outcome:
        unseen = Critique(brief.claims, (None,) * len(brief.claims))
        return self._outcome(
            prompt=brief.prompt,
            brief=brief_dict(brief),
            verdict=verdict_dict(verdict(brief)),
            claims=checked_claims(unseen),
            ended="done",
        )

    def _finished(
        self, result: Result, studio: Studio, wanted: tuple[int, int] | None
    ) -> RowResult:
        """The result and its picture; nothing in the picture depends on the clock."""
        row, best = self._row, result.best
        if best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        content = pictures.stamped(
            replace(result, seconds=0.0),
            best,
            row.request,
            studio,
            seed=self._queued.seed,
            profile=row.profile or self._config.profile,
            finishes=(Finish("fill", wanted),) if wanted else (),
        )
        short = falls_short(row, best.critique, best.brief, self._config.required)
        broken = "; ".join(result.notes) if result.ended == "failed" else ""
        outcome = self._outcome(
            "short" if short or broken else "done",
            picture=f"{PICTURES}/{row.id}.png",
            sha256=name_of(content),
            prompt=best.image_request.prompt,
            brief=brief_dict(best.brief),
            verdict=verdict_dict(verdict_of(best)),
            claims=checked_claims(best.critique),
            ended=result.ended,
            spent=round(result.spent, 4),
            seconds=round(result.seconds, 2),
            error=broken,
            short=short,
            notes=_scaled(best.picture.size, wanted) if wanted else (),
        )
        return RowResult(outcome, content)

    def _failed(self, problem: Exception) -> Outcome:
        message = problem.message if isinstance(problem, LimnerError) else first_line(problem)
        hint = problem.hint if isinstance(problem, LimnerError) else ""
        return self._outcome("failed", ended="failed", error=message, hint=hint)

    def _outcome(self, status: Any = "done", **fields: Any) -> Outcome:
        queued = self._queued
        return self._row.outcome(status, seed=queued.seed, attempts=queued.attempt, **fields)


def _scaled(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[str]:
    painted, asked = ("x".join(map(str, one)) for one in (size, wanted))
    return (f"painted at {painted}, near the painter's own size, and scaled to {asked}",)
