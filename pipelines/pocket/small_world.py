"""What the small painter can show, and its own words for a description and for its statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from limner.pipelines.pocket import statements
from limner.pipelines.pocket.captions import canonical, describe, stressed
from limner.pipelines.pocket.reading.lexicon import NounEntry, lexicon, table
from limner.pipelines.pocket.spec import Group, Link, Spec
from limner.pipelines.pocket.world import MOST, NUMBERS, world
from limner.pipelines.roles import Statement

__all__ = ["SmallWorld", "Statement", "natural_colours", "other_colour"]

NEAR_RELATION = {"beside": "left of", "on": "above"}
"""What is painted for a relation that the painter was not taught."""

_SOME = re.compile(r"(One|Two|Three|Four|[1-4]) (?!of)")
_SPLIT = {word.capitalize(): n for n, word in enumerate(NUMBERS)}
_SEVERAL = 2


def natural_colours(name: str) -> tuple[str, ...]:
    """What a thing is called in its own colours, where one word does."""
    found: dict[str, list[str]] = table("words")["natural_colours"]
    return tuple(found.get(name, ()))


def other_colour(name: str, *unwanted: str) -> str:
    """The colour that a thing gets that must not have some: its own ("") where that is another."""
    if not set(natural_colours(name)) & set(unwanted):
        return ""
    return next(c for c in ("blue", "green", "yellow", "purple") if c not in unwanted)


EXAMPLES = (
    "a red cat on the grass",
    "two dogs in the snow at night",
    "a blue car left of a house",
    "three yellow balloons at sunset",
    "a green tree and a white rabbit",
    "a large castle by the sea",
    "a small sailboat in the rain",
    "an orange pumpkin right of a black robot",
    "four apples before a plain pink backdrop",
    "a purple butterfly above a sunflower",
    "a rocket at night",
    "a brown guitar below the moon, pixel art",
)
"""Requests that the painter can show: for calibrating a critic, and to try."""


class SmallWorld:
    """The world of the pocket painter and its critics: 32 things in simple scenes."""

    @property
    def description(self) -> str:
        """What there is, for a writer that reads instructions."""
        known = world()
        return (
            f"things: {', '.join(known.things)}; colours: {', '.join(known.colours)}; sizes: "
            f"{', '.join(known.sizes)}; one to four of a thing, four things in all; places: "
            f"{', '.join(known.places)}; one thing {', '.join(known.relations)} another; ground: "
            f"{', '.join(known.where)}; sky or backdrop: {', '.join(known.light)}; styles: "
            f"{', '.join(known.styles)}"
        )

    examples = EXAMPLES

    @property
    def larger(self) -> str:
        """How to get models that can show anything."""
        return "larger models show anything: limner doctor says which fit this machine"

    def shows(self, claim: Statement) -> bool:
        """Whether the painter can show this at all, alone in a picture."""
        check = _SHOWS.get(claim.kind)
        return check is not None and check(claim)

    def fits(self, claims: Sequence[Statement]) -> list[Statement]:
        """The claims that can't be kept beside the others, though each alone could be."""
        return [*_crowded(claims), *_conflicts(claims)]

    def prompt(self, claims: Sequence[Statement]) -> str:
        """The claims in the few words that the painter was trained on; never what is absent."""
        return _Picture.of(claims).words()

    def wording(self, claims: Sequence[Statement], seed: int) -> str:
        """Another wording of the prompt, of its seed; the plain one where claims are of some."""
        picture = _Picture.of(claims)
        spec = picture.spec()
        return describe(spec, Random(seed)) if spec else picture.words()

    def painted(self, claims: Sequence[Statement]) -> list[tuple[str, str, str, str]]:
        """Kind, subject, value and object of all that the prompt says, in canonical words."""
        return list(_Picture.of(claims).rows())

    def named(self, subject: str) -> str:
        """What the world calls a thing; "" for what it can't show."""
        return _thing(subject) if _painted(subject) else ""

    def phrased(self, claim: Statement) -> tuple[str, tuple[str, ...]] | None:
        """The statement that the critics were trained on, and what contradicts it, or None."""
        if not self.shows(claim) or _partial(claim):
            return None
        phrase = _PHRASED.get(claim.kind)
        return phrase(claim) if phrase else None


def _noun(subject: str) -> NounEntry | None:
    return lexicon().noun(subject.lower()) or lexicon().noun(subject)


def _painted(subject: str) -> bool:
    noun = _noun(subject)
    return noun is not None and noun.painted


def _thing(subject: str) -> str:
    """The thing of the world that is painted for a subject; "" for none."""
    noun = _noun(subject)
    return noun.like if noun else ""


def _partial(claim: Statement) -> bool:
    """Whether it speaks of some of several: `One cat is red.`"""
    looks = claim.kind in ("colour", "size", "place", "attribute")
    return looks and _SOME.match(claim.text) is not None


def _count(claim: Statement) -> int:
    if claim.kind == "object":
        return {"": 1, "many": MOST}.get(claim.value, _SEVERAL)
    return int(claim.value) if claim.value.isdecimal() else 1


def _shows_count(claim: Statement) -> bool:
    known = claim.value.isdecimal() and 1 <= int(claim.value[:6]) <= MOST
    return known and _painted(claim.subject)


def _shows_colour(claim: Statement) -> bool:
    colour = claim.value.removeprefix("not ")
    known = colour in world().colours or claim.value == "natural" or claim.value.startswith("not ")
    return known and _painted(claim.subject)


def _shows_relation(claim: Statement) -> bool:
    return (
        claim.value in world().relations
        and _painted(claim.subject)
        and _painted(claim.object)
        and _thing(claim.subject) != _thing(claim.object)
    )


_SHOWS: dict[str, Callable[[Statement], bool]] = {
    "object": lambda c: _painted(c.subject) and c.value != "many",
    "count": _shows_count,
    "colour": _shows_colour,
    "size": lambda c: c.value in world().sizes and _painted(c.subject),
    "place": lambda c: c.value.removeprefix("not ") in world().places and _painted(c.subject),
    "relation": _shows_relation,
    "scene": lambda c: c.value in world().where,
    "light": lambda c: c.value in world().light,
    "style": lambda c: c.value in world().styles,
    "absent": lambda c: True,
}


def _phrase_count(claim: Statement) -> tuple[str, tuple[str, ...]]:
    name, count = _thing(claim.subject), _count(claim)
    said = statements.counts(name)
    if claim.kind == "object":
        few = said[:count] if count > 1 else said[:1]
        return said[count], tuple(few)
    return said[count], _others(said, said[count])


def _phrase_absent(claim: Statement) -> tuple[str, tuple[str, ...]] | None:
    if claim.value:
        return None
    if claim.subject in world().where:
        true = statements.wheres()[-1]
        return true, (f"the ground is {claim.subject}",)
    if not _painted(claim.subject):
        return None
    said = statements.counts(_thing(claim.subject))
    return said[0], tuple(said[1:])


def _phrase_colour(claim: Statement) -> tuple[str, tuple[str, ...]] | None:
    name, count = _thing(claim.subject), _plural(claim)
    said = statements.colours(name, count)
    own = said[len(world().colours)]
    if claim.value == "natural":
        wrong = [c for c in world().colours if c not in natural_colours(name)]
        colours = list(world().colours)
        return own, (*(said[colours.index(c)] for c in wrong), said[-1])
    if claim.value.startswith("not "):
        return _phrase_other_colour(claim, said, own)
    true = said[list(world().colours).index(claim.value)]
    foils = _others(said, true)
    if claim.value in natural_colours(name):  # a red apple is in its natural colours, too
        foils = tuple(foil for foil in foils if foil != own)
    return true, foils


def _phrase_other_colour(
    claim: Statement, said: list[str], own: str
) -> tuple[str, tuple[str, ...]] | None:
    unwanted, colours = claim.value.removeprefix("not "), list(world().colours)
    if unwanted not in colours:
        return None
    instead = other_colour(_thing(claim.subject), unwanted)
    true = said[colours.index(instead)] if instead else own
    return true, (said[colours.index(unwanted)],)


def _phrase_place(claim: Statement) -> tuple[str, tuple[str, ...]]:
    said = statements.places(_thing(claim.subject), _plural(claim))
    places = list(world().places)
    true = said[places.index(_nearest_value(claim))]
    if claim.value.startswith("not "):
        return true, (said[places.index(claim.value.removeprefix("not "))],)
    return true, _others(said, true)


def _one_of(
    said: Callable[[Statement], Sequence[str]], known: Callable[[], Iterable[str]]
) -> Callable[[Statement], tuple[str, tuple[str, ...]]]:
    """The sentence for a value of a table, where one is said for each in its order."""

    def phrase(claim: Statement) -> tuple[str, tuple[str, ...]]:
        every = said(claim)
        true = every[list(known()).index(claim.value)]
        return true, _others(every, true)

    return phrase


_Phrased = tuple[str, tuple[str, ...]] | None
_PHRASED: dict[str, Callable[[Statement], _Phrased]] = {
    "object": _phrase_count,
    "count": _phrase_count,
    "colour": _phrase_colour,
    "size": _one_of(
        lambda c: statements.sizes(_thing(c.subject), _plural(c)), lambda: world().sizes
    ),
    "place": _phrase_place,
    "relation": _one_of(
        lambda c: statements.relations(_thing(c.subject), _thing(c.object)),
        lambda: world().relations,
    ),
    "scene": _one_of(lambda _: statements.wheres(), lambda: world().where),
    "light": _one_of(lambda _: statements.lights(), lambda: world().light),
    "style": _one_of(lambda _: statements.styles(), lambda: world().styles),
    "absent": _phrase_absent,
}


def _others(said: Sequence[str], true: str) -> tuple[str, ...]:
    return tuple(other for other in said if other != true)


def _plural(claim: Statement) -> int:
    """How many a statement about looks speaks of: its own text tells one from several."""
    return MOST if re.search(r"\bare\b", claim.text) else 1


def _crowded(claims: Sequence[Statement]) -> list[Statement]:
    """Counts of known things that are not kept where there are more than four things in all."""
    wanted: dict[str, int] = {}
    named: dict[str, Statement] = {}
    for claim in claims:
        known = claim.kind in ("count", "object") and _painted(claim.subject)
        if known and (name := _thing(claim.subject)) not in wanted:
            wanted[name], named[name] = min(_count(claim), MOST), claim
    kept = _trimmed(wanted)
    return [named[name] for name, count in wanted.items() if kept.get(name, 0) < count]


def _trimmed(counts: Mapping[str, int]) -> dict[str, int]:
    """So few of each that four things stand in the picture; most give way first."""
    kept = dict(list(counts.items())[:MOST])
    while sum(kept.values()) > MOST:
        kept[max(kept, key=lambda name: kept[name])] -= 1
    return kept


def _conflicts(claims: Sequence[Statement]) -> list[Statement]:
    """Second skies, grounds, styles and colours of one thing, and a ground before a backdrop."""
    kept: dict[tuple[str, str], str] = {}
    over: list[Statement] = []
    for claim in claims:
        if claim.kind not in ("scene", "light", "style", "colour") or _partial(claim):
            continue
        if claim.value.startswith("not ") or not _SHOWS[claim.kind](claim):
            continue
        key = (claim.kind, claim.subject)
        if kept.get(key, claim.value) != claim.value or _nowhere(claim, kept):
            over.append(claim)
        kept.setdefault(key, claim.value)
    return over


def _nowhere(claim: Statement, kept: dict[tuple[str, str], str]) -> bool:
    if claim.kind == "scene":
        return kept.get(("light", ""), "").startswith("plain")
    return claim.kind == "light" and claim.value.startswith("plain") and ("scene", "") in kept


@dataclass(slots=True)
class _Kind:
    """One kind of thing of a picture, and the looks of some of several of it."""

    group: Group
    some: list[Group] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)

    def groups(self) -> list[Group]:
        """One group, or one for each look that some of them have."""
        colour = self.group.colour or other_colour(self.group.name, *self.unwanted)
        whole = replace(self.group, colour=colour)
        if not self.some:
            return [whole]
        merged: list[Group] = []
        left = whole.count
        for part in self.some:
            if left > 0:
                merged.append(replace(part, count=min(part.count, left)))
                left -= part.count
        return [*merged, replace(whole, count=left)] if left > 0 else merged


@dataclass(slots=True)
class _Picture:
    """What the painter is told, gathered from claims in their order."""

    kinds: dict[str, _Kind] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    where: str = ""
    light: str = ""
    style: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, claims: Sequence[Statement]) -> _Picture:
        """Things first, then what is said of them, then what is around them."""
        picture = cls()
        counts = [c for c in claims if c.kind in ("count", "object")]
        absent = {_thing(c.subject) for c in claims if c.kind == "absent" and not c.value}
        for claim in sorted(counts, key=lambda c: not _painted(c.subject)):
            picture._add(claim, absent)
        order = {_thing(c.subject): n for n, c in reversed(list(enumerate(counts)))}
        names = sorted(picture.kinds, key=lambda name: order.get(name, 0))
        picture.kinds = {name: picture.kinds[name] for name in names}
        picture._trim()
        for claim in claims:
            picture._look(claim)
        picture._around(claims)
        return picture

    def _add(self, claim: Statement, absent: set[str]) -> None:
        name, count = _thing(claim.subject), max(1, min(_count(claim), MOST))
        if not name or (not _painted(claim.subject) and name in absent):
            return
        if name not in self.kinds:
            self.kinds[name] = _Kind(Group(name, count))
            self.names[claim.subject] = name
        elif _painted(claim.subject):
            self.names[claim.subject] = name

    def _trim(self) -> None:
        """So few of each that four things stand in the picture."""
        kept = _trimmed({name: kind.group.count for name, kind in self.kinds.items()})
        self.kinds = {name: self.kinds[name] for name in kept}
        for name, count in kept.items():
            self.kinds[name].group = replace(self.kinds[name].group, count=count)

    def _look(self, claim: Statement) -> None:
        kind = self.kinds.get(self.names.get(claim.subject, ""))
        if kind is None or claim.kind not in ("colour", "size", "place"):
            if claim.kind == "relation":
                self._link(claim)
            return
        value = _nearest_value(claim)
        if claim.kind == "colour" and claim.value.startswith("not "):
            kind.unwanted.append(claim.value.removeprefix("not "))
        elif value and (some := _SOME.match(claim.text)):
            part = Group(kind.group.name, _SPLIT.get(some[1], 1))
            kind.some.append(_with(part, claim.kind, value))
        elif value and not getattr(kind.group, claim.kind):
            kind.group = _with(kind.group, claim.kind, value)

    def _link(self, claim: Statement) -> None:
        one, other = self.names.get(claim.subject, ""), self.names.get(claim.object, "")
        how = NEAR_RELATION.get(claim.value, claim.value)
        known = one in self.kinds and other in self.kinds and one != other
        if known and how in world().relations:
            pairs = {frozenset((link.thing, link.other)) for link in self.links}
            if frozenset((one, other)) not in pairs:
                self.links.append(Link(one, how, other))

    def _around(self, claims: Sequence[Statement]) -> None:
        tables = ("scene", "light", "style")
        for claim in sorted(claims, key=lambda c: not _SHOWS.get(c.kind, _never)(c)):
            if claim.kind in tables:
                self._set({"scene": "where"}.get(claim.kind, claim.kind), _nearest_value(claim))
                self._beside(lexicon().near.get((claim.kind, claim.value), {}))
        named = {c.kind for c in claims}
        if not self.kinds and "scene" in named:
            self._lone(claims)

    def _beside(self, near: Mapping[str, str]) -> None:
        """What else comes nearest to a setting that the world lacks: space is a night sky."""
        self._set("light", near.get("light", ""))
        self._set("where", near.get("ground", ""))

    def _set(self, part: str, value: str) -> None:
        setting = Spec((), (), self.where, self.light)
        if value and not getattr(self, part) and not _clash(part, value, setting):
            setattr(self, part, value)

    def _lone(self, claims: Sequence[Statement]) -> None:
        """A setting that the world lacks, and nothing in it: a thing that belongs there."""
        for claim in claims:
            thing = lexicon().near.get((claim.kind, claim.value), {}).get("thing", "")
            if thing and not self.kinds:
                self.kinds[thing] = _Kind(Group(thing))

    def words(self) -> str:
        """The prompt: the plain wording of the scene, and further relations as sentences."""
        first = [link for n, link in enumerate(self.links) if self._alone(link, self.links[:n])]
        around = canonical(Spec((), (), self.where, self.light, self.style)).removeprefix(", ")
        plain = [kind for kind in self.kinds.values() if not kind.some]
        several = [g for kind in self.kinds.values() if kind.some for g in kind.groups()]
        parts = [canonical(Spec((group,))) for group in several]
        if plain:
            names = {kind.group.name for kind in plain}
            links = tuple(k for k in first if {k.thing, k.other} <= names)
            groups = tuple(group for kind in plain for group in kind.groups())
            parts.insert(0, canonical(Spec(groups, links)))
            first = list(links)
        things = " and ".join(part for part in parts if part)
        told = ", ".join(part for part in (things, around) if part)
        rest = [f"the {k.thing} is {k.how} the {k.other}" for k in self.links if k not in first]
        return stressed(told, rest) if rest else told

    def spec(self) -> Spec | None:
        """The same as a scene of one group of each kind; None where some of several differ."""
        if not self.kinds or any(kind.some for kind in self.kinds.values()):
            return None
        groups = tuple(group for kind in self.kinds.values() for group in kind.groups())
        return Spec(groups, tuple(self.links), self.where, self.light, self.style)

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """The same as canonical slots; those of some of several are left out."""
        for name, kind in self.kinds.items():
            yield "count", name, str(kind.group.count), ""
            for group in kind.groups() if not kind.some else ():
                for part in ("colour", "size", "place"):
                    if value := getattr(group, part):
                        yield part, name, value, ""
        for link in self.links:
            yield "relation", link.thing, link.how, link.other
        for part, value in (("scene", self.where), ("light", self.light), ("style", self.style)):
            if value:
                yield part, "", value, ""

    def _alone(self, link: Link, before: Sequence[Link]) -> bool:
        taken = {name for other in before for name in (other.thing, other.other)}
        return not taken & {link.thing, link.other}


def _never(claim: Statement) -> bool:
    return False


def _with(group: Group, part: str, value: str) -> Group:
    if part == "colour":
        return replace(group, colour=value)
    return replace(group, size=value) if part == "size" else replace(group, place=value)


def _clash(part: str, value: str, setting: Spec) -> bool:
    if part == "where":
        return setting.light.startswith("plain")
    return part == "light" and value.startswith("plain") and bool(setting.where)


def _nearest_value(claim: Statement) -> str:
    """The value itself, or the nearest that the painter knows; "" for none."""
    if claim.value == "natural" or claim.kind not in _TABLES:
        return ""
    if claim.value in getattr(world(), _TABLES[claim.kind]):
        return claim.value
    if claim.kind == "place" and claim.value.startswith("not "):
        return "left" if claim.value == "not right" else "right"
    first = claim.value.split(" and ")[0]
    if claim.kind == "light" and first.startswith("plain "):
        return lexicon().backdrop_near.get(first.removeprefix("plain "), "plain grey")
    near = lexicon().near.get((claim.kind, first))
    if near is None:
        return first if claim.kind == "colour" and first in world().colours else ""
    return str(near.get("like", ""))


_TABLES = {
    "colour": "colours",
    "size": "sizes",
    "place": "places",
    "scene": "where",
    "light": "light",
    "style": "styles",
}
