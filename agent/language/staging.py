"""Whether a brief has its scene as it was demanded, and how what it lost is put back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from limner.agent.language.locks import SETTING, Lock, scene, staged
from limner.agent.language.nouns import canonical, listed
from limner.agent.language.wording import plain_prompt, rephrased, setting
from limner.agent.records import Brief, Relation, Thing
from limner.prompts import claims
from limner.prompts import stated as table

__all__ = ["SCENE", "is_staged", "relates", "says", "shows", "staging"]

SCENE = ("size", "place", "relation", *SETTING)
_TURNED = {"right of": "left of", "below": "above"}
_HOWS = {
    "left of": ("left", "right", "beside"),
    "right of": ("left", "right", "beside"),
    "beside": ("beside", "next to", "near", "close to", "by ", "with", "left of", "right of"),
    "above": ("above", "over", "on top", "atop", "hover", "float", "below", "under", "beneath"),
    "below": ("below", "under", "beneath", "above", "over", "on top"),
}
_SIDES = {"left": ("left",), "right": ("right",), "centre": ("cent", "middle")}
_NOTHING = Brief("", "")


def shows(things: Sequence[Thing], name: str) -> bool:
    """Whether a thing of that one name is among them."""
    return _index(things, name) is not None


def is_staged(lock: Lock, brief: Brief) -> bool:
    """Whether the brief's structure and its prompt both have a place, a relation or a setting.

    The prompt may say it in whatever words, as long as it does not say otherwise.
    """
    if not _structured(lock, brief):
        return False
    plainly = _plainly(lock, brief)
    return _loosely(lock, brief.prompt.lower()) if plainly is None else plainly


def staging(lock: Lock, brief: Brief, domain: str) -> Brief:
    """The brief with a place, a relation or a setting as it was demanded.

    A prompt that says otherwise, or whose painter reads but the words of its domain, is worded
    anew from the structure; any other gets the words behind its own.
    """
    after, plainly = _with(lock, brief, domain), _plainly(lock, brief)
    if plainly:
        return after
    if domain or plainly is not None:
        after = replace(after, prompt=plain_prompt(after))
        if _plainly(lock, after):
            return after
    if lock.kind == "size":
        return replace(after, prompt=_sized(lock, after) or plain_prompt(after))
    return replace(after, prompt=f"{after.prompt.rstrip(' .,')}, {_words(lock, after)}")


def _sized(lock: Lock, brief: Brief) -> str | None:
    """The prompt with the size before the name of the thing, and what it has of a colour."""
    thing = brief.things[_index(brief.things, lock.thing) or 0]
    return rephrased(brief.prompt, thing.name, colour=f"{thing.size} {thing.colour}".strip())


def relates(lower: str, how: str) -> bool:
    """Whether a prompt in lower case has any word for how one thing is to another."""
    return any(word in lower for word in _HOWS.get(how, (how,)))


def says(text: str, value: str) -> bool:
    """Whether a text says a value of a setting, in its words or in others, or a part of it."""
    lower = text.lower()
    words = (value.lower(), *listed(table().settings.get(value, "").partition("/")[0]))
    parts = [part for part in re.findall(r"\w+", value.lower()) if len(part) > 3]
    return any(word in lower for word in (*words, *parts))


def _structured(lock: Lock, brief: Brief) -> bool:
    if lock.kind in SETTING:
        value = getattr(brief, lock.kind)
        strange = value and value not in _known(lock.kind)  # in a writer's own words
        return value == lock.value or bool(strange and says(f"{value} {brief.prompt}", lock.value))
    if lock.kind in ("size", "place"):
        at = _index(brief.things, lock.thing)
        said = "" if at is None else getattr(brief.things[at], lock.kind)
        return said == lock.value or bool(said and says(said, lock.value))
    return any(_is_that(relation, _relation(lock)) for relation in brief.relations)


def _plainly(lock: Lock, brief: Brief) -> bool | None:
    """Whether the prompt says it, and of a setting no other; None where it says none at all."""
    prompt = brief.prompt
    as_said = lock.words and lock.words.lower() in prompt.lower()
    if as_said and (lock.kind not in SETTING or prompt == brief.request):
        return True
    said = [other for other in scene(prompt) if other.slot == lock.slot]
    if not said:
        return True if as_said else None
    if lock.kind in SETTING:
        return all(other.value == lock.value for other in said)
    if lock.kind == "relation":
        return _is_that(_relation(said[-1]), _relation(lock))
    return said[-1].value == lock.value


def _loosely(lock: Lock, lower: str) -> bool:
    if lock.kind == "relation":
        return relates(lower, _relation(lock).how)
    if lock.kind == "place":
        return any(word in lower for word in _SIDES[lock.value])
    if lock.kind == "size":
        return any(word in lower for word in listed(table().sizes[lock.value].partition("/")[0]))
    return says(lower, lock.value)


def _with(lock: Lock, brief: Brief, domain: str) -> Brief:
    match lock.kind:
        case "where" | "light" | "style":
            return _set(lock, brief)
        case "size":
            return replace(brief, things=_placed(lock, brief.things))
        case "place":
            things = _placed(lock, brief.things)
            free = [r for r in brief.relations if not _about(r, lock.thing)]
            return replace(brief, things=things, relations=tuple(free))
    pair = {_name(brief.things, name) for name in lock.owners}
    others = [r for r in brief.relations if {r.thing, r.other} != pair]
    relation = _relation(lock, brief.things)
    if relation.how == "beside" and domain and "beside" not in domain:
        relation = replace(relation, how="left of")  # one of both
    return replace(brief, relations=(*others, relation))


def _placed(lock: Lock, things: Sequence[Thing]) -> tuple[Thing, ...]:
    at = _index(things, lock.thing)
    told = {lock.kind: lock.value}
    return tuple(replace(t, **told) if i == at else t for i, t in enumerate(things))  # type: ignore[arg-type]


def _set(lock: Lock, brief: Brief) -> Brief:
    """Another setting; unless both were wished for, a plain backdrop and a ground exclude it."""
    after = replace(brief, **{lock.kind: lock.value})  # type: ignore[arg-type]
    other = "where" if lock.kind == "light" else "light"
    wished = any(one.kind == other for one in staged(brief.request))
    if wished or not (after.light.startswith("plain") and after.where):
        return after
    return replace(after, **{other: ""})  # type: ignore[arg-type]


def _about(relation: Relation, name: str) -> bool:
    return name in (canonical(relation.thing), canonical(relation.other))


def _relation(lock: Lock, things: Sequence[Thing] = ()) -> Relation:
    """The relation, between the things as the brief calls them."""
    how = lock.value.removesuffix(f" {lock.other}")
    return Relation(_name(things, lock.thing), how, _name(things, lock.other))


def _name(things: Sequence[Thing], name: str) -> str:
    at = _index(things, name)
    return name if at is None else things[at].name


def _is_that(relation: Relation, wanted: Relation) -> bool:
    """Whether a relation is the wanted one, told from either side; "beside" is either of two."""
    (one, how, other), (first, should, second) = _told(relation), _told(wanted)
    if should == "beside":
        return {one, other} == {first, second} and how in ("left of", "beside")
    return (one, how, other) == (first, should, second)


def _told(relation: Relation) -> tuple[str, str, str]:
    """A relation from the one side: left of or above."""
    one, other = canonical(relation.thing), canonical(relation.other)
    how = _TURNED.get(relation.how)
    return (other, how, one) if how else (one, relation.how, other)


def _words(lock: Lock, brief: Brief) -> str:
    """As it was said, where that was English; else as a brief says it."""
    if lock.kind == "relation":
        relation = _relation(lock, brief.things)
        return f"the {relation.thing} {relation.how} the {relation.other}"
    if lock.kind == "place":
        return f"the {_name(brief.things, lock.thing)} {claims().places[lock.value]}"
    if lock.words.isascii() and lock.words:
        return lock.words
    return " ".join(setting(replace(_NOTHING, **{lock.kind: lock.value})))  # type: ignore[arg-type]


def _known(kind: str) -> Sequence[str]:
    return {"where": claims().wheres, "light": claims().lights, "style": claims().styles}[kind]


def _index(things: Sequence[Thing], name: str) -> int | None:
    for at, thing in enumerate(things):
        last = canonical(thing.name.split(" ")[-1])
        if name in (canonical(thing.name), last):
            return at
    return None
