"""How a scene is put into words for the painter: many wordings of the same picture."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from limner.pipelines.pocket.spec import Group, Link, Spec, questions
from limner.pipelines.pocket.world import number, world

SIZE_WORDS = {"small": ("small", "tiny", "little"), "large": ("large", "big", "huge")}
WHERE_WORDS = {
    "grass": ("on grass", "in a meadow"),
    "sand": ("on sand", "on a beach"),
    "snow": ("on snow", "in the snow"),
    "sea": ("on the sea", "at sea"),
    "street": ("on a street", "in the street"),
}
LIGHT_WORDS = {
    "day": ("by day", "on a sunny day"),
    "sunset": ("at sunset", "in the evening"),
    "night": ("at night", "under the stars"),
    "rain": ("in the rain", "on a rainy day"),
}
STYLE_WORDS = {
    "flat": ("flat style", "flat illustration"),
    "pixel art": ("pixel art", "pixel art style"),
    "pastel": ("pastel style", "soft pastel drawing"),
}
PLACE_WORDS = {"left": "on the left", "centre": "in the centre", "right": "on the right"}
RELATION_WORDS = {
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
}


def canonical(spec: Spec) -> str:
    """The one plain wording: every part said once, in a fixed order."""
    return ", ".join([_joined(spec, None), *_setting(spec, None)])


def describe(spec: Spec, chance: Random) -> str:
    """One of the many wordings of a scene, short or long, with or without layout sentences."""
    setting = _setting(spec, chance)
    chance.shuffle(setting)
    said = [_joined(spec, chance), *setting]
    if chance.random() < 0.15 and len(said) > 1:
        said.insert(0, said.pop())
    text = ", ".join(said)
    return stressed(text, _stress(spec, chance)) if chance.random() < 0.3 else text


def stressed(prompt: str, statements: Sequence[str]) -> str:
    """The prompt with some of its statements said again at the end, one sentence each."""
    return ". ".join([prompt, *statements])


def _stress(spec: Spec, chance: Random) -> list[str]:
    said = [true for true, _ in questions(spec)]
    return chance.sample(said, min(len(said), chance.choice((1, 1, 2))))


def _setting(spec: Spec, chance: Random | None) -> list[str]:
    parts = []
    if spec.where:
        parts.append(_one(WHERE_WORDS[spec.where], chance))
    if spec.light:
        parts.append(_light(spec.light, chance))
    if spec.style:
        parts.append(_one(STYLE_WORDS[spec.style], chance))
    return parts


def _light(light: str, chance: Random | None) -> str:
    if light.startswith("plain"):
        return _one((f"{light} backdrop", f"on a {light} background"), chance)
    return _one(LIGHT_WORDS[light], chance)


def _joined(spec: Spec, chance: Random | None) -> str:
    """The things, linked by relation where two are, else listed."""
    linked = {link.thing: link for link in spec.links}
    others = {link.other for link in spec.links}
    said = {group.name: _phrase(group, chance) for group in spec.groups}
    listed = [name for name in said if name in linked or name not in others]
    if chance is not None:
        chance.shuffle(listed)
    parts = [_chain(name, linked, said, chance) for name in listed]
    missing = [said[n] for n in said if not any(said[n] in part for part in parts)]
    return " and ".join([*parts, *missing])


def _chain(name: str, linked: dict[str, Link], said: dict[str, str], chance: Random | None) -> str:
    if name not in linked:
        return said[name]
    link = linked[name]
    return f"{said[name]} {_one(RELATION_WORDS[link.how], chance)} {said[link.other]}"


def _phrase(group: Group, chance: Random | None) -> str:
    """`a small red cat on the left`."""
    noun = world().things[group.name]
    word = noun.counted(group.count)
    if chance is not None and group.count == 1 and noun.synonyms and chance.random() < 0.06:
        word = chance.choice(noun.synonyms)
    size = _one(SIZE_WORDS[group.size], chance) if group.size else ""
    words = [w for w in (size, group.colour, word) if w]
    told = _article(words[0]) if group.count == 1 else number(group.count)
    place = PLACE_WORDS[group.place] if group.place else ""
    return " ".join(w for w in (told, *words, place) if w)


def _article(word: str) -> str:
    return "an" if word[0] in "aeio" or word.startswith("um") else "a"


def _one(choices: Sequence[str], chance: Random | None) -> str:
    """The first and plainest wording half of the time and when nothing is left to chance."""
    if chance is None or chance.random() < 0.5:
        return choices[0]
    return chance.choice(choices)
