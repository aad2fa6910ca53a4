"""What each category of MicroGenEval asks for, and scenes that would satisfy it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

from limner.benchmarks.asked import BESIDE, OPEN, Asked
from limner.benchmarks.parse import OWN
from limner.pipelines.pocket.scene import Scene, lay_out
from limner.pipelines.pocket.spec import Group, Link, Spec, held_out, link_held_out
from limner.pipelines.pocket.world import MOST, world

MOST_KINDS = 3


def one_thing(chance: Random) -> Spec:
    """A thing, mostly somewhere."""
    return _set(Spec((Group(_names(1, chance)[0]),)), chance, 0.75)


def two_things(chance: Random) -> Spec:
    """Two kinds of things."""
    return _set(Spec(tuple(Group(name) for name in _names(2, chance))), chance, 0.3)


def counting(chance: Random) -> Spec:
    """Two to four of a kind."""
    return _set(Spec((Group(_names(1, chance)[0], chance.randint(2, MOST)),)), chance, 0.4)


def colour(chance: Random) -> Spec:
    """A thing in a colour."""
    return _set(Spec((_painted(_names(1, chance)[0], chance),)), chance, 0.2)


def position(chance: Random) -> Spec:
    """One thing as seen from another."""
    return _set(_linked(Spec(tuple(Group(n) for n in _names(2, chance))), chance), chance, 0.2)


def colour_attribution(chance: Random) -> Spec:
    """Two things in different colours."""
    one, other = (_painted(name, chance) for name in _names(2, chance))
    if one.colour == other.colour:
        return colour_attribution(chance)
    return _set(Spec((one, other)), chance, 0.15)


def out_of_distribution(chance: Random) -> Spec:
    """A thing in a colour that no training shows it in, half of the time with something else.

    A colour that the thing has of its own is no stranger to any painter, and is left out.
    """
    pairs = [(n, c) for n in world().things for c in world().colours if held_out(n, c)]
    name, paint = chance.choice([(n, c) for n, c in pairs if c not in OWN.get(n, ())])
    groups = [Group(name, colour=paint)]
    if chance.random() < 0.5:
        groups.append(Group(chance.choice([n for n in world().things if n != name])))
    return _set(Spec(tuple(groups)), chance, 0.4)


def several(k: int, chance: Random) -> Spec:
    """A thing, and k more claims about the scene (the k of ConceptMix, arXiv:2408.14339)."""
    spec = Spec((Group(_names(1, chance)[0]),))
    while k:
        more = chance.choice(MORE)(spec, chance)
        k -= more != spec
        spec = more
    return spec


def example(asked: Asked, chance: Random) -> Scene:
    """A scene that is what was asked for. Raises `Crowded` where the world has no room for it."""
    spec = asked.spec
    groups = spec.groups or (Group("tree" if "tree" not in asked.absent else "cat"),)
    sized = tuple(
        replace(g, size=g.size or "small", count=2 if g.count == OPEN else g.count) for g in groups
    )
    links = tuple(replace(k, how="left of" if k.how == BESIDE else k.how) for k in spec.links)
    light = spec.light or _lit(groups, bool(spec.where), chance)
    return lay_out(Spec(sized, links, spec.where, light, spec.style or "flat"), chance)


CATEGORIES: dict[str, Callable[[Random], Spec]] = {
    "one thing": one_thing,
    "two things": two_things,
    "counting": counting,
    "colour": colour,
    "position": position,
    "colour attribution": colour_attribution,
    **{f"k={k}": partial(several, k) for k in range(1, 6)},
    "out of distribution": out_of_distribution,
}


def _names(count: int, chance: Random) -> list[str]:
    return chance.sample(list(world().things), count)


def _painted(name: str, chance: Random) -> Group:
    """A thing in a colour that training shows it in."""
    fit = [c for c in world().colours if not held_out(name, c)]
    return Group(name, colour=chance.choice(fit))


def _lit(groups: tuple[Group, ...], grounded: bool, chance: Random) -> str:
    """A sky, or a backdrop where nothing stands on a ground; none that swallows a thing."""
    colours = {g.colour for g in groups}
    fit = [x for x in world().light if x.removeprefix("plain ") not in colours]
    if grounded:
        fit = [x for x in fit if not x.startswith("plain")]
    return chance.choice([x for x in fit if x != "night" or "black" not in colours])


def _set(spec: Spec, chance: Random, share: float) -> Spec:
    """The same somewhere, at some time or in some style, with that probability."""
    if chance.random() >= share:
        return spec
    return chance.choice((_grounded, _lighted, _styled))(spec, chance)


def _grounded(spec: Spec, chance: Random) -> Spec:
    if spec.where or spec.light.startswith("plain"):
        return spec
    return replace(spec, where=chance.choice(list(world().where)))


def _lighted(spec: Spec, chance: Random) -> Spec:
    return spec if spec.light else replace(spec, light=_lit(spec.groups, bool(spec.where), chance))


def _styled(spec: Spec, chance: Random) -> Spec:
    return spec if spec.style else replace(spec, style=chance.choice(list(world().styles)))


def _another(spec: Spec, chance: Random) -> Spec:
    room = MOST - sum(g.count for g in spec.groups)
    if not room or len(spec.groups) == MOST_KINDS:
        return spec
    taken = {g.name for g in spec.groups}
    name = chance.choice([n for n in world().things if n not in taken])
    return replace(spec, groups=(*spec.groups, Group(name)))


def _linked(spec: Spec, chance: Random) -> Spec:
    """Two single things that stand nowhere in particular, one as seen from the other."""
    free = [g.name for g in spec.groups if g.count == 1 and not g.place]
    if spec.links or len(free) < 2:
        return spec
    one, other = chance.sample(free, 2)
    link = Link(one, chance.choice(list(world().relations)), other)
    return _linked(spec, chance) if link_held_out(link) else replace(spec, links=(link,))


def _coloured(spec: Spec, chance: Random) -> Spec:
    """One thing takes a colour that training knows it in and that the backdrop does not swallow."""
    number = chance.randrange(len(spec.groups))
    group = spec.groups[number]
    fresh = _painted(group.name, chance).colour
    swallowed = spec.light == f"plain {fresh}" or (spec.light, fresh) == ("night", "black")
    return spec if group.colour or swallowed else _with(spec, number, colour=fresh)


def _sized(spec: Spec, chance: Random) -> Spec:
    number = chance.randrange(len(spec.groups))
    size = chance.choice(list(world().sizes))
    return spec if spec.groups[number].size else _with(spec, number, size=size)


def _placed(spec: Spec, chance: Random) -> Spec:
    number = chance.randrange(len(spec.groups))
    group = spec.groups[number]
    linked = {name for link in spec.links for name in (link.thing, link.other)}
    if group.place or group.name in linked:
        return spec
    return _with(spec, number, place=chance.choice(list(world().places)))


def _counted(spec: Spec, chance: Random) -> Spec:
    number = chance.randrange(len(spec.groups))
    room = MOST - sum(g.count for g in spec.groups)
    linked = {name for link in spec.links for name in (link.thing, link.other)}
    if not room or spec.groups[number].count > 1 or spec.groups[number].name in linked:
        return spec
    return _with(spec, number, count=1 + chance.randint(1, room))


def _with(spec: Spec, number: int, **values: object) -> Spec:
    groups = list(spec.groups)
    groups[number] = replace(groups[number], **values)  # type: ignore[arg-type]
    return replace(spec, groups=tuple(groups))


MORE = (
    _another,
    _another,
    _coloured,
    _coloured,
    _linked,
    _linked,
    _counted,
    _sized,
    _placed,
    _grounded,
    _lighted,
    _styled,
)
