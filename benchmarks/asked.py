"""What must be true of a picture, in the world's words, and the single claims that this makes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from limner.pipelines.pocket.spec import Group, Link, Spec

__all__ = ["BESIDE", "OPEN", "Asked", "Claim", "claims_of", "dumped", "loaded"]

OPEN = -1
"""A count of more than one that was left open."""
BESIDE = "beside"
"""One thing on either side of another."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    In `spec` an empty string leaves something open, as does a count of `OPEN` (more than one) and
    the relation `BESIDE` (either side). `absent` are kinds that must not be there. `exactly` says
    that nothing may be there that was not asked for.
    """

    spec: Spec
    absent: tuple[str, ...] = ()
    exactly: bool = True


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing to decide: of what sort it is, about which kind of thing, and what it says."""

    sort: str
    thing: str = ""
    value: str | int | tuple[str, ...] = ""
    other: str = ""


def claims_of(asked: Asked) -> tuple[Claim, ...]:
    """All that must be true, one by one; of who asks for nothing in particular, that it shows."""
    spec = asked.spec
    found = [claim for group in spec.groups for claim in _of_group(group)]
    found += [Claim("relation", k.thing, k.how, k.other) for k in spec.links]
    found += [Claim(s, value=v) for s in ("where", "light", "style") if (v := getattr(spec, s))]
    found += [Claim("absent", name) for name in asked.absent]
    if not spec.groups:
        found.append(Claim("something"))
    elif asked.exactly:
        found.append(Claim("exactly", value=tuple(sorted({g.name for g in spec.groups}))))
    return tuple(found)


def dumped(asked: Asked) -> dict[str, Any]:
    """For JSON, without what was left open."""
    spec = asdict(asked.spec)
    for part in ("groups", "links"):
        spec[part] = [_told(row) for row in spec[part]]
    return {"spec": _told(spec), "absent": list(asked.absent), "exactly": asked.exactly}


def loaded(row: dict[str, Any]) -> Asked:
    """What `dumped` gave, as it came back from JSON."""
    spec = row["spec"]
    groups = tuple(Group(**group) for group in spec["groups"])
    links = tuple(Link(**link) for link in spec["links"])
    whole = Spec(groups, links, *(spec.get(part, "") for part in ("where", "light", "style")))
    return Asked(whole, tuple(row["absent"]), row["exactly"])


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value != ""}


def _of_group(group: Group) -> list[Claim]:
    every = ("colour", group.colour), ("size", group.size), ("place", group.place)
    said = [Claim(sort, group.name, value) for sort, value in every if value]
    return [Claim("count", group.name, group.count), *said]
