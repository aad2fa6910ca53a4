"""What all requests share: the models and the line before them, the archive, what is remembered."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import name_of
from limner.agent.conversation.session import Session
from limner.agent.jobs import Jobs
from limner.agent.serve.checkup import Checkup
from limner.agent.serve.faults import NotThere
from limner.agent.studio import Studio
from limner.agent.tools.service import RecentlyUsed

__all__ = ["AppState", "PageConversation", "TheHouse", "drawn_seed"]

_PICTURES = 256 * 2**20  # bytes

MODEL = "limner"
"""The name that callers know the models by: what is behind it is the server's own choice."""


@dataclass(slots=True)
class PageConversation:
    """A conversation of the page, and its latest job; who takes a turn in it holds `alone`."""

    session: Session
    job: str = ""
    alone: threading.Lock = field(default_factory=threading.Lock)


@dataclass(slots=True)
class AppState:
    """A studio with one line of jobs before it; every request goes through that line.

    `profile` is the name that pictures are stamped with. `rooms` are the conversations of the
    page by their id, `chats` those of chat clients by what was said in them. `pictures` are the
    latest that callers were given a link to, by the SHA-256 of their files: who has a picture's
    name has seen the picture, so the name is its own permission.
    """

    studio: Studio
    jobs: Jobs
    profile: str = ""
    archive: Archive | None = None
    pictures: RecentlyUsed[bytes] = field(
        default_factory=lambda: RecentlyUsed(_PICTURES, weigh=len)
    )
    rooms: RecentlyUsed[PageConversation] = field(default_factory=lambda: RecentlyUsed(16))
    chats: RecentlyUsed[Session] = field(default_factory=lambda: RecentlyUsed(16))
    checkup: Checkup = field(default_factory=Checkup)

    def serves(self, model: str | None) -> None:
        """Raises `NotThere` for a model that isn't ours."""
        if model not in (None, MODEL, self.profile or MODEL):
            raise NotThere("There is no such model here", f'ask for "{MODEL}", or for none')

    def link(self, content: bytes, base: str) -> str:
        """Keeps a picture for a while, and returns the address of it below `base`."""
        name = name_of(content)
        self.pictures.keep(name, content)
        return f"{base}pictures/{name}.png"


def drawn_seed() -> int:
    """A seed for a caller who gave none; the answer tells it."""
    return secrets.randbelow(2**32)


def _house(request: Request) -> AppState:
    house: AppState = request.app.state.house
    return house


TheHouse = Annotated[AppState, Depends(_house)]
"""What a route takes to be given the house."""
