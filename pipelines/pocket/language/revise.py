"""How a prompt is said again after a look at the picture: what failed comes first, or twice."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from limner.pipelines.pocket import captions
from limner.pipelines.pocket.language.brief_json import dumps
from limner.pipelines.pocket.language.lexicon import pick
from limner.pipelines.pocket.spec import (
    OPPOSITE,
    Group,
    Link,
    Spec,
    absence,
    link_held_out,
    questions,
)
from limner.pipelines.pocket.world import world

Question = tuple[str, list[str]]
DONE = {
    "front": ("I put that first", "I moved it to the front", "I named it first"),
    "again": ("I said it once more", "I stressed it at the end", "I repeated it"),
    "both": ("I put it first and said it again", "I moved it up and stressed it"),
    "other": ("I worded it another way", "I said it in other words", "I rephrased it"),
}
REPLIES = (
    "The picture missed that {w}, so {d}.",
    "The last try missed that {w}; {d}.",
    "Not yet right: {w}. {D}.",
    "Still missing: {w}. {D}.",
    "{D}, because the picture did not show that {w}.",
)


def revision(spec: Spec, chance: Random) -> tuple[str, str]:
    """The human text about a prompt that was painted wrong, and the JSON that rewords it."""
    asked = questions(spec)
    unwanted = [n for n in world().things if n not in {g.name for g in spec.groups}]
    if chance.random() < 0.1:
        asked.append(absence(chance.choice(unwanted)))
    number = min(len(asked), chance.choices((1, 2, 3), (60, 28, 12))[0])
    wrong = chance.sample(asked, number)
    right = [true for true, _ in asked if true not in {w[0] for w in wrong}]
    prompt = _painted(spec, chance)
    new, way = reworded(spec, prompt, [w[0] for w in wrong], chance)
    claims = "; ".join(_blamed(w, chance) for w in wrong)
    human = f"prompt: {prompt}\nwrong: {claims}\nright: {'; '.join(right)}"
    done = pick(chance, DONE[way])
    reply = pick(chance, REPLIES).format(w=wrong[0][0], d=done, D=done)
    return human, dumps({"prompt": new, "reply": reply})


def reworded(spec: Spec, prompt: str, wrong: list[str], chance: Random) -> tuple[str, str]:
    """Another wording of the same scene, and which way was taken."""
    sayable = [w for w in wrong if not w.startswith("there is no ")]
    for _ in range(12):
        way = chance.choice(("front", "again", "both", "other")) if sayable else "other"
        text = _worded(spec, sayable, way, chance)
        moved = text.split()[:4] != prompt.split()[:4]
        if way in ("again", "both"):
            text = captions.stressed(text, sayable[:2])
        if text != prompt and (moved or way not in ("front", "both")):
            return text, way
    return captions.stressed(captions.canonical(spec), sayable[:1]), "again"


def _worded(spec: Spec, wrong: list[str], way: str, chance: Random) -> str:
    if way in ("front", "both"):
        spec = _fronted(spec, wrong, chance)
        setting = _setting_of(spec, wrong)
        text = captions.canonical(spec if not setting else _without(spec, setting))
        return f"{_said(spec, setting, chance)}, {text}" if setting else text
    if way == "again":
        return captions.canonical(spec)
    return _unstressed(spec, chance)


def _fronted(spec: Spec, wrong: list[str], chance: Random) -> Spec:
    """The things that failed first; a relation may be told from the other side."""
    words = " ".join(wrong).split()
    groups = sorted(spec.groups, key=lambda g: not _named(g, words))
    links = tuple(_turned(k, chance) for k in spec.links)
    return replace(spec, groups=tuple(groups), links=links)


def _named(group: Group, words: list[str]) -> bool:
    noun = world().things[group.name]
    return noun.name in words or noun.plural in words


def _turned(link: Link, chance: Random) -> Link:
    other = Link(link.other, OPPOSITE[link.how], link.thing)
    return other if chance.random() < 0.5 and not link_held_out(other) else link


def _setting_of(spec: Spec, wrong: list[str]) -> str:
    for start, part in (
        ("the ground", "where"),
        ("the sky", "light"),
        ("the backdrop", "light"),
        ("the style", "style"),
    ):
        if wrong and wrong[0].startswith(start):
            return part
    return ""


def _without(spec: Spec, part: str) -> Spec:
    return Spec(
        spec.groups,
        spec.links,
        "" if part == "where" else spec.where,
        "" if part == "light" else spec.light,
        "" if part == "style" else spec.style,
    )


def _said(spec: Spec, part: str, chance: Random) -> str:
    value = getattr(spec, part)
    if part == "where":
        return pick(chance, captions.WHERE_WORDS[value])
    if part == "style":
        return pick(chance, captions.STYLE_WORDS[value])
    if value.startswith("plain"):
        return pick(chance, (f"{value} backdrop", f"on a {value} background"))
    return pick(chance, captions.LIGHT_WORDS[value])


def _painted(spec: Spec, chance: Random) -> str:
    """The prompt that was painted: plain, freely worded, or revised before."""
    roll = chance.random()
    if roll < 0.5:
        return captions.canonical(spec)
    if roll < 0.75:
        return captions.describe(spec, chance)
    earlier = [true for true, _ in chance.sample(questions(spec), 1)]
    return reworded(spec, "", earlier, chance)[0]


def _unstressed(spec: Spec, chance: Random) -> str:
    for _ in range(8):
        text = captions.describe(spec, chance)
        if ". " not in text:
            return text
    return captions.canonical(spec)


def _blamed(question: Question, chance: Random) -> str:
    true, every = question
    foils = [t for t in every if t != true]
    return f"{true} (looks like: {chance.choice(foils)})" if chance.random() < 0.5 else true
