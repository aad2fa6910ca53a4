"""The exact judge: whether what was read in a picture is what a prompt asks for, claim by claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from limner.benchmarks.scene_graph import FoundThing, SceneGraph
from limner.pipelines.pocket.scene import Scene, seen
from limner.pipelines.pocket.spec import Group, Link, Spec

__all__ = [
    "BESIDE",
    "OPEN",
    "BenchClaim",
    "PromptSpec",
    "all_right",
    "claims_of",
    "dumped",
    "loaded",
    "verdict",
]

OPEN = -1
"""A count of more than one that was left open."""
BESIDE = "beside"
"""One thing on either side of another."""


@dataclass(frozen=True, slots=True)
class PromptSpec:
    """What a prompt asks for.

    In `spec` an empty string leaves something open, as does a count of `OPEN` (more than one) and
    the relation `BESIDE` (either side). `absent` are kinds that must not be there. `exactly` says
    that nothing may be there that was not asked for.
    """

    spec: Spec
    absent: tuple[str, ...] = ()
    exactly: bool = True


@dataclass(frozen=True, slots=True)
class BenchClaim:
    """One thing to decide: of what sort it is, about which kind of thing, and what it says."""

    sort: str
    thing: str = ""
    value: str | int | tuple[str, ...] = ""
    other: str = ""


def claims_of(asked: PromptSpec) -> tuple[BenchClaim, ...]:
    """All that must be true, one by one; where nothing is asked for, that the picture shows any."""
    spec, found = asked.spec, list[BenchClaim]()
    for group in spec.groups:
        found.append(BenchClaim("count", group.name, group.count))
        looks = ("colour", group.colour), ("size", group.size), ("place", group.place)
        found += [BenchClaim(sort, group.name, value) for sort, value in looks if value]
    found += [BenchClaim("relation", k.thing, k.how, k.other) for k in spec.links]
    scenery = ((sort, getattr(spec, sort)) for sort in ("where", "light", "style"))
    found += [BenchClaim(sort, value=value) for sort, value in scenery if value]
    found += [BenchClaim("absent", name) for name in asked.absent]
    if not spec.groups:
        found.append(BenchClaim("something"))
    elif asked.exactly:
        found.append(BenchClaim("exactly", value=tuple(sorted({g.name for g in spec.groups}))))
    return tuple(found)


def dumped(asked: PromptSpec) -> dict[str, Any]:
    """For JSON, without what was left open."""
    spec = asdict(asked.spec)
    for part in ("groups", "links"):
        spec[part] = [_filled(row) for row in spec[part]]
    return {"spec": _filled(spec), "absent": list(asked.absent), "exactly": asked.exactly}


def loaded(row: dict[str, Any]) -> PromptSpec:
    """What `dumped` gave, as it came back from JSON."""
    spec = row["spec"]
    groups = tuple(Group(**group) for group in spec["groups"])
    links = tuple(Link(**link) for link in spec["links"])
    whole = Spec(groups, links, *(spec.get(part, "") for part in ("where", "light", "style")))
    return PromptSpec(whole, tuple(row["absent"]), row["exactly"])


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value != ""}


def verdict(found: SceneGraph, claims: Sequence[BenchClaim]) -> tuple[bool, ...]:
    """Whether each claim is true of a picture; what could not be read makes none true.

    What is said of a thing fails when there is none. Absences and "exactly" fail where something in
    the picture could not be recognised: it might be one. A count is of what was recognised.
    """
    return tuple(DECIDED[claim.sort](found, claim) for claim in claims)


def all_right(found: SceneGraph, asked: PromptSpec) -> bool:
    """Whether a picture is all that was asked for."""
    return all(verdict(found, claims_of(asked)))


def _kind(found: SceneGraph, name: str) -> list[FoundThing]:
    return [thing for thing in found.things if thing.name == name]


def _count(found: SceneGraph, claim: BenchClaim) -> bool:
    number = len(_kind(found, claim.thing))
    return number > 1 if claim.value == OPEN else number == claim.value


def _colour(found: SceneGraph, claim: BenchClaim) -> bool:
    things = _kind(found, claim.thing)
    return bool(things) and all(claim.value in thing.colours for thing in things)


def _size(found: SceneGraph, claim: BenchClaim) -> bool:
    things = _kind(found, claim.thing)
    return bool(things) and all(thing.spot.size == claim.value for thing in things)


def _place(found: SceneGraph, claim: BenchClaim) -> bool:
    """All of a kind stand where the world's own captions would say so."""
    spots = tuple(thing.spot for thing in _kind(found, claim.thing))
    if not spots:
        return False
    return seen(Scene(Spec((Group(claim.thing),)), spots)).groups[0].place == claim.value


def _relation(found: SceneGraph, claim: BenchClaim) -> bool:
    """Each of one kind is so to each of the other, as the world's own captions would say."""
    pairs = list(product(_kind(found, claim.thing), _kind(found, claim.other)))
    wanted = ("left of", "right of") if claim.value == BESIDE else (claim.value,)
    return bool(pairs) and all(_how(one, other) in wanted for one, other in pairs)


def _how(one: FoundThing, other: FoundThing) -> str:
    pair = Scene(Spec((Group(one.name), Group(other.name))), (one.spot, other.spot))
    return next((link.how for link in seen(pair).links if link.thing == one.name), "")


def _scenery(found: SceneGraph, claim: BenchClaim) -> bool:
    return bool(getattr(found, claim.sort) == claim.value)


def _absent(found: SceneGraph, claim: BenchClaim) -> bool:
    return found.clear and not _kind(found, claim.thing)


def _exactly(found: SceneGraph, claim: BenchClaim) -> bool:
    return found.clear and tuple(sorted({t.name for t in found.things})) == claim.value


def _something(found: SceneGraph, _claim: BenchClaim) -> bool:
    return found.clear and bool(found.things)


DECIDED: dict[str, Callable[[SceneGraph, BenchClaim], bool]] = {
    "count": _count,
    "colour": _colour,
    "size": _size,
    "place": _place,
    "relation": _relation,
    "where": _scenery,
    "light": _scenery,
    "style": _scenery,
    "absent": _absent,
    "exactly": _exactly,
    "something": _something,
}
