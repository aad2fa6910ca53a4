"""A picture that people talk about, and the one line in which they ask for a change."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from limner.pipelines.pocket.language.annotated_text import Row
from limner.pipelines.pocket.language.chinese import Chinese
from limner.pipelines.pocket.language.english import English
from limner.pipelines.pocket.language.lexicon import (
    CHINESE,
    ENGLISH,
    Wording,
    call,
    pick,
    sayings,
    table,
)
from limner.pipelines.pocket.language.scene_requests import (
    RequestedThing,
    scene_request,
    setting,
    several,
)
from limner.pipelines.pocket.language.speaker import Speaker
from limner.pipelines.pocket.world import world

SPEAKERS: dict[str, type[Speaker]] = {ENGLISH: English, CHINESE: Chinese}


SETTINGS = ("scene", "light", "style")


@dataclass(slots=True)
class Picture:
    """What was stated of the picture at hand, and the things in it."""

    rows: list[Row]
    things: list[RequestedThing]

    def number(self, kind: str, subject: str = "", other: str = "") -> int:
        """The number of the statement of that kind, from 1; 0 when there is none."""
        for at, row in enumerate(self.rows, 1):
            if row[0] != kind or (subject and subject not in (row[1], other and row[3])):
                continue
            if not other or {row[1], row[3]} == {subject, other}:
                return at
        return 0

    def value(self, kind: str, subject: str = "") -> str:
        """What it states; empty when it does not."""
        at = self.number(kind, subject)
        return self.rows[at - 1][2] if at else ""

    def replaced(self, row: Row) -> int:
        """The number of the statement that a new one stands instead of; 0 when it is one more."""
        kind, subject, _, other = row
        if kind in (*SETTINGS, "text"):
            return self.number(kind)
        if kind in ("count", "object"):
            return self.number("count", subject) or self.number("object", subject)
        return (
            0
            if kind == "absent"
            else self.number(kind, subject, other if kind == "relation" else "")
        )

    def here(self, thing: RequestedThing) -> int:
        """The number of the statement that a thing is there."""
        return self.replaced(("count", thing.name, "", ""))


def pictured(chance: Random, language: str) -> Picture:
    """A picture as an earlier request left it, with some of it invented."""
    while True:
        wanted = scene_request(chance, language)
        if not wanted.things or any(t.second for t in wanted.things):
            continue
        for kind in SETTINGS:
            if not getattr(wanted, kind) and chance.random() < 0.3:
                setattr(wanted, kind, setting(kind, chance))
        if chance.random() < 0.75:
            wanted.avoid, wanted.never = [], ("", "")
        wanted.weather = ""
        speaker = SPEAKERS[language](chance)
        _, told = speaker.annotated.read(speaker.request(wanted))
        things = [*wanted.things, *(t.patient for t in wanted.things if t.patient)]
        return Picture([q[:4] for _, q in told if q[0] != "request"], things)


class Unfit(Exception):
    """The picture does not allow that change."""


@dataclass(slots=True)
class TaughtTurn:
    """Where one line is worked out: what it removes, and which things it has already spoken of.

    `closed`: something came or went, so that `it` would be unclear.
    """

    picture: Picture
    speaker: Speaker
    removed: list[int] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    closed: bool = False

    @property
    def chance(self) -> Random:
        """Where the dice are."""
        return self.speaker.chance

    @property
    def english(self) -> bool:
        """Whether the line is in English."""
        return self.speaker.language == ENGLISH

    def say(self, key: str, *rows: Row, **words: str) -> str:
        """One of the wordings for what is done."""
        return self.speaker.fill(self.speaker.frame(key, file="turns"), *rows, **words)

    def state(self, words: str, row: Row) -> str:
        """The words marked as what states the row."""
        return self.speaker.annotated.mark(words, row)

    def thing(self, fresh: bool = False) -> RequestedThing:
        """One of the things not spoken of yet; the only one again, unless `fresh`."""
        again = self.alone and not self.closed and not fresh
        free = [t for t in self.picture.things if t.name not in self.used or again]
        if not free:
            raise Unfit
        thing = free[0] if self.chance.random() < 0.3 else self.chance.choice(free)
        self.used.add(thing.name)
        return thing

    @property
    def alone(self) -> bool:
        """Whether there is only one kind of thing."""
        return len(self.picture.things) == 1

    def naming(self, thing: RequestedThing) -> Wording:
        """What the line calls a thing: as before, or by another of its names."""
        known = thing.name in world().things
        if not known or self.chance.random() < 0.5:
            return thing.saying
        language = self.speaker.language
        plain = self.chance.random() < 0.6
        return (
            sayings(language, thing.name)[0] if plain else call(thing.name, language, self.chance)
        )

    def noun(self, thing: RequestedThing) -> str:
        """`kitten`, or `kittens` where there are several."""
        saying = self.naming(thing)
        return saying.plural if self.english and thing.count != "1" else saying.text

    def the(self, thing: RequestedThing, it: float = 0.45, plain: bool = False) -> str:
        """`the kitten`, or `it` where it is alone, or now and then `the red cat`."""
        many, chance = thing.count != "1", self.chance
        if self.alone and not self.closed and chance.random() < it:
            return ("them" if many else "it") if self.english else ("它们" if many else "它")
        noun = self.noun(thing)
        colour = self.picture.value("colour", thing.name)
        if colour and not plain and chance.random() < 0.2:
            word = self.speaker.colour_word(colour)
            noun = f"{word} {noun}" if self.english else f"{word}的{noun}"
        if self.english:
            known = ("the",) * 5 + ("", "my", "these" if many else "this")
            return f"{pick(chance, known)} {noun}".strip()
        if many or chance.random() < 0.8:
            return noun
        return f"{pick(chance, '那这')}{thing.saying.measure}{noun}"

    def new(self) -> RequestedThing | None:
        """A thing that is not in the picture."""
        thing = several(self.chance, self.speaker.language, 1, self.speaker.exam)[0]
        taken = {name for row in self.picture.rows for name in (row[1], row[3])}
        return None if thing.name in taken else thing

    def without(self, thing: RequestedThing, kind: str, key: str, **words: str) -> str:
        """A line that takes back what was stated of a thing."""
        at = self.picture.number(kind, thing.name)
        if not at:
            return ""
        self.removed.append(at)
        return self.say(key, n=self.the(thing, plain=True), m=self.noun(thing), **words)

    def how(self, how: str) -> str:
        """`to the left of`."""
        return str(pick(self.chance, table("turns")[self.speaker.language]["how"][how]))

    def swapped(self, rows: list[tuple[Row, int]], key: str) -> str:
        """A line by which two things exchange what is stated of them."""
        if not rows:
            return ""
        one, other = self.picture.things
        self.used |= {one.name, other.name}
        frame = self.speaker.frame(key, file="turns")
        for row, at in rows:
            start, _, rest = frame.partition("[")
            inner, _, end = rest.rpartition("]")
            frame = f"{start}[{self.speaker.annotated.mark(inner, row, at)}]{end}"
        return self.speaker.fill(frame, n=self.the(one), o=self.the(other))
