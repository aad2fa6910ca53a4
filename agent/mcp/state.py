"""What an MCP server works with: the models, the queue before them, and its tools' jobs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from limner.agent.archive.archive import Archive
from limner.agent.events import Event
from limner.agent.jobs import Job, Jobs
from limner.agent.mcp.progress import RequestProgress
from limner.agent.tools.recently_used import RecentlyUsed
from limner.agent.tools.service import ToolService
from limner.agent.tools.toolset import ToolAnswer
from limner.agent.tools.turns import ToolRequest
from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = ["ServerState", "ToolJob"]

_STARTED = 32  # jobs that can still be asked about; more than stand in line
_ENDED = 4  # jobs that have ended and are remembered besides, with all their pictures


class _LazyStudio:
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


@dataclass(frozen=True, slots=True)
class ToolJob:
    """A turn as work for a job, and how far it is; its best take is kept when it is cancelled."""

    request: ToolRequest
    service: ToolService
    progress: RequestProgress = field(default_factory=RequestProgress)

    def __call__(self, studio: Studio) -> Generator[Event, None, ToolAnswer]:
        """Works on it."""
        self.progress.doing = "opening the models, where they are not open yet"
        settings = studio.settings
        budget = self.request.limits.get("budget") or settings.budget
        self.progress.rounds = max(1, round(budget / settings.images_per_round))
        with closing(self.service.work(self.request, studio)) as events:
            for event in events:
                self.progress.see(event)
                yield event
        return ToolAnswer.of(self.request)


@dataclass
class ServerState:
    """The models and all that is kept, for as long as the server runs; any thread may call it.

    The models are opened when they are first needed; pictures are saved in the folder `out`, and
    sessions recorded in `archive`, where there is one.
    """

    open_studio: Callable[[], Studio]
    out: Path
    profile: str = ""
    archive: Archive | None = None
    service: ToolService = field(init=False)
    jobs: Jobs = field(init=False)
    _started: RecentlyUsed[tuple[Job, ToolJob]] = field(
        default_factory=lambda: RecentlyUsed(_STARTED)
    )

    def __post_init__(self) -> None:
        self.studio = cast("Studio", _LazyStudio(self.open_studio))
        self.service = ToolService(self.out, self.profile, self.archive)
        self.jobs = Jobs(self.studio, kept=_ENDED)

    def close(self) -> None:
        """Cancels what runs, between two steps, and waits for it."""
        self.jobs.close()

    def start(self, work: ToolJob) -> Job:
        """Puts a turn in line, to be asked about later; of the oldest, nobody knows any more."""
        job = self.jobs.submit(work, label=work.request.label)
        self._started.keep(job.id, (job, work))
        return job

    def started(self, name: str) -> tuple[Job, ToolJob]:
        """A job and what is known of it. Raises `BadInput` for an unknown one."""
        found = self._started.find(name)
        if found is None:
            raise BadInput("there is no such job", "take the id that start gave")
        return found
