"""Writes sessions into the archive as they go on, and reads them back to go on with them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import stamped
from limner.agent.archive.recipe import Recipe
from limner.agent.archive.rows import (
    ArchivedSession,
    CandidateRow,
    DecisionRow,
    RatingRow,
    VersionRow,
    steps_of,
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
from limner.agent.history import (
    CandidateHistory,
    CandidateRun,
    SessionState,
    Steps,
    Version,
    VersionTree,
)
from limner.agent.records import Candidate, Result
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


@dataclass(slots=True)
class SessionRecorder:
    """Writes one session of an archive. Nothing that goes wrong with it costs a picture.

    The session begins with its first version; `number` is None before. `problem` is what went
    wrong first, and nothing is written from then on. Numbers count from 1. `painted` are the
    candidates of the run at work, or of the last one, that were given to the archive.
    """

    archive: Archive
    profile: str = ""
    number: int | None = None
    problem: LimnerError | None = None
    painted: list[CandidateReady] = field(default_factory=list)

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

    def finish(self, number: int, steps: Steps, undone: Steps) -> None:
        """Writes how a candidate is finished, and which steps of that were taken back."""
        done, back = ([[asdict(one) for one in step] for step in kept] for kept in (steps, undone))
        self._try(lambda: self.archive.finish(self._begun(), number, done, back))

    def rate(self, number: int, verdict: str, other: int | None = None) -> None:
        """Writes what the user thinks of a candidate, or of one against another."""
        self._try(lambda: self.archive.rate(self._begun(), RatingRow(number, verdict, other)))

    def record(
        self,
        events: Generator[Event, None, None],
        studio: Studio,
        seed: int,
        version: int | None = None,
        run: int = 0,
    ) -> Generator[Event, None, None]:
        """Passes the events of one run through, and has each in the archive before it is seen.

        What was seen of them is kept, wherever the iterator is closed. Without a `version`, the
        brief becomes one. `run` counts the session's paintings from 1 (0: nobody counts).
        """
        self.painted = []
        recording = _Recording(self, studio, seed, version, run)
        with closing(events):
            for moment in _moments(events):
                try:
                    recording.keep(moment)
                finally:  # Ctrl-C while it is written does not take back what was painted
                    yield from moment

    def _begun(self) -> int:
        if self.number is None:
            self.number = self.archive.begin(profile=self.profile)
        return self.number

    def _try(self, write: Callable[[], object]) -> None:
        try:
            if not self.problem:
                write()
        except LimnerError as error:
            self.problem = error


@dataclass(slots=True)
class _Recording:
    """One run that is being written."""

    recorder: SessionRecorder
    studio: Studio
    seed: int
    version: int | None
    run: int

    def keep(self, moment: Sequence[Event]) -> None:
        """Writes it to the end, even where Ctrl-C comes meanwhile; a second one is heeded."""
        if self.recorder.problem or isinstance(moment[0], BriefToken | PaintingStep):
            return
        with ThreadPoolExecutor(1) as writer:  # where Ctrl-C does not reach
            writer.submit(self.recorder._try, lambda: self._write(moment)).result()

    def _write(self, moment: Sequence[Event]) -> None:
        match moment[0]:
            case BriefReady(brief):
                if self.version is None:
                    made = VersionRow(brief.request, asdict(brief), seed=self.seed)
                    session = self.recorder._begun()
                    self.version = self.recorder.archive.add_version(session, made)
            case CandidateReady():
                self._painted([event for event in moment if isinstance(event, CandidateReady)])
            case Decided(number, what, why):
                self._decided(number, what, why)
            case PromptRevised(number, _, _, reply):
                self._decided(number, "reworded", reply)
            case Finished(result):
                for note in result.notes:
                    last = result.candidates[-1].round if result.candidates else 0
                    self._decided(last, "note", note)

    def _painted(self, ready: list[CandidateReady]) -> None:
        """Keeps a round's candidates; each file names all of them, for that is how it was made."""
        if self.recorder.number is None or self.version is None:
            return
        painted = self.recorder.painted
        painted += ready
        for one in ready:
            candidate, spent = one.candidate, one.spent
            so_far = Result(None, tuple(one.candidate for one in painted), "", spent, 0.0)
            content = stamped(
                so_far,
                candidate,
                candidate.brief.request,
                self.studio,
                seed=self.seed,
                profile=self.recorder.profile,
            )
            row = CandidateRow(
                self.version,
                candidate.round,
                candidate.image_request,
                candidate.critique,
                spent,
                run=self.run,
            )
            self.recorder.archive.add_candidate(self.recorder.number, row, content)

    def _decided(self, number: int, what: str, why: str) -> None:
        if self.recorder.number is not None and self.version is not None:
            row = DecisionRow(self.version, number, what, why)
            self.recorder.archive.add_decision(self.recorder.number, row)


def _moments(events: Iterator[Event]) -> Iterator[Sequence[Event]]:
    """The events, with the candidates of a round together, for each names the others' seeds."""
    ready: list[CandidateReady] = []
    try:
        for event in events:
            if isinstance(event, CandidateReady):
                ready.append(event)
                continue
            if ready:
                painted, ready = ready, []
                yield painted
            yield [event]
    except (Exception, KeyboardInterrupt):
        if ready:
            yield ready
        raise
    if ready:
        yield ready


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A conversation as it was left: its versions and candidates, what was decided, its state."""

    tree: VersionTree
    history: CandidateHistory
    decisions: list[Decided]
    standing: SessionState


def read(archive: Archive, number: int) -> StoredSession:
    """A session as it was left. Raises `BadInput` for an unknown one or a damaged picture."""
    kept = archive.load(number)
    tree = _tree(kept)
    history = CandidateHistory()
    for before, row in zip((None, *kept.candidates), kept.candidates, strict=False):
        if before is None or _begins(row, before):
            history.runs.append(CandidateRun(ended=""))
        candidate = history.add(_candidate(archive, row, tree, len(history.candidates)), row.spent)
        tree.bind(candidate, row.version - 1, row.image_request.seed)
        _finish(history, candidate, row)
    standing = SessionState.of(kept.standing, len(tree.versions), len(history.candidates))
    tree.forward |= standing.forward
    decisions = [Decided(d.round, d.what, d.why) for d in kept.decisions]
    return StoredSession(tree, history, decisions, standing)


def _begins(row: CandidateRow, before: CandidateRow) -> bool:
    """Whether a candidate is the first of its run; where none is told, rounds count up in one."""
    if row.run or before.run:
        return row.run != before.run
    return row.version != before.version or row.round < before.round


def _finish(history: CandidateHistory, number: int, row: CandidateRow) -> None:
    if row.finishes:
        history.steps[number] = steps_of(row.finishes)
    if row.undone:
        history.undone[number] = steps_of(row.undone)


def _tree(kept: ArchivedSession) -> VersionTree:
    tree = VersionTree()
    for row in kept.versions:
        if row.parent is not None:
            tree.branch(row.parent - 1)
        tree.add(row.words, row.read_brief(), row.seed)
    if kept.row.head is not None:
        tree.branch(kept.row.head - 1)
    return tree


def _candidate(archive: Archive, row: CandidateRow, tree: VersionTree, number: int) -> Candidate:
    """The candidate as it was, with the wording that its own file tells: it may be a new one."""
    archive.pictures.read(row.picture)  # raises where it is not what it was
    path = archive.pictures.path(row.picture)
    file = stamp.read(path)
    try:
        recipe = Recipe.parse(file.recipe, path)
    except BadInput:  # written by another limner; the version's wording is near
        brief, safety = tree.versions[row.version - 1].brief, UNCHECKED
    else:
        brief, safety = recipe.brief, recipe.safety
    return Candidate(
        number, row.round, brief, row.image_request, file.picture, row.critique, safety
    )
