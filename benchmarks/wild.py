"""Requests as people type them, in English and Chinese, with what must be true of the picture."""

from __future__ import annotations

from random import Random

from limner.benchmarks.asked import Asked
from limner.pipelines.pocket.language import chinese, english
from limner.pipelines.pocket.language.wish import (
    Taste,
    Wish,
    doing_wish,
    plain_wish,
    short_wish,
    theme_wish,
    vague_wish,
)
from limner.pipelines.pocket.spec import Spec

SPEAK = {"english": english, "chinese": chinese}


def wild(chance: Random) -> tuple[str, Asked]:
    """A request, and what it asks for; more may be there, for whoever is vague leaves room.

    Half of the wordings are such as the writer has never been trained on.
    """
    taste = Taste(chance.choice(("english", "english", "chinese")), exam=chance.random() < 0.5)
    wish = _wish(chance, taste)
    while not _decidable(wish):
        wish = _wish(chance, taste)
    spec = Spec(tuple(wish.groups), tuple(wish.links), wish.where, wish.light, wish.style)
    request = SPEAK[taste.language].request(wish, chance, taste.exam)
    return request, Asked(spec, tuple(wish.avoid), exactly=False)


def _wish(chance: Random, taste: Taste) -> Wish:
    kind = chance.choices(("plain", "short", "doing", "mood", "vague"), (60, 12, 18, 6, 4))[0]
    if kind == "mood":
        return theme_wish(chance, chance.choice(("mood", "occasion")))
    if kind == "vague":
        return vague_wish(chance)
    make = {"plain": plain_wish, "short": short_wish, "doing": doing_wish}[kind]
    return make(chance, taste)


def _decidable(wish: Wish) -> bool:
    """Whether all that is asked for exists in the world, and it is plain when it is shown."""
    beyond = wish.swapped or wish.lacking or wish.asked or wish.extra
    swallowed = {g.colour for g in wish.groups} & {wish.light.removeprefix("plain ")}
    grounded = wish.where and wish.light.startswith("plain")
    linked = {name for link in wish.links for name in (link.thing, link.other)}
    several = any(g.count != 1 for g in wish.groups if g.name in linked)
    return not (beyond or swallowed or grounded or several)
