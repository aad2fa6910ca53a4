"""The studio: a writer, a painter and a critic, and everything that they can be asked for."""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from PIL.Image import Image

from limner.agent.archive import pictures
from limner.agent.brief.claims import complete, spoken
from limner.agent.brief.prompt import sized
from limner.agent.brief.writer import BriefWriter, Drafted
from limner.agent.events import Event
from limner.agent.functions import check_models
from limner.agent.jobs import Jobs
from limner.agent.machine import opened, planned
from limner.agent.model_lock import LockedStream, ModelLock
from limner.agent.plain import request_line
from limner.agent.records import Brief, Candidate, Claim, Critique, Result, Settings
from limner.agent.scoring.evaluate import described, weighed
from limner.agent.scoring.inputs import picture_from
from limner.agent.search.loop import Loop, ready, tokens
from limner.agent.search.refine import Refine
from limner.agent.search.rounds import Search
from limner.agent.search.run import Limits, Run, settle
from limner.agent.syntax.reader import parse, pasted_seed, with_pasted
from limner.errors import BadInput, ModelFailed
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
    "Settings",
    "Studio",
]


class Studio:
    """A writer, a painter and a critic, and all that they do together.

    `names` says which models they are, `profile` where they were opened from ("" for objects),
    `settings` how they work; `search` decides where the budget of a request goes, and `guard` what
    is not painted or not shown (objects that are put in by hand are without one).

    Any number of threads may share a studio: one request at a time computes, and the others wait
    for its next event, or for the end of a batch that is being painted. An iterator of events is
    read in one thread, and may be closed from another.

    Where a seed is None, it is the one pasted with the request, or drawn; `Result.seed` says which.
    Limits are those of `Limits`: `budget`, `seconds`, `images_per_round`, `size`, `refine`,
    `preview_every`.
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
        """Raises `ModelUnusable` for an object that lacks what its part needs."""
        models = {"writer": writer, "painter": painter, "critic": critic}
        check_models(models)
        self.painter = painter
        self.critic = critic
        self.settings = settings = settings or Settings()
        self.search = search or Refine(
            settings.stop_confidence,
            repairs=settings.repairs,
            patience=settings.patience,
            drafts=settings.drafts,
            drop_at=settings.drop_at,
        )
        self.guard = guard
        self.profile = ""
        self.writer = BriefWriter(
            writer,
            getattr(painter, "world", None),
            settings.domain,
            painter.spec,
            settings.prompts,
            settings.expansion,
        )
        self._models = ModelLock()
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
        guard = open_guard(safety or chosen.safety, chosen.checker, models["painter"])
        studio = cls(**models, settings=chosen, guard=guard)
        studio.profile = now.name
        return studio

    def expand(self, request: str, *, seed: int | None = None) -> Generator[Event, None, None]:
        """Drafts the brief of a request and paints nothing; ends with `BriefReady`."""
        line = request_line(request)
        drafting = self.writer.draw(line, _seed(line, seed))
        return self.in_turn(_drafted(drafting), paints=False)

    def edit(
        self, before: Brief, request: str, *, seed: int | None = None
    ) -> Generator[Event, None, None]:
        """Applies a change to a brief, which leaves alone what it does not name.

        Ends with `BriefReady`.
        """
        line = request_line(request)
        drafting = self.writer.edit(before, line, _seed(line, seed))
        return self.in_turn(_drafted(drafting, f"{before.request}\n{line}"), paints=False)

    def stream(
        self, request: str, *, seed: int | None = None, **limits: Unpack[Limits]
    ) -> Generator[Event, None, None]:
        """Works on a request until every claim of its brief holds or its budget is spent.

        Ends with `Finished`. Closing the iterator cancels between two denoising steps. Raises
        `BadInput` for what cannot be painted as asked, `Blocked` for what the safety policy
        refuses, and `ModelFailed` when the painter breaks before the first picture.
        """
        return self.in_turn(self._loop(request, seed, limits).events())

    def paint(
        self,
        brief: Brief,
        *,
        seed: int | None = None,
        first_seed: int | None = None,
        first_number: int = 0,
        notes: Sequence[str] = (),
        **limits: Unpack[Limits],
    ) -> Generator[Event, None, None]:
        """Works on a brief that is there already; as `stream`, without the drafting.

        `first_seed` is that of the first picture, so that it starts from the noise of an earlier
        one; candidates are numbered from `first_number` on. `notes` are those of its draft, which
        the result has, too.
        """
        loop = self._loop(brief.request, seed, limits)
        run = loop.run
        run.brief, run.claims = brief, brief.claims
        run.first_seed, run.first_number = first_seed, first_number
        run.notes += notes
        return self.in_turn(loop.rounds())

    def stream_refine(
        self,
        candidate: Candidate,
        change: str,
        *,
        seed: int | None = None,
        **limits: Unpack[Limits],
    ) -> Generator[Event, None, None]:
        """Works on a change to a candidate, from its brief, size and noise; as `stream`.

        What the change does not name stays as it was.
        """
        return self.in_turn(self._change(candidate, change, seed, limits)[1])

    def imagine(self, request: str, *, seed: int | None = None, **limits: Unpack[Limits]) -> Result:
        """Works on a request to its end; after Ctrl-C, the result is the best so far."""
        loop = self._loop(request, seed, limits)
        return self._to_the_end(loop, loop.events())

    def refine(
        self,
        candidate: Candidate,
        change: str,
        *,
        seed: int | None = None,
        **limits: Unpack[Limits],
    ) -> Result:
        """Works on a change to a candidate to its end; see `stream_refine` and `imagine`."""
        return self._to_the_end(*self._change(candidate, change, seed, limits))

    def save(
        self,
        result: Result,
        path: Path | str,
        *,
        request: str | None = None,
        seed: int | None = None,
    ) -> Path:
        """Writes the best picture as a PNG that says how to paint it again, and returns its path.

        `request` and `seed` are the result's own where None; every other door saves the same bytes.
        `path` is a folder, or ends in `.png`; no file is overwritten: the second `cat.png` is
        `cat-2.png`. Raises `ModelFailed` where nothing was painted, and `BadInput` where nothing
        can be written.
        """
        line = request_line(result.request if request is None else request)
        seed = result.seed if seed is None else seed
        return pictures.save(result, line, self, Path(path), seed=seed)

    async def astream(
        self, request: str, *, seed: int | None = None, **limits: Unpack[Limits]
    ) -> AsyncGenerator[Event, None]:
        """The events of `stream` for asyncio, from the one thread that computes them all.

        Closing it (`contextlib.aclosing`) or cancelling its task stops between two denoising
        steps. Raises as `stream` does, and `Busy` where a thousand requests wait already.
        """
        job = self._jobs.submit(lambda studio: studio.stream(request, seed=seed, **limits))
        async with aclosing(job.astream(cancel=True)) as events:
            async for event in events:
                yield event

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

        Of a candidate without `claims` its own critique is told, and no model is used. Raises as
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
        """The events, computed only while no other thread uses the models; see `model_lock`."""
        return LockedStream(events, self._models, paints=paints)

    def repaint(
        self, image_request: ImageRequest, batch: Sequence[int] = (), dropped_at: Sequence[int] = ()
    ) -> Image:
        """The picture of one image request, painted once more.

        `batch` are the seeds of all pictures that were painted with it, its own among them, and
        `dropped_at` after which step each was dropped: a model computes the last bits of a picture
        differently in another batch. Without, it is alone. Where it starts from a picture that is
        not at hand, that one is painted first, in its own batch.
        Raises `BadInput` when nobody knows what it was painted from.
        """
        image_request = self._begun(image_request)
        known = image_request.seed in batch
        seeds, dropped = (list(batch), list(dropped_at)) if known else ([image_request.seed], [])
        requests = [replace(image_request, seed=seed) for seed in seeds]
        turn = self._models.turn(paints=True)
        with turn, closing(self.painter.paint(requests)) as painting:
            for done in _painted(painting, dropped):
                if seeds[done.index] == image_request.seed:
                    return done.picture
        raise ModelFailed("The painter finished without a picture.")

    def _begun(self, image_request: ImageRequest) -> ImageRequest:
        """The image request with the picture that it starts from."""
        start = image_request.start
        if start is None or start.picture is not None:
            return image_request
        if start.image_request is None:
            raise BadInput(
                "It was painted over a picture that is not at hand.",
                "Only what began from words alone can be painted again.",
            )
        picture = self.repaint(start.image_request, start.batch_seeds, start.dropped_at)
        return replace(image_request, start=replace(start, picture=picture))

    def _loop(self, request: str, seed: int | None, limits: Limits) -> Loop:
        line, spec = request_line(request), self.painter.spec
        parsed = parse(line)
        shape = parsed.size or parsed.aspect
        if shape and not limits.get("size") and not self.writer.world:
            limits = {**limits, "size": sized(*shape, spec)}
        run = Run(
            request=line,
            parsed=parsed,
            seed=_seed(line, seed),
            settings=settle(with_pasted(self.settings, parsed, spec), spec, limits),
            brief=Brief(line, line),
            refine=limits.get("refine", True),
            preview_every=limits.get("preview_every", 0),
        )
        loop = Loop(self.writer, self.painter, self.critic, self.search, run, self.guard)
        loop.check()
        return loop

    def _change(
        self, candidate: Candidate, change: str, seed: int | None, limits: Limits
    ) -> tuple[Loop, Generator[Event, None, None]]:
        before = candidate.image_request
        size = limits.get("size") or (before.width, before.height)
        loop = self._loop(change, seed, {**limits, "size": size})
        loop.run.first_seed = before.seed
        return loop, loop.changed(candidate.brief)

    def _to_the_end(self, loop: Loop, events: Generator[Event, None, None]) -> Result:
        with closing(self.in_turn(events)) as turns:
            try:
                for _ in turns:
                    pass
            except KeyboardInterrupt:
                loop.run.ended = "cancelled"
        return replace(loop.run.result(), saver=self.save)

    @cached_property
    def _jobs(self) -> Jobs:
        """What computes for `astream`."""
        return Jobs(self, waiting=1_000, kept=0)


def _seed(request: str, seed: int | None) -> int:
    """The seed that was given, or pasted with the request, or another one each time.

    Raises `BadInput` for what is no whole number of 0 to 2**32 - 1.
    """
    if seed is None:
        seed = pasted_seed(request)
    if seed is None:
        return secrets.randbelow(2**32)
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**32:
        raise BadInput(f"{seed!r} is no seed", "a seed is a whole number of 0 to 4294967295")
    return int(seed)


def _painted(painting: ImageStream, dropped_at: Sequence[int]) -> Iterator[GeneratedImage]:
    """The finished pictures; each is dropped after the step that `dropped_at` has for it."""
    for done in painting:
        if isinstance(done, GeneratedImage):
            yield done
            continue
        for index, step in enumerate(dropped_at):
            if step == done.number:
                painting.drop(index)


def _drafted(
    drafting: Generator[str, None, Drafted], said: str = ""
) -> Generator[Event, None, None]:
    drafted = yield from tokens(drafting)
    yield ready(drafted, said)
