"""Changes to which things there are, and how many."""

from __future__ import annotations

from limner.pipelines.pocket.language.lexicon import call, pick, table
from limner.pipelines.pocket.language.picture import TaughtTurn
from limner.pipelines.pocket.language.scene_requests import (
    HOWS,
    PLACES,
    SEVERAL,
    RequestedThing,
    coloured,
    described,
)
from limner.pipelines.pocket.world import world


def add(turn: TaughtTurn) -> str:
    """One more kind of thing, perhaps at a place or beside another thing."""
    thing = turn.new()
    if not thing:
        return ""
    described(thing, turn.chance, 0.3)
    if turn.chance.random() < 0.2:
        thing.place = turn.chance.choice(PLACES)
    words, speaker = (
        turn.speaker.phrase(thing, bare=not turn.english and turn.chance.random() < 0.4),
        turn.speaker,
    )
    if thing.place:
        place = speaker.state("place", thing.place, speaker.words("places", thing.place), thing)
        if turn.english:
            return turn.say("add", x=f"{words} {place}")
        return pick(
            turn.chance, ("在{p}加{x}", "{p}加{x}", "{p}再加{x}", "{p}放{x}", "{p}画{x}")
        ).format(p=place, x=words)
    if turn.chance.random() > 0.3:
        return turn.say("add", x=words)
    other, how = turn.thing(), turn.chance.choice(HOWS)
    if how == "on":
        row = ("relation", thing.name, how, other.name)
        return turn.say("put_on", row, x=words, n=turn.the(other, 0.2))
    side = turn.state(turn.how(how), ("relation", thing.name, how, other.name))
    if turn.english:
        return turn.say("add", x=f"{words} {side} {turn.the(other, 0.2)}")
    frames = ("在{o}{h}加{x}", "{o}的{h}再加{x}", "{o}{h}画{x}", "在{o}{h}放{x}")
    return pick(turn.chance, frames).format(o=turn.the(other, 0.2), h=side, x=words)


def recount(turn: TaughtTurn) -> str:
    """Another number of a kind: said outright, or as more or fewer."""
    thing = turn.thing()
    now = int(turn.picture.value("count", thing.name) or 0)
    ways: list[tuple[str, int]] = [("count", turn.chance.choice((1, 2, 3, 4, 5, 6, 8, 10)))] * 3
    if now:
        ways += [("another", now + 1), ("another", now + 1), ("double", 2 * now)]
        more = turn.chance.choice((2, 3))
        ways += [("more", now + more), *([("fewer", now - 1), ("only_one", 1)] if now > 1 else [])]
    if turn.alone:
        ways += [("count_it", ways[0][1])] * 2
    key, count = turn.chance.choice(ways)
    if count == now or (key == "only_one" and not turn.alone and turn.chance.random() < 0.5):
        return ""
    saying, many = turn.naming(thing), count - now > 1 if key == "more" else count > 1
    plural = (
        saying.plural
        if turn.english and (many or key in ("double", "fewer", "more"))
        else saying.text
    )
    number = str(count - now) if key == "more" else str(now if key == "only_one" else count)
    words = {"m": saying.text, "ms": plural, "q": thing.saying.measure, "n": turn.the(thing)}
    words |= {"k": _numeral(turn, number), "j": _numeral(turn, str(now or 2))}
    row = ("count", thing.name, str(count), "")
    if key == "only_one" and not turn.alone:
        frame = "[only one {m}]" if turn.english else "[只要一{q}{m}]"
        return turn.speaker.fill(frame, row, **words)
    return turn.say(key, row, **words)


def _numeral(turn: TaughtTurn, count: str) -> str:
    number = turn.speaker.number(count)
    if count != "1":
        return count if " " in number or number.endswith("x") else number
    return "one" if number in ("a", "the", "my", "a single", "just one") else number


def remove(turn: TaughtTurn) -> str:
    """Away with one thing, with two, or with all but one."""
    thing = turn.thing(fresh=True)
    names = [t.name for t in turn.picture.things]
    roll = turn.chance.random()
    if len(names) > 2 and roll < 0.2:
        other = turn.thing()
        turn.removed += [turn.picture.here(thing), turn.picture.here(other)]
        return turn.say(
            "remove_two",
            n=turn.the(thing),
            o=turn.the(other),
            m=turn.noun(thing),
            M=turn.noun(other),
        )
    if len(names) > 1 and not turn.closed and not turn.used - {thing.name} and roll < 0.3:
        turn.removed += [turn.picture.here(t) for t in turn.picture.things if t is not thing]
        turn.used |= set(names)
        turn.closed = True
        return turn.say("keep_only", n=turn.the(thing))
    turn.removed.append(turn.picture.here(thing))
    return turn.say("remove", n=turn.the(thing, 0.25), m=turn.noun(thing))


def avoid(turn: TaughtTurn) -> str:
    """Something that is not there is unwanted, too."""
    if turn.chance.random() < 0.25:
        english, words = turn.chance.choice(list(table("scenes")["unwanted"].items()))
        if english in (turn.picture.value("scene"), *(r[1] for r in turn.picture.rows)):
            return ""
        return turn.say("avoid", ("absent", english, "", ""), u=words[not turn.english])
    thing = turn.new()
    if not thing or turn.picture.number("absent", thing.name):
        return ""
    word = thing.saying.text
    if turn.english and turn.chance.random() < 0.7:
        word = thing.saying.plural
    return turn.say("avoid", ("absent", thing.name, "", ""), u=word)


def bring_back(turn: TaughtTurn) -> str:
    """What was unwanted is wanted after all."""
    unwanted = [
        (at, r) for at, r in enumerate(turn.picture.rows, 1) if r[0] == "absent" and not r[2]
    ]
    known = [(at, r[1]) for at, r in unwanted if r[1] in world().things]
    if not known:
        return ""
    at, name = known[0]
    thing = RequestedThing(call(name, turn.speaker.language, turn.chance))
    turn.removed.append(at)
    turn.used.add(name)
    return turn.say(turn.chance.choice(("back", "add")), x=turn.speaker.phrase(thing))


def exchange(turn: TaughtTurn) -> str:
    """Another thing in the stead of one."""
    thing, new = turn.thing(fresh=True), turn.new()
    if not new or thing.count == SEVERAL:
        return ""
    new.count = thing.count if turn.chance.random() < 0.8 else turn.chance.choice("123")
    colour = coloured(turn.chance) if turn.chance.random() < 0.2 else ""
    phrase = (
        turn.noun(new)
        if new.count != "1" and not colour
        else turn.speaker.phrase(new, bare=not turn.english)
    )
    if colour:
        noun = new.saying.plural if new.count != "1" and turn.english else new.saying.text
        row, speaker = ("colour", new.name, colour, ""), turn.speaker
        word = speaker.annotated.mark(
            speaker.colour_word(colour), row, turn.picture.number("colour", thing.name)
        )
        phrase = (
            f"{_a(turn, new)} {word} {noun}".strip()
            if turn.english
            else f"{_a(turn, new)}{word}的{noun}"
        )
    elif new.count == "1":
        phrase = f"{_a(turn, new)}{' ' if turn.english else ''}{new.saying.text}".strip()
    row = ("count", new.name, new.count, "")
    said = turn.speaker.annotated.mark(phrase, row, turn.picture.here(thing))
    if turn.alone and turn.chance.random() < 0.3:
        return turn.say("replace_it", x=said)
    return turn.say("replace", n=turn.the(thing, 0.15), x=said, m=turn.noun(thing))


def _a(turn: TaughtTurn, thing: RequestedThing) -> str:
    if turn.english:
        return turn.speaker.number(thing.count) if thing.count != "1" else "a"
    if thing.count == "1" and turn.chance.random() < 0.5:
        return ""
    return f"{turn.speaker.number(thing.count)}{thing.saying.measure}"
