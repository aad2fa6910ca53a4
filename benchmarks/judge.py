"""Decides, claim by claim, whether what was seen in a picture is what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from limner.benchmarks.asked import BESIDE, OPEN, Asked, Claim, claims_of
from limner.benchmarks.parse import Seen, Thing
from limner.pipelines.pocket.scene import Scene, seen
from limner.pipelines.pocket.spec import Group, Spec


def verdict(found: Seen, claims: Sequence[Claim]) -> tuple[bool, ...]:
    """Whether each claim is true of a picture; what could not be read makes none true.

    What is said of a thing fails when there is none. Absences and "exactly" fail where something in
    the picture could not be recognised: it might be one. A count is of what was recognised.
    """
    return tuple(DECIDED[claim.sort](found, claim) for claim in claims)


def all_right(found: Seen, asked: Asked) -> bool:
    """Whether a picture is all that was asked for."""
    return all(verdict(found, claims_of(asked)))


def _kind(found: Seen, name: str) -> list[Thing]:
    return [thing for thing in found.things if thing.name == name]


def _count(found: Seen, claim: Claim) -> bool:
    number = len(_kind(found, claim.thing))
    return number > 1 if claim.value == OPEN else number == claim.value


def _colour(found: Seen, claim: Claim) -> bool:
    things = _kind(found, claim.thing)
    return bool(things) and all(claim.value in thing.colours for thing in things)


def _size(found: Seen, claim: Claim) -> bool:
    things = _kind(found, claim.thing)
    return bool(things) and all(thing.spot.size == claim.value for thing in things)


def _place(found: Seen, claim: Claim) -> bool:
    """All of a kind stand where the world's own captions would say so."""
    spots = tuple(thing.spot for thing in _kind(found, claim.thing))
    if not spots:
        return False
    return seen(Scene(Spec((Group(claim.thing),)), spots)).groups[0].place == claim.value


def _relation(found: Seen, claim: Claim) -> bool:
    """Each of one kind is so to each of the other, as the world's own captions would say."""
    pairs = list(product(_kind(found, claim.thing), _kind(found, claim.other)))
    wanted = ("left of", "right of") if claim.value == BESIDE else (claim.value,)
    return bool(pairs) and all(_how(one, other) in wanted for one, other in pairs)


def _how(one: Thing, other: Thing) -> str:
    pair = Scene(Spec((Group(one.name), Group(other.name))), (one.spot, other.spot))
    links = [link.how for link in seen(pair).links if link.thing == one.name]
    return links[0] if links else ""


def _backdrop(found: Seen, claim: Claim) -> bool:
    return bool(getattr(found, claim.sort) == claim.value)


def _absent(found: Seen, claim: Claim) -> bool:
    return found.clear and not _kind(found, claim.thing)


def _exactly(found: Seen, claim: Claim) -> bool:
    return found.clear and tuple(sorted({t.name for t in found.things})) == claim.value


def _something(found: Seen, _claim: Claim) -> bool:
    return found.clear and bool(found.things)


DECIDED: dict[str, Callable[[Seen, Claim], bool]] = {
    "count": _count,
    "colour": _colour,
    "size": _size,
    "place": _place,
    "relation": _relation,
    "where": _backdrop,
    "light": _backdrop,
    "style": _backdrop,
    "absent": _absent,
    "exactly": _exactly,
    "something": _something,
}
