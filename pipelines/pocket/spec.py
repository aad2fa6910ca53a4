"""A scene in words alone: which things, how they look, where they stand, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from limner.pipelines.pocket import statements
from limner.pipelines.pocket.world import MOST, world

HELD_OUT_SHARE = 0.15
HELD_OUT_RELATIONS = frozenset({("car", "above"), ("fish", "left of")})
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


@dataclass(frozen=True, slots=True)
class Group:
    """One to four of a kind that look alike; an empty string leaves that open.

    An open colour means the thing's own colours.
    """

    name: str
    count: int = 1
    colour: str = ""
    size: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Where one thing is as seen from another."""

    thing: str
    how: str
    other: str


@dataclass(frozen=True, slots=True)
class Spec:
    """What a scene is asked to be; an empty string leaves that open."""

    groups: tuple[Group, ...]
    links: tuple[Link, ...] = ()
    where: str = ""
    light: str = ""
    style: str = ""


def held_out(name: str, colour: str) -> bool:
    """Whether no training ever shows that thing in that colour (the out-of-distribution split)."""
    digest = sha256(f"{name}:{colour}".encode()).digest()
    return bool(colour) and digest[0] < 256 * HELD_OUT_SHARE


def link_held_out(link: Link) -> bool:
    """Whether no training ever shows that thing in that relation, from either side."""
    return (link.thing, link.how) in HELD_OUT_RELATIONS or (
        link.other,
        OPPOSITE[link.how],
    ) in HELD_OUT_RELATIONS


def trainable(spec: Spec) -> bool:
    """Whether a scene may be used in training: nothing in it is held out."""
    return not any(held_out(g.name, g.colour) for g in spec.groups) and not any(
        link_held_out(link) for link in spec.links
    )


def questions(spec: Spec) -> list[tuple[str, list[str]]]:
    """Each true statement of a spec, beside it and all the statements that it excludes."""
    found = [q for group in spec.groups for q in _of_group(group)]
    found += [_pick(statements.relations(k.thing, k.other), _relation(k.how)) for k in spec.links]
    if spec.where:
        found.append(_pick(statements.wheres(), list(world().where).index(spec.where)))
    if spec.light:
        found.append(_pick(statements.lights(), list(world().light).index(spec.light)))
    if spec.style:
        found.append(_pick(statements.styles(), list(world().styles).index(spec.style)))
    return found


def absence(name: str) -> tuple[str, list[str]]:
    """The statement that there is none of a thing, beside every count of it."""
    return _pick(statements.counts(name), 0)


def _of_group(group: Group) -> list[tuple[str, list[str]]]:
    name, count = group.name, min(group.count, MOST)
    found = [_pick(statements.counts(name), min(group.count, MOST + 1))]
    if group.colour:
        number = list(world().colours).index(group.colour)
        found.append(_pick(statements.colours(name, count), number))
    if group.size:
        found.append(_pick(statements.sizes(name, count), list(world().sizes).index(group.size)))
    if group.place:
        found.append(_pick(statements.places(name, count), list(world().places).index(group.place)))
    return found


def _relation(how: str) -> int:
    return list(world().relations).index(how)


def _pick(alternatives: list[str], index: int) -> tuple[str, list[str]]:
    return alternatives[index], alternatives
