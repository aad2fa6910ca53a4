"""A wish as a job of the line: what an assistant asked for, how far it is, and what came of it."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from limner.agent.events import Event
from limner.agent.mcp.asks import AskPicture, AskRefined, AskStart
from limner.agent.mcp.watch import RequestProgress
from limner.agent.search.run import Limits
from limner.agent.tools.arguments import pixels
from limner.agent.tools.service import ToolRequest, ToolService
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.agent.mcp.room import ServerState
    from limner.agent.studio import Studio

__all__ = ["ToolJob", "drawn", "ticket_for"]


def drawn(seed: int | None) -> int:
    """The caller's seed, or a fresh one, which the answer tells."""
    return secrets.randbits(32) if seed is None else seed


@dataclass(frozen=True, slots=True)
class ToolJob:
    """One wish, and how far it is; it is a `Work` for a job."""

    wish: ToolRequest
    desk: ToolService
    watch: RequestProgress = field(default_factory=RequestProgress)

    def __call__(self, studio: Studio) -> Generator[Event, None, object]:
        """Works on it, and keeps the best take: when it is done, and when it is cancelled."""
        self.watch.doing = "opening the models, where they are not open yet"
        settings = studio.settings
        budget = self.wish.limits.get("budget") or settings.budget
        self.watch.rounds = max(1, round(budget / settings.takes))
        with closing(self.desk.work(self.wish, studio)) as events:
            for event in events:
                self.watch.see(event)
                yield event
        return self.wish


def ticket_for(ask: AskPicture | AskRefined, room: ServerState) -> ToolJob:
    """What is asked for, as work for a job. Raises `BadInput` for what can't be meant."""
    limits = Limits(budget=ask.budget)
    if isinstance(ask, AskRefined):
        start = room.take(ask.take)
        return ToolJob(ToolRequest(ask.change, drawn(ask.seed), limits, start=start), room.desk)
    taken = ask.take if isinstance(ask, AskStart) else None
    if taken and (ask.style or ask.size):
        raise BadInput(
            "a change keeps the take's own style and size", "leave style and size out, or take"
        )
    limits["size"] = pixels(ask.size)
    begun = room.take(taken) if taken else None
    wish = ToolRequest(ask.request, drawn(ask.seed), limits, ask.style or "", begun)
    return ToolJob(wish, room.desk)
