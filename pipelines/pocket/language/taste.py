"""What is invented where a wish leaves room: a setting, now and then a companion or a style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from limner.pipelines.pocket.language.lexicon import present, table
from limner.pipelines.pocket.language.wish import BESIDE, OPEN, Wish
from limner.pipelines.pocket.spec import Group, Link, Spec, trainable
from limner.pipelines.pocket.world import MOST


def completed(wish: Wish, chance: Random) -> Spec:
    """The scene to paint: all that was said, and what good taste adds to it."""
    row = wish.hints
    groups = _themed(wish, row, chance) if not wish.groups else list(wish.groups)
    groups = _counted(groups, chance)
    groups = _accompanied(groups, wish, row, chance)
    where, light = _setting(groups[0].name, wish, row, chance)
    style = wish.style or _style(row, chance)
    return Spec(tuple(groups), tuple(_links(wish, chance)), where, light, style)


def _themed(wish: Wish, row: dict[str, Any], chance: Random) -> list[Group]:
    if wish.kind == "occasion":
        sets = [known for names in row["sets"] if (known := present(names))]
        names = chance.choice(sets or [present(table("scenes")["favourites"])[:1]])
    elif wish.kind == "mood":
        names = [chance.choice(present(row["things"]) or ["balloon"])]
    else:
        names = [chance.choice(present(table("scenes")["favourites"]))]
    groups = [Group(name) for name in names if name not in wish.avoid] or [Group("balloon")]
    if len(groups) == 1 and chance.random() < 0.12:
        groups = [replace(groups[0], count=chance.choice((2, 3)))]
    return groups


def _counted(groups: list[Group], chance: Random) -> list[Group]:
    """Some is two or three, as room allows."""
    room = MOST - sum(max(g.count, 1) for g in groups) + sum(g.count == OPEN for g in groups)
    opened = max(1, sum(g.count == OPEN for g in groups))
    most = max(2, room // opened)
    return [
        replace(g, count=chance.randint(2, min(3, most))) if g.count == OPEN else g for g in groups
    ]


def _accompanied(
    groups: list[Group], wish: Wish, row: dict[str, Any], chance: Random
) -> list[Group]:
    if len(groups) > 1 or groups[0].count > 2 or wish.asked:
        return groups
    adds = row.get("adds", []) if wish.kind == "doing" else []
    likely = {"doing": 0.75 if adds else 0.1, "short": 0.2, "vague": 0.5, "mood": 0.35}
    if chance.random() > likely.get(wish.kind, 0.06):
        return groups
    known = adds or table("scenes")["company"].get(groups[0].name, [])
    free = [n for n in present(known) if n not in wish.avoid and n != groups[0].name]
    return [*groups, Group(chance.choice(free))] if free else groups


def _setting(name: str, wish: Wish, row: dict[str, Any], chance: Random) -> tuple[str, str]:
    homes = table("scenes")["homes"]
    home = homes.get(name, homes["default"])
    if chance.random() < 0.12:
        return wish.where, wish.light
    lights = row.get("light") or home[1]
    if wish.where and not wish.light:
        return wish.where, chance.choice(
            [x for x in lights if not x.startswith("plain")] or ["day"]
        )
    where = row.get("where") or home[0]
    if wish.light and not wish.where:
        grounds: Sequence[str] = where if not wish.light.startswith("plain") else [""]
        return chance.choice(grounds), wish.light
    light = wish.light or _unlike(chance.choice(lights), wish)
    plain = light.startswith("plain")
    return wish.where or ("" if plain else chance.choice(where)), light


def _unlike(light: str, wish: Wish) -> str:
    """No backdrop in the colour of what stands before it."""
    colours = {g.colour for g in wish.groups}
    if light.startswith("plain") and light.removeprefix("plain ") in colours:
        return "plain grey" if "white" in colours else "plain white"
    return light


def _style(row: dict[str, Any], chance: Random) -> str:
    if row.get("styles") and chance.random() < 0.7:
        return str(chance.choice(row["styles"]))
    return chance.choices(("", "pastel", "flat", "pixel art"), (84, 7, 5, 4))[0]


def _links(wish: Wish, chance: Random) -> list[Link]:
    sides = ["left of", "right of"]
    found = []
    for link in wish.links:
        if link.how == BESIDE:
            chance.shuffle(sides)
            fits = [h for h in sides if trainable(Spec((), (replace(link, how=h),)))]
            link = replace(link, how=fits[0])
        found.append(link)
    return found
