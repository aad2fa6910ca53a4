"""What all requests share: the models and the line before them, the archive, what is remembered."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from limner.agent.archive import Archive
from limner.agent.jobs import Jobs
from limner.agent.serve.checkup import Checkup
from limner.agent.serve.faults import NotThere
from limner.agent.serve.memory import Memory
from limner.agent.serve.shelf import Shelf
from limner.agent.serve.talk import Talk
from limner.agent.studio import Studio

__all__ = ["House", "TheHouse", "drawn_seed"]

MODEL = "limner"
"""The name that callers know the models by: what is behind it is the server's own choice."""


@dataclass(slots=True)
class House:
    """A studio with one line of jobs before it; every request goes through that line.

    `profile` is the name that pictures are stamped with. `rooms` are the conversations of the
    page by their id, `chats` those of chat clients by what was said in them.
    """

    studio: Studio
    jobs: Jobs
    profile: str = ""
    archive: Archive | None = None
    shelf: Shelf = field(default_factory=Shelf)
    rooms: Memory[Talk] = field(default_factory=lambda: Memory(16))
    chats: Memory[Talk] = field(default_factory=lambda: Memory(16))
    checkup: Checkup = field(default_factory=Checkup)

    def serves(self, model: str | None) -> None:
        """Raises `NotThere` for a model that isn't ours."""
        if model not in (None, MODEL, self.profile or MODEL):
            raise NotThere("There is no such model here", f'ask for "{MODEL}", or for none')


def drawn_seed() -> int:
    """A seed for a caller who gave none; the answer tells it."""
    return secrets.randbelow(2**32)


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


TheHouse = Annotated[House, Depends(_house)]
"""What a route takes to be given the house."""
