"""The trail of a conversation: its versions, its takes, which is meant, and the ways between."""

from __future__ import annotations

from dataclasses import dataclass, field

from PIL.Image import Image

from limner.agent.archive.diary import Diary
from limner.agent.conversation import patch
from limner.agent.conversation.reel import Reel
from limner.agent.conversation.standing import Standing
from limner.agent.conversation.versions import Tree, Version
from limner.agent.records import Brief, Claim, Take
from limner.errors import BadInput

__all__ = ["Past", "Trail"]


@dataclass(frozen=True, slots=True)
class Past:
    """A version as a list shows it: numbers count from 1, `here` is the one at hand."""

    number: int
    parent: int | None
    words: str
    changes: tuple[str, ...]
    takes: tuple[int, ...]
    here: bool


@dataclass(kw_only=True)
class Trail:
    """Where a conversation has been, and where it stands; it drafts and paints nothing itself.

    Takes are numbered through the whole session, from 1, as people see them: "#3". The take that is
    meant now is the one that was picked of the version at hand, or its best. With a diary, every
    move is on disk when the call returns. `picked` and `starts` are as in `Standing`.
    """

    diary: Diary | None = None
    tree: Tree = field(default_factory=Tree)
    reel: Reel = field(default_factory=Reel)
    picked: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)

    @property
    def takes(self) -> list[Take]:
        """All takes, in the order they were painted."""
        return self.reel.takes

    @property
    def brief(self) -> Brief | None:
        """The brief of the version at hand; None before the first request."""
        return self.tree.head.brief if self.tree.head else None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What that brief claims."""
        return self.brief.claims if self.brief else ()

    @property
    def version(self) -> int:
        """The number of the version at hand, from 1; 0 before the first request."""
        return self.tree.head.id + 1 if self.tree.head else 0

    @property
    def meant(self) -> int | None:
        """The number of the take that the next change starts from; None when none was painted.

        A version that was not painted yet goes on from the take that was meant before.
        """
        here = self.version - 1
        if here in self.picked:
            return self.picked[here]
        mine = [number for number in self._takes_of(here) if not self.take(number).blocked]
        return max(mine, key=self._score) if mine else self.starts.get(here)

    def take(self, number: int) -> Take:
        """The take of that number, -1 for the last. Raises `BadInput` if there is no such take."""
        return self.reel.take(number)

    def picture(self, number: int | None = None) -> Image:
        """A take as it stands: painted, then finished. Without a number, the one meant now."""
        return self.reel.picture(self._meant() if number is None else number)

    def pick(self, number: int) -> Take:
        """Means this take from now on, and the version that it was painted from.

        Raises `BadInput` where there is no such take, or its picture was blocked.
        """
        take = self.take(number)
        if take.blocked:
            raise BadInput(f"That take was blocked: {take.safety.why}.", "Choose another.")
        number = len(self.takes) if number == -1 else number
        here = self.tree.branch(self.tree.version_of(number).id)
        self.picked[here.id] = number
        self._went(here)
        return take

    def undo(self) -> Brief:
        """Takes back what was done last to the take meant, or else goes to the version before.

        Raises `BadInput` at the first.
        """
        number = self._own()
        if number and self.reel.unfinish(number):
            return self._refinished(number)
        return self._went(self.tree.undo(), "There is nothing before this.").brief

    def redo(self) -> Brief:
        """Forward to where `undo` came from. Raises `BadInput` when there is nothing ahead."""
        number = self._own()
        if number and self.reel.refinish(number):
            return self._refinished(number)
        return self._went(self.tree.redo(), "There is nothing to do again.").brief

    def branch(self, version: int) -> Brief:
        """On from that version; the others stay as they are. Raises `BadInput` if unknown."""
        return self._went(self.tree.branch(self._id(version))).brief

    def finish(self, words: str) -> tuple[str, ...]:
        """Adds finishing to the take meant ("brighter", "1024 by 768"); says what, a line each."""
        number = self._meant()
        done = self.reel.finish(number, words)
        self._refinished(number)
        return tuple(map(str, done))

    def rate(self, said: str, number: int, other: int | None = None) -> None:
        """Keeps what the user thinks of a take, or of one against another: "good", "better", …

        Raises `BadInput` where there is no such take, or nothing to keep it in.
        """
        self.take(number)
        self.take(number if other is None else other)
        if self.diary is None:
            raise BadInput("This conversation is not kept.", "Begin one without --no-archive.")
        self.diary.rate(number, said, other)

    def history(self) -> list[Past]:
        """Every version, the first one first."""
        return [self._past(version) for version in self.tree.versions]

    def diff(self, one: int, other: int) -> tuple[str, ...]:
        """What differs between two versions, a line each: "cat: red → blue"."""
        return tuple(patch.words(self.tree.diff(self._id(one), self._id(other))))

    def standing(self) -> Standing:
        """All of where it stands that versions and takes don't tell."""
        return Standing(dict(self.tree.forward), dict(self.picked), dict(self.starts))

    def _add(self, version: Version, start: int | None) -> None:
        """Takes in a new version, which goes on from that take."""
        if start is not None:
            self.starts[version.id] = start
        if self.diary:
            self.diary.version(version, self.standing())
        if start in self.reel.undone:  # a new turn leaves nothing ahead
            del self.reel.undone[start]
            self._refinished(start)

    def _went(self, version: Version | None, otherwise: str = "") -> Version:
        """Takes in that the head has moved. Raises `BadInput` where it could not."""
        if version is None:
            raise BadInput(otherwise, "Say what should be different.")
        if self.diary:
            self.diary.head(version, self.standing())
        return version

    def _refinished(self, number: int) -> Brief:
        """Takes in that a take is finished otherwise."""
        if self.diary:
            steps, undone = (kept.get(number, ()) for kept in (self.reel.steps, self.reel.undone))
            self.diary.finish(number, steps, undone)
        return self._head().brief

    def _own(self) -> int | None:
        """The take meant, where it is one of the version at hand."""
        number = self.meant
        return number if number in self._takes_of(self.version - 1) else None

    def _head(self) -> Version:
        if self.tree.head is None:
            raise BadInput("There is no picture yet.", "Say what you want to see.")
        return self.tree.head

    def _meant(self) -> int:
        if self.meant is None:
            raise BadInput("There is no picture yet.", "Say what you want to see.")
        return self.meant

    def _id(self, version: int) -> int:
        if not 1 <= version <= len(self.tree.versions):
            known = f"Versions: 1 to {len(self.tree.versions)}."
            raise BadInput(f"There is no version {version}.", known)
        return version - 1

    def _takes_of(self, version: int) -> list[int]:
        bound = [*self.tree.takes.items()]  # another thread may be painting meanwhile
        return [number for number, one in bound if one.version == version]

    def _score(self, number: int) -> tuple[int, float]:
        return self.takes[number - 1].critique.score

    def _past(self, version: Version) -> Past:
        return Past(
            number=version.id + 1,
            parent=None if version.parent is None else version.parent + 1,
            words=version.words,
            changes=tuple(patch.words(version.patch)),
            takes=tuple(self._takes_of(version.id)),
            here=version.id + 1 == self.version,
        )
