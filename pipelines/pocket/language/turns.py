"""What people say once a picture is there, and the one tool call that does it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from limner.pipelines.pocket.language.annotated_text import Quoted, Row
from limner.pipelines.pocket.language.lexicon import pick, table
from limner.pipelines.pocket.language.looks import (
    clear,
    do,
    gap,
    look,
    move,
    recolour,
    recolour_all,
    relate,
    resettle,
    resize,
    swap,
    swap_colours,
    uncolour,
    unplace,
    unsettle,
    unsize,
    weather,
    write,
)
from limner.pipelines.pocket.language.picture import SPEAKERS, TaughtTurn, Unfit, pictured
from limner.pipelines.pocket.language.scene_requests import SceneRequest, coloured, scene_request
from limner.pipelines.pocket.language.things import (
    add,
    avoid,
    bring_back,
    exchange,
    recount,
    remove,
)

ChangeLine = Callable[[TaughtTurn], str]
"""Says one change; "" where the picture does not allow it."""


VERBS = tuple(
    "make turn change paint colour color give enlarge scale shrink move put place shift add remove "
    "take delete get drop erase replace swap exchange switch redo include have set let center draw "
    "把 换 改 变 放 移 加 再加 添 去掉 删 用 交换 拿 缩 让 搬 画".split()
)


CHANGES: dict[ChangeLine, int] = {
    recolour: 14, recolour_all: 2, uncolour: 5, resize: 9, unsize: 1, move: 9, unplace: 1,
    resettle: 20, unsettle: 5, add: 18, recount: 16, remove: 14, avoid: 5, bring_back: 4,
    exchange: 12, swap: 8, swap_colours: 4, relate: 7, gap: 6, do: 3, look: 2, write: 1, clear: 1,
    weather: 3,
}  # fmt: skip


# After these "it" would mean another thing, so nothing follows them.
ALONE = {recount, exchange, swap, swap_colours, recolour_all, bring_back}


def change(turn: TaughtTurn) -> str:
    """One to three changes in one line."""
    number = turn.chance.choices((1, 2, 3), (72, 24, 4))[0]
    said: list[str] = []
    used: set[ChangeLine] = set()
    for _ in range(40):
        way = turn.chance.choices(list(CHANGES), list(CHANGES.values()))[0]
        if way in used or (said and way in ALONE):
            continue
        before = (set(turn.used), len(turn.removed))
        try:
            words = way(turn)
        except Unfit:
            words = ""
        if not words:
            turn.used = before[0]
            del turn.removed[before[1] :]
            continue
        said.append(words)
        used.add(way)
        turn.closed = turn.closed or way in (add, remove, avoid)
        if len(said) == number or used & ALONE:
            break
    text = said[0]
    for more in said[1:]:
        text = text.rstrip("?？") + turn.speaker.frame("joins", file="turns") + more
    return _prefaced(turn, text)


def _prefaced(turn: TaughtTurn, text: str) -> str:
    """With words around it that change nothing."""
    roll = turn.chance.random()
    if roll < 0.2:
        return turn.say("before", e=text)
    return turn.say("polite", e=text) if roll < 0.32 and text.startswith(VERBS) else text


def call_of(turn: TaughtTurn, rows: list[tuple[int, Quoted]]) -> dict[str, Any]:
    """The edit that a line asks for."""
    return {
        "tool": "edit",
        "add": [list(q) for target, q in rows if not target],
        "remove": sorted(set(turn.removed)),
        "change": [[target, *q] for target, q in rows if target],
    }


def turned(
    chance: Random, language: str, exam: bool = False
) -> tuple[list[Row], str, dict[str, Any]]:
    """What was stated of a picture, a line about it, and the tool call that answers the line."""
    picture = pictured(chance, language)
    speaker = SPEAKERS[language](chance, exam)
    speaker.annotated.earlier = picture.replaced
    turn = TaughtTurn(picture, speaker)
    kinds = (
        "edit",
        "draw",
        "answer",
        "select",
        "then",
        "undo",
        "redo",
        "back",
        "again",
        "adjust",
        "save",
        "ask",
    )
    kind = chance.choices(kinds, (66, 7, 7, 3, 2, 2, 1, 2, 2, 4, 1, 2))[0]
    if kind in ("edit", "then"):
        text = change(turn)
        number = 0
        if kind == "then":
            text, number = _chosen(turn, "select_then", text)
        line, rows = speaker.annotated.read(speaker.noisy(text))
        edit = call_of(turn, rows)
        return (
            picture.rows,
            line,
            {"tool": "select", "candidate": number, "then": edit} if number else edit,
        )
    text, answer = _other(turn, kind)
    line, rows = speaker.annotated.read(text if kind == "draw" else speaker.noisy(text))
    if kind == "draw":
        answer["request"] = next(q[4] for _, q in rows if q[0] == "request")
    return picture.rows, line, answer


def _other(turn: TaughtTurn, kind: str) -> tuple[str, dict[str, Any]]:
    """A line that changes nothing in the picture at hand, and the tool for it."""
    chance = turn.chance
    if kind == "draw":
        return _drawn(turn), {"tool": "draw"}
    if kind == "select":
        text, number = _chosen(turn, "select", "")
        return text, {"tool": "select", "candidate": number}
    if kind == "back":
        if chance.random() < 0.3:
            return turn.say("back_to_first"), {"tool": "back_to", "version": 1}
        number = chance.randint(1, 9)
        return turn.say("back_to", k=str(number)), {"tool": "back_to", "version": number}
    thing = turn.thing()
    words = {
        "n": turn.the(thing, 0.1),
        "m": turn.noun(thing),
        "ms": thing.saying.plural or thing.saying.text,
    }
    words |= {"q": thing.saying.measure, "c": turn.speaker.colour_word(coloured(chance))}
    if kind == "ask":
        new = turn.new()
        words["z"] = new.saying.text if new else "???"
        key = "unclear" if new and not turn.alone and chance.random() < 0.7 else "vague"
        return turn.say(key, **words), {"tool": "ask"}
    if kind == "again":
        return turn.say("again", **words), {"tool": "draw", "request": ""}
    return turn.say(kind, **words), {"tool": kind}


def _drawn(turn: TaughtTurn) -> str:
    """Another picture altogether."""
    speaker = turn.speaker
    wanted: SceneRequest = scene_request(turn.chance, speaker.language, speaker.exam)
    taken = {t.name for t in turn.picture.things}
    while not wanted.things or taken & {t.name for t in wanted.things}:
        wanted = scene_request(turn.chance, speaker.language, speaker.exam)
    bare = turn.chance.random() < 0.25
    frame = "" if bare else speaker.frame("draw", file="turns")
    thing = turn.picture.things[0]
    words = {"n": turn.the(thing, 0.0), "m": thing.saying.text, "ms": thing.saying.plural}
    for key, word in words.items():
        frame = frame.replace("{" + key + "}", word)
    return speaker.request(wanted, frame)


def _chosen(turn: TaughtTurn, key: str, edit: str) -> tuple[str, int]:
    """Words that choose one of the pictures, and which."""
    number = turn.chance.choices(range(1, 9), (6, 6, 6, 5, 2, 1, 1, 1))[0]
    names = table("turns")[turn.speaker.language]["ordinals"][number - 1]
    numeral = str(number)
    words = {
        "r": str(pick(turn.chance, names)),
        "k": numeral,
        "z": pick(turn.chance, (*names, numeral)),
        "e": edit,
    }
    return turn.say(key, **words), number
