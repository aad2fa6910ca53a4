"""Where everything stands: a scene is a spec with each thing given its spot in the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from limner.pipelines.pocket.spec import OPPOSITE, Group, Link, Spec, held_out, link_held_out
from limner.pipelines.pocket.world import MOST, world

SIDE = 128
HORIZON = 72
FLYERS = frozenset("butterfly bird rocket balloon moon sun ghost".split())
# Sprites sit on the autoencoder's grid of 8 pixels and come in two spans: so each has one set of
# latents wherever it stands, which makes shapes many times easier to learn.
GRID = 8
SPAN = {"small": 40, "large": 56}


@dataclass(frozen=True, slots=True)
class Spot:
    """One sprite: its thing, colour, centre and width in pixels of a 128 x 128 picture."""

    name: str
    colour: str
    size: str
    x: float
    y: float
    span: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A spec that is fully decided, and the spots of its sprites."""

    spec: Spec
    spots: tuple[Spot, ...]


class Crowded(Exception):
    """A spec whose things found no room; ask for another."""


def random_spec(chance: Random, things: int = 0, in_training: bool = True) -> Spec:
    """A spec with all of its looks decided: one to four sprites, `things` kinds (0: any number).

    In training nothing that is held out is drawn; else at least that is not asked about.
    """
    kinds = things or chance.choices((1, 2, 3, 4), (34, 36, 20, 10))[0]
    names = chance.sample(list(world().things), kinds)
    left = MOST - kinds
    groups = []
    for name in names:
        extra = chance.choice((0, 0, 0, 1, 2, 3)) if left else 0
        groups.append(_random_group(name, 1 + min(extra, left), chance, in_training))
        left -= min(extra, left)
    links = _random_links(groups, chance, in_training)
    linked = {name for link in links for name in (link.thing, link.other)}
    placed = tuple(_placed(g, g.name in linked, chance) for g in groups)
    light = _random_light({g.colour for g in groups}, chance)
    where = (
        "" if light.startswith("plain") or chance.random() < 0.2 else _any(world().where, chance)
    )
    return Spec(placed, links, where, light, chance.choices(list(world().styles), (70, 15, 15))[0])


def lay_out(spec: Spec, chance: Random) -> Scene:
    """Find a spot for every sprite so that all that the spec says is true. Raises `Crowded`."""
    for trial in range(60):
        spots = _try(spec, chance, on_ground=trial < 10)
        if spots is not None:
            return Scene(spec, spots)
    raise Crowded(str(spec))


def random_scene(chance: Random, things: int = 0, in_training: bool = True) -> Scene:
    """A random spec, laid out."""
    while True:
        try:
            return lay_out(random_spec(chance, things, in_training), chance)
        except Crowded:
            continue


def seen(scene: Scene) -> Spec:
    """All that is plainly true of a scene: its spec, with places and relations read off spots."""
    spots = {g.name: [s for s in scene.spots if s.name == g.name] for g in scene.spec.groups}
    groups = tuple(replace(g, place=_place(spots[g.name])) for g in scene.spec.groups)
    singles = [found[0] for found in spots.values() if len(found) == 1]
    links = tuple(
        Link(a.name, how, b.name)
        for a in singles
        for b in singles
        if a is not b and (how := _how(a, b))
    )
    return replace(scene.spec, groups=groups, links=links)


def told(truth: Spec, chance: Random) -> Spec:
    """What a caption tells of a scene: every thing, colour and count, and some of the rest.

    Where things stand is told more often than not: what a caption leaves out teaches no word, and
    places are what a painter learns last.
    """
    much = chance.random()
    links = _disjoint(truth.links, chance) if chance.random() < 0.4 + 0.4 * much else ()
    linked = {name for link in links for name in (link.thing, link.other)}
    places = chance.random() < 0.4 + 0.4 * much
    groups = tuple(
        replace(
            g,
            size=g.size if chance.random() < 0.25 + 0.5 * much else "",
            place=g.place if places and g.name not in linked else "",
        )
        for g in truth.groups
    )
    return Spec(
        groups,
        links,
        truth.where if chance.random() < 0.75 else "",
        truth.light if chance.random() < 0.75 else "",
        truth.style if chance.random() < (0.4 if truth.style == "flat" else 0.85) else "",
    )


def _random_group(name: str, count: int, chance: Random, in_training: bool) -> Group:
    colour = _any(world().colours, chance) if chance.random() < 0.5 else ""
    while in_training and held_out(name, colour):
        colour = _any(world().colours, chance)
    size = "large" if chance.random() < (0.7 if count == 1 else 0.45) else "small"
    return Group(name, count, colour, size)


def _random_links(groups: list[Group], chance: Random, in_training: bool) -> tuple[Link, ...]:
    singles = [g.name for g in groups if g.count == 1]
    if len(singles) < 2 or chance.random() < 0.45:
        return ()
    link = Link(singles[0], _any(world().relations, chance), singles[1])
    return () if in_training and link_held_out(link) else (link,)


def _placed(group: Group, linked: bool, chance: Random) -> Group:
    if linked or chance.random() < 0.5:
        return group
    return replace(group, place=_any(world().places, chance))


def _random_light(colours: set[str], chance: Random) -> str:
    """A sky or a backdrop, but none that would swallow a thing of its own colour."""
    kinds = [k for k in world().light if k.removeprefix("plain ") not in colours]
    if "black" in colours:
        kinds.remove("night")
    return chance.choices(kinds, [18 if not k.startswith("plain") else 6 for k in kinds])[0]


def _any(table: Iterable[str], chance: Random) -> str:
    return chance.choice(list(table))


def _try(spec: Spec, chance: Random, on_ground: bool) -> tuple[Spot, ...] | None:
    spots: list[Spot] = []
    for group in spec.groups:
        span = SPAN[group.size]
        for _ in range(group.count):
            spot = _drop(group, span, spots, chance, on_ground and bool(spec.where))
            if spot is None:
                return None
            spots.append(spot)
    ok = all(_agrees(link, spots) for link in spec.links)
    return tuple(spots) if ok else None


def _drop(
    group: Group, span: int, taken: list[Spot], chance: Random, on_ground: bool
) -> Spot | None:
    """Somewhere on the grid where the thing overlaps no other, and stands where it was asked to."""
    last = SIDE - span
    low, high = {"left": (0, 46), "centre": (56, 72), "right": (82, SIDE)}.get(
        group.place, (0, SIDE)
    )
    lefts = [x for x in range(0, last + 1, GRID) if low <= x + span / 2 <= high]
    tops = list(range(0, last + 1, GRID))
    if on_ground and group.name in FLYERS:
        tops = [y for y in tops if y + span <= HORIZON + 8]
    elif on_ground:
        tops = [y for y in tops if y + span > HORIZON + 16]
    for _ in range(12):
        x, y = chance.choice(lefts) + span / 2, chance.choice(tops) + span / 2
        if all(_apart(x, y, span, other) for other in taken):
            return Spot(group.name, group.colour, group.size, x, y, span)
    return None


def _apart(x: float, y: float, span: int, other: Spot) -> bool:
    reach = 0.5 * (span + other.span)
    return max(abs(x - other.x), abs(y - other.y)) >= reach


def _agrees(link: Link, spots: list[Spot]) -> bool:
    a = next(s for s in spots if s.name == link.thing)
    b = next(s for s in spots if s.name == link.other)
    return _how(a, b) == link.how


def _how(a: Spot, b: Spot) -> str:
    """How `a` is to `b`, when one direction is plainly stronger, else nothing."""
    across, down = a.x - b.x, a.y - b.y
    if abs(across) > 1.4 * abs(down) and abs(across) > 24:
        return "left of" if across < 0 else "right of"
    if abs(down) > 1.4 * abs(across) and abs(down) > 24:
        return "above" if down < 0 else "below"
    return ""


def _place(spots: list[Spot]) -> str:
    """Where all of a kind stand, when it is plain, else nothing."""
    if all(s.x <= 46 for s in spots):
        return "left"
    if all(s.x >= 82 for s in spots):
        return "right"
    return "centre" if all(55 <= s.x <= 73 for s in spots) else ""


def _disjoint(links: tuple[Link, ...], chance: Random) -> tuple[Link, ...]:
    """One relation to tell, seldom two that share nothing; either way round, none held out."""
    free = [k for k in links if not link_held_out(k) and OPPOSITE[k.how]]
    chance.shuffle(free)
    kept = free[:1]
    if chance.random() < 0.3:
        kept += [k for k in free[1:] if not {k.thing, k.other} & {kept[0].thing, kept[0].other}][:1]
    return tuple(kept)
