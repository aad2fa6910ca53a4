"""The front door: what a writer, a painter and a critic in one room can be asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Unpack

from limner.agent.archive import saving
from limner.agent.brief import Drafted
from limner.agent.events import Event
from limner.agent.jobs import Jobs
from limner.agent.loop import Loop, ready, tokens
from limner.agent.plain import request_line
from limner.agent.prompt_syntax import parse
from limner.agent.records import Brief, Result, Settings, Take
from limner.agent.room import Room
from limner.agent.run import Limits, Run, settle
from limner.agent.styling import sized

__all__ = ["Settings", "Studio"]


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
        take: Take,
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
        take: Take,
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
        return saving.save(result, request_line(request), self, Path(path), seed=seed)

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
        self, take: Take, change: str, seed: int, limits: Limits
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
