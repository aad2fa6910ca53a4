"""Writes a conversation into the archive as it goes on, and reads it back to go on with it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import Recorder
from limner.agent.archive.rows import ArchivedSession, RatingRow, TakeRow, VersionRow
from limner.agent.archive.texts import steps_of
from limner.agent.conversation.reel import Painted, Reel, Steps
from limner.agent.conversation.standing import Standing
from limner.agent.conversation.versions import Tree, Version
from limner.agent.events import Decided, Event, TakeReady
from limner.agent.older_records import brief_now
from limner.agent.recipe import Recipe
from limner.agent.records import Brief, Take
from limner.errors import BadInput, LimnerError
from limner.pipelines import stamp
from limner.pipelines.safety import UNCHECKED

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = ["Diary", "Kept", "read"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation as it was left: its versions, its takes, what was decided, where it stands."""

    tree: Tree
    reel: Reel
    decisions: list[Decided]
    standing: Standing


@dataclass(slots=True)
class Diary:
    """One session of an archive. Nothing that goes wrong with it costs a picture.

    The session begins with its first version; `number` is None before. `problem` is what went
    wrong first, and nothing is written from then on. Numbers count from 1.
    """

    archive: Archive
    profile: str = ""
    number: int | None = None
    problem: LimnerError | None = None
    painted: list[TakeReady] = field(default_factory=list)
    """The takes of the run at work, or of the last one, that were given to the archive."""

    def version(self, version: Version, standing: Standing) -> None:
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

    def head(self, version: Version, standing: Standing) -> None:
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
        recorder = Recorder(
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
        self, recorder: Recorder, events: Generator[Event, None, None]
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


def read(archive: Archive, number: int) -> Kept:
    """A session as it was left. Raises `BadInput` for an unknown one or a damaged picture."""
    kept = archive.load(number)
    tree = _tree(kept)
    reel = Reel()
    for before, row in zip((None, *kept.takes), kept.takes, strict=False):
        if before is None or _begins(row, before):
            reel.runs.append(Painted(ended=""))
        take = reel.add(_take(archive, row, tree, len(reel.takes)), row.spent)
        tree.bind(take, row.version - 1, row.order.seed)
        _finish(reel, take, row)
    standing = Standing.of(kept.standing, len(tree.versions), len(reel.takes))
    tree.forward |= standing.forward
    decisions = [Decided(d.round, d.what, d.why) for d in kept.decisions]
    return Kept(tree, reel, decisions, standing)


def _begins(row: TakeRow, before: TakeRow) -> bool:
    """Whether a take is the first of its run; where none is told, rounds count up within one."""
    if row.run or before.run:
        return row.run != before.run
    return row.version != before.version or row.round < before.round


def _finish(reel: Reel, number: int, row: TakeRow) -> None:
    if row.finishes:
        reel.steps[number] = steps_of(row.finishes)
    if row.undone:
        reel.undone[number] = steps_of(row.undone)


def _tree(kept: ArchivedSession) -> Tree:
    tree = Tree()
    for row in kept.versions:
        if row.parent is not None:
            tree.branch(row.parent - 1)
        brief = TypeAdapter(Brief).validate_python(brief_now(row.brief))
        tree.add(row.words, brief, row.seed)
    if kept.row.head is not None:
        tree.branch(kept.row.head - 1)
    return tree


def _take(archive: Archive, row: TakeRow, tree: Tree, number: int) -> Take:
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
    return Take(number, row.round, brief, row.order, stamped.picture, row.critique, safety)
