"""Reads a request: what it asks for, what the painter can't show, and what is painted instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random

from limner.pipelines.pocket.reading.claims import ClaimReply, ReadClaim, claims_of, row
from limner.pipelines.pocket.reading.clauses import Reading, gather
from limner.pipelines.pocket.reading.lexicon import lexicon, table
from limner.pipelines.pocket.reading.noun_phrases import Mention
from limner.pipelines.pocket.reading.phrases import Item, phrases
from limner.pipelines.pocket.reading.replies import (
    Painted,
    counted_in_chinese,
    is_chinese,
    joined,
    picture_in_chinese,
    say,
)
from limner.pipelines.pocket.reading.steering import names_nothing
from limner.pipelines.pocket.reading.tokens import LONGEST, tokens
from limner.pipelines.pocket.small_world import NEAR_RELATION, SmallWorld
from limner.pipelines.pocket.world import world

__all__ = ["Request", "is_foreign", "not_shown", "read_request", "statements", "unread"]

_CONTENT = ("unknown", "junk")
_WORLD = SmallWorld()
_LATIN = re.compile(r"[^\W\d_]+")
_SCRIPTS = re.compile("[\u0370-\u1cff\u3040-\u30ff\uac00-\ud7a3]")
_MOST_WORDS = 6
_OPEN = frozenset("something anything random whatever 随便 随意 随便画 你决定".split())
_MOST_UNREAD = 24
_OWN_WORDS = ("action", "attribute", "text")  # claims that say an unknown word themselves
_UNKNOWN = frozenset(("unknown", "junk", "foreign"))
_ABOUT_THINGS = ("count", "object")


@dataclass(slots=True)
class Request:
    """The answer to a request, in the form of the writer's tasks.

    `sure` says whether the reader made sense of it: where it is False, a model may know better.
    """

    asked: list[ClaimReply] = field(default_factory=list)
    invented: list[ClaimReply] = field(default_factory=list)
    prompt: str = ""
    reply: str = ""
    not_shown: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    sure: bool = True
    foreign: bool = False

    def answer(self) -> dict[str, object]:
        """What the task "draw" answers."""
        told: dict[str, object] = {"asked": self.asked, "prompt": self.prompt}
        absent = [r["subject"] for r in self.asked if r["kind"] == "absent" and not r["value"]]
        told["negative"] = absent
        told["reply"] = self.reply
        told["not_shown"] = self.not_shown
        told["unchecked"] = self.unchecked
        told["invented"] = [{k: v for k, v in r.items() if k != "quote"} for r in self.invented]
        return told


def read_request(text: str, seed: int = 0) -> Request:
    """What a request asks for; at most its first 4,000 characters are read."""
    text = text[:LONGEST]
    if is_foreign(text):
        language = "chinese" if is_chinese(text) else "english"
        words = [text[t.start : t.end] for t in tokens(text)]
        words = [word for word in words if any(c.isalpha() for c in word)]
        return Request(reply=say(language, "foreign"), unchecked=words[:_MOST_UNREAD], foreign=True)
    items = phrases(text)
    reading = gather(items)
    return _Answer(text, items, reading, seed).made()


def drawn(text: str, rows: Sequence[ClaimReply], seed: int = 0) -> Request:
    """The answer to a request that somebody else read as these claims."""
    return _Answer(text, (), Reading(), seed, rows).made()


def statements(rows: Sequence[ClaimReply]) -> list[ReadClaim]:
    """The rows as `SmallWorld` reads them."""
    return [ReadClaim(r["text"], r["kind"], r["subject"], r["value"], r["object"]) for r in rows]


def not_shown(rows: Sequence[ClaimReply], reading: Reading, text: str) -> list[str]:
    """The words of a text for what the painter can't show of it."""
    said = statements(rows)
    over = {id(claim) for claim in _WORLD.fits(said)}
    known = lexicon()
    found: list[str] = []
    for made, claim in zip(rows, said, strict=True):
        if _WORLD.shows(claim) and id(claim) not in over:
            continue
        noun = known.noun(made["subject"])
        about = made["kind"] in _ABOUT_THINGS
        if about and noun is not None and noun.painted:
            found.append(_number_word(made, reading, text))
        elif about:
            found.append(_noun_word(made, reading, text))
        elif made["kind"] == "text":
            found.append(made["value"])
        elif noun is None or noun.painted or _in_itself(made):
            found.append(made["quote"])
    return list(dict.fromkeys(word for word in found if word))


def _in_itself(made: ClaimReply) -> bool:
    """Whether it can't be shown of anything, not only of a thing that can't."""
    if made["kind"] == "relation":
        return made["value"] not in world().relations
    return made["kind"] == "action"


def _mention(made: ClaimReply, reading: Reading) -> Mention | None:
    named = [m for m in reading.mentions if m.subject == made["subject"] and not m.denied]
    return next((m for m in named if not m.pronoun), None)


def _number_word(made: ClaimReply, reading: Reading, text: str) -> str:
    mention = _mention(made, reading)
    if mention is None or mention.number == (0, 0) or mention.number[0] > mention.head[0]:
        return made["quote"]
    number = text[slice(*mention.number)]
    return made["quote"] if number.lower() in ("a", "an") else number


def _noun_word(made: ClaimReply, reading: Reading, text: str) -> str:
    mention = _mention(made, reading)
    return text[slice(*mention.head)] if mention else made["quote"]


def unread(text: str, rows: Sequence[ClaimReply], told: Sequence[str] = ()) -> list[str]:
    """The unknown words of a text as typed, in their order; none that is said in `rows` or `told`.

    Words of grammar, politeness, praise and of editing name nothing, and don't count.
    """
    said = [made["quote"].lower() for made in rows if made["kind"] in _OWN_WORDS]
    said += [word.lower() for word in told]
    spans = {(i.start, i.end) for i in phrases(text) if i.kind in _UNKNOWN}
    spans |= {(t.start, t.end) for t in tokens(text) if t.tags and t.tags.keys() <= _UNKNOWN}
    found: list[str] = []
    end = 0
    for start, upto in sorted(spans, key=lambda span: (span[0], -span[1])):
        word = text[start:upto]
        if start < end:
            continue
        end = upto
        if _may_name(word) and not any(word.lower() in other for other in said):
            found.append(word)
    return list(dict.fromkeys(found))[:_MOST_UNREAD]


def _may_name(word: str) -> bool:
    """Whether it has letters, and may be the name or the look of something."""
    return any(c.isalpha() for c in word) and not names_nothing(word)


class _Answer:
    """Makes the answer to one request."""

    def __init__(
        self,
        text: str,
        items: Sequence[Item],
        reading: Reading,
        seed: int,
        asked: Sequence[ClaimReply] | None = None,
    ) -> None:
        self.text = text
        self.reading = reading
        self.seed = seed
        self.open = any(i.text in _OPEN for i in items)
        self.language = "chinese" if is_chinese(text) else "english"
        self.request = Request(asked=claims_of(reading, text) if asked is None else list(asked))
        unknown = [i for i in reading.unknown if i.kind in _CONTENT or i.is_(*_CONTENT)]
        self.request.unknown = [text[i.start : i.end] for i in unknown if _says(i, text)]

    def made(self) -> Request:
        request = self.request
        request.not_shown = not_shown(request.asked, self.reading, self.text)
        request.unchecked = unread(self.text, request.asked, request.not_shown)
        request.unknown = [w for w in request.unknown if w in request.unchecked]
        said = statements(request.asked)
        painted = _WORLD.painted(said)
        if not any(kind == "count" for kind, *_ in painted):
            painted = self._idea(said, painted)
        asked = {(r["kind"], r["subject"], r["value"], r["object"]) for r in request.asked}
        alias = self._aliases()
        request.invented = [
            _row(made)
            for made in painted
            if made not in asked
            and (made[0], alias.get(made[1], made[1]), *made[2:]) not in asked
            and not self._named(made)
        ]
        everything = [*said, *statements(request.invented)]
        request.prompt = _WORLD.prompt(everything)
        request.reply = self._reply(painted)
        request.sure = bool(request.asked) or not request.unknown
        return request

    def _aliases(self) -> dict[str, str]:
        """The asked subject of each thing that is painted under another name."""
        named = {}
        for made in self.request.asked:
            noun = lexicon().noun(made["subject"])
            if noun is not None and noun.painted:
                named[noun.like] = made["subject"]
        return named

    def _named(self, made: Painted) -> bool:
        """Whether it repeats what was asked of things that differ: then no more is said of them."""
        kind, subject, _, _ = made
        some = [r for r in self.request.asked if r["subject"] == subject and r["kind"] == kind]
        return kind in ("colour", "size", "place") and len(some) > 1

    def _idea(self, said: Sequence[ReadClaim], painted: list[Painted]) -> list[Painted]:
        """Something to paint where no thing was named that could be.

        Who only says what must not be there gets no other thing in its place.
        """
        ideas: list[list[str]] = table("replies")["ideas"]
        absent = {claim.subject for claim in said if claim.kind == "absent"}
        free = [idea for idea in ideas if not absent & set(idea)]
        thing, ground, light = Random(self.seed).choice(free or ideas)
        found: list[Painted] = [("count", thing, "1", ""), *painted]
        if absent and not self.open:
            found = list(painted)
        kinds = {kind for kind, *_ in painted}
        if not kinds & {"scene", "light"} and ground:
            found.append(("scene", "", ground, ""))
        if not kinds & {"scene", "light"}:
            found.append(("light", "", light, ""))
        return found

    def _reply(self, painted: Sequence[Painted]) -> str:
        request, language = self.request, self.language
        picture = request.prompt if language == "english" else picture_in_chinese(painted)
        lost = [*request.not_shown, *request.unknown]
        if not request.asked and not lost:
            return say(language, "idea", picture=picture)
        fewer = {_number_word(m, self.reading, self.text) for m in self._short()}
        fewer |= {r["quote"] for r in request.asked if r["value"] in NEAR_RELATION}
        weighed = [word for word in lost if word not in fewer]
        if weighed and len(weighed) >= self._kept():
            words = joined(language, weighed[:_MOST_WORDS])
            larger = say(language, "larger")
            return say(language, "instead", words=words, picture=picture, larger=larger)
        notes = [say(language, "paint", picture=picture), *self._notes(painted)]
        return ("" if language == "chinese" else " ").join(notes)

    def _short(self) -> list[ClaimReply]:
        """Counts of things that the painter knows."""
        named = [r for r in self.request.asked if r["kind"] in _ABOUT_THINGS]
        return [r for r in named if (noun := lexicon().noun(r["subject"])) and noun.painted]

    def _kept(self) -> int:
        said = statements(self.request.asked)
        over = {id(claim) for claim in _WORLD.fits(said)}
        return sum(_WORLD.shows(c) and id(c) not in over for c in said)

    def _notes(self, painted: Sequence[Painted]) -> list[str]:
        """What is painted otherwise than asked, a short sentence each."""
        counts = {subject: int(value) for kind, subject, value, _ in painted if kind == "count"}
        notes, told = [], set()
        for made in self.request.asked:
            if note := self._note(made, counts):
                notes.append(note)
                told |= {_noun_word(made, self.reading, self.text), made["quote"]}
                told.add(_number_word(made, self.reading, self.text))
        rest = [word for word in self.request.not_shown if word not in told]
        if rest:
            notes.append(say(self.language, "missing", words=joined(self.language, rest)))
        if self.request.unknown:
            words = joined(self.language, self.request.unknown[:_MOST_WORDS])
            notes.append(say(self.language, "unknown", words=words))
        return notes

    def _note(self, made: ClaimReply, counts: dict[str, int]) -> str:
        noun = lexicon().noun(made["subject"])
        if made["kind"] == "relation" and made["value"] in NEAR_RELATION:
            near = NEAR_RELATION[made["value"]]
            near = table("replies")["chinese_values"][near] if self.language == "chinese" else near
            return say(self.language, "nearest", a=made["quote"], b=near)
        if noun is None or made["kind"] not in _ABOUT_THINGS:
            return ""
        return self._fewer(made, counts) if noun.painted else self._stand_in(made, counts)

    def _stand_in(self, made: ClaimReply, counts: dict[str, int]) -> str:
        like = lexicon().nouns[made["subject"]].like
        if like not in counts or self._asked_for(like):
            return ""
        head = _noun_word(made, self.reading, self.text)
        return say(self.language, "stand_in", a=self._a(head), b=self._called(like, 1))

    def _fewer(self, made: ClaimReply, counts: dict[str, int]) -> str:
        subject, wanted = made["subject"], made["value"]
        count = counts.get(lexicon().nouns[subject].like, 0)
        short = wanted == "many" or (wanted.isdecimal() and count < int(wanted))
        if not count or not short:
            return ""
        asked = self._called(subject, int(wanted)) if wanted != "many" else made["quote"]
        return say(self.language, "fewer", a=asked, b=self._called(subject, count))

    def _asked_for(self, name: str) -> bool:
        return any(r["subject"] == name and r["kind"] in _ABOUT_THINGS for r in self.request.asked)

    def _a(self, word: str) -> str:
        if self.language == "chinese":
            return word
        return word if word.endswith("s") else _article(word)

    def _called(self, subject: str, count: int) -> str:
        if self.language == "chinese":
            return counted_in_chinese(subject, count)
        if count == 1:
            return _article(subject)
        text = row("count", subject, str(count))["text"]
        return text.removeprefix("There are ").removesuffix(".")


def _article(word: str) -> str:
    return f"{'an' if word[:1].lower() in 'aeio' or word.startswith('um') else 'a'} {word}"


def _row(made: Painted) -> ClaimReply:
    kind, subject, value, other = made
    return row(kind, subject, value, other)


def _says(item: Item, text: str) -> bool:
    """Whether a word that is not known might name something."""
    return any(c.isalpha() for c in text[item.start : item.end])


def is_foreign(text: str) -> bool:
    """Whether a text is in a language other than English and Chinese."""
    text = text[:LONGEST]
    letters = sum(c.isalpha() for c in text)
    if letters and 4 * len(_SCRIPTS.findall(text)) >= letters:
        return True
    words = [w.lower() for w in _LATIN.findall(text)]
    strange = sum(w in _foreign_words() for w in words)
    accented = sum(not w.isascii() for w in words if not _is_han(w))
    known = sum(
        w not in _foreign_words() and any(len(p) == 1 for p, _ in lexicon().english.get(w, ()))
        for w in words
    )
    return strange + accented > known and not any(_is_han(w) for w in words)


def _is_han(word: str) -> bool:
    return any("\u3400" <= c <= "\u9fff" for c in word)


@cache
def _foreign_words() -> frozenset[str]:
    return frozenset(str(table("replies")["foreign"]).split())
