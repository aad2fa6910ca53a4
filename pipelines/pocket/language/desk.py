"""Where one change to a brief is worked out: its parts, the language, and the wordings at hand."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from limner.pipelines.pocket.language.draft import Draft
from limner.pipelines.pocket.language.lexicon import call, kept_back, pick, table, wordings
from limner.pipelines.pocket.language.wish import Taste
from limner.pipelines.pocket.spec import Group
from limner.pipelines.pocket.world import world


@dataclass(slots=True)
class Desk:
    """What one change is worked out with; `closed` when no other can follow."""

    draft: Draft
    chance: Random
    taste: Taste
    closed: bool = False

    @property
    def english(self) -> bool:
        """Whether the user writes English."""
        return self.taste.language == "english"

    def frame(self, key: str, **words: str) -> str:
        """One of the wordings of a change, its words filled in."""
        known = table("edits")[self.taste.language][key]
        fitting = [w for w in known if kept_back(w) == self.taste.exam] or known
        return fill(pick(self.chance, fitting), **words)

    def words(self, part: str, value: str) -> str:
        """What people say for a value of the world."""
        return pick(self.chance, wordings(self.taste.language, part, value))

    def one(self) -> Group:
        """One of the things: the first more often than not."""
        groups = self.draft.groups
        return groups[0] if self.chance.random() < 0.4 else self.chance.choice(groups)

    def the(self, group: Group, it: float = 0.55) -> str:
        """`the kitten`, or `it` where there is only one thing."""
        alone = len(self.draft.groups) == 1
        if alone and self.chance.random() < it:
            if self.english:
                return "it" if group.count == 1 else "them"
            return "它" if group.count == 1 else "它们"
        saying = call(group.name, self.taste.language, self.chance, 0.75)
        if not self.english:
            return saying.text
        return f"the {saying.plural if group.count > 1 else saying.text}"

    def plain(self, group: Group) -> str:
        """How a reply names a thing."""
        noun = world().things[group.name]
        return f"the {noun.counted(group.count)}" if self.english else noun.chinese


Change = tuple[str, str]  # what the user says, what the reply says


def fill(frame: str, **words: str) -> str:
    """A frame with its words put in."""
    for key, word in words.items():
        frame = frame.replace("{" + key + "}", word)
    return frame


def noun(desk: Desk, group: Group) -> str:
    """What the user calls a thing, without an article."""
    saying = call(group.name, desk.taste.language, desk.chance, 0.75)
    return saying.plural if group.count > 1 else saying.text
