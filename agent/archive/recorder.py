"""Writes a conversation into the archive as it goes on, and reads it back to go on with it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import stamped
from limner.agent.archive.rows import (
    DecisionRow,
    TakeRow,
    VersionRow,
)
from limner.agent.events import (
    BriefReady,
    BriefToken,
    CandidateReady,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
)
from limner.agent.records import Brief, Candidate, Result
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "RequestRecorder",
]


@dataclass(slots=True)
class RequestRecorder:
    """Passes the events of one request through, and has each in the archive before it is seen.

    Without a `session`, one is begun when the brief is ready; without a `version`, the brief
    becomes one. The archive never costs a picture: where it fails, `problem` says why, and the
    events go on unrecorded. `run` counts a session's paintings from 1 (0: nobody counts); `takes`
    are those that were given to the archive so far.
    """

    archive: Archive
    studio: Studio
    seed: int
    profile: str = ""
    session: int | None = None
    version: int | None = None
    problem: LimnerError | None = None
    run: int = 0
    takes: list[CandidateReady] = field(default_factory=list)

    def record(self, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """The same events; what was seen of them is kept, wherever the iterator is closed."""
        with closing(events):
            for moment in _moments(events):
                try:
                    self._keep(moment)
                finally:  # Ctrl-C while it is written does not take back what was painted
                    yield from moment

    def _keep(self, moment: Sequence[Event]) -> None:
        """Write it to the end, even where Ctrl-C comes meanwhile; a second one is heeded."""
        if self.problem or isinstance(moment[0], BriefToken | PaintingStep):
            return
        try:
            with ThreadPoolExecutor(1) as writer:  # where Ctrl-C does not reach
                writer.submit(self._write, moment).result()
        except LimnerError as error:
            self.problem = error

    def _write(self, moment: Sequence[Event]) -> None:
        match moment[0]:
            case BriefReady(brief):
                self._begin(brief)
            case CandidateReady():
                self._painted([event for event in moment if isinstance(event, CandidateReady)])
            case Decided(number, what, why):
                self._decided(number, what, why)
            case PromptRevised(number, _, _, reply):
                self._decided(number, "reworded", reply)
            case Finished(result):
                for note in result.notes:
                    self._decided(result.takes[-1].round if result.takes else 0, "note", note)

    def _begin(self, brief: Brief) -> None:
        if self.session is None:
            self.session = self.archive.begin(profile=self.profile)
        if self.version is None:
            made = VersionRow(brief.request, asdict(brief), seed=self.seed)
            self.version = self.archive.add_version(self.session, made)

    def _painted(self, takes: list[CandidateReady]) -> None:
        """Keep the takes of one round; each file names all of them, for that is how it was made."""
        if self.session is None or self.version is None:
            return
        self.takes += takes
        for ready in takes:
            take, spent = ready.take, ready.spent
            row = TakeRow(self.version, take.round, take.order, take.critique, spent, run=self.run)
            self.archive.add_take(self.session, row, self._file(take, spent))

    def _file(self, take: Candidate, spent: float) -> bytes:
        so_far = Result(None, tuple(ready.take for ready in self.takes), "", spent, 0.0)
        return stamped(
            so_far, take, take.brief.request, self.studio, seed=self.seed, profile=self.profile
        )

    def _decided(self, number: int, what: str, why: str) -> None:
        if self.session is not None and self.version is not None:
            self.archive.add_decision(self.session, DecisionRow(self.version, number, what, why))


def _moments(events: Iterator[Event]) -> Iterator[Sequence[Event]]:
    """The events, with the takes of a round together, for each tells in whose company it was."""
    takes: list[CandidateReady] = []
    try:
        for event in events:
            if isinstance(event, CandidateReady):
                takes.append(event)
                continue
            if takes:
                painted, takes = takes, []
                yield painted
            yield [event]
    except (Exception, KeyboardInterrupt):
        if takes:
            yield takes
        raise
    if takes:
        yield takes
