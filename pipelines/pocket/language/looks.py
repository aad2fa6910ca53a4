"""Changes to how things look and to what is around them, as people ask for them."""

from __future__ import annotations

from re import sub

from limner.pipelines.pocket.language import replies
from limner.pipelines.pocket.language.desk import Change, Desk, noun
from limner.pipelines.pocket.language.lexicon import pick, table
from limner.pipelines.pocket.language.wish import paint
from limner.pipelines.pocket.world import world


def recolour(desk: Desk) -> Change | None:
    """Another colour, or its own again."""
    group, draft = desk.one(), desk.draft
    if group.colour and desk.chance.random() < 0.15:
        draft.change(group.name, colour="")
        own = (
            f"{desk.plain(group)} back in its own colour"
            if desk.english
            else f"{desk.plain(group)}恢复本色"
        )
        return desk.frame("natural", n=desk.the(group)), own
    colour = paint(group.name, desk.chance, desk.taste)
    if not colour or colour == group.colour:
        return None
    draft.change(group.name, colour=colour)
    word = desk.words("colours", colour)
    if not desk.english:
        word = word + "色" if len(word) == 1 or word in ("大红", "天蓝", "深蓝", "浅蓝") else word
    alone = len(draft.groups) == 1 and desk.chance.random() < 0.4
    key = "recolour_it" if alone else "recolour"
    told = (
        f"{desk.plain(group)} in {colour}"
        if desk.english
        else f"{desk.plain(group)}变成{world().colours[colour].chinese}"
    )
    return desk.frame(key, n=desk.the(group), c=word), told


def resize(desk: Desk) -> Change | None:
    """Bigger or smaller."""
    group = desk.one()
    size = desk.chance.choice([s for s in world().sizes if s != group.size])
    desk.draft.change(group.name, size=size)
    if desk.english:
        return desk.frame(
            size, n=desk.the(group), m=noun(desk, group)
        ), f"{desk.plain(group)} {size}"
    return desk.frame(
        size, n=desk.the(group)
    ), f"{desk.plain(group)}变{world().sizes[size].chinese}"


def move(desk: Desk) -> Change | None:
    """To the left, the right or the middle of the picture."""
    group = desk.one()
    place = desk.chance.choice([p for p in world().places if p != group.place])
    the = desk.the(group)
    desk.draft.change(group.name, place=place)
    if not desk.english:
        where = desk.words("places", place)
        return desk.frame(
            "place", n=the, p=where
        ), f"{desk.plain(group)}移到{world().places[place].chinese}"
    told = f"{desk.plain(group)} {replies.PLACE[place]}"
    if place == "centre":
        return desk.frame("centre", n=the), told
    word = pick(desk.chance, (place, place, f"{place} side", f"{place} of the picture"))
    return desk.frame("place", n=the, p=word), told


def relight(desk: Desk) -> Change | None:
    """Another sky, or a backdrop."""
    lights = [x for x in world().light if x != desk.draft.light]
    light = desk.chance.choice(lights[:4] if desk.chance.random() < 0.7 else lights)
    desk.draft.light = light
    plain = light.startswith("plain")
    key = "backdrop" if plain and not desk.english else "light"
    if not plain and desk.english and desk.chance.random() < 0.4:
        return _bare(desk, "lights", light), replies.LIGHT[light][0]
    if desk.english:
        told = f"a {light} backdrop" if plain else replies.LIGHT[light][0]
    else:
        told = f"换成{world().light[light].chinese}"
    return desk.frame(key, s=desk.words("light", light)), told


def reground(desk: Desk) -> Change | None:
    """Another ground."""
    where = desk.chance.choice([w for w in world().where if w != desk.draft.where])
    desk.draft.where = where
    told = replies.WHERE[where]
    if desk.chance.random() < 0.35:
        return _bare(desk, "grounds", where), told[0] if desk.english else f"放到{told[1]}"
    words = desk.words("where", where)
    return desk.frame("where", s=words), told[0] if desk.english else f"放到{told[1]}"


def restyle(desk: Desk) -> Change | None:
    """Another style."""
    style = desk.chance.choice([s for s in world().styles if s != desk.draft.style])
    desk.draft.style = style
    told = replies.STYLE[style]
    words = desk.words("styles", style)
    text = sub(
        r"\b(as|to|into|prefer) (?:in a|in|as a|as|like a) ", r"\1 ", desk.frame("style", s=words)
    )
    return text, told[0] if desk.english else f"改用{told[1]}"


def _bare(desk: Desk, part: str, value: str) -> str:
    word = pick(desk.chance, table("edits")[desk.taste.language][part][value])
    return desk.frame("ground_word" if part == "grounds" else "light_word", w=word)


def clear(desk: Desk) -> Change | None:
    """Nothing but white behind the things."""
    if desk.draft.light == "plain white" and not desk.draft.where:
        return None
    desk.draft.where, desk.draft.light = "", "plain white"
    return desk.frame("clear"), "on a plain white backdrop" if desk.english else "换成纯白背景"
