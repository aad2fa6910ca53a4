"""Words a reading as claims: one plain statement each, its slots, and the user's own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from limner.pipelines.pocket.reading.clauses import PhraseLink, Reading, Setting
from limner.pipelines.pocket.reading.lexicon import plural_of
from limner.pipelines.pocket.reading.noun_phrases import Look, Mention
from limner.pipelines.pocket.world import world

__all__ = ["NUMBER_WORDS", "ClaimReply", "ReadClaim", "claims_of", "row", "some", "texts"]

NUMBER_WORDS = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
_PLACES = {
    "left": "on the left",
    "right": "on the right",
    "centre": "in the centre",
    "top": "at the top",
    "bottom": "at the bottom",
}


_UNCOUNTED = frozenset(
    "space downtown countryside indoors rural underwater farmland outer space deep space".split()
)


class ClaimReply(TypedDict):
    """A claim as the writer's answer tells it."""

    quote: str
    text: str
    kind: str
    subject: str
    value: str
    object: str


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A claim as `SmallWorld` reads it."""

    text: str
    kind: str
    subject: str = ""
    value: str = ""
    object: str = ""


def row(kind: str, subject: str, value: str, other: str = "", plural: bool = False) -> ClaimReply:
    """A claim in canonical words, without a quote."""
    text = texts(kind, subject, value, other, plural)
    return ClaimReply(quote="", text=text, kind=kind, subject=subject, value=value, object=other)


def texts(kind: str, subject: str, value: str, other: str = "", plural: bool = False) -> str:
    """The canonical sentence of a claim."""
    noun, be = (plural_of(subject), "are") if plural else (subject, "is")
    if kind in ("count", "object"):
        return _counted(kind, subject, value)
    if kind in ("colour", "size", "attribute", "action"):
        said = "in natural colours" if value == "natural" else value
        return f"The {noun} {be} {said}."
    if kind == "place":
        return f"The {noun} {be} {_place(value)}."
    if kind == "relation":
        return f"The {noun} {be} {value} the {other}."
    return _around(kind, subject, value)


def _place(value: str) -> str:
    bare = value.removeprefix("not ")
    said = _PLACES.get(bare, bare)
    return f"not {said}" if bare != value else said


def _around(kind: str, subject: str, value: str) -> str:
    if kind == "scene":
        return _scene(value)
    if kind == "light":
        plain = value.startswith("plain")
        return f"The backdrop is {value}." if plain else f"The sky shows {value}."
    if kind == "style":
        return f"The style is {value}."
    if kind == "text":
        return f'The text "{value}" can be read.'
    return f"There is no {value} {subject}." if value else f"There is no {subject}."


def _scene(value: str) -> str:
    if value in world().where:
        return f"The ground is {value}."
    bare = value in _UNCOUNTED or value.endswith("s")
    article = "" if bare else "an " if value[:1] in "aeiou" else "a "
    return f"The scene is {article}{value}."


def _counted(kind: str, subject: str, value: str) -> str:
    if kind == "object":
        many = {"": f"is a {subject}", "many": f"are many {plural_of(subject)}"}
        return f"There {many.get(value, f'are several {plural_of(subject)}')}."
    count = int(value)
    number = NUMBER_WORDS[count] if count < len(NUMBER_WORDS) else value
    return f"There is one {subject}." if count == 1 else f"There are {number} {plural_of(subject)}."


def claims_of(reading: Reading, text: str) -> list[ClaimReply]:
    """The claims that a reading of a text makes, things first, each with its quote."""
    return _Maker(reading, text).made()


class _Maker:
    """Turns mentions, links and settings into claims."""

    def __init__(self, reading: Reading, text: str) -> None:
        self.reading = reading
        self.text = text
        self.rows: list[ClaimReply] = []
        self.wanted: dict[str, list[Mention]] = {}
        self.parts: dict[str, list[Mention]] = {}

    def made(self) -> list[ClaimReply]:
        self._sort()
        for subject, mentions in self.wanted.items():
            self._thing(subject, mentions)
        for link in self.reading.links:
            self._link(link)
        for setting in self.reading.settings:
            self._setting(setting)
        for lettering in self.reading.letterings:
            self._add(lettering.start, lettering.end, row("text", "", lettering.value))
        for mention in self.reading.mentions:
            if mention.denied:
                self._absence(mention)
        return _unlike(self.rows)

    def _sort(self) -> None:
        for mention in self.reading.mentions:
            if mention.denied or mention.option:
                continue
            if mention.pronoun in ("it", "them"):
                self._refer(mention)
            elif mention.pronoun == "one":
                self.parts.setdefault(mention.subject, []).append(mention)
            else:
                self.wanted.setdefault(mention.subject, []).append(mention)

    def _refer(self, mention: Mention) -> None:
        """What is said of `it` is said of the thing before, of `them` of all of them."""
        before = [m for group in self.wanted.values() for m in group if m.start < mention.start]
        before.sort(key=lambda m: m.start)
        known = before if mention.pronoun == "them" else before[-1:]
        for other in known:
            other.looks += mention.looks
            other.place = other.place or mention.place
            for link in self.reading.links:
                link.thing = other if link.thing is mention else link.thing
                link.other = other if link.other is mention else link.other

    def _add(self, start: int, end: int, made: ClaimReply) -> None:
        made["quote"] = self.text[start:end]
        self.rows.append(made)

    def _thing(self, subject: str, mentions: list[Mention]) -> None:
        new = [m for n, m in enumerate(mentions) if n == 0 or not _again(m)]
        first = new[0]
        kind, value = _number(new)
        self._add(first.start, first.end, row(kind, subject, value))
        plural = value not in ("1", "")
        unlike = len(new) > 1 and len({_looks(m) for m in new}) > 1
        for mention in mentions:
            apart = mention in new and unlike
            many = (mention.count or 1) > 1 if apart else plural
            self._looks(mention, subject, many, apart)
        for mention in self.parts.get(subject, []):
            self._looks(mention, subject, (mention.count or 1) > 1, True)

    def _looks(self, mention: Mention, subject: str, plural: bool, apart: bool) -> None:
        colours = [k for k in mention.looks if k.kind == "colour" and not k.denied]
        if len({k.value for k in colours}) > 1 and not apart:
            value = " and ".join(dict.fromkeys(k.value for k in colours))
            made = row("colour", subject, value, plural=plural)
            self._add(colours[0].start, colours[-1].end, made)
            colours = []
        for look in mention.looks:
            if look.kind != "colour" or look.denied or look in colours:
                self._look(look, mention, subject, plural, apart)
        if mention.place:
            self._look(mention.place, mention, subject, plural, apart)

    def _look(self, look: Look, mention: Mention, subject: str, plural: bool, apart: bool) -> None:
        kind, value = look.claimed()
        made = row(kind, subject, value, plural=plural)
        start, end = look.start, look.end
        if apart:
            made["text"] = some(made["text"], mention, subject)
            start, end = min(mention.start, start), max(mention.end, end)
        self._add(start, end, made)

    def _link(self, link: PhraseLink) -> None:
        if link.denied or not link.thing.subject or not link.other.subject:
            return
        if link.thing.subject == link.other.subject:
            return
        made = row("relation", link.thing.subject, link.how, link.other.subject)
        self._add(link.start, link.end, made)

    def _setting(self, setting: Setting) -> None:
        made = row(setting.kind, "", setting.value)
        if setting.denied:
            made = row("absent", setting.value, "")
        self._add(setting.start, setting.end, made)

    def _absence(self, mention: Mention) -> None:
        start, end = mention.denied or mention.span
        wanted = self.wanted.get(mention.subject)
        looks = [k for k in mention.looks if k.kind in ("colour", "size")]
        if mention.pronoun or (wanted and not looks):
            return
        if wanted and looks[0].kind == "colour":
            plural = any((m.count or 1) > 1 or m.plural for m in wanted)
            made = row("colour", mention.subject, f"not {looks[0].value}", plural=plural)
        else:
            value = " ".join(k.value for k in looks)
            if " other" in self.text[start:end].lower():
                value = "other"
            made = row("absent", mention.subject, value)
        self._add(start, end, made)


def _again(mention: Mention) -> bool:
    """Whether it names a thing once more: `the cat`, or just 猫 without a number or a look."""
    bare = mention.count is None and not mention.quantity and not mention.determiner
    before = any(k.start < mention.head[0] for k in mention.looks)
    return mention.determiner in ("the", "own") or (bare and not mention.plural and not before)


def _looks(mention: Mention) -> tuple[str, ...]:
    place = [mention.place.value] if mention.place else []
    return tuple(k.value for k in mention.looks) + tuple(place)


def _number(mentions: Sequence[Mention]) -> tuple[str, str]:
    """The kind and value of the claim of how many there are."""
    if any(m.quantity == "many" for m in mentions):
        return "object", "many"
    if any(m.quantity or (m.plural and m.count is None) for m in mentions):
        return "object", "several"
    return "count", str(sum(1 if m.count is None else m.count for m in mentions))


def some(text: str, mention: Mention, subject: str) -> str:
    """`One cat is red.`: of those that differ."""
    count = mention.count or 1
    number = NUMBER_WORDS[count].capitalize() if count < len(NUMBER_WORDS) else str(count)
    noun = plural_of(subject) if count > 1 else subject
    return f"{number} {noun} {text.split(f'The {noun} ', 1)[-1]}"


def _unlike(rows: Sequence[ClaimReply]) -> list[ClaimReply]:
    """Without statements that were made before."""
    found: dict[str, ClaimReply] = {}
    for made in rows:
        found.setdefault(made["text"], made)
    return list(found.values())
