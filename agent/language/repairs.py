"""Puts back into a brief what was stated and lost, by rule and in as few words as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from limner.agent.language.keeping import (
    binding,
    is_owner,
    is_said,
    is_shown,
    lost,
    named_by,
    room,
)
from limner.agent.language.locks import Lock, mentioned, stated
from limner.agent.language.nouns import canonical
from limner.agent.language.staging import shows, staging
from limner.agent.language.wording import mentions, phrase, plain_prompt, rephrased, without
from limner.agent.records import Brief, Thing
from limner.prompts.words import telling

__all__ = ["Repaired", "repair"]


_PASSES = 3  # what one repair makes room for, the next pass can mend


@dataclass(frozen=True, slots=True)
class Repaired:
    """A brief with what was lost put back, and which locks that were; `lost` could not be."""

    brief: Brief
    repaired: tuple[Lock, ...] = ()
    lost: tuple[Lock, ...] = ()


def repair(
    locks: Sequence[Lock], brief: Brief, domain: str = "", settled: Sequence[str] = ()
) -> Repaired:
    """Put back what the brief lost: the same words for the same brief, and no model asked.

    `settled` are names of things that stand for nothing else, as they were there before the turn.
    """
    mended, put_back = _cleared(locks, brief, domain), dict[Lock, None]()
    for _ in range(_PASSES):
        missing = lost(binding(locks, mended, domain), mended)
        put_back |= dict.fromkeys(missing)
        mended = _pass(missing, locks, mended, domain, settled)
    still = lost(binding(locks, mended, domain), mended)
    return Repaired(mended, tuple(lock for lock in put_back if lock not in still), still)


def _cleared(locks: Sequence[Lock], brief: Brief, domain: str) -> Brief:
    """The brief without what nobody asked for, where that takes the room of what somebody did.

    Numbers that nobody gave go first, then things; but none that may stand in for another.
    """
    for things in (_single(locks, brief), _asked(locks, brief)):
        short = [lock for lock in locks if lock.kind in ("thing", "count")]
        known = [lock for lock in short if named_by(domain, lock.thing)]
        if all(room(domain, brief, lock) >= _number(lock) for lock in known):
            break
        if things != brief.things:
            brief = replace(brief, things=things)
            brief = replace(brief, prompt=plain_prompt(brief))
    return brief


def _single(locks: Sequence[Lock], brief: Brief) -> tuple[Thing, ...]:
    counted = {lock.thing for lock in locks if lock.kind == "count"}
    return tuple(t if canonical(t.name) in counted else replace(t, count=1) for t in brief.things)


def _asked(locks: Sequence[Lock], brief: Brief) -> tuple[Thing, ...]:
    if any(word in brief.reply.lower() for word in telling().admits):
        return brief.things
    return tuple(t for t in brief.things if any(is_owner(t, k) for k in locks if k.thing))


def _number(lock: Lock) -> int:
    return int(lock.value) if lock.kind == "count" else 1


def _pass(
    missing: Sequence[Lock],
    locks: Sequence[Lock],
    brief: Brief,
    domain: str,
    settled: Sequence[str],
) -> Brief:
    for lock in missing:
        brief = _mended(lock, locks, brief, domain, settled)
    stubborn = any(lock.kind == "absent" for lock in lost(missing, brief))
    return replace(brief, prompt=plain_prompt(brief)) if stubborn and brief.things else brief


def _mended(
    lock: Lock, locks: Sequence[Lock], brief: Brief, domain: str, settled: Sequence[str]
) -> Brief:
    match lock.kind:
        case "absent":
            return _removed(lock, brief)
        case "text":
            return _added(brief, f'with the words "{lock.value}"')
        case "name":
            return _added(brief, lock.value)
        case "thing":
            return _wished(lock, brief, domain)
        case "size" | "place" | "relation" | "where" | "light" | "style":
            return staging(lock, brief, domain)
        case _:
            return _restored(lock, locks, brief, domain, settled)


def _removed(lock: Lock, brief: Brief) -> Brief:
    things = tuple(t for t in brief.things if canonical(t.name) != lock.value)
    if brief.things and not things:
        return brief  # a picture of nothing is no repair
    names = {thing.name for thing in brief.things} - {thing.name for thing in things}
    relations = tuple(r for r in brief.relations if not names & {r.thing, r.other})
    unwanted = canonical(lock.value) not in map(canonical, brief.avoid)
    avoid = (*brief.avoid, lock.value) if unwanted else brief.avoid
    prompt = brief.prompt
    if is_shown(prompt, lock.value):
        prompt = without(prompt, lock.value) or prompt
    return replace(brief, things=things, relations=relations, avoid=avoid, prompt=prompt)


def _restored(
    lock: Lock, locks: Sequence[Lock], brief: Brief, domain: str, settled: Sequence[str]
) -> Brief:
    known = named_by(domain, lock.thing)  # nothing else stands in for what the painter can show
    owner = _owner(lock, locks, brief, "" if known else domain, settled)
    if owner is None and known:
        return _with_known(lock, brief, domain)
    if owner is None:
        return _with_new(lock, brief) if lock.thing.isascii() and not domain else brief
    thing = brief.things[owner]
    count, colour = (int(lock.value), "") if lock.kind == "count" else (0, lock.value)
    mended = replace(thing, count=count or thing.count, colour=colour or thing.colour)
    things = tuple(mended if i == owner else t for i, t in enumerate(brief.things))
    told = replace(brief, things=things)
    if is_said(replace(lock, thing=canonical(thing.name)), told.prompt, stated(told.prompt)):
        return told
    return _said(told, thing.name, count, colour, mended.count)


def _said(brief: Brief, name: str, count: int, colour: str, number: int) -> Brief:
    prompt = rephrased(brief.prompt, name, count, colour)
    return replace(brief, prompt=prompt or f"{phrase(number, colour, name)}, {brief.prompt}")


def _owner(
    lock: Lock, locks: Sequence[Lock], brief: Brief, domain: str, settled: Sequence[str]
) -> int | None:
    """Which thing of the brief a lock is about: the named, else one that nobody named.

    In a domain the writer took the nearest to what was asked for, and that comes first.
    """
    named = [i for i, thing in enumerate(brief.things) if is_owner(thing, lock)]
    if named and lock.thing:
        return named[0]
    if not (domain or not lock.thing or not lock.thing.isascii()):
        return None
    claimed = {other.thing for other in locks if other.thing and other.thing != lock.thing}
    claimed |= set(settled)
    said = brief.request.lower().replace(lock.thing.lower(), "")
    kinds = [canonical(thing.name) for thing in brief.things]
    within = [i for i, name in enumerate(kinds) if mentioned(lock.thing, name)]
    free = [i for i, name in enumerate(kinds) if name not in claimed and not mentioned(said, name)]
    if within:
        return within[0]
    if not free or not (domain or len(free) == 1):
        return None
    strangers = dict.fromkeys(
        other.thing
        for other in locks
        if other.thing and not any(is_owner(t, other) for t in brief.things)
    )
    order = list(strangers).index(lock.thing) if lock.thing in strangers else 0
    return free[min(order, len(free) - 1)]  # stand-ins follow in the order of what was asked for


def _with_new(lock: Lock, brief: Brief) -> Brief:
    """A thing that the brief lacks: a number makes it one of its own, a colour is only said."""
    if not lock.thing:
        return brief
    if lock.kind == "colour":
        prompt = rephrased(brief.prompt, lock.thing, colour=lock.value)
        return replace(brief, prompt=prompt) if prompt else _added(brief, _words(lock))
    count = int(lock.value)
    things = (*brief.things, Thing(lock.thing, count)) if brief.things else ()
    told = replace(brief, things=things)
    if lock.words.isascii() and lock.words and not mentions(brief.prompt, lock.thing):
        return replace(told, prompt=f"{lock.words}, {brief.prompt}")
    return _said(told, lock.thing, count, "", count)


def _wished(lock: Lock, brief: Brief, domain: str) -> Brief:
    """A thing that was wished for in so many words, where the brief has it not by now."""
    if shows(brief.things, lock.thing):
        return brief
    things = (*brief.things, Thing(lock.thing)) if brief.things else ()
    told, words = replace(brief, things=things), phrase(1, "", lock.thing)
    if mentions(brief.prompt, lock.thing):
        return told
    return (
        replace(told, prompt=f"{words} and {brief.prompt}")
        if domain
        else _added(told, f"with {words}")
    )


def _with_known(lock: Lock, brief: Brief, domain: str) -> Brief:
    """A thing that the painter can show and the brief lacks, in the words of the domain."""
    count, colour = (int(lock.value), "") if lock.kind == "count" else (1, lock.value)
    if count > room(domain, brief, lock):
        return brief
    things = (*brief.things, Thing(lock.thing, count, colour)) if brief.things else ()
    prompt = f"{phrase(count, colour, lock.thing)} and {brief.prompt}"
    return replace(brief, things=things, prompt=prompt)


def _words(lock: Lock) -> str:
    """As it was said, where that was English; else in plain words."""
    return lock.words if lock.words and lock.words.isascii() else phrase(1, lock.value, lock.thing)


def _added(brief: Brief, words: str) -> Brief:
    return replace(brief, prompt=f"{brief.prompt.rstrip(' .,')}, {words}")
