"""Several changes to a brief in one request, and the brief that they lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from limner.pipelines.pocket.language import chinese, english
from limner.pipelines.pocket.language.brief_json import dumps, sketch
from limner.pipelines.pocket.language.desk import Change, Desk
from limner.pipelines.pocket.language.draft import Draft
from limner.pipelines.pocket.language.lexicon import pick
from limner.pipelines.pocket.language.looks import (
    clear,
    move,
    recolour,
    reground,
    relight,
    resize,
    restyle,
)
from limner.pipelines.pocket.language.things import (
    add,
    another,
    recount,
    refuse,
    relate,
    remove,
    replace_thing,
    swap,
)
from limner.pipelines.pocket.language.wish import Taste
from limner.pipelines.pocket.spec import Spec

CHANGES: dict[Callable[[Desk], Change | None], int] = {
    recolour: 15, resize: 9, move: 9, relight: 12, reground: 8, restyle: 9, clear: 1, add: 16,
    another: 4, recount: 6, remove: 9, refuse: 4, replace_thing: 9, swap: 6, relate: 6,
}  # fmt: skip
POLITE = ("please", "could you", "can you", "请", "麻烦", "帮我", "能不能")
VERBS_ENGLISH = (
    "make ", "turn ", "change ", "paint ", "colour ", "give ", "enlarge ", "scale ", "shrink ",
    "move ", "put ", "place ", "shift ", "add ", "remove ", "take ", "delete ", "get rid", "drop ",
    "erase ", "replace ", "swap ", "exchange ", "switch ", "redo ", "include ", "have ", "set ",
    "let ", "center ",
)  # fmt: skip
VERBS_CHINESE = tuple("把换改变放移加再添去删用交拿缩让搬画")
# After these "it" means another thing, so nothing follows them.
ALONE: set[Callable[[Desk], Change | None]] = {another, recount, replace_thing, swap}


@dataclass(frozen=True, slots=True)
class Edited:
    """The human text of an edit, and the brief that it leads to."""

    human: str
    spec: Spec
    avoid: list[str]
    reply: str


def edited(spec: Spec, avoid: list[str], chance: Random, taste: Taste) -> Edited | None:
    """One to three changes in one request; None when the things at hand allow none."""
    draft = Draft(
        list(spec.groups), list(spec.links), spec.where, spec.light, spec.style, list(avoid)
    )
    before = dumps(sketch(spec, avoid))
    desk = Desk(draft, chance, taste)
    number = chance.choices((1, 2, 3), (74, 22, 4))[0]
    changes = _changes(desk, number)
    if not changes:
        return None
    said = _joined([c[0] for c in changes], desk)
    if chance.random() < 0.3:
        said = _prefaced(said, desk)
    speak = english.noisy if desk.english else chinese.noisy
    human = f"brief: {before}\nchange: {speak(said, chance)}"
    return Edited(human, draft.spec, draft.avoid, _reply([c[1] for c in changes], desk))


def _changes(desk: Desk, number: int) -> list[Change]:
    if number == 1 and desk.chance.random() < 0.04:
        text = desk.frame("nothing")
        return [(text, "I left everything as it was" if desk.english else "我保持原样没有改动")]
    made: list[Change] = []
    used: set[Callable[[Desk], Change | None]] = set()
    for _ in range(12):
        change = desk.chance.choices(list(CHANGES), list(CHANGES.values()))[0]
        told = None if change in used or (made and change in ALONE) else change(desk)
        if told:
            made.append(told)
            used.add(change)
        if len(made) == number or used & ALONE or desk.closed:
            break
    return made


def _joined(said: list[str], desk: Desk) -> str:
    text = said[0]
    for more in said[1:]:
        text = text.rstrip("?？") + desk.frame("joins") + more
    return text


def _prefaced(said: str, desk: Desk) -> str:
    """With words before it that change nothing; `please` and `could you` only before a verb."""
    verbs = VERBS_ENGLISH if desk.english else VERBS_CHINESE
    for _ in range(9):
        text = desk.frame("before", e=said)
        if said.startswith(verbs) or not text.startswith(POLITE):
            return text
    return said


def _reply(told: list[str], desk: Desk) -> str:
    if desk.english:
        text = ", ".join(told)
        return pick(
            desk.chance, ("Done: {t}.", "OK, {t}.", "Sure: {t}.", "All right, {t}.")
        ).format(t=text)
    text = "，".join(told)
    return pick(desk.chance, ("好的，{t}。", "好，{t}。", "没问题，{t}。", "收到，{t}。")).format(
        t=text
    )
