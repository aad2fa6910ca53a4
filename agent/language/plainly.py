"""Makes by rule the plainest changes, which can only mean one thing: one more cat, no dog, less."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from limner.agent.language.keeping import is_shown, named_by, room
from limner.agent.language.locks import Lock
from limner.agent.language.nouns import canonical, names
from limner.agent.language.wording import plain_prompt, rephrased, without
from limner.agent.records import Brief, Thing
from limner.prompts import hearing, stated

__all__ = ["Ruled", "plainly"]

_MOST = 12  # a brief counts to twelve


@dataclass(frozen=True, slots=True)
class Ruled:
    """The brief after a plain change and what holds from there on; `why` nothing could be done."""

    brief: Brief
    locks: tuple[Lock, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """How many of a thing are to be there more ("more"), less ("fewer") or not at all ("gone")."""

    what: str
    thing: str = ""
    number: int = 1


def plainly(request: str, before: Brief, locks: Sequence[Lock], domain: str = "") -> Ruled | None:
    """What a plain change makes of a brief of which the locks hold; None for any other request.

    Nothing but what was named changes. What the painter of a domain can't show, what the brief
    has in several looks, and a prompt in Chinese are left to the writer.
    """
    asked = _read(request, before)
    if asked is None or not before.things or not (domain or before.prompt.isascii()):
        return None
    if asked.what == "simpler":
        return _simpler(before, locks, domain)
    at = [i for i, t in enumerate(before.things) if canonical(t.name) == asked.thing]
    if asked.what == "more":
        return _more(asked, at, before, locks, domain)
    if asked.what == "fewer" and len(at) != 1:
        return None
    left = before.things[at[0]].count - asked.number if asked.what == "fewer" else 0
    if left > 0:
        return _counted(before, at[0], left, locks, domain)
    return _gone(before, asked.thing, locks, domain)


def _read(request: str, before: Brief) -> _Asked | None:
    line = " ".join(_polite().sub(" ", request.lower()).split()).strip(" .!。！~～,，")
    if line in hearing().simpler:
        return _Asked("simpler")
    for what in ("more", "fewer", "gone"):
        for pattern in _patterns(what):
            found = pattern.fullmatch(line)
            thing = _meant(found.groupdict().get("thing") or "", before) if found else ""
            number = _number(found.groupdict().get("n") or "1") if found else 0
            if thing and number:
                return _Asked(what, thing, number)
    return None


def _meant(words: str, before: Brief) -> str:
    """The one name of a thing that is known or in the brief; without words, of the only one."""
    kinds = list(dict.fromkeys(canonical(thing.name) for thing in before.things))
    if not words:
        return kinds[0] if len(kinds) == 1 else ""
    name = canonical(words)
    return name if name in kinds or words in names() or name in stated().things else ""


def _more(
    asked: _Asked, at: Sequence[int], before: Brief, locks: Sequence[Lock], domain: str
) -> Ruled | None:
    if not at and domain and not named_by(domain, asked.thing):
        return None
    like = [i for i in at if len(at) == 1 or before.things[i] == _bare(before.things[i])]
    count = asked.number + (before.things[like[0]].count if like else 0)
    every = asked.number + sum(before.things[i].count for i in at)
    if every > min(_MOST, room(domain, before, Lock("count", asked.thing, "1"))):
        return Ruled(before, tuple(locks), "There is no room for more of it in one picture.")
    if not like:
        wanted = tuple(name for name in before.avoid if canonical(name) != asked.thing)
        before = replace(before, things=(*before.things, Thing(asked.thing)), avoid=wanted)
        return _counted(before, -1, count, locks, domain)
    return _counted(before, like[0], count, locks, domain)


def _bare(thing: Thing) -> Thing:
    """The thing without any looks of its own."""
    return Thing(thing.name, thing.count)


def _counted(before: Brief, at: int, count: int, locks: Sequence[Lock], domain: str) -> Ruled:
    """So many of the thing at a place in the list; the rest of the brief stays as it is.

    Where others of its name are there too, their number together is what holds from now on.
    """
    thing = before.things[at]
    name = canonical(thing.name)
    others = [lock for lock in locks if lock.slot not in {("count", name), ("absent", name)}]
    things = list(before.things)
    things[at] = replace(thing, count=count)
    after = replace(before, things=tuple(things))
    alone = sum(canonical(t.name) == name for t in things) == 1
    if domain or not alone:
        prompt: str | None = plain_prompt(after)
    else:
        prompt = rephrased(before.prompt, thing.name, count)
    after = replace(after, prompt=prompt or before.prompt)  # what it lacks is put in behind
    every = sum(t.count for t in after.things if canonical(t.name) == name)
    return Ruled(after, (*others, Lock("count", name, str(every))))


def _gone(before: Brief, name: str, locks: Sequence[Lock], domain: str) -> Ruled | None:
    things = tuple(thing for thing in before.things if canonical(thing.name) != name)
    if not things:
        return None  # a picture of nothing
    if things == before.things and is_shown(before.prompt, name):
        return None  # it is only in the words
    after = before if things == before.things else _less(before, things, domain)
    avoid = before.avoid if name in map(canonical, before.avoid) else (*before.avoid, name)
    left = [lock for lock in locks if name not in lock.owners]
    return Ruled(replace(after, avoid=avoid), (*left, Lock("absent", "", name)))


def _simpler(before: Brief, locks: Sequence[Lock], domain: str) -> Ruled:
    """Without the things that the user never spoke of; the first stays where there is no other."""
    stated_ = {name for lock in locks for name in lock.owners}
    things = tuple(thing for thing in before.things if canonical(thing.name) in stated_)
    things = things or before.things[:1]
    if things == before.things:
        return Ruled(before, tuple(locks), "Nothing can go: you asked for all that is in it.")
    return Ruled(_less(before, things, domain), tuple(locks))


def _less(before: Brief, things: tuple[Thing, ...], domain: str) -> Brief:
    """The brief with these things alone."""
    left = {thing.name for thing in things}
    relations = tuple(r for r in before.relations if {r.thing, r.other} <= left)
    after, prompt = replace(before, things=things, relations=relations), before.prompt
    for gone in (thing for thing in before.things if thing.name not in left):
        prompt = without(prompt, gone.name) or ""
    return replace(after, prompt=prompt if prompt and not domain else plain_prompt(after))


def _number(word: str) -> int:
    if word.isdecimal():
        return int(word)
    if word in ("a", "an", "another"):
        return 1
    return stated().numbers.get(word, 0) or stated().digits.get(word[:1], 0)


@cache
def _polite() -> re.Pattern[str]:
    words = sorted(hearing().polite, key=len, reverse=True)
    english = "|".join(rf"\b{re.escape(word)}\b" for word in words if word.isascii())
    return re.compile("|".join([english, *(re.escape(w) for w in words if not w.isascii())]))


@cache
def _patterns(what: str) -> tuple[re.Pattern[str], ...]:
    """The forms of a change as patterns: {n} is a number, {thing} what it is about."""
    digits, measures = "".join(stated().digits), stated().measures
    shapes = {
        "en": {"n": r"(?P<n>\d{1,2}|[a-z]+)", "thing": r"(?P<thing>[a-z][a-z' -]*)"},
        "zh": {"n": rf"(?P<n>[{digits}]|\d{{1,2}})[{measures}]", "thing": r"(?P<thing>[一-鿿]+)"},
    }
    forms: list[str] = getattr(hearing(), what)
    made = []
    for form in forms:
        tongue = shapes["en" if form.replace("{thing}", "").isascii() else "zh"]
        pattern = re.escape(form).replace(r"\{n\}", tongue["n"])
        made.append(re.compile(pattern.replace(r"\{thing\}", tongue["thing"])))
    return tuple(made)
