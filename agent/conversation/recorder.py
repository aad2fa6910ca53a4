"""Writes a conversation into the archive as it goes on, and reads it back to go on with it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from limner.agent.archive.archive import Archive
from limner.agent.archive.recipe import Recipe
from limner.agent.archive.recorder import RequestRecorder
from limner.agent.archive.rows import (
    ArchivedSession,
    RatingRow,
    TakeRow,
    VersionRow,
    steps_of,
)
from limner.agent.brief.older import brief_now
from limner.agent.events import (
    CandidateReady,
    Decided,
    Event,
)
from limner.agent.history import (
    CandidateHistory,
    CandidateRun,
    SessionState,
    Steps,
    Version,
    VersionTree,
)
from limner.agent.records import Brief, Candidate
from limner.errors import BadInput, LimnerError
from limner.pipelines import stamp
from limner.pipelines.safety import UNCHECKED

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "SessionRecorder",
    "StoredSession",
    "read",
]


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A conversation as it was left: its versions, its takes, what was decided, where it stands."""

    tree: VersionTree
    reel: CandidateHistory
    decisions: list[Decided]
    standing: SessionState


@dataclass(slots=True)
class SessionRecorder:
    """One session of an archive. Nothing that goes wrong with it costs a picture.

    The session begins with its first version; `number` is None before. `problem` is what went
    wrong first, and nothing is written from then on. Numbers count from 1.
    """

    archive: Archive
    profile: str = ""
    number: int | None = None
    problem: LimnerError | None = None
    painted: list[CandidateReady] = field(default_factory=list)
    """The takes of the run at work, or of the last one, that were given to the archive."""

    def version(self, version: Version, standing: SessionState) -> None:
        """Writes a new version, which is the head, and where the conversation stands with it."""
        row = VersionRow(
            words=version.words,
            brief=asdict(version.brief),
            parent=None if version.parent is None else version.parent + 1,
            patch=[asdict(operation) for operation in version.patch],
            seed=version.seed,
            number=version.id + 1,
        )
        self._try(lambda: self.archive.add_version(self._begun(), row, asdict(standing)))

    def head(self, version: Version, standing: SessionState) -> None:
        """Writes which version is at hand, and where the conversation stands."""
        where = asdict(standing)
        self._try(lambda: self.archive.set_head(self._begun(), version.id + 1, where))

    def finish(self, take: int, steps: Steps, undone: Steps) -> None:
        """Writes how a take is finished, and which steps of that were taken back."""
        done, back = ([[asdict(one) for one in step] for step in kept] for kept in (steps, undone))
        self._try(lambda: self.archive.finish(self._begun(), take, done, back))

    def rate(self, take: int, verdict: str, other: int | None = None) -> None:
        """Writes what the user thinks of a take, or of one against another."""
        self._try(lambda: self.archive.rate(self._begun(), RatingRow(take, verdict, other)))

    def painting(
        self,
        events: Generator[Event, None, None],
        studio: Studio,
        version: Version,
        seed: int,
        run: int = 0,
    ) -> Generator[Event, None, None]:
        """Passes the events of a painting through, each written before it is seen.

        `run` counts the session's paintings from 1.
        """
        self.painted = []
        if self.problem:
            return events
        recorder = RequestRecorder(
            self.archive,
            studio,
            seed,
            self.profile,
            session=self.number,
            version=version.id + 1,
            run=run,
            takes=self.painted,
        )
        return self._followed(recorder, events)

    def _followed(
        self, recorder: RequestRecorder, events: Generator[Event, None, None]
    ) -> Generator[Event, None, None]:
        try:
            yield from recorder.record(events)
        finally:
            self.problem = recorder.problem

    def _begun(self) -> int:
        if self.number is None:
            self.number = self.archive.begin(profile=self.profile)
        return self.number

    def _try(self, write: Any) -> None:
        try:
            if not self.problem:
                write()
        except LimnerError as error:
            self.problem = error


def read(archive: Archive, number: int) -> StoredSession:
    """A session as it was left. Raises `BadInput` for an unknown one or a damaged picture."""
    kept = archive.load(number)
    tree = _tree(kept)
    reel = CandidateHistory()
    for before, row in zip((None, *kept.takes), kept.takes, strict=False):
        if before is None or _begins(row, before):
            reel.runs.append(CandidateRun(ended=""))
        take = reel.add(_take(archive, row, tree, len(reel.takes)), row.spent)
        tree.bind(take, row.version - 1, row.order.seed)
        _finish(reel, take, row)
    standing = SessionState.of(kept.standing, len(tree.versions), len(reel.takes))
    tree.forward |= standing.forward
    decisions = [Decided(d.round, d.what, d.why) for d in kept.decisions]
    return StoredSession(tree, reel, decisions, standing)


def _begins(row: TakeRow, before: TakeRow) -> bool:
    """Whether a take is the first of its run; where none is told, rounds count up within one."""
    if row.run or before.run:
        return row.run != before.run
    return row.version != before.version or row.round < before.round


def _finish(reel: CandidateHistory, number: int, row: TakeRow) -> None:
    if row.finishes:
        reel.steps[number] = steps_of(row.finishes)
    if row.undone:
        reel.undone[number] = steps_of(row.undone)


def _tree(kept: ArchivedSession) -> VersionTree:
    tree = VersionTree()
    for row in kept.versions:
        if row.parent is not None:
            tree.branch(row.parent - 1)
        brief = TypeAdapter(Brief).validate_python(brief_now(row.brief))
        tree.add(row.words, brief, row.seed)
    if kept.row.head is not None:
        tree.branch(kept.row.head - 1)
    return tree


def _take(archive: Archive, row: TakeRow, tree: VersionTree, number: int) -> Candidate:
    """The take as it was, with the wording that its own file tells: a run may have reworded."""
    archive.pictures.read(row.picture)  # raises where it is not what it was
    path = archive.pictures.path(row.picture)
    stamped = stamp.read(path)
    try:
        recipe = Recipe.parse(stamped.recipe, path)
    except BadInput:  # written by another limner; the version's wording is near
        brief, safety = tree.versions[row.version - 1].brief, UNCHECKED
    else:
        brief, safety = recipe.brief, recipe.safety
    return Candidate(number, row.round, brief, row.order, stamped.picture, row.critique, safety)
