"""What a conversation made: every version of its brief, and every candidate that was painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PIL.Image import Image

from limner.agent.brief.finishing import finishing
from limner.agent.brief.patch import KeepClaim, Patch, apply_patch
from limner.agent.records import Brief, Candidate, Result
from limner.errors import BadInput
from limner.pipelines import finish
from limner.pipelines.finish import Finish

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "CandidateHistory",
    "CandidateRun",
    "SessionState",
    "Steps",
    "Version",
    "VersionTree",
]


@dataclass(frozen=True, slots=True)
class Version:
    """One state of the brief: `id` counts from 0, `parent` is what it was made from, None at first.

    `words` are the user's of that turn, `patch` what they changed in the parent's brief, `seed` is
    that of the turn.
    """

    id: int
    parent: int | None
    words: str
    brief: Brief
    patch: Patch = (KeepClaim(),)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CandidateRef:
    """A candidate's number within the conversation, the version it shows, and its own seed."""

    candidate: int
    version: int
    seed: int


@dataclass(slots=True)
class VersionTree:
    """Versions that are only ever added; undoing moves the head and loses nothing.

    A turn after an undo begins a branch. Redo goes to the child that was last at the head, which
    is what `forward` holds, by the versions' ids.
    """

    versions: list[Version] = field(default_factory=list)
    candidates: dict[int, CandidateRef] = field(default_factory=dict)
    forward: dict[int, int] = field(default_factory=dict)
    _head: int = -1

    @property
    def root(self) -> Version | None:
        """The first version; None in an empty tree."""
        return self.versions[0] if self.versions else None

    @property
    def head(self) -> Version | None:
        """The version that the next turn goes on from; None in an empty tree."""
        return self.versions[self._head] if self.versions else None

    def add(self, words: str, brief: Brief, seed: int = 0) -> Version:
        """A turn: a new version made from the head, which is the head from now on."""
        old = self.head
        changes: Patch = apply_patch(old.brief, brief) if old else (KeepClaim(),)
        parent = old.id if old else None
        made = Version(len(self.versions), parent, words, brief, changes, seed)
        self.versions.append(made)
        self._go(made.id)
        return made

    def undo(self) -> Version | None:
        """Back to what the head was made from; None, and no move, at the first version."""
        head = self.head
        if head is None or head.parent is None:
            return None
        self.forward[head.parent] = head.id
        self._head = head.parent
        return self.head

    def redo(self) -> Version | None:
        """Forth to the child of the head that was last there; None, and no move, without one."""
        child = self.forward.get(self._head)
        if child is None:
            return None
        self._head = child
        return self.head

    def branch(self, version: int) -> Version:
        """Goes to any version, for the next turn to go on from. Raises `BadInput` if unknown."""
        self._known(version)
        self._go(version)
        return self.versions[version]

    def path(self, version: int) -> tuple[Version, ...]:
        """From the first version to that one. Raises `BadInput` if there is no such version."""
        here: int | None = self._known(version).id
        found: list[Version] = []
        while here is not None:
            found.append(self.versions[here])
            here = self.versions[here].parent
        return tuple(reversed(found))

    def diff(self, one: int, other: int) -> Patch:
        """What changes from one version to another, wherever in the tree they are."""
        return apply_patch(self._known(one).brief, self._known(other).brief)

    def bind(self, candidate: int, version: int, seed: int) -> None:
        """Says which version a candidate shows, once and for all.

        Raises `BadInput` for an unknown version, and for a candidate that is bound otherwise.
        """
        bound = CandidateRef(candidate, self._known(version).id, seed)
        if self.candidates.setdefault(candidate, bound) != bound:
            raise BadInput(f"#{candidate} already shows another version.", "Give it a new number.")

    def version_of(self, candidate: int) -> Version:
        """The version it shows: where an edit of "#3" goes on. Raises `BadInput` if unknown."""
        if candidate not in self.candidates:
            known = ", ".join(f"#{number}" for number in sorted(self.candidates)) or "none yet"
            raise BadInput(f"There is no picture #{candidate}.", f"Pictures: {known}.")
        return self.versions[self.candidates[candidate].version]

    def words(self, candidate: int) -> str:
        """All that was said on the way to it, with "; " between turns. Raises `BadInput`."""
        return "; ".join(one.words for one in self.path(self.version_of(candidate).id))

    def _go(self, version: int) -> None:
        """Makes it the head, and every redo on the way to it lead there."""
        self._head = version
        line = self.path(version)
        self.forward |= {one.id: two.id for one, two in pairwise(line)}

    def _known(self, version: int) -> Version:
        if not 0 <= version < len(self.versions):
            most = len(self.versions) - 1
            raise BadInput(f"There is no version {version}.", f"Versions go from 0 to {most}.")
        return self.versions[version]


Steps = tuple[tuple[Finish, ...], ...]
"""What was asked to be done to a finished picture, and in how many steps."""


@dataclass(slots=True)
class CandidateRun:
    """One run of painting: the numbers of its candidates, and how it ended; "" where nobody knows.

    `spent` counts image-equivalents.
    """

    numbers: list[int] = field(default_factory=list)
    ended: str = "cancelled"
    spent: float = 0.0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class CandidateHistory:
    """All candidates in the order they were painted, the runs they are of, and what finishes each.

    A candidate is finished in `steps`, one for each time it was asked for; those that were taken
    back wait in `undone`, the latest last.
    """

    candidates: list[Candidate] = field(default_factory=list)
    runs: list[CandidateRun] = field(default_factory=list)
    steps: dict[int, Steps] = field(default_factory=dict)
    undone: dict[int, Steps] = field(default_factory=dict)

    @property
    def painted(self) -> int:
        """How many runs came to a candidate."""
        return sum(1 for run in self.runs if run.numbers)

    def copy(self) -> CandidateHistory:
        """Another history of the same candidates: what is added to one is not in the other."""
        runs = [replace(run, numbers=[*run.numbers]) for run in self.runs]
        return CandidateHistory([*self.candidates], runs, {**self.steps}, {**self.undone})

    def candidate(self, number: int) -> Candidate:
        """The candidate of that number, -1 for the last. Raises `BadInput` if there is none."""
        number = len(self.candidates) if number == -1 else number
        if not 1 <= number <= len(self.candidates):
            known = (
                f"Pictures: #1 to #{len(self.candidates)}."
                if self.candidates
                else "Say what to paint."
            )
            raise BadInput(f"There is no picture #{number}.", known)
        return self.candidates[number - 1]

    def add(self, candidate: Candidate, spent: float) -> int:
        """Adds one more, of the last run, which has `spent` so much; returns its number."""
        self.candidates.append(candidate)
        self.runs[-1].numbers.append(len(self.candidates))
        self.runs[-1].spent = spent
        return len(self.candidates)

    def end(self, result: Result) -> None:
        """Notes how the last run ended."""
        run = self.runs[-1]
        run.ended, run.seconds, run.notes = result.ended, result.seconds, result.notes
        run.spent = result.spent

    def picture(self, number: int) -> Image:
        """A candidate as it stands: painted, then finished."""
        return finish.apply(self.candidate(number).picture, self.finishes(number))

    def finishes(self, number: int) -> tuple[Finish, ...]:
        """Everything that is done to a candidate after painting, in order."""
        return tuple(one for step in self.steps.get(number, ()) for one in step)

    def finish(self, number: int, words: str) -> tuple[Finish, ...]:
        """Finishes a candidate further ("brighter", "1024 by 768"); raises `BadInput`."""
        more = finishing(words) or finish.parse(words)
        finish.apply(
            self.candidate(number).picture, (*self.finishes(number), *more)
        )  # or says why not
        self.steps[number] = (*self.steps.get(number, ()), more)
        self.undone.pop(number, None)
        return more

    def unfinish(self, number: int) -> tuple[Finish, ...]:
        """Takes back the last step of a candidate's finishing, and returns it; () without one."""
        *before, last = self.steps.get(number, ()) or ((),)
        if last:
            self.steps[number] = tuple(before)
            self.undone[number] = (*self.undone.get(number, ()), last)
        return last

    def refinish(self, number: int) -> tuple[Finish, ...]:
        """Does again what `unfinish` took back, and returns it; () where nothing was."""
        *before, last = self.undone.get(number, ()) or ((),)
        if last:
            self.undone[number] = tuple(before)
            self.steps[number] = (*self.steps.get(number, ()), last)
        return last

    def result(self, number: int) -> Result:
        """A candidate as the best of its run."""
        run = next(run for run in self.runs if number in run.numbers)
        candidates = tuple(self.candidates[n - 1] for n in run.numbers)
        return Result(
            self.candidate(number), candidates, run.ended, run.spent, run.seconds, run.notes
        )


@dataclass(frozen=True, slots=True)
class SessionState:
    """Versions by id, from 0, and candidates by number, from 1.

    `forward` is where redo leads from a version, `picked` the candidate that was picked of one,
    `starts` the candidate that one goes on from until it is painted. `seed` is the conversation's
    (None: that of its first version), set anew after so many runs as `since` says; `style` is a
    style's name.
    """

    forward: Mapping[int, int] = field(default_factory=dict)
    picked: Mapping[int, int] = field(default_factory=dict)
    starts: Mapping[int, int] = field(default_factory=dict)
    seed: int | None = None
    since: int = 0
    style: str = ""

    @classmethod
    def of(cls, kept: Any, versions: int, candidates: int) -> SessionState:
        """What an archive has kept, as far as it speaks of versions and candidates that there are.

        An archive from before there was such a record has None.
        """
        try:
            state = _form().validate_python(kept or {})
        except ValueError:  # another program's: the versions and candidates are sound without it
            return cls()
        ids, numbers = range(versions), range(1, candidates + 1)
        return cls(
            {a: b for a, b in state.forward.items() if a in ids and b in ids},
            {a: b for a, b in state.picked.items() if a in ids and b in numbers},
            {a: b for a, b in state.starts.items() if a in ids and b in numbers},
            state.seed,
            state.since,
            state.style,
        )


@cache
def _form() -> TypeAdapter[SessionState]:
    from pydantic import TypeAdapter

    return TypeAdapter(SessionState)
