"""Changes to how things look, where they stand and what is around them."""

from __future__ import annotations

from limner.pipelines.pocket.language.annotated_text import Row
from limner.pipelines.pocket.language.lexicon import pick, table
from limner.pipelines.pocket.language.picture import SETTINGS, TaughtTurn
from limner.pipelines.pocket.language.scene_requests import HOWS, PLACES, coloured, setting
from limner.pipelines.pocket.world import world

MIRROR = {"left": "right", "right": "left", "top": "bottom", "bottom": "top", "centre": "centre"}


OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


def recolour(turn: TaughtTurn) -> str:
    """Another colour."""
    thing, colour = turn.thing(), coloured(turn.chance)
    if colour == turn.picture.value("colour", thing.name):
        return ""
    row = ("colour", thing.name, colour, "")
    word = turn.state(turn.speaker.colour_word(colour), row)
    if turn.alone and not turn.closed and turn.chance.random() < 0.3:
        return turn.say("colour_it", c=word)
    if turn.picture.value("colour", thing.name) and turn.chance.random() < 0.2:
        before = turn.speaker.colour_word(turn.picture.value("colour", thing.name))
        return turn.say("colour_for", c=word, d=before, n=turn.the(thing, plain=True))
    frame = turn.speaker.frame("colour", file="turns")
    while "{m}" in frame and thing.count != "1":
        frame = turn.speaker.frame("colour", file="turns")
    return turn.speaker.fill(frame, n=turn.the(thing), c=word, m=turn.noun(thing))


def recolour_all(turn: TaughtTurn) -> str:
    """One colour for all."""
    things = turn.picture.things
    if len(things) < 2 or turn.used:
        return ""
    colour = coloured(turn.chance)
    word = turn.speaker.colour_word(colour)
    for thing in things:
        if turn.picture.value("colour", thing.name) != colour:
            word = turn.state(word, ("colour", thing.name, colour, ""))
    turn.used |= {t.name for t in things}
    return turn.say("colour_all", c=word)


def uncolour(turn: TaughtTurn) -> str:
    """Its own colour again."""
    thing = turn.thing()
    colour = turn.picture.value("colour", thing.name)
    return (
        turn.without(thing, "colour", "natural", c=turn.speaker.colour_word(colour))
        if colour
        else ""
    )


def swap_colours(turn: TaughtTurn) -> str:
    """Two things change colours."""
    if len(turn.picture.things) != 2 or turn.used:
        return ""
    one, other = turn.picture.things
    first, second = (turn.picture.value("colour", t.name) for t in (one, other))
    if not first or not second or first == second:
        return ""
    rows = [
        (("colour", thing.name, colour, ""), turn.picture.number("colour", thing.name))
        for thing, colour in ((one, second), (other, first))
    ]
    return turn.swapped(rows, "swap_colours")


def resize(turn: TaughtTurn) -> str:
    """Bigger or smaller."""
    thing = turn.thing()
    size = turn.chance.choice(
        [s for s in world().sizes if s != turn.picture.value("size", thing.name)]
    )
    row = ("size", thing.name, size, "")
    return turn.say(size, row, n=turn.the(thing), m=turn.noun(thing))


def unsize(turn: TaughtTurn) -> str:
    """Its size does not matter any more."""
    return turn.without(turn.thing(), "size", "unsized")


def move(turn: TaughtTurn) -> str:
    """To another place in the picture."""
    thing = turn.thing()
    place = turn.chance.choice([p for p in PLACES if p != turn.picture.value("place", thing.name)])
    row = ("place", thing.name, place, "")
    if turn.english and place in ("centre", "top", "bottom"):
        return turn.say(place, row, n=turn.the(thing))
    if not turn.english:
        word = turn.state(turn.speaker.words("places", place), row)
        return turn.say("place", n=turn.the(thing), p=word)
    word = pick(turn.chance, (place, place, f"{place} side", f"{place} of the picture"))
    return turn.say("place", row, n=turn.the(thing), p=word)


def unplace(turn: TaughtTurn) -> str:
    """Its place does not matter any more."""
    return turn.without(turn.thing(), "place", "unplaced")


def swap(turn: TaughtTurn) -> str:
    """Two things change places."""
    if len(turn.picture.things) != 2 or turn.used:
        return ""
    one, other = turn.picture.things
    places = [turn.picture.value("place", t.name) for t in (one, other)]
    at = turn.picture.number("relation", one.name, other.name)
    rows: list[tuple[Row, int]] = []
    if at and turn.picture.rows[at - 1][2] in OPPOSITE:
        first, how, second = turn.picture.rows[at - 1][1:]
        rows.append((("relation", first, OPPOSITE[how], second), at))
    for thing, here, there in ((one, places[0], places[1]), (other, places[1], places[0])):
        if here and (there or MIRROR[here]) != here:
            rows.append(
                (
                    ("place", thing.name, there or MIRROR[here], ""),
                    turn.picture.number("place", thing.name),
                )
            )
    return turn.swapped(rows, "swap")


def relate(turn: TaughtTurn) -> str:
    """One thing as seen from another."""
    if len(turn.picture.things) < 2:
        return ""
    one, other = turn.thing(), turn.thing()
    how = turn.chance.choice(HOWS)
    row = ("relation", one.name, how, other.name)
    if row in turn.picture.rows:
        return ""
    side = turn.state(turn.how(how), row)
    return turn.say("relate", n=turn.the(one), o=turn.the(other), h=side)


def gap(turn: TaughtTurn) -> str:
    """Two things change at once, the verb said once or not at all."""
    if len(turn.picture.things) < 2:
        return ""
    one, other = turn.thing(), turn.thing()
    kind = turn.chance.choice(("colour", "colour", "colour", "place", "size"))
    values = {
        "colour": list(world().colours),
        "place": ["left", "right", "centre"],
        "size": list(world().sizes),
    }
    words = []
    for thing, value in zip((one, other), turn.chance.sample(values[kind], 2), strict=True):
        if value == turn.picture.value(kind, thing.name):
            return ""
        said = (
            turn.speaker.colour_word(value)
            if kind == "colour"
            else turn.speaker.words(f"{kind}s", value)
        )
        words.append(turn.state(said.removesuffix("的"), (kind, thing.name, value, "")))
    key = "gap_place" if kind == "place" else "gap"
    return turn.say(
        key, n=turn.the(one, plain=True), o=turn.the(other, plain=True), v=words[0], w=words[1]
    )


def do(turn: TaughtTurn) -> str:
    """A thing does something else."""
    thing = turn.thing()
    if not thing.living and turn.chance.random() < 0.8:
        return ""
    deed = turn.chance.choice(list(table("scenes")["deeds"]))
    if deed == turn.picture.value("action", thing.name):
        return ""
    words = table("scenes")["deeds"][deed][2 if turn.english else 1]
    row = ("action", thing.name, deed, "")
    return turn.say("deed", row, n=turn.the(thing), d=pick(turn.chance, words).removeprefix("正在"))


def look(turn: TaughtTurn) -> str:
    """A thing looks another way."""
    thing = turn.thing()
    kind = "living" if thing.living else "any"
    trait = turn.chance.choice(list(table("scenes")[kind]))
    if turn.picture.number("attribute", thing.name):
        return ""
    word = turn.speaker.words(kind, trait).removesuffix("的")
    said = turn.speaker.state("attribute", trait, word, thing)
    return turn.say("trait", n=turn.the(thing), v=said, m=turn.noun(thing))


def resettle(turn: TaughtTurn) -> str:
    """Another ground, sky or style."""
    kind = turn.chance.choice(SETTINGS)
    value = setting(kind, turn.chance)
    if value == turn.picture.value(kind) or kind in turn.used:
        return ""
    turn.used.add(kind)
    tags = table("turns")[turn.speaker.language][{"scene": "grounds"}.get(kind, "lights")]
    part = {"scene": "where", "style": "styles"}.get(kind, kind)
    if kind != "style" and value in tags and turn.chance.random() < 0.5:
        return turn.say(kind, s=turn.state(pick(turn.chance, tags[value]), (kind, "", value, "")))
    words = turn.speaker.words(part, value)
    if not turn.english:
        words = words.removeprefix("在")
    said = turn.state(words, (kind, "", value, ""))
    before = turn.picture.value(kind)
    if before and turn.chance.random() < 0.15:
        known = (
            tags[before]
            if kind != "style" and before in tags
            else [_plain_words(turn, kind, before)]
        )
        return turn.say("setting_for", s=said, t=pick(turn.chance, known))
    key = "style" if kind == "style" else "setting"
    if not turn.english and kind == "light":
        key = "backdrop" if value.startswith("plain") else "light"
    return turn.say(key, s=said)


def weather(turn: TaughtTurn) -> str:
    """Rain, snow or the dark, as something that happens."""
    known = table("turns")[turn.speaker.language]["weather"]
    value = turn.chance.choice(list(known))
    if value == turn.picture.value("light") or "light" in turn.used:
        return ""
    turn.used.add("light")
    return turn.speaker.fill(pick(turn.chance, known[value]), ("light", "", value, ""))


def unsettle(turn: TaughtTurn) -> str:
    """The ground, the sky or the style is not wanted."""
    kind = turn.chance.choice(SETTINGS)
    value, at = turn.picture.value(kind), turn.picture.number(kind)
    if not value or kind in turn.used:
        return ""
    turn.used.add(kind)
    tags = table("turns")[turn.speaker.language][{"scene": "grounds"}.get(kind, "lights")]
    words = tags[value] if kind != "style" and value in tags else [_plain_words(turn, kind, value)]
    turn.removed.append(at)
    return turn.say("unset", s=pick(turn.chance, words))


def _plain_words(turn: TaughtTurn, kind: str, value: str) -> str:
    if turn.english:
        return value.removeprefix("plain ") + " background" if value.startswith("plain") else value
    part = {"scene": "where", "style": "styles"}.get(kind, kind)
    return turn.speaker.words(part, value).removeprefix("在")


def clear(turn: TaughtTurn) -> str:
    """Nothing but white behind the things."""
    scene, light = turn.picture.number("scene"), turn.picture.value("light")
    if light == "plain white" or turn.used & set(SETTINGS):
        return ""
    turn.removed += [scene] if scene else []
    turn.used |= {"scene", "light"}
    return turn.say("clear", ("light", "", "plain white", ""))


def write(turn: TaughtTurn) -> str:
    """Letters to be read in the picture."""
    words = table("scenes")["letters" if turn.english else "chinese_letters"]
    text = str(turn.chance.choice(words))
    return turn.say("letters", ("text", "", text, ""), t=text)
