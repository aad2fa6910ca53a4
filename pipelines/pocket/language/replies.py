"""The one sentence that the writer says to the user, in the user's language."""

from __future__ import annotations

from random import Random

from limner.pipelines.pocket.language.lexicon import article, pick
from limner.pipelines.pocket.language.wish import Wish
from limner.pipelines.pocket.spec import Group, Spec
from limner.pipelines.pocket.world import NUMBERS, world

WHERE = {
    "grass": ("on the grass", "草地上"),
    "sand": ("on the sand", "沙滩上"),
    "snow": ("in the snow", "雪地里"),
    "sea": ("on the sea", "海面上"),
    "street": ("on the street", "街道上"),
}
LIGHT = {
    "day": ("on a sunny day", "阳光下"),
    "sunset": ("at sunset", "夕阳下"),
    "night": ("at night", "夜空下"),
    "rain": ("in the rain", "雨中"),
}
TIME = {
    "day": ("阳光明媚的", "白天的"),
    "sunset": ("夕阳下的", "黄昏的"),
    "night": ("夜晚的",),
    "rain": ("雨中的",),
}
STYLE = {
    "flat": ("in a flat style", "扁平风格"),
    "pixel art": ("as pixel art", "像素风"),
    "pastel": ("in soft pastel", "粉彩风格"),
}
PLACE = {"left": "on the left", "centre": "in the centre", "right": "on the right"}
RELATION = {"left of": "to the left of", "right of": "to the right of"}
OPENINGS = (
    "I'll paint {p}.", "Gladly: {p}.", "Coming up: {p}.", "Sure, {p}.", "I'm painting {p}.",
    "Let me paint {p}.", "Right away: {p}.", "One picture of {p}.", "Let's see: {p}.",
)  # fmt: skip
IDEAS = (
    "How about {p}?",
    "I thought of {p}.",
    "Let me surprise you with {p}.",
    "My idea: {p}.",
    "Let's try {p}.",
)
BEGINNINGS = (
    "好的，我来画{p}。", "好的，我来画{p}。", "没问题，这就画{p}。", "好，画{p}。", "马上画{p}。",
    "收到，我画{p}。", "我来画{p}。", "好呀，画{p}。", "这就来，画{p}。", "好的，画面里是{p}。",
)  # fmt: skip
THOUGHTS = (
    "那我来画{p}吧。",
    "不如画{p}吧。",
    "我想到了{p}，这就画。",
    "给你画{p}，希望你喜欢。",
    "那就画{p}吧。",
)
COUNTS = "零一两三四"
FOND = {
    "cat": "小猫", "dog": "小狗", "bird": "小鸟", "fish": "小鱼", "duck": "小鸭子", "pig": "小猪",
    "bee": "小蜜蜂", "rabbit": "小兔子", "turtle": "小乌龟", "frog": "小青蛙", "house": "小屋",
    "sailboat": "小帆船",
}  # fmt: skip


def to_wish(wish: Wish, spec: Spec, language: str, chance: Random) -> str:
    """What will be painted, and honestly what could not be."""
    return (_english if language == "english" else _chinese)(wish, spec, chance)


def phrase(group: Group, place: bool = True) -> str:
    """`two small red cats on the left`."""
    noun = world().things[group.name].counted(group.count)
    if group.name == "yarn":
        noun = "ball of yarn" if group.count == 1 else "balls of yarn"
    words = " ".join(w for w in (group.size, group.colour, noun) if w)
    number = article(words) if group.count == 1 else NUMBERS[group.count]
    return f"{number} {words}" + (f" {PLACE[group.place]}" if group.place and place else "")


def chinese_phrase(group: Group, fond: bool = False) -> str:
    """`两只小小的红色的猫`, without its place; fondly, `两只红色的小猫`."""
    noun = world().things[group.name]
    size = {"small": "小小的", "large": "大大的", "": ""}[group.size]
    colour = f"{world().colours[group.colour].chinese}的" if group.colour else ""
    word = FOND.get(group.name, noun.chinese) if fond and not size else noun.chinese
    if size and colour and len(noun.chinese) > 1:
        colour = colour.removesuffix("的")
    if group.size and len(noun.chinese) == 1:
        size, word = "", {"small": "小", "large": "大"}[group.size] + noun.chinese
    return f"{COUNTS[group.count]}{noun.measure}{size}{colour}{word}"


def english_picture(spec: Spec, doing: str = "", sure: str = "") -> str:
    """The whole picture as a noun phrase."""
    said = {g.name: phrase(g) for g in spec.groups}
    parts = []
    if doing:
        parts.append(f"{said.pop(spec.groups[0].name)} {doing}")
        said.pop(sure, "")
    for link in spec.links if not doing else ():
        how = RELATION.get(link.how, link.how)
        parts.append(f"{said.pop(link.thing)} {how} {said.pop(link.other)}")
    parts += said.values()
    things = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    words = [things]
    words += [WHERE[spec.where][0]] if spec.where else []
    if spec.light.startswith("plain"):
        words.append(f"on a {spec.light} backdrop")
    elif spec.light:
        words.append(LIGHT[spec.light][0])
    text = " ".join(words)
    return f"{text}, {STYLE[spec.style][0]}" if spec.style else text


def chinese_picture(spec: Spec, chance: Random, doing: str = "", sure: str = "") -> str:
    """The whole picture in one breath."""
    fond = chance.random() < 0.6
    said = {g.name: chinese_phrase(g, fond) for g in spec.groups}
    where = _ground(spec, chance)
    if doing:
        first = said.pop(spec.groups[0].name)
        scene = f"{first}{'在' + where if where else ''}{doing}"
        rest = [text for name, text in said.items() if name != sure]
        parts = [scene, *(f"旁边有{'和'.join(rest)}" for _ in rest[:1])]
    else:
        parts = _laid_out(spec, said)
        parts += [f"在{where}"] if where else []
    if spec.light.startswith("plain"):
        parts.append(f"{world().light[spec.light].chinese}")
    if spec.style:
        parts.append(STYLE[spec.style][1])
    return "，".join(parts)


def _ground(spec: Spec, chance: Random) -> str:
    if spec.where:
        time = pick(chance, TIME[spec.light]) if spec.light in TIME else ""
        return time + WHERE[spec.where][1]
    return LIGHT[spec.light][1] if spec.light in LIGHT else ""


def _laid_out(spec: Spec, said: dict[str, str]) -> list[str]:
    parts = []
    for link in spec.links:
        how = world().relations[link.how].chinese
        parts.append(f"{said.pop(link.thing)}在{said.pop(link.other)}{how}")
    places = {g.name: world().places[g.place].chinese for g in spec.groups if g.place}
    loose = [text for name, text in said.items() if name not in places]
    parts += [f"{text}在{places[name]}" for name, text in said.items() if name in places]
    if loose:
        parts.append("、".join(loose[:-1]) + ("和" if len(loose) > 1 else "") + loose[-1])
    return parts


def _english(wish: Wish, spec: Spec, chance: Random) -> str:
    openings = OPENINGS if wish.kind in ("plain", "short", "doing") else IDEAS
    notes = []
    for saying in wish.lacking:
        notes.append(f"I can't paint {article(saying.text)} {saying.text} yet.")
    for saying in wish.swapped[:2]:
        word, count = saying.text, wish.asked.get(saying.name, 1)
        one = f"{article(word)} {word}" if not word[0].isupper() else f"the {word}"
        near = next(g for g in spec.groups if g.name == saying.name)
        instead = phrase(Group(saying.name, near.count if count else 1))
        notes.append(pick(chance, SORRY_ENGLISH).format(a=one, b=instead))
    if wish.asked or wish.extra:
        notes.append(pick(chance, FULL_ENGLISH))
    doing = ""
    if wish.kind == "doing" and not wish.swapped and chance.random() < 0.75:
        doing = wish.verb
    picture = english_picture(spec, doing, wish.hints.get("sure", ""))
    text = pick(chance, openings).format(p=picture)
    if wish.avoid or wish.shunned:
        unwanted = wish.shunned or world().things[wish.avoid[0]].plural
        text = f"{text[:-1]}, with no {unwanted.removeprefix('any ')}{text[-1]}"
    return " ".join([*notes[:2], text]) if notes else text


def _chinese(wish: Wish, spec: Spec, chance: Random) -> str:
    openings = BEGINNINGS if wish.kind in ("plain", "short", "doing") else THOUGHTS
    notes = []
    notes += [f"{saying.text}我还不会画。" for saying in wish.lacking]
    for saying in wish.swapped[:2]:
        near = next(g for g in spec.groups if g.name == saying.name)
        instead = chinese_phrase(Group(near.name, near.count))
        notes.append(pick(chance, SORRY_CHINESE).format(a=saying.text, b=instead))
    if wish.asked or wish.extra:
        notes.append(pick(chance, FULL_CHINESE))
    doing = ""
    if wish.kind == "doing" and not wish.swapped and chance.random() < 0.75:
        doing = wish.verb
    picture = chinese_picture(spec, chance, doing, wish.hints.get("sure", ""))
    text = pick(chance, openings).format(p=picture)
    if notes:
        text = pick(chance, ("画的是{p}。", "我来画{p}。", "这就画{p}。")).format(p=picture)
    if wish.avoid or wish.shunned:
        unwanted = wish.shunned or world().things[wish.avoid[0]].chinese
        text = f"{text[:-1]}，不画{unwanted.removeprefix('任何')}。"
    return "".join([*notes[:2], text])


SORRY_ENGLISH = (
    "I can't paint {a} yet, so I'll paint {b} instead.",
    "I don't know how to paint {a}, so I'll use {b} instead.",
    "For {a}, which I can't paint yet, I took {b}.",
    "I can't paint {a} yet; the nearest I know: {b}.",
    "I can't do {a} yet, so I took {b}.",
)
FULL_ENGLISH = (
    "Only four things fit in my pictures, so I kept to that.",
    "I can fit four things at most.",
    "Four is the most I can paint, so I cut it down.",
)
SORRY_CHINESE = (
    "{a}我还不会画，先用{b}代替。",
    "我还不会画{a}，就用{b}代替吧。",
    "{a}暂时画不了，换成{b}。",
    "抱歉，我画不了{a}，改成{b}。",
)
FULL_CHINESE = (
    "画面里最多放四样东西。",
    "我最多只能画四样，所以少画了一些。",
    "四样是我的上限，就先画这些。",
)
