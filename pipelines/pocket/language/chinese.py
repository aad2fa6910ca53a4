"""A wish as people type it in Chinese."""

from __future__ import annotations

from random import Random

from limner.pipelines.pocket.language.lexicon import (
    call,
    known_words,
    pick,
    table,
    theme_words,
    wordings,
)
from limner.pipelines.pocket.language.wish import LIVING, OPEN, Wish
from limner.pipelines.pocket.spec import Group

CHINESE = "chinese"
NUMERALS = "零一两三四五六七八九十"
SHORT_COLOURS = frozenset("雪白 漆黑 乌黑 火红 粉嫩 纯白 鲜红 翠绿 大红 金黄".split())
LARGE_NUMBERS = {12: "十二", 20: "二十", 50: "五十", 100: "一百"}


def request(wish: Wish, chance: Random, exam: bool = False) -> str:
    """The whole request, as sloppy as requests are."""
    if wish.kind == "vague":
        return noisy(
            pick(chance, wordings(CHINESE, "vague", exam=exam)) + _styled(wish, chance), chance
        )
    if wish.kind in ("occasion", "mood"):
        return noisy(_theme(wish, chance, exam) + _styled(wish, chance), chance)
    frame = pick(chance, wordings(CHINESE, "frames", exam=exam))
    bare = "{b}" in frame
    if bare and not _fits_bare(wish):
        frame, bare = "{x}", False
    said = _fill(frame, wish, chance, bare)
    if wish.avoid or wish.shunned:
        said = _without(said, wish, chance, exam)
    if chance.random() < 0.05:
        said += pick(chance, wordings(CHINESE, "tails", exam=exam))
    return noisy(said, chance)


def phrase(group: Group, wish: Wish, chance: Random, bare: bool = False) -> str:
    """`一只小小的红色的猫`, in any of the ways that people say it; without its place."""
    saying = wish.said[group.name]
    noun = saying.text
    if group.colour:
        noun = coloured(noun, group.colour, chance)
    if chance.random() < 0.16:
        noun = _adjective(group, noun, chance)
    if group.size:
        noun = sized(noun, group.size, chance, bool(group.colour))
    number = _number(group, wish, chance)
    if number in (NUMERALS[1], "1") and bare:
        return noun
    return f"{number}{'' if number.endswith(('些', '多', '群')) else saying.measure}{noun}"


def coloured(noun: str, colour: str, chance: Random) -> str:
    """A noun with its colour before it."""
    word = pick(chance, wordings(CHINESE, "colours", colour))
    if len(word) == 1:
        return word + noun if len(noun) < 3 else f"{word}色的{noun}"
    if word.endswith("色"):
        return f"{word}的{noun}" if len(noun) < 2 or chance.random() < 0.75 else word + noun
    return f"{word}的{noun}" if word in SHORT_COLOURS else f"{word}色的{noun}"


def sized(noun: str, size: str, chance: Random, described: bool) -> str:
    """A noun with its size before it."""
    short = {"small": "小", "large": "大"}[size]
    alone = not described and not noun.startswith(("大", "小", "高"))
    clear = alone and short + noun not in known_words(CHINESE) and "的" not in noun
    if clear and chance.random() < 0.45:
        return short + noun
    return pick(chance, wordings(CHINESE, "sizes", size)) + noun


def noisy(text: str, chance: Random) -> str:
    """Half-width or lost punctuation, a full stop, an emoji."""
    text = text.strip()
    roll = chance.random()
    if roll < 0.12:
        text = text.replace("，", ",")
    elif roll < 0.22:
        text = text.replace("，", " ").replace("、", " ").replace("。", " ")
    elif roll < 0.27:
        text = text.replace("，", "、")
    if chance.random() < 0.22 and text[-1:] not in "？！。～?":
        text += pick(chance, ("。", "。", "！", "!", "～", "~", "..."))
    return text + pick(chance, wordings(CHINESE, "emoji")) if chance.random() < 0.05 else text


def _adjective(group: Group, noun: str, chance: Random) -> str:
    word = pick(
        chance, wordings(CHINESE, "adjectives", "living" if group.name in LIVING else "any")
    )
    return word + noun if word.endswith("的") else f"{word}的{noun}"


def _number(group: Group, wish: Wish, chance: Random) -> str:
    asked = wish.asked.get(group.name, group.count)
    if asked == OPEN:
        animal = ("一群",) if group.name in LIVING else ()
        return pick(chance, ("几", "几", "好几", "一些", "很多", "许多", *animal))
    if asked > 4:
        words = LARGE_NUMBERS.get(asked) or NUMERALS[asked]
        return pick(chance, (str(asked), words, words))
    return pick(chance, wordings(CHINESE, "counts", str(asked)))


def _fits_bare(wish: Wish) -> bool:
    several = any(wish.asked.get(g.name, g.count) != 1 for g in wish.groups)
    return not (several or wish.links or any(g.place for g in wish.groups) or wish.style)


def _fill(frame: str, wish: Wish, chance: Random, bare: bool) -> str:
    """The frame around the scene; what can't stand inside the frame follows it."""
    things = _things(wish, chance, bare)
    where = pick(chance, wordings(CHINESE, "where", wish.where)) if wish.where else ""
    if bare and where and chance.random() < 0.4:
        return _tags(frame, things, wish, chance)
    light = _light(wish, chance)
    after = [light] if light and ("背景" in light or "底" in light or chance.random() < 0.5) else []
    before = [light] if light and not after else []
    simple = not wish.links and not any(g.place for g in wish.groups)
    things, loose = _at(things, where, before, chance, simple and wish.kind != "doing")
    after = [*loose, *after]
    if wish.style:
        style = pick(chance, wordings(CHINESE, "styles", wish.style))
        after.insert(len(after) if chance.random() < 0.8 else 0, style)
    if frame in ("{x}", "{b}") and chance.random() < 0.1 and after:
        return "，".join([*after, things])
    filled = frame.replace("{x}", things).replace("{b}", things)
    if frame.endswith(("}", "图", "画", "图片")) or chance.random() < 0.3:
        return "，".join([filled.rstrip("？，"), *after])
    inside = "，".join([things, *after])
    return frame.replace("{x}", inside).replace("{b}", inside)


def _tags(frame: str, things: str, wish: Wish, chance: Random) -> str:
    """The scene as a row of bare words."""
    words = [things, pick(chance, table("edits")[CHINESE]["grounds"][wish.where])]
    words += [_light(wish, chance)] if wish.light else []
    return frame.replace("{b}", pick(chance, ("，", "，", " ", "、")).join(words))


def _at(
    things: str, where: str, before: list[str], chance: Random, simple: bool
) -> tuple[str, list[str]]:
    """The things at their ground and under their sky, and what is left to be said."""
    time = before[0] if before else ""
    if not where:
        if not time:
            return things, []
        if simple and chance.random() < 0.5:
            return f"{time}的{things}", []
        return f"{time}，{things}" if chance.random() < 0.5 else f"{time}{things}", []
    roll = chance.random()
    if simple and roll < 0.3:
        return f"{time}{'的' if time else ''}{where}有{things}", []
    if simple and roll < 0.55:
        return f"{time}{'的' if time else ''}{where}的{things}", []
    if simple and roll < 0.8:
        return f"{things}在{time}{'的' if time else ''}{where}", []
    return things, [f"在{time}{'的' if time else ''}{where}"]


def _things(wish: Wish, chance: Random, bare: bool) -> str:
    if wish.kind == "doing":
        first = phrase(wish.groups[0], wish, chance, bare)
        return first + pick(chance, ("在", "正在", "", "正")) + wish.verb
    phrases = {g.name: phrase(g, wish, chance, bare) for g in (*wish.groups, *wish.extra)}
    parts = []
    for link in wish.links:
        how = pick(chance, wordings(CHINESE, "relations", link.how))
        parts.append(how.format(a=phrases.pop(link.thing), b=phrases.pop(link.other)))
    places = {g.name: g.place for g in wish.groups}
    parts += [_placed(text, places.get(name, ""), chance) for name, text in phrases.items()]
    if len(parts) == 1:
        return parts[0]
    if wish.links or any(places.values()):
        return "，".join([parts[0], *(pick(chance, ("", "还有", "")) + p for p in parts[1:])])
    return (
        "、".join(parts[:-1])
        + pick(chance, ("和", "和", "和", "还有", "、", "，", "跟"))
        + parts[-1]
    )


def _placed(text: str, place: str, chance: Random) -> str:
    if not place:
        return text
    where = pick(chance, wordings(CHINESE, "places", place))
    return pick(chance, ("{w}有{t}", "{t}在{w}", "{w}是{t}", "{w}{t}", "{t}放在{w}")).format(
        w=where, t=text
    )


def _light(wish: Wish, chance: Random) -> str:
    return pick(chance, wordings(CHINESE, "light", wish.light)) if wish.light else ""


def _styled(wish: Wish, chance: Random) -> str:
    return f"，{pick(chance, wordings(CHINESE, 'styles', wish.style))}" if wish.style else ""


def _theme(wish: Wish, chance: Random, exam: bool) -> str:
    word = theme_words(wish.hints, CHINESE, chance, exam)
    frames = table("scenes")[f"{wish.kind}_frames"]["zh"]
    return str(pick(chance, frames)).replace("{o}", word).replace("{m}", word)


def _without(said: str, wish: Wish, chance: Random, exam: bool) -> str:
    words = pick(chance, wordings(CHINESE, "without", exam=exam))
    unwanted = wish.shunned or unwanted_word(wish.avoid[0], chance)
    return f"{said.rstrip('？。')}，{words.format(n=unwanted)}"


def unwanted_word(name: str, chance: Random) -> str:
    """What somebody calls the things that are not wanted."""
    return call(name, CHINESE, chance).text
