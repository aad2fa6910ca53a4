"""What was not asked for: a true description of a scene with one thing in it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from random import Random

from limner.benchmarks.asked import Asked
from limner.benchmarks.parse import OWN
from limner.pipelines.pocket.spec import OPPOSITE, Group, Spec
from limner.pipelines.pocket.world import MOST, world


def falsified(truth: Spec, chance: Random) -> Iterator[tuple[str, Asked]]:
    """One false description for each sort of change that the scene allows, by the sort's name."""
    for sort, change in CHANGES.items():
        changed = change(truth, chance)
        if changed != truth:
            yield sort, Asked(changed)


def _kind(truth: Spec, chance: Random) -> Spec:
    taken = {g.name for g in truth.groups}
    name = chance.choice([n for n in world().things if n not in taken])
    return _with(replace(truth, links=()), chance, lambda _: {"name": name})


def _colour(truth: Spec, chance: Random) -> Spec:
    def other(group: Group) -> dict[str, object]:
        worn = (group.colour,) if group.colour else OWN.get(group.name, ())
        return {"colour": chance.choice([c for c in world().colours if c not in worn])}

    return _with(truth, chance, other)


def _count(truth: Spec, chance: Random) -> Spec:
    def other(group: Group) -> dict[str, object]:
        near = (n for n in (group.count - 1, group.count + 1) if 1 <= n <= MOST)
        return {"count": chance.choice(list(near))}

    return _with(truth, chance, other)


def _size(truth: Spec, chance: Random) -> Spec:
    return _with(
        truth, chance, lambda g: {"size": {"small": "large", "large": "small"}.get(g.size, "")}
    )


def _place(truth: Spec, chance: Random) -> Spec:
    return _with(truth, chance, lambda g: {"place": _other(world().places, g.place, chance)})


def _relation(truth: Spec, chance: Random) -> Spec:
    if not truth.links:
        return truth
    link = chance.choice(truth.links)
    return replace(truth, links=(replace(link, how=OPPOSITE[link.how]),))


def _where(truth: Spec, chance: Random) -> Spec:
    return replace(truth, where=_other(world().where, truth.where, chance))


def _light(truth: Spec, chance: Random) -> Spec:
    return replace(truth, light=_other(world().light, truth.light, chance))


def _style(truth: Spec, chance: Random) -> Spec:
    return replace(truth, style=_other(world().styles, truth.style, chance))


def _missing(truth: Spec, chance: Random) -> Spec:
    """One kind is not asked for: that it is there must be held against the picture."""
    if len(truth.groups) == 1:
        return truth
    gone = chance.choice(truth.groups)
    return replace(truth, groups=tuple(g for g in truth.groups if g is not gone), links=())


CHANGES: dict[str, Callable[[Spec, Random], Spec]] = {
    "kind": _kind,
    "count": _count,
    "colour": _colour,
    "size": _size,
    "place": _place,
    "relation": _relation,
    "where": _where,
    "light": _light,
    "style": _style,
    "exactly": _missing,
}


def _other(table: Iterable[str], value: str, chance: Random) -> str:
    return chance.choice([name for name in table if name != value])


def _with(truth: Spec, chance: Random, change: Callable[[Group], dict[str, object]]) -> Spec:
    number = chance.randrange(len(truth.groups))
    groups = list(truth.groups)
    groups[number] = replace(groups[number], **change(groups[number]))  # type: ignore[arg-type]
    return replace(truth, groups=tuple(groups))
