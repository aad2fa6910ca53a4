"""The studio: a writer, a painter and a critic, and everything that they can be asked for."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from PIL.Image import Image

from limner.agent.archive import pictures
from limner.agent.brief.claims import complete, spoken
from limner.agent.brief.prompt import sized
from limner.agent.brief.writer import BriefWriter, Drafted
from limner.agent.events import Event
from limner.agent.jobs import Jobs
from limner.agent.machine import opened, planned
from limner.agent.model_lock import LockedStream, ModelLock
from limner.agent.plain import request_line
from limner.agent.records import Brief, Candidate, Claim, Critique, Result, Settings
from limner.agent.scoring.evaluate import described, weighed
from limner.agent.search.loop import Loop, ready, tokens
from limner.agent.search.refine import Refine
from limner.agent.search.rounds import Search
from limner.agent.search.run import Limits, Run, settle
from limner.agent.syntax.reader import parse
from limner.agent.tools.inputs import picture_from
from limner.errors import BadInput, ModelFailed
from limner.pipelines.platt import Curve
from limner.pipelines.roles import (
    Critic,
    GeneratedImage,
    ImageRequest,
    ImageStream,
    Painter,
    TaskWriter,
)
from limner.pipelines.safety import OFF, Guard, open_guard

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = [
    "Room",
    "Settings",
    "Studio",
]


class Room:
    """A writer, a painter and a critic in one room.

    `names` says which they are, `profile` where they were opened from ("" for objects); `search`
    decides where the budget of a request goes, and `guard` what is not painted or not shown
    (objects that are put in by hand are without one). Any number of threads may share a studio: one
    request at a time computes, the others wait for its next event, or for the end of a batch that
    is being painted. An iterator of events is read in one thread, and may be closed from another.
    """

    def __init__(
        self,
        writer: BaseChatModel | TaskWriter,
        painter: Painter,
        critic: Critic,
        settings: Settings | None = None,
        search: Search | None = None,
        guard: Guard = OFF,
    ) -> None:
        self.painter = painter
        self.critic = critic
        self.settings = settings or Settings()
        told = self.settings
        self.search = search or Refine(
            told.sure,
            repairs=told.repairs,
            patience=told.patience,
            sketches=told.sketches,
            rough=told.rough,
        )
        self.guard = guard
        self.profile = ""
        self.writer = BriefWriter(
            writer,
            getattr(painter, "world", None),
            told.domain,
            painter.dialect,
            told.prompts,
            told.expansion,
        )
        self._models = ModelLock()
        models = {"writer": writer, "painter": painter, "critic": critic}
        self.names: dict[str, str] = {
            part: getattr(model, "name", None) or type(model).__name__
            for part, model in models.items()
        }

    @classmethod
    def open(
        cls,
        profile: str | Path = "pocket",
        *,
        writer: str | Path | BaseChatModel | None = None,
        painter: str | Path | Painter | None = None,
        critic: str | Path | Critic | None = None,
        safety: str | None = None,
    ) -> Self:
        """Opens a profile's models; a name, folder, hub id or object can replace each.

        What limner itself opens goes where `memory.plan` finds room for it; the profile "auto" is
        chosen from what is on the machine. `safety` replaces the profile's: "off", "flag" or
        "block". Raises `BadInput` for an unknown profile or mode, `ModelUnusable` for a model that
        won't open, and `OutOfMemory` for one that has no room.
        """
        now = planned(profile, {"writer": writer, "painter": painter, "critic": critic})
        chosen, models = now.profile, opened(now)
        rest = {key: getattr(chosen, key) for key in Settings.__dataclass_fields__}
        rest["calibration"] = {kind: Curve(*two) for kind, two in chosen.calibration.items()}
        guard = open_guard(safety or chosen.safety, chosen.checker, models["painter"])
        studio = cls(**models, settings=Settings(**rest), guard=guard)
        studio.profile = now.name
        return studio

    def score(self, picture: Image | Path, claims: str | Sequence[str] | Brief) -> Critique:
        """How true each claim is of any picture: of a brief's claims, or of sentences in words.

        The picture is an image or the path of a PNG, JPEG or WebP file, of at most 8,192 pixels a
        side. Raises `BadInput` for what is no such picture or claim, and what the critic raises.
        """
        said, seen = self._spoken(claims), picture_from(picture)
        with self._models.turn():
            (known,) = weighed(self.critic, [seen], said, self.settings)
        return Critique(
            said,
            tuple(p if p is not None and math.isfinite(p) else None for p in known),
            self.settings.threshold,
        )

    def _spoken(self, said: str | Sequence[str] | Brief) -> tuple[Claim, ...]:
        """The claims of a brief or of sentences; a writer that reads by rule cuts these up."""
        made = spoken(said)
        if isinstance(said, Brief) or not self.writer.trusted:
            return made
        return complete(part for claim in made for part in self.writer.read(claim.text) or [claim])

    def describe(
        self, seen: Candidate | Image | Path, claims: str | Sequence[str] | Brief = ""
    ) -> str:
        """What holds of a picture, what fails and what nobody can tell, in plain words.

        Of a take without `claims` its own critique is told, and no model is used. Raises as
        `score` does.
        """
        if isinstance(seen, Candidate):
            return described(
                replace(seen, critique=self.score(seen.picture, claims)) if claims else seen
            )
        return described(self.score(seen, claims))

    def in_turn(
        self, events: Generator[Event, None, object], *, paints: bool = True
    ) -> Generator[Event, None, None]:
        """The events, computed only while no other thread uses the models; see `turns`."""
        return LockedStream(events, self._models, paints=paints)

    def repaint(
        self, order: ImageRequest, batch: Sequence[int] = (), gone: Sequence[int] = ()
    ) -> Image:
        """The picture of one order, painted once more.

        `batch` are the seeds of all orders that were painted with it, its own among them, and
        `gone` after which step each was dropped: a model computes the last bits of a picture
        differently in another company. Without, it is alone.
        Where the order starts from a picture that is not at hand, that one is painted first, in its
        own company.
        Raises `BadInput` when nobody knows what it was painted from.
        """
        order = self._begun(order)
        known = order.seed in batch
        seeds, gone = (list(batch), list(gone)) if known else ([order.seed], [])
        orders = [replace(order, seed=seed) for seed in seeds]
        turn = self._models.turn(paints=True)
        with turn, closing(self.painter.paint(orders)) as painting:
            for done in _painted(painting, gone):
                if seeds[done.index] == order.seed:
                    return done.picture
        raise ModelFailed("The painter finished without a picture.")

    def _begun(self, order: ImageRequest) -> ImageRequest:
        """The order with the picture that it starts from."""
        start = order.start
        if start is None or start.picture is not None:
            return order
        if start.order is None:
            raise BadInput(
                "It was painted over a picture that is not at hand.",
                "Only what began from words alone can be painted again.",
            )
        picture = self.repaint(start.order, start.company, start.gone)
        return replace(order, start=replace(start, picture=picture))


def _painted(painting: ImageStream, gone: Sequence[int]) -> Iterator[GeneratedImage]:
    """The finished pictures; each order is dropped after the step that `gone` has for it."""
    for done in painting:
        if isinstance(done, GeneratedImage):
            yield done
            continue
        for index, step in enumerate(gone):
            if step == done.number:
                painting.drop(index)


class Studio(Room):
    """A writer, a painter and a critic, and all that they do together; see `Room` for threads."""

    def expand(self, request: str, *, seed: int) -> Generator[Event, None, None]:
        """Drafts the brief of a request and paints nothing; ends with `BriefReady`."""
        return self.in_turn(_drafted(self.writer.draw(request_line(request), seed)), paints=False)

    def edit(self, before: Brief, request: str, *, seed: int) -> Generator[Event, None, None]:
        """Applies a change to a brief, which leaves alone what it does not name.

        Ends with `BriefReady`.
        """
        line = request_line(request)
        drafting = self.writer.edit(before, line, seed)
        return self.in_turn(_drafted(drafting, f"{before.request}\n{line}"), paints=False)

    def takes(
        self, request: str, *, seed: int, **limits: Unpack[Limits]
    ) -> Generator[Event, None, None]:
        """Works on a request until every claim of its brief holds or its budget is spent.

        Ends with `Finished`. Closing the iterator cancels between two denoising steps. Raises
        `BadInput` for what cannot be painted as asked, `Blocked` for what the safety policy
        refuses, and `ModelFailed` when the painter breaks before the first take.
        """
        return self.in_turn(self._loop(request, seed, limits).events())

    def paint(
        self,
        brief: Brief,
        *,
        seed: int,
        first_seed: int | None = None,
        first_number: int = 0,
        notes: Sequence[str] = (),
        **limits: Unpack[Limits],
    ) -> Generator[Event, None, None]:
        """Works on a brief that is there already; as `takes`, without the drafting.

        `first_seed` is that of the first picture, so that it starts from the noise of an earlier
        one; takes are numbered from `first_number` on. `notes` are those of its draft, which the
        result has, too.
        """
        loop = self._loop(brief.request, seed, limits)
        run = loop.run
        run.brief, run.claims = brief, brief.claims
        run.first_seed, run.first_number = first_seed, first_number
        run.notes += notes
        return self.in_turn(loop.rounds())

    def refining(
        self,
        take: Candidate,
        change: str,
        *,
        seed: int,
        **limits: Unpack[Limits],
    ) -> Generator[Event, None, None]:
        """Works on a change to a take, from its brief, in its size and from its noise; as `takes`.

        What the change does not name stays as it was.
        """
        return self.in_turn(self._change(take, change, seed, limits)[1])

    def imagine(self, request: str, *, seed: int, **limits: Unpack[Limits]) -> Result:
        """Works on a request to its end; after Ctrl-C, the result is the best take so far."""
        loop = self._loop(request, seed, limits)
        return self._to_the_end(loop, loop.events())

    def refine(
        self,
        take: Candidate,
        change: str,
        *,
        seed: int,
        **limits: Unpack[Limits],
    ) -> Result:
        """Works on a change to a take to its end; see `refining` and `imagine`."""
        return self._to_the_end(*self._change(take, change, seed, limits))

    def save(self, result: Result, path: Path | str, *, request: str, seed: int) -> Path:
        """Writes the best take as a PNG that says how to paint it again, and returns its path.

        `request` and `seed` are what it was painted from; every other door saves the same bytes.
        `path` is a folder, or ends in `.png`; no file is overwritten: the second `cat.png` is
        `cat-2.png`. Raises `ModelFailed` where nothing was painted, and `BadInput` where nothing
        can be written.
        """
        return pictures.save(result, request_line(request), self, Path(path), seed=seed)

    async def astream(
        self, request: str, *, seed: int, **limits: Unpack[Limits]
    ) -> AsyncGenerator[Event, None]:
        """The events of `takes` for asyncio, from the one thread that computes them all.

        Closing it (`contextlib.aclosing`) or cancelling its task stops between two denoising
        steps. Raises as `takes` does, and `Busy` where a thousand requests wait already.
        """
        job = self._jobs.submit(lambda studio: studio.takes(request, seed=seed, **limits))
        async with aclosing(job.astream(cancel=True)) as events:
            async for event in events:
                yield event

    def _loop(self, request: str, seed: int, limits: Limits) -> Loop:
        line = request_line(request)
        pasted = self._pasted(line) if not limits.get("size") else None
        if pasted:
            limits = {**limits, "size": pasted}
        run = Run(
            request=line,
            seed=seed,
            settings=settle(self.settings, self.painter.dialect, limits),
            brief=Brief(line, line),
            refine=limits.get("refine", True),
            preview_every=limits.get("preview_every", 0),
        )
        loop = Loop(self.writer, self.painter, self.critic, self.search, run, self.guard)
        loop.check()
        return loop

    def _pasted(self, request: str) -> tuple[int, int] | None:
        """The size or shape that came with a request in another tool's syntax, as it can be had.

        The area is the painter's own; one of a small world paints in no other shape.
        """
        parsed = parse(request)
        shape = parsed.size or parsed.aspect
        if shape is None or self.writer.world:
            return None
        return sized(*shape, self.painter.dialect)

    def _change(
        self, take: Candidate, change: str, seed: int, limits: Limits
    ) -> tuple[Loop, Generator[Event, None, None]]:
        size = limits.get("size") or (take.order.width, take.order.height)
        loop = self._loop(change, seed, {**limits, "size": size})
        loop.run.first_seed = take.order.seed
        return loop, loop.changed(take.brief)

    def _to_the_end(self, loop: Loop, events: Generator[Event, None, None]) -> Result:
        with closing(self.in_turn(events)) as turns:
            try:
                for _ in turns:
                    pass
            except KeyboardInterrupt:
                loop.run.ended = "cancelled"
        return loop.run.result()

    @property
    def _jobs(self) -> Jobs:
        """The line of `astream`; where two threads make it at once, one of both is used by both."""
        jobs: Jobs = self.__dict__.setdefault("_line", Jobs(self, waiting=1_000, kept=0))
        return jobs


def _drafted(
    drafting: Generator[str, None, Drafted], said: str = ""
) -> Generator[Event, None, None]:
    drafted = yield from tokens(drafting)
    yield ready(drafted, said)
