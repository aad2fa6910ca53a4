"""What the tools work with: the models, the line before them, the takes, the archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from limner.agent.archive.archive import Archive
from limner.agent.archive.rows import TakeRow
from limner.agent.conversation.recorder import read
from limner.agent.jobs import Job, Jobs
from limner.agent.tools.service import IssuedCandidate, RecentlyUsed, ToolService
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.agent.mcp.work import ToolJob
    from limner.agent.studio import Studio

__all__ = ["ServerState"]

_TICKETS = 32  # jobs that can still be asked about; more than stand in line
_JOBS = 4  # that have ended and are remembered besides, with all their pictures


class _Unopened:
    """A studio that is opened when work needs it, by the one thread that works with models.

    Where that fails, it is the work's error, and the next one tries again.
    """

    def __init__(self, open_studio: Callable[[], Studio]) -> None:
        self._open = open_studio

    @cached_property
    def _studio(self) -> Studio:
        return self._open()

    def __getattr__(self, name: str) -> object:
        return getattr(self._studio, name)


@dataclass
class ServerState:
    """The models and all that is kept, for as long as the door is open.

    The models are opened when they are first needed; pictures are saved in the folder `out`, and
    takes recorded in `archive`, where there is one. Any thread may call it.
    """

    open_studio: Callable[[], Studio]
    out: Path
    profile: str = ""
    archive: Archive | None = None
    desk: ToolService = field(init=False)
    jobs: Jobs = field(init=False)
    _tickets: RecentlyUsed[tuple[Job, ToolJob]] = field(
        default_factory=lambda: RecentlyUsed(_TICKETS)
    )

    def __post_init__(self) -> None:
        self.desk = ToolService(self.out, self.profile, self.archive)
        self.jobs = Jobs(cast("Studio", _Unopened(self.open_studio)), kept=_JOBS)

    def close(self) -> None:
        """Cancels what runs, between two steps, and waits for it."""
        self.jobs.close()

    def note(self, job: Job, ticket: ToolJob) -> None:
        """Remembers a job that is asked about later; of the oldest, nobody knows any more."""
        self._tickets.keep(job.id, (job, ticket))

    def ticket(self, id: str) -> tuple[Job, ToolJob]:
        """A job and what is known of it. Raises `BadInput` for an unknown one."""
        found = self._tickets.find(id)
        if found is None:
            raise BadInput("there is no such job", "take the id that start gave")
        return found

    def take(self, id: str) -> IssuedCandidate:
        """A take that was painted here, or one of the archive: "12-4" is take 4 of session 12.

        Raises `BadInput` for one that there is not.
        """
        if "-" not in id:
            return self.desk.find(id)
        archive, session, row = self._archived(id)
        past = read(archive, session)
        words, seed = past.tree.words(row.number), past.tree.version_of(row.number).seed
        path = archive.pictures.path(row.picture)
        return IssuedCandidate.of(past.reel.result(row.number), path, words, seed, id)

    def content(self, id: str) -> bytes:
        """The whole PNG file of a take; see `take`."""
        if "-" not in id:
            return self.desk.find(id).content()
        archive, _, row = self._archived(id)
        return archive.pictures.read(row.picture)

    def _archived(self, id: str) -> tuple[Archive, int, TakeRow]:
        session, number = map(int, id.split("-"))
        archive = self.kept_in_archive()
        for row in archive.load(session).takes:
            if row.number == number:
                return archive, session, row
        raise BadInput(f"there is no take {id}", f"look into limner://gallery/{session}")

    def kept_in_archive(self) -> Archive:
        """The archive. Raises `BadInput` where none is kept."""
        if self.archive is None:
            raise BadInput("there is no archive here", "start limner mcp without --no-archive")
        return self.archive
