"""What all requests share: the models and their queue, the archive, and what is remembered."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import name_of
from limner.agent.conversation.session import Session
from limner.agent.jobs import Job, Jobs
from limner.agent.serve.transcript import Transcript
from limner.agent.studio import Studio
from limner.agent.tools.recently_used import RecentlyUsed

__all__ = ["MODEL", "AppState", "PageSession", "TheState"]

_PICTURES = 256 * 2**20  # bytes

MODEL = "limner"
"""The name of the model in answers; callers may ask for any: what is behind it is ours to say."""


@dataclass(slots=True)
class PageSession:
    """A conversation of the page, its transcript and latest job; a turn of it holds `lock`."""

    session: Session
    transcript: Transcript
    job: Job | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def busy(self) -> str | None:
        """The id of the job that is still at work here."""
        return self.job.id if self.job and not self.job.ended else None


@dataclass(slots=True)
class AppState:
    """A studio behind one queue of jobs.

    `profile` is the name that pictures are stamped with. `sessions` are the conversations of the
    page by their id, `chats` those of chat clients by what was said in them. `pictures` are the
    latest that callers were given a link to, by the SHA-256 of their files: who has a picture's
    name has seen the picture, so the name is its own permission. `checked` is what the last
    check of the models found, and `checked_at` when, on the monotonic clock.
    """

    studio: Studio
    jobs: Jobs
    profile: str = ""
    archive: Archive | None = None
    pictures: RecentlyUsed[bytes] = field(
        default_factory=lambda: RecentlyUsed(_PICTURES, weigh=len)
    )
    sessions: RecentlyUsed[PageSession] = field(default_factory=lambda: RecentlyUsed(16))
    chats: RecentlyUsed[Session] = field(default_factory=lambda: RecentlyUsed(16))
    checked: dict[str, str] = field(default_factory=dict)
    checked_at: float = 0.0

    def link(self, content: bytes, base: str) -> str:
        """Keeps a picture for a while, and returns the address of it below `base`."""
        name = name_of(content)
        self.pictures.keep(name, content)
        return f"{base}pictures/{name}.png"


def _state(request: Request) -> AppState:
    state: AppState = request.app.state.limner
    return state


TheState = Annotated[AppState, Depends(_state)]
"""What a route takes to be given the state."""
