"""Sees to it that a prompt says all that its brief has, so that nothing is only claimed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from limner.agent.language.keeping import is_said
from limner.agent.language.locks import SETTING, Lock, has_word, mentioned, scene, stated
from limner.agent.language.nouns import canonical, colour_of, listed
from limner.agent.language.staging import relates, says
from limner.agent.language.wanted import left_out, wanted
from limner.agent.language.wording import LIGHTS, mentions, phrase, rephrased
from limner.agent.records import Brief, Relation, Thing
from limner.prompts import claims
from limner.prompts import stated as table

__all__ = ["garbled", "in_full", "speaks_of", "strayed", "undisturbed"]


def in_full(brief: Brief, domain: str = "") -> tuple[Brief, tuple[str, ...]]:
    """The brief with a prompt that says all of its things, relations and setting; and what it said.

    A word for a colour, a place or a light that stands anywhere in the prompt is taken to say it:
    what the writer worded is only touched where something is plainly missing.
    """
    added: list[str] = []
    for thing in brief.things:
        prompt = _with_thing(brief.prompt, thing, _is_one(brief, thing), bool(domain))
        added += [] if prompt == brief.prompt else [_short(thing)]
        brief = replace(brief, prompt=prompt)
    for words in _unsaid(brief):
        added.append(words)
        brief = replace(brief, prompt=f"{brief.prompt.rstrip(' .,')}, {words}")
    return brief, tuple(added)


def speaks_of(prompt: str, brief: Brief) -> bool:
    """Whether a prompt names every thing of the brief that the brief's own prompt names."""
    named = (t.name for t in brief.things if mentions(brief.prompt, t.name))
    return all(mentions(prompt, name) for name in named)


def garbled(prompt: str, brief: Brief) -> bool:
    """Whether a prompt contradicts the setting of its brief, or names a thing oftener than that.

    For a painter that reads the few words of its domain: `on grass, by day at night`, `two dogs,
    dogs and a tree` and a red house for a white one are no way to tell it anything.
    """
    return (
        any(_differs(lock, brief) for lock in scene(prompt) if lock.kind in SETTING)
        or any(_miscalls(lock, brief) for lock in stated(prompt))
        or any(len(mentions(prompt, name)) > most for name, most in _turns(brief).items())
    )


def _differs(lock: Lock, brief: Brief) -> bool:
    """Whether a part of the setting is not that of the brief, where it has one."""
    own = getattr(brief, lock.kind)
    return bool(own) and lock.value != own and not says(own, lock.value)


def _miscalls(lock: Lock, brief: Brief) -> bool:
    """Whether a number or a colour is not what the brief has of its thing, where there is one."""
    things = [thing for thing in brief.things if canonical(thing.name) == lock.thing]
    if len(things) != 1:
        return False
    (thing,) = things
    if lock.kind == "count":
        return int(lock.value) != thing.count
    return lock.kind == "colour" and lock.value not in (colour_of(thing.colour), thing.colour)


def _turns(brief: Brief) -> dict[str, int]:
    """How often a prompt may name each thing: once, and once for each relation that it is in."""
    turns = Counter(canonical(thing.name) for thing in brief.things)
    for relation in brief.relations:
        turns.update({canonical(relation.thing), canonical(relation.other)} & set(turns))
    return turns


def undisturbed(before: Brief, after: Brief) -> Brief:
    """The changed brief with all things as they were that its request passes over.

    Where the request names a thing, it is not about the others, unless it says "all". A thing that
    stands there in several looks is left to whoever changed it.
    """
    said = after.request.lower()
    kinds = Counter(canonical(thing.name) for thing in (*before.things, *after.things))
    wide = any(has_word(said, word) for word in table().pronouns)
    if wide or not (wanted(said) or any(mentioned(said, name) for name in kinds)):
        return after
    old = {canonical(thing.name): thing for thing in before.things}
    things = tuple(
        thing if mentioned(said, name) or kinds[name] != 2 or name not in old else old[name]
        for thing, name in ((thing, canonical(thing.name)) for thing in after.things)
    )
    return after if things == after.things else replace(after, things=things)


def strayed(before: Brief, after: Brief) -> tuple[str, ...]:
    """What a change left out of what its request wishes for, or dropped without being asked."""
    said, shown = after.request.lower(), {canonical(thing.name) for thing in after.things}
    exchanges = [word.strip() for word in table().exchanges.split(",")]
    calm = not any(_stands(word, said) for word in exchanges)
    old = dict.fromkeys(canonical(thing.name) for thing in before.things)
    dropped = [name for name in old if calm and name not in shown]
    return tuple(dict.fromkeys((*left_out(after), *dropped)))


def _stands(word: str, said: str) -> bool:
    return word in (said if not word.isascii() else re.findall(r"[a-z']+", said)) or (
        " " in word and word in said
    )


def _with_thing(prompt: str, thing: Thing, alone: bool, before: bool) -> str:
    if not _names(prompt, thing.name):
        words = phrase(thing.count, " ".join(filter(None, (thing.size, thing.colour))), thing.name)
        return f"{words} and {prompt}" if before else f"{prompt.rstrip(' .,')}, with {words}"
    if not alone or not mentions(prompt, thing.name):
        return prompt
    name, said = canonical(thing.name), stated(prompt)
    count, colour = thing.count if thing.count > 1 else 0, thing.colour
    if count and is_said(Lock("count", name, str(count)), prompt, said):
        count = 0
    if colour and (not colour_of(colour) or _has_colour(prompt, colour)):
        colour = ""
    if not (count or colour):
        return prompt
    return rephrased(prompt, thing.name, count, colour) or prompt


def _names(prompt: str, name: str) -> bool:
    """Whether a prompt names a thing, in another number or as a part of another name."""
    words = canonical(name).split(" ")
    return bool(mentions(prompt, name)) or all(word in prompt.lower() for word in words)


def _is_one(brief: Brief, thing: Thing) -> bool:
    """Whether no other thing of the brief has that name: its number could not be told apart."""
    return sum(canonical(other.name) == canonical(thing.name) for other in brief.things) == 1


def _has_colour(prompt: str, colour: str) -> bool:
    lower, plain = prompt.lower(), colour_of(colour)
    words = (plain, colour.lower(), *listed(table().colours[plain].partition("/")[0]))
    return any(re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", lower) for word in words)


def _unsaid(brief: Brief) -> Iterable[str]:
    """The relations and the setting that a prompt doesn't say, as it could say them."""
    lower, wheres = brief.prompt.lower(), claims().wheres
    for relation in brief.relations:
        if not _relates(lower, relation):
            yield f"the {relation.thing} {relation.how} the {relation.other}"
    if brief.where and not says(lower, brief.where):
        yield f"on {brief.where}" if brief.where in wheres else brief.where
    if brief.light and not says(lower, brief.light):
        yield LIGHTS.get(brief.light, brief.light)


def _relates(lower: str, relation: Relation) -> bool:
    named = _names(lower, relation.thing) and _names(lower, relation.other)
    return named and relates(lower, relation.how)


def _short(thing: Thing) -> str:
    return " ".join(filter(None, (str(thing.count) * (thing.count > 1), thing.colour, thing.name)))
