"""The brief as the JSON that the writer reads and writes, and whether one keeps what was said."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from limner.pipelines.pocket import captions
from limner.pipelines.pocket.language.wish import BESIDE, OPEN, Wish
from limner.pipelines.pocket.spec import OPPOSITE, Group, Link, Spec
from limner.pipelines.pocket.world import world


@dataclass(frozen=True, slots=True)
class Facts:
    """What a brief must hold: exactly when it answers an edit, at least when it answers a wish."""

    groups: tuple[Group, ...] = ()
    links: tuple[Link, ...] = ()
    where: str = ""
    light: str = ""
    style: str = ""
    avoid: tuple[str, ...] = ()
    exact: bool = False


def facts_of(wish: Wish, unknown: set[str]) -> Facts:
    """What a wish says, but for things whose names nobody could know."""
    return Facts(
        tuple(g for g in wish.groups if g.name not in unknown),
        tuple(k for k in wish.links if not unknown & {k.thing, k.other}),
        wish.where,
        wish.light,
        wish.style,
        tuple(wish.avoid),
    )


def sketch(spec: Spec, avoid: list[str]) -> dict[str, Any]:
    """A brief without prompt and reply."""
    return {
        "things": [
            {"name": g.name, "count": g.count, "colour": g.colour, "size": g.size, "place": g.place}
            for g in spec.groups
        ],
        "relations": [{"thing": k.thing, "how": k.how, "other": k.other} for k in spec.links],
        "where": spec.where,
        "light": spec.light,
        "style": spec.style,
        "avoid": avoid,
    }


def dumps(brief: dict[str, Any]) -> str:
    """Compact, as the contract between the models has it."""
    return json.dumps(brief, ensure_ascii=False, separators=(",", ":"))


def whole(spec: Spec, avoid: list[str], prompt: str, reply: str) -> str:
    """The whole brief."""
    return dumps(sketch(spec, avoid) | {"prompt": prompt, "reply": reply})


def broken(facts: Facts, brief: dict[str, Any]) -> list[str]:
    """Which of the facts a brief does not keep, by name; empty when it keeps all."""
    try:
        spec = spec_of(brief)
    except (KeyError, TypeError):
        return ["form"]
    found = [f"thing {g.name}" for g in facts.groups if not _has(spec, g, facts.exact)]
    found += [f"relation {k.thing}" for k in facts.links if not _linked(spec, k)]
    for part in ("where", "light", "style"):
        asked, given = getattr(facts, part), getattr(spec, part)
        if (asked or facts.exact) and asked != given:
            found.append(part)
    found += [f"avoid {name}" for name in facts.avoid if name not in brief["avoid"]]
    found += [f"unwanted {g.name}" for g in spec.groups if g.name in facts.avoid]
    if facts.exact:
        found += _added(facts, spec, brief)
    return found


def _added(facts: Facts, spec: Spec, brief: dict[str, Any]) -> list[str]:
    names = {g.name for g in facts.groups}
    found = [f"added {g.name}" for g in spec.groups if g.name not in names]
    found += ["added relation"] if len(spec.links) != len(facts.links) else []
    return found + (["added avoid"] if len(brief["avoid"]) != len(facts.avoid) else [])


def spec_of(brief: dict[str, Any]) -> Spec:
    """The scene of a brief; raises KeyError or TypeError for another form."""
    return Spec(
        tuple(Group(**thing) for thing in brief["things"]),
        tuple(Link(**link) for link in brief["relations"]),
        brief["where"],
        brief["light"],
        brief["style"],
    )


def _has(spec: Spec, asked: Group, exact: bool) -> bool:
    for given in spec.groups:
        if given.name != asked.name:
            continue
        if exact:
            return given == asked
        said = replace(asked, count=given.count) if asked.count == OPEN else asked
        plural = asked.count != OPEN or given.count > 1
        kept = [not want or want == have for want, have in _pairs(said, given)]
        return plural and all(kept)
    return False


def _pairs(asked: Group, given: Group) -> list[tuple[object, object]]:
    return [
        (asked.count, given.count),
        (asked.colour, given.colour),
        (asked.size, given.size),
        (asked.place, given.place),
    ]


def _linked(spec: Spec, asked: Link) -> bool:
    hows = ("left of", "right of") if asked.how == BESIDE else (asked.how,)
    same = [
        link
        for how in hows
        for link in (
            Link(asked.thing, how, asked.other),
            Link(asked.other, OPPOSITE[how], asked.thing),
        )
    ]
    return any(link in spec.links for link in same)


def prompt_for(spec: Spec, variety: float, chance: Any) -> str:
    """What the painter is told: the plain wording, or with that probability a freer one."""
    if chance.random() >= variety:
        return captions.canonical(spec).strip(", ")
    for _ in range(8):
        text = captions.describe(spec, chance)
        words = text.replace(",", " ").split()
        if ". " not in text and all(_noun(g) in words for g in spec.groups):
            return text
    return captions.canonical(spec)


def _noun(group: Group) -> str:
    return world().things[group.name].counted(group.count)
