"""A request: what somebody wants to see, before it is in words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from limner.pipelines.pocket.language.lexicon import Wording, call, outsider, table
from limner.pipelines.pocket.world import world

ANIMALS = tuple(
    "cat dog horse cow pig sheep rabbit fish whale turtle butterfly bird duck elephant lion frog "
    "bee snowman robot ghost".split()
)
SEVERAL = "several"


@dataclass(slots=True)
class RequestedThing:
    """One kind of thing and what is said of it; an empty string leaves that open.

    `deed` is what it does, with another thing or alone. With a `second` and `third` colour, there
    are two or three of it that differ. `never` is a colour that it must not have, `lacks` what
    it is without, `letters` are written on it.
    """

    saying: Wording
    count: str = "1"
    colour: str = ""
    size: str = ""
    place: str = ""
    trait: str = ""
    part: str = ""
    deed: str = ""
    patient: RequestedThing | None = None
    second: str = ""
    third: str = ""
    never: str = ""
    letters: str = ""
    lacks: Wording | None = None

    @property
    def name(self) -> str:
        """What statements call it."""
        return self.saying.name

    @property
    def living(self) -> bool:
        """Whether it can be happy or hungry."""
        return self.name in ANIMALS


@dataclass(slots=True)
class SceneRequest:
    """Things, how the first stands to the second, what is around them, and what must not be."""

    things: list[RequestedThing] = field(default_factory=list)
    how: str = ""
    scene: str = ""
    light: str = ""
    weather: str = ""
    style: str = ""
    other: str = ""
    avoid: list[Wording] = field(default_factory=list)
    avoid_colour: str = ""
    never: tuple[str, str] = ("", "")


def scene_request(chance: Random, language: str, exam: bool = False) -> SceneRequest:
    """One to four things with what is said of them, or a mood, or hardly anything."""
    kind = chance.choices(("plain", "deed", "pair", "list", "other", "view"), (66, 15, 5, 6, 4, 4))[
        0
    ]
    if kind == "view":
        wanted = SceneRequest(scene=chance.choice(list(world().where)))
        return settled(wanted, chance, 0.4)
    if kind == "other":
        wanted = SceneRequest(other=chance.choice(list(table("scenes")["other"])))
        return settled(wanted, chance, 0.08)
    number = {"list": chance.randint(3, 5), "plain": chance.choices((1, 2, 3), (46, 42, 12))[0]}
    things = several(chance, language, number.get(kind, 1), exam)
    wanted = SceneRequest([described(t, chance, 0.34 if kind == "plain" else 0.15) for t in things])
    if kind == "pair":
        one, other, last = chance.sample(list(world().colours), 3)
        wanted.things[0] = RequestedThing(things[0].saying, "2", one, second=other)
        if chance.random() < 0.3:
            wanted.things[0] = RequestedThing(things[0].saying, "3", one, second=other, third=last)
    if kind == "deed":
        _do(wanted, chance, language, exam)
    if len(things) > 1 and kind == "plain":
        _place(wanted, chance)
    elif kind == "plain" and chance.random() < 0.2:
        things[0].place = chance.choice(PLACES)
    _forbid(wanted, chance, language, exam)
    return settled(wanted, chance, 0.3)


PLACES = ("left", "centre", "right", "left", "centre", "right", "top", "bottom")
HOWS = ("left of", "right of", "above", "below", "beside") * 2 + (
    "behind",
    "in front of",
    "in",
    "on",
)


def several(chance: Random, language: str, number: int, exam: bool = False) -> list[RequestedThing]:
    """So many things of different names, one in six of them such as the small world lacks."""
    found: dict[str, RequestedThing] = {}
    while len(found) < number:
        if chance.random() < (0.3 if exam else 0.2):
            saying = outsider(language, chance, exam)
        else:
            saying = call(chance.choice(list(world().things)), language, chance)
        found.setdefault(saying.name, RequestedThing(saying))
    return list(found.values())


def described(thing: RequestedThing, chance: Random, share: float) -> RequestedThing:
    """The thing in some number, and perhaps with a colour, a size or another trait."""
    numbers = (
        "1",
        "2",
        "3",
        "4",
        SEVERAL,
        str(chance.choice((5, 6, 7, 8, 9, 10, 12, 20, 50, 100))),
    )
    thing.count = chance.choices(numbers, (66, 12, 8, 4, 7, 3))[0]
    if chance.random() < share:
        thing.colour = coloured(chance)
    if chance.random() < share * 0.6:
        thing.size = chance.choice(list(world().sizes))
    if chance.random() < share * 0.1:
        thing.part = chance.choice(list(table("scenes")["parts"]))
    elif chance.random() < share * 0.5:
        thing.trait = chance.choice(list(table("scenes")["living" if thing.living else "any"]))
    return thing


def coloured(chance: Random) -> str:
    """A colour, mostly one of the small world's."""
    if chance.random() < 0.06:
        return chance.choice(("grey", "silver", "turquoise", "beige", "rainbow"))
    return chance.choice(list(world().colours))


def setting(kind: str, chance: Random) -> str:
    """A ground, a sky or a style, one in seven of them such as the small world lacks."""
    if chance.random() < 0.15:
        return str(chance.choice(list(table("scenes")[kind])))
    known = {"scene": world().where, "light": world().light, "style": world().styles}[kind]
    if kind == "light" and chance.random() < 0.5:
        return chance.choice(("day", "sunset", "night", "rain"))
    return chance.choice(list(known))


def settled(wanted: SceneRequest, chance: Random, share: float) -> SceneRequest:
    """The request with its surroundings."""
    for kind, part in (("scene", share), ("light", share), ("style", share * 0.6)):
        if not getattr(wanted, kind) and chance.random() < part:
            setattr(wanted, kind, setting(kind, chance))
    if wanted.scene and wanted.light.startswith("plain"):
        wanted.light = ""
    if wanted.light in ("day", "sunset", "night") and chance.random() < 0.12:
        wanted.weather = chance.choice(("rain", "fog", "snowfall", "wind", "neon light", "thunder"))
    return wanted


def _do(wanted: SceneRequest, chance: Random, language: str, exam: bool) -> None:
    thing = wanted.things[0]
    if not thing.living and chance.random() < 0.8:
        name = chance.choice(ANIMALS)
        thing = wanted.things[0] = replace(thing, saying=call(name, language, chance))
    if chance.random() < 0.5:
        thing.deed = chance.choice(list(table("scenes")["deeds"]))
        return
    thing.deed = chance.choice(list(table("scenes")["deeds_with"]))
    patient = several(chance, language, 1, exam)[0]
    while patient.name == thing.name:
        patient = several(chance, language, 1, exam)[0]
    if chance.random() < 0.3:
        patient.colour = coloured(chance)
    if chance.random() < 0.1:
        patient.count = chance.choice(("2", "3"))
    thing.patient = patient


def _place(wanted: SceneRequest, chance: Random) -> None:
    roll = chance.random()
    if roll < 0.45:
        wanted.how = chance.choice(HOWS)
    elif roll < 0.6:
        one, other = chance.choice(
            (("left", "right"), ("right", "left"), ("left", "centre"), ("top", "bottom"))
        )
        wanted.things[0].place, wanted.things[1].place = one, other
    elif roll < 0.7:
        chance.choice(wanted.things).place = chance.choice(PLACES)


def _forbid(wanted: SceneRequest, chance: Random, language: str, exam: bool) -> None:
    """What must not be there, in every ninth request; and letters that must."""
    roll = chance.random()
    names = {t.name for t in wanted.things}
    if roll < 0.13:
        number = chance.choice((1, 1, 1, 2))
        if number == 1 and chance.random() < 0.1:
            wanted.avoid_colour = coloured(chance)
        for _ in range(number):
            if chance.random() < 0.15:
                english, chinese = chance.choice(list(table("scenes")["unwanted"].items()))
                text = chinese[language == "chinese"]
                wanted.avoid.append(Wording(english, text, text, "个"))
            else:
                wanted.avoid += [
                    t.saying for t in several(chance, language, 1, exam) if t.name not in names
                ]
    elif roll < 0.145:
        kind = chance.choice(("scene", "light"))
        wanted.never = (kind, setting(kind, chance))
    elif roll < 0.16 and not wanted.things[0].colour:
        wanted.things[0].never = coloured(chance)
    elif roll < 0.18 and not wanted.things[0].second:
        lacking = several(chance, language, 1, exam)[0].saying
        wanted.things[0].lacks = None if lacking.name in names else lacking
    elif roll < 0.21 and len(wanted.things) == 1:
        words = table("scenes")["letters" if language == "english" else "chinese_letters"]
        wanted.things[0].letters = str(chance.choice(words))
