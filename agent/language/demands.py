"""What a request demands of its picture, and what of that still holds after one more turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from limner.agent.language.locks import (
    SETTING,
    Lock,
    blanked,
    has_word,
    latest,
    mentioned,
    staged,
    stated,
)
from limner.agent.language.nouns import canonical, colour_words, is_known, listed, names
from limner.agent.language.wanted import wanted
from limner.prompts import stated as table

__all__ = ["carried", "demanded"]

_PLACED = ("place", "relation")  # what is somewhere has to be there


def demanded(request: str) -> tuple[Lock, ...]:
    """All that a request says plainly: things, numbers, colours, places, the setting, what not.

    By rule and without a model; what is in doubt is not among it.
    """
    said = stated(request)
    plain = blanked(request, [lock for lock in said if lock.kind == "text"])
    scene = staged(request)
    placed = [name for lock in scene if lock.kind in _PLACED for name in sorted(lock.owners)]
    names_ = dict.fromkeys((*wanted(plain), *placed))
    return (*said, *(Lock("thing", name, name) for name in names_), *scene)


def carried(earlier: Sequence[Lock], request: str, things: Sequence[str] = ()) -> tuple[Lock, ...]:
    """The locks after one more turn: those of before that it leaves alone, and its own.

    `things` are the names in the brief before; "make it blue" is about the only one. A turn that
    takes away, exchanges or adds releases what was stated about the things that it names; what
    was stated of a thing that the brief calls by no such name cannot be followed through a change.
    """
    own = tuple(_settled(lock, things) for lock in demanded(request))
    taken = {lock.slot for lock in own} | {("absent", lock.thing) for lock in own if lock.thing}
    gone = {lock.value for lock in own if lock.kind == "absent"}
    known = {canonical(name) for name in things}
    kept = [
        lock
        for lock in earlier
        if lock.slot not in taken
        and not gone & lock.owners
        and not (lock.thing and known and not lock.owners <= known)
        and not _touched(lock, request, own)
    ]
    return latest([*(replace(lock, start=-1, end=-1) for lock in kept), *own])


def _settled(lock: Lock, things: Sequence[str]) -> Lock:
    alone = not lock.thing and lock.kind in ("count", "colour") and len(things) == 1
    return replace(lock, thing=things[0]) if alone else lock


def _touched(lock: Lock, request: str, own: Sequence[Lock]) -> bool:
    """Whether a turn may have changed what an earlier lock says."""
    said = request.lower()
    exchanged = _says(said, table().exchanges.split(", "))
    if lock.kind in SETTING:
        return True  # a turn may name another setting in words that no table has
    if lock.kind == "absent":
        return mentioned(said, lock.value) and all(lock.slot != other.slot for other in own)
    if lock.kind in ("text", "name"):
        return exchanged
    named = mentioned(said, lock.thing) or any(p in said.split() for p in table().pronouns)
    if exchanged and (named or not _names_any(said)):
        return True
    return _restated(lock, said, named, own)


def _restated(lock: Lock, said: str, named: bool, own: Sequence[Lock]) -> bool:
    """Whether a turn says something else of what a lock says of its thing."""
    match lock.kind:
        case "thing":
            return _says(said, table().alone) and not mentioned(said, lock.thing)
        case "size":
            return named and _says(said, (*table().sizing, *_sizes()))
        case "place" | "relation":
            return _says(said, table().moving)
    if any(other.kind == lock.kind and not is_known(other.thing) for other in own):
        return True  # it may well be about this thing
    if lock.kind == "count":
        return named and (_says(said, table().more) or any(c.isdecimal() for c in said))
    rest = blanked(said, [other for other in own if other.kind == "colour" and other.thing])
    return _says(said, table().colouring) or (named and _says(rest, colour_words()))


def _sizes() -> tuple[str, ...]:
    return listed(", ".join(table().sizes.values()).replace("/", ","))


def _names_any(said: str) -> bool:
    return any(has_word(said, word) for word in names())


def _says(said: str, words: Iterable[str]) -> bool:
    return any(has_word(said, word.strip()) for word in words)
