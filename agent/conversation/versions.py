"""The tree of a conversation: every version of the brief, which came from which, and its takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from limner.agent.conversation.patch import Keep, Patch, patch
from limner.agent.records import Brief
from limner.errors import BadInput

__all__ = ["Tree", "Version"]


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
    patch: Patch = (Keep(),)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Bound:
    """A take's number within the conversation, the version it shows, and its own seed."""

    take: int
    version: int
    seed: int


@dataclass(slots=True)
class Tree:
    """Versions that are only ever added; undoing moves the head and loses nothing.

    A turn after an undo begins a branch. Redo goes to the child that was last at the head, which
    is what `forward` holds, by the versions' ids.
    """

    versions: list[Version] = field(default_factory=list)
    takes: dict[int, Bound] = field(default_factory=dict)
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
        changes: Patch = patch(old.brief, brief) if old else (Keep(),)
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
        return patch(self._known(one).brief, self._known(other).brief)

    def bind(self, take: int, version: int, seed: int) -> None:
        """Says which version a take shows, once and for all.

        Raises `BadInput` for an unknown version, and for a take that is bound otherwise.
        """
        bound = Bound(take, self._known(version).id, seed)
        if self.takes.setdefault(take, bound) != bound:
            raise BadInput(f"Take {take} already shows another version.", "Give it a new number.")

    def version_of(self, take: int) -> Version:
        """What a take shows: an edit of "#3" goes on from there. Raises `BadInput` if unknown."""
        if take not in self.takes:
            known = ", ".join(f"#{number}" for number in sorted(self.takes)) or "none yet"
            raise BadInput(f"There is no take #{take}.", f"Takes: {known}.")
        return self.versions[self.takes[take].version]

    def words(self, take: int) -> str:
        """All that was said on the way to a take, "; " between the turns; raises `BadInput`."""
        return "; ".join(one.words for one in self.path(self.version_of(take).id))

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
