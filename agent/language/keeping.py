"""Whether a brief, its things and its prompt, still keeps what was stated."""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.agent.language.locks import Lock, stated
from limner.agent.language.nouns import canonical, colour_of, colour_words, is_known
from limner.agent.language.reading import ends, tokens
from limner.agent.language.staging import SCENE, is_staged, shows
from limner.agent.language.wording import mentions
from limner.agent.records import Brief, Thing
from limner.prompts import stated as table

__all__ = ["binding", "is_owner", "is_said", "is_shown", "lost", "named_by", "room"]


def lost(locks: Sequence[Lock], brief: Brief) -> tuple[Lock, ...]:
    """The locks that the brief no longer keeps, in its things or in its prompt.

    A lock whose thing is not among the brief's is checked by its value alone. A brief without any
    things is checked by its prompt.
    """
    said = stated(brief.prompt)
    return tuple(lock for lock in locks if not _keeps(brief, lock, said))


def _keeps(brief: Brief, lock: Lock, said: Sequence[Lock]) -> bool:
    if lock.kind == "thing":
        return _has(brief, lock.thing)
    if lock.kind in SCENE:
        return is_staged(lock, brief)
    several = lock.kind == "count" and sum(is_owner(t, lock) for t in brief.things) > 1
    return _structured(lock, brief) and (several or is_said(lock, brief.prompt, said))


def _has(brief: Brief, name: str) -> bool:
    """Whether a brief shows a thing, or one that nobody named and that may well be it."""
    if not brief.things:
        return bool(mentions(brief.prompt, name)) or brief.prompt == brief.request
    said = brief.request.lower()
    return shows(brief.things, name) or any(
        not is_known(thing.name) and thing.name.lower() not in said for thing in brief.things
    )


def binding(locks: Sequence[Lock], brief: Brief, domain: str) -> tuple[Lock, ...]:
    """The locks that a painter of that domain could keep; nearly all of them where none is told.

    What a domain does not name, its painter shows in no picture: the writer takes the nearest and
    says so, and what is not wanted is not there anyway.
    """
    return tuple(
        lock
        for lock in locks
        if _has_owners(lock, brief) and (not domain or _possible(lock, brief, domain))
    )


def named_by(domain: str, words: str) -> bool:
    """Whether a domain names a thing, a colour or whatever else the words are."""
    return bool(words) and _words(words) <= _words(domain)


def room(domain: str, brief: Brief, lock: Lock) -> int:
    """How many more things a painter of that domain can show, besides those of the lock."""
    most = max((int(word) for word in _words(domain) if word.isdecimal()), default=0)
    others = sum(thing.count for thing in brief.things if not is_owner(thing, lock))
    return (most - others) if most else 100


def _has_owners(lock: Lock, brief: Brief) -> bool:
    """Whether the brief has what is to be placed somewhere."""
    placed = lock.kind in ("size", "place", "relation")
    return not placed or all(shows(brief.things, name) for name in lock.owners)


def _possible(lock: Lock, brief: Brief, domain: str) -> bool:
    if lock.kind in ("size", "place", "relation"):
        return True
    if lock.kind == "thing" and not shows(brief.things, lock.thing):
        return named_by(domain, lock.value) and room(domain, brief, lock) > 0
    if lock.kind == "count":
        return int(lock.value) <= room(domain, brief, lock)
    missing = not any(is_owner(thing, lock) for thing in brief.things)
    if lock.kind == "colour" and missing and named_by(domain, lock.thing):
        return room(domain, brief, lock) > 0 and named_by(domain, lock.value)
    return named_by(domain, lock.value)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _structured(lock: Lock, brief: Brief) -> bool:
    if lock.kind == "absent":
        unwanted = {canonical(name) for name in brief.avoid}
        shown = {canonical(thing.name) for thing in brief.things}
        return lock.value in unwanted and lock.value not in shown
    if lock.kind in ("text", "name") or not brief.things:
        return True
    owners = [thing for thing in brief.things if is_owner(thing, lock)]
    if not owners:
        return any(_holds(lock, thing) for thing in brief.things) or _only_said(lock, brief.prompt)
    if lock.kind == "count" and sum(thing.count for thing in owners) == int(lock.value):
        return True
    return any(_holds(lock, thing) for thing in owners)


def _holds(lock: Lock, thing: Thing) -> bool:
    """Whether a thing has the number or colour of a lock."""
    if lock.kind == "count":
        return thing.count == int(lock.value)
    return colour_of(thing.colour) == lock.value


def is_owner(thing: Thing, lock: Lock) -> bool:
    """Whether a thing is the one that a lock is about."""
    names = canonical(thing.name), canonical(thing.name.split(" ")[-1])
    return not lock.thing or lock.thing in names


def _only_said(lock: Lock, prompt: str) -> bool:
    """Whether the prompt has a part of a thing as stated: `blue eyes` are no thing of a brief."""
    if lock.words and lock.words.lower() in prompt.lower():
        return True
    return any(other.slot == lock.slot and other.value == lock.value for other in stated(prompt))


def is_said(lock: Lock, prompt: str, said: Sequence[Lock]) -> bool:
    """Whether a prompt keeps a lock; `said` is what the prompt itself states."""
    lower = prompt.lower()
    if lock.kind in ("text", "name"):
        return lock.value.lower() in lower
    if lock.kind == "absent":
        denied = any(other.slot == lock.slot for other in said)
        return denied or not is_shown(prompt, lock.value)
    if lock.words and lock.words.lower() in lower:
        return True
    same = [other for other in said if other.slot == lock.slot and lock.thing]
    if same:
        return any(other.value == lock.value for other in same)
    if lock.kind == "colour":
        return any(colour_words()[w] == lock.value for w in _colours_in(lower))
    return _counted(lock, prompt)


def is_shown(prompt: str, name: str) -> bool:
    """Whether a prompt shows a thing: not where its name only describes another (`apple tree`)."""
    found = tokens(prompt)
    return any(end >= len(found) or _follows(found[end].word) for _, end in mentions(prompt, name))


def _follows(word: str) -> bool:
    """Whether a word can follow the whole name of a thing: what it does, or a small word."""
    return ends(word) or (word.endswith(("ing", "s", "ed")) and not is_known(word))


def _colours_in(prompt: str) -> list[str]:
    return [w for w in colour_words() if re.search(rf"(?<![a-z]){re.escape(w)}(?![a-z])", prompt)]


def _counted(lock: Lock, prompt: str) -> bool:
    """Whether a prompt has the number at all; of one, whether nothing speaks against it."""
    if lock.value == "1":
        return True
    words = {word for word, value in table().numbers.items() if str(value) == lock.value}
    said = prompt.lower()
    return any(re.search(rf"\b{word}\b", said) for word in {*words, lock.value})
