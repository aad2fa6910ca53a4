"""What a change of a picture comes to: claims to add, to remove, and to change by number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from limner.pipelines.pocket.reading.claims import ClaimReply
from limner.pipelines.pocket.reading.lexicon import lexicon

__all__ = ["Held", "Patch", "Unclear"]


class Unclear(Exception):
    """A change that could mean two things, or means nothing; `choices` are ways to say it."""

    def __init__(self, key: str, choices: Sequence[str] = (), **told: str) -> None:
        super().__init__(key)
        self.key = key
        self.choices = list(choices)
        self.told = told


@dataclass(slots=True)
class Held:
    """The claims of the version at hand."""

    claims: Sequence[Mapping[str, Any]]

    def subjects(self) -> list[str]:
        """The things of the picture, as they were asked for, in their order."""
        named = [c for c in self.claims if c["kind"] in ("count", "object") and c["subject"]]
        asked = [str(c["subject"]) for c in named if c.get("source") != "invented"]
        stand_ins = {_like(subject) for subject in asked}
        more = [str(c["subject"]) for c in named if c.get("source") == "invented"]
        return list(dict.fromkeys([*asked, *(s for s in more if s not in stand_ins)]))

    def resolve(self, subject: str) -> str:
        """The thing of the picture that a name stands for; "" for none."""
        known = self.subjects()
        if subject in known:
            return subject
        noun = lexicon().noun(subject)
        if noun is None:
            return ""
        for other in known:
            held = lexicon().noun(other)
            alike = held is not None and held.kind == noun.kind and held.painted == noun.painted
            if alike or (noun.painted and _like(other) == noun.like and self._shown(noun.like)):
                return other
        return ""

    def _shown(self, name: str) -> bool:
        invented = [c for c in self.claims if c.get("source") == "invented"]
        return any(c["kind"] == "count" and c["subject"] == name for c in invented)

    def count(self, subject: str) -> int:
        """How many there are; some are two."""
        for claim in self.claims:
            if claim["subject"] == subject and claim["kind"] in ("count", "object"):
                value = str(claim["value"])
                return int(value) if value.isdecimal() else 1 if not value else 2
        return 1

    def numbers(self, kind: str, subject: str = "", value: str = "") -> list[int]:
        """The numbers of claims of a kind, and of a subject and a value where these are given."""
        return [
            int(c["number"])
            for c in self.claims
            if c["kind"] == kind
            and (not subject or c["subject"] == subject)
            and (not value or c["value"] == value)
        ]

    def about(self, subject: str) -> list[int]:
        """The numbers of all claims that speak of a thing, or of what stands in for it."""
        noun = lexicon().noun(subject)
        names = {subject} if noun is None or noun.painted else {subject, noun.like}
        other = {s for s in self.subjects() if s != subject}
        names -= other
        return [
            int(c["number"])
            for c in self.claims
            if c["kind"] != "absent" and (c["subject"] in names or c["object"] in names)
        ]

    def claim(self, number: int) -> Mapping[str, Any]:
        """The claim of that number."""
        return next(c for c in self.claims if int(c["number"]) == number)

    def looking(self, kind: str, value: str) -> list[str]:
        """The things of which a look is claimed."""
        found = [
            str(c["subject"])
            for c in self.claims
            if c["kind"] == kind and c["value"] == value and c["subject"]
        ]
        return list(dict.fromkeys(found))


def _like(subject: str) -> str:
    noun = lexicon().noun(subject)
    return noun.like if noun else ""


@dataclass(slots=True)
class Patch:
    """What changes; `heard` is True once something was understood, even if it is so already."""

    held: Held
    add: list[ClaimReply] = field(default_factory=list)
    remove: list[int] = field(default_factory=list)
    change: dict[int, ClaimReply] = field(default_factory=dict)
    heard: bool = False
    gone: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.add or self.remove or self.change)

    def drop(self, numbers: Iterable[int]) -> None:
        """Claims that go."""
        self.heard = True
        for number in numbers:
            self.change.pop(number, None)
            if number not in self.remove:
                self.remove.append(number)

    def put(self, made: ClaimReply, quote: str, instead_of: Sequence[int] = ()) -> None:
        """A claim, in the place of others where these are given."""
        self.heard = True
        made["quote"] = quote
        old = [n for n in instead_of if n not in self.remove]
        if any(self._same(self.held.claim(n), made) for n in old):
            self.drop(n for n in old if not self._same(self.held.claim(n), made))
            return
        if old:
            self.change[old[0]] = made
            self.drop(old[1:])
        elif made not in self.add:
            rest = [a for a in self.add if not _rival(a, made)]
            self.add = [*rest, made]

    @staticmethod
    def _same(claim: Mapping[str, Any], made: ClaimReply) -> bool:
        slots = ("kind", "subject", "value", "object", "text")
        told: Mapping[str, object] = made
        return all(str(claim[s]) == told[s] for s in slots) and claim.get("source") != "invented"


def _rival(old: ClaimReply, new: ClaimReply) -> bool:
    """Whether a claim of this very line takes the place of another of it."""
    one_of = ("count", "object", "colour", "size", "place")
    same = old["subject"] == new["subject"] and old["kind"] == new["kind"]
    partial = not new["text"].startswith("The ") and new["kind"] in one_of[2:]
    return same and new["kind"] in one_of and not partial
