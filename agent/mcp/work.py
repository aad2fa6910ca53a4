"""The work behind the tools: what the models do for each wish, and how the best of it is kept."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from limner.agent.archive import saving
from limner.agent.archive.recorder import Recorder
from limner.agent.command_line.options import pixels
from limner.agent.conversation.session import Session
from limner.agent.desk.handed_out import Before, Kept
from limner.agent.events import BriefReady, Event, Finished, TakeReady
from limner.agent.language.locks import Lock
from limner.agent.mcp.asks import AskPicture, AskRefined, AskStart
from limner.agent.mcp.room import Room, Ticket
from limner.agent.plain import request_line
from limner.agent.records import Result, Take
from limner.agent.run import Limits
from limner.errors import BadInput
from limner.prompts.styles import style

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = ["Wish", "briefing", "drawn", "wish_for"]


def drawn(seed: int | None) -> int:
    """The caller's seed, or a fresh one, which the answer tells."""
    return secrets.randbits(32) if seed is None else seed


@dataclass(frozen=True, slots=True)
class Wish:
    """A picture to paint, from a request or as a change to `start`; it is a `Work` for a job."""

    room: Room
    ticket: Ticket
    limits: Limits
    style: str | None = None
    start: Before | None = None

    def __call__(self, studio: Studio) -> Generator[Event, None, object]:
        """Paints, and keeps the best take: when it is done, and when it is cancelled."""
        self.ticket.watch.doing = "opening the models, where they are not open yet"
        settings = studio.settings
        budget = self.limits.get("budget") or settings.budget
        self.ticket.watch.rounds = max(1, round(budget / settings.takes))
        return self._kept(studio)

    def _kept(self, studio: Studio) -> Generator[Event, None, object]:
        ticket, seen = self.ticket, _Seen()
        recorder = self._recorder(studio)
        events = self._events(studio)
        try:
            with closing(recorder.record(events) if recorder else events) as recorded:
                for event in recorded:
                    seen.see(event)
                    ticket.watch.see(event)
                    if isinstance(event, Finished):
                        self._keep(event.result, seen.locks, studio, recorder)
                    yield event
        except GeneratorExit:
            if seen.best and not ticket.kept:
                self._keep(seen.cancelled(), seen.locks, studio, recorder)
            raise
        return ticket.kept

    def _recorder(self, studio: Studio) -> Recorder | None:
        room = self.room
        if room.archive is None:
            return None
        return Recorder(room.archive, studio, self.ticket.seed, room.profile)

    def _events(self, studio: Studio) -> Generator[Event, None, None]:
        request, seed = self.ticket.request, self.ticket.seed
        if self.start is not None:
            before, locks = self.start.take, self.start.locks
            return studio.refining(before, request, seed=seed, locks=locks, **self.limits)
        if self.style is not None:
            return _in_style(studio, request, seed, self.style, self.limits)
        return studio.takes(request, seed=seed, **self.limits)

    def _keep(
        self, result: Result, locks: tuple[Lock, ...], studio: Studio, recorder: Recorder | None
    ) -> None:
        """Saves the best take, and remembers it."""
        ticket, room = self.ticket, self.room
        words = f"{self.start.words}; {ticket.request}" if self.start else ticket.request
        problem = recorder.problem if recorder else None
        path = saving.save(result, words, studio, room.out, seed=ticket.seed, profile=room.profile)
        if problem:
            note = f"not all is in the archive: {problem.message}"
            result = replace(result, notes=(*result.notes, note))
        session = recorder.session if recorder else None
        ticket.kept = Kept.of(result, path, words, locks, ticket.seed, session=session)
        room.takes.keep(ticket.kept.name, ticket.kept)


@dataclass(slots=True)
class _Seen:
    """What was stated, and the takes of a request that may be cancelled before it tells of them."""

    locks: tuple[Lock, ...] = ()
    takes: list[Take] = field(default_factory=list)
    best: Take | None = None
    spent: float = 0.0

    def see(self, event: Event) -> None:
        if isinstance(event, BriefReady):
            self.locks = event.locks
        elif isinstance(event, TakeReady):
            self.takes.append(event.take)
            self.best = event.take if event.best else self.best
            self.spent = event.spent

    def cancelled(self) -> Result:
        return Result(self.best, tuple(self.takes), "cancelled", self.spent, 0.0)


def wish_for(ask: AskPicture | AskRefined, room: Room) -> Wish:
    """What is asked for, as work for a job. Raises `BadInput` for what can't be meant."""
    if isinstance(ask, AskRefined):
        words, start, limits = ask.change, room.take(ask.take), Limits(budget=ask.budget)
        return Wish(room, Ticket(request_line(words), drawn(ask.seed)), limits, start=start)
    ticket = Ticket(request_line(ask.request), drawn(ask.seed))
    limits = Limits(budget=ask.budget, size=pixels(ask.size))
    if not isinstance(ask, AskStart) or ask.take is None:
        return Wish(room, ticket, limits, style=ask.style)
    if ask.style or ask.size:
        raise BadInput(
            "a change keeps the take's own style and size", "leave style and size out, or take"
        )
    return Wish(room, ticket, limits, start=room.take(ask.take))


def briefing(request: str, seed: int) -> _Briefing:
    """Work that writes a brief and paints nothing; its result is the last `BriefReady`."""
    return _Briefing(request_line(request), seed)


@dataclass(frozen=True, slots=True)
class _Briefing:
    request: str
    seed: int

    def __call__(self, studio: Studio) -> Generator[Event, None, object]:
        ready = None
        for event in studio.expand(self.request, seed=self.seed):
            ready = event if isinstance(event, BriefReady) else ready
            yield event
        return ready


def _in_style(
    studio: Studio, request: str, seed: int, name: str, limits: Limits
) -> Generator[Event, None, None]:
    """As `Studio.takes`, in a style and its shape. Raises `BadInput` for an unknown style."""
    called = style(name, studio.settings.prompts).name
    session = Session(studio, seed, limits, style=called)
    yield from session.draft(request)
    yield from session.paint()
