"""A wish: what somebody wants to see, before it is in words and before anything is invented."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from limner.pipelines.pocket.language.lexicon import (
    Saying,
    call,
    nearest,
    outsider,
    present,
    sayings,
    table,
    theme_words,
)
from limner.pipelines.pocket.spec import Group, Link, held_out, link_held_out
from limner.pipelines.pocket.world import MOST, world

OPEN = -1  # a count of more than one that was left open
ANIMALS = tuple(present(table("scenes")["animals"]))
LIVING = (*ANIMALS, *present(("snowman", "robot", "ghost")))
BESIDE = "beside"


@dataclass(slots=True)
class Wish:
    """What was said, and how its things were called.

    A group's count is `OPEN` where only "some" were asked for. `asked` holds numbers that the world
    is too small for, `extra` the things that no longer fit. `lacking` are things that
    nothing stands in for, `shunned` is a word for what could not be there anyway. `kind` is what
    the request is: plain, short, doing, occasion, mood, vague.
    """

    groups: list[Group]
    said: dict[str, Saying]
    links: list[Link] = field(default_factory=list)
    where: str = ""
    light: str = ""
    style: str = ""
    avoid: list[str] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    extra: list[Group] = field(default_factory=list)
    kind: str = "plain"
    hints: dict[str, Any] = field(default_factory=dict)
    verb: str = ""
    lacking: list[Saying] = field(default_factory=list)
    shunned: str = ""

    @property
    def swapped(self) -> list[Saying]:
        """The words for things that the world does not have."""
        return [s for s in self.said.values() if s.outside]


@dataclass(frozen=True, slots=True)
class Taste:
    """How wishes are drawn: the language, and what of the kept-back material is used.

    `exam`: wordings that training never sees; `strangers`: words for things that it never sees;
    `pairs`: colours that no training shows the thing in.
    """

    language: str
    exam: bool = False
    strangers: bool = False
    pairs: bool = False

    @property
    def strict(self) -> bool:
        """Whether anything kept back is used."""
        return self.exam or self.strangers or self.pairs


def plain_wish(chance: Random, taste: Taste) -> Wish:
    """One to three things with what is said of them, perhaps a relation, a setting and a style."""
    number = chance.choices((1, 2, 3), (50, 38, 12))[0]
    names = chance.sample(list(world().things), number)
    wish = Wish([_group(name, chance, taste) for name in names], {})
    _name_things(wish, chance, taste)
    _count(wish, chance)
    if number == 1 and chance.random() < 0.05:
        return _crowd(wish, chance, taste)
    if number > 1 and chance.random() < 0.42:
        wish.links.append(_link(wish, chance, taste))
    elif chance.random() < 0.3:
        _place(wish, chance)
    _setting(wish, chance, 0.34)
    if chance.random() < 0.1:
        _refuse(wish, chance, taste)
    return wish


def short_wish(chance: Random, taste: Taste) -> Wish:
    """One thing and little more."""
    name = chance.choice(list(world().things))
    group = _group(name, chance, taste) if chance.random() < 0.35 else Group(name)
    wish = Wish([group], {}, kind="short")
    _name_things(wish, chance, taste)
    if chance.random() < 0.15:
        _setting(wish, chance, 0.5)
    return wish


def doing_wish(chance: Random, taste: Taste) -> Wish:
    """Somebody does something."""
    action = chance.choice(table("scenes")["actions"])
    names = [n for n in (ANIMALS if chance.random() < 0.85 else LIVING) if n != action.get("sure")]
    name = chance.choice(names)
    verb = theme_words(action, taste.language, chance, False)
    wish = Wish([_group(name, chance, taste)], {}, kind="doing", hints=action, verb=verb)
    _name_things(wish, chance, taste)
    if action.get("sure"):
        _with_object(wish, action["sure"], taste)
    if chance.random() < 0.45:
        _setting(wish, chance, 0.4)
    return wish


def _with_object(wish: Wish, name: str, taste: Taste) -> None:
    """What is being done needs a thing, or the nearest to it, if that makes sense."""
    saying = sayings(taste.language, name)[0]
    if name not in world().things:
        wish.lacking.append(saying)
    known = nearest(name)
    if name in table("scenes")["unfit"] and name not in world().things:
        return
    if known == wish.groups[0].name:
        return
    wish.groups.append(Group(known))
    wish.said[known] = replace(saying, name=known, outside=known != name)
    wish.lacking = []
    link = Link(known, wish.hints.get("how", BESIDE), wish.groups[0].name)
    if link.how != BESIDE and not link_held_out(link):
        wish.links.append(link)


def theme_wish(chance: Random, kind: str) -> Wish:
    """An occasion or a mood and no thing: most is left to invention."""
    rows = table("scenes")["occasions" if kind == "occasion" else "moods"]
    wish = Wish([], {}, kind=kind, hints=chance.choice(rows))
    if chance.random() < 0.15:
        wish.style = chance.choice(list(world().styles))
    return wish


def vague_wish(chance: Random) -> Wish:
    """Nothing at all is said."""
    wish = Wish([], {}, kind="vague")
    if chance.random() < 0.1:
        wish.style = chance.choice(list(world().styles))
    return wish


def paint(name: str, chance: Random, taste: Taste) -> str:
    """A colour that training may show the thing in; with `taste.pairs`, one that it never shows."""
    colours = [c for c in world().colours if held_out(name, c) == taste.pairs]
    return chance.choice(colours) if colours else ""


def trimmed(groups: list[Group], asked: dict[str, int]) -> list[Group]:
    """The groups with so few of each kind that four things stand in the picture."""
    counts = {g.name: asked.get(g.name, 2 if g.count == OPEN else g.count) for g in groups[:MOST]}
    while sum(counts.values()) > MOST:
        most = max(counts, key=lambda name: counts[name])
        counts[most] -= 1
    return [replace(g, count=counts[g.name]) for g in groups[:MOST]]


def _group(name: str, chance: Random, taste: Taste) -> Group:
    colour = paint(name, chance, taste) if chance.random() < (1 if taste.pairs else 0.38) else ""
    size = chance.choice(list(world().sizes)) if chance.random() < 0.22 else ""
    return Group(name, 1, colour, size)


def _name_things(wish: Wish, chance: Random, taste: Taste) -> None:
    """Call each thing by one of its names, some by the name of a thing that is not in the world."""
    for number, group in enumerate(wish.groups):
        if not taste.pairs and chance.random() < (0.5 if taste.strangers else 0.17):
            _replace(wish, number, chance, taste)
        else:
            wish.said[group.name] = call(group.name, taste.language, chance)


def _replace(wish: Wish, number: int, chance: Random, taste: Taste) -> None:
    saying = outsider(taste.language, chance, taste.strangers)
    group = wish.groups[number]
    taken = any(g.name == saying.name for g in wish.groups)
    held = held_out(saying.name, group.colour)
    unlike = wish.kind == "doing" and (
        saying.name not in LIVING or saying.name == wish.hints.get("sure")
    )
    if taken or held or unlike:
        wish.said[group.name] = call(group.name, taste.language, chance)
        return
    wish.groups[number] = replace(group, name=saying.name)
    wish.said[saying.name] = saying


def _count(wish: Wish, chance: Random) -> None:
    for number, group in enumerate(wish.groups):
        count = chance.choices((1, 2, 3, 4, OPEN), (72, 11, 6, 3, 8))[0]
        wish.groups[number] = replace(group, count=count)
    if chance.random() < 0.05:
        many = chance.choice(wish.groups).name
        wish.asked[many] = chance.choice((5, 6, 7, 8, 9, 10, 12, 20, 50, 100))
    counts = [2 if g.count == OPEN else g.count for g in wish.groups]
    if wish.asked or sum(counts) > MOST:
        for group in wish.groups:
            wish.asked.setdefault(group.name, max(group.count, 1) if group.count != OPEN else 2)
        wish.groups = trimmed(wish.groups, wish.asked)


def _crowd(wish: Wish, chance: Random, taste: Taste) -> Wish:
    """More kinds of things than fit: the first four stay."""
    taken = wish.groups[0].name
    names = chance.sample([n for n in world().things if n != taken], chance.randint(4, 5))
    wish.asked = {}
    wish.groups = [replace(wish.groups[0], count=1), *(Group(n) for n in names)]
    wish.said |= {n: call(n, taste.language, chance) for n in names}
    wish.groups, wish.extra = wish.groups[:MOST], wish.groups[MOST:]
    return wish


def _place(wish: Wish, chance: Random) -> None:
    if len(wish.groups) == 2 and chance.random() < 0.6:
        places = list(chance.choice((("left", "right"), ("right", "left"), ("left", "centre"))))
    else:
        places = [chance.choice(list(world().places))]
    for number, place in enumerate(places[: len(wish.groups)]):
        wish.groups[number] = replace(wish.groups[number], place=place)


def _link(wish: Wish, chance: Random, taste: Taste) -> Link:
    hows = [*world().relations, BESIDE]
    while True:
        one, other = chance.sample([g.name for g in wish.groups], 2)
        link = Link(one, chance.choice(hows), other)
        if taste.pairs or link.how == BESIDE or not link_held_out(link):
            return link


def _setting(wish: Wish, chance: Random, share: float) -> None:
    if chance.random() < share:
        wish.where = chance.choice(list(world().where))
    if chance.random() < share:
        lights = list(world().light)
        wish.light = chance.choice(lights[:4] if wish.where or chance.random() < 0.6 else lights)
    if chance.random() < share * 0.6:
        wish.style = chance.choice(list(world().styles))


def _refuse(wish: Wish, chance: Random, taste: Taste) -> None:
    """Something is not wanted; what no picture of this world can show need not be avoided."""
    if chance.random() < 0.25:
        wish.shunned = chance.choice(shunned_words(taste.language))
        return
    taken = {g.name for g in wish.groups}
    wish.avoid = [chance.choice([n for n in world().things if n not in taken])]


def shunned_words(language: str) -> list[str]:
    """What people do not want to see and this world cannot show."""
    key = "en" if language == "english" else "zh"
    words = [w.strip() for row in table("names")["unwanted"].values() for w in row[key].split(",")]
    absent = [sayings(language, name)[0] for name in world().absent]
    return [*words, *((s.plural or s.text) for s in absent)]
