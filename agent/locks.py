"""What somebody plainly stated: the numbers, colours, names, texts and negations of a request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from limner.agent import locks_chinese, locks_english
from limner.agent.nouns import canonical, colour_words, is_known, names
from limner.agent.reading import Finding
from limner.prompts import stated as table

__all__ = ["Kind", "Lock", "carried", "mentioned", "stated", "told"]

Kind = Literal["count", "colour", "absent", "text", "name"]

_QUOTED = re.compile(
    r'(?<![\w{:,\[])"([^"{}\[\]<>]{1,80})"(?![\w:])'
    r"|[“「『《]([^“”「」『』《》]{1,80})[”」』》]"
)
_NAME = re.compile(r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")
_ENGLISH = frozenset("a an the of with and my is".split())
_NO_NAMES = frozenset(
    "i ok hi hey please prompt nice english chinese christmas halloween easter".split()
)


@dataclass(frozen=True, slots=True)
class Lock:
    """One thing that was stated and that no rewrite may lose.

    `thing` is whose it is: its one English name where known, else the user's word, "" for the only
    thing there is, or for the picture. `value` is canonical: a number in digits (1..12), a plain
    English colour, the name of what must not be there; a text or a name as it was written.
    `words` stand in the request from `start` to `end` (characters; -1 where it is no longer that).
    """

    kind: Kind
    thing: str
    value: str
    words: str = ""
    start: int = -1
    end: int = -1

    @property
    def slot(self) -> tuple[str, str]:
        """What it is about; a later statement of the same slot takes its place."""
        several = self.kind in ("absent", "text", "name")
        return (self.kind, self.value if several else self.thing)


def stated(text: str) -> tuple[Lock, ...]:
    """What a request states, in the order of its words, by rule and without a model.

    Where a rule is in doubt there is no lock: a false one does more harm than a missed one. Of two
    statements on one slot the later holds.
    """
    found = [_lock("text", _inside(m), m.start(), m.end(), m[0]) for m in _quoted(text)]
    plain = _blanked(text, found)
    named = _names(plain)
    found += named
    plain = _blanked(plain, [name for name in named if " " in name.value])
    read = [*locks_english.read(plain), *locks_chinese.read(plain)]
    found += [Lock(*_of(finding), *_where(finding, text)) for finding in read]
    return _latest(sorted(found, key=lambda lock: lock.start))


def carried(earlier: Sequence[Lock], request: str, things: Sequence[str] = ()) -> tuple[Lock, ...]:
    """The locks after one more turn: those of before that it leaves alone, and its own.

    `things` are the names in the brief before; "make it blue" is about the only one. A turn that
    takes away, exchanges or adds releases what was stated about the things that it names; what
    was stated of a thing that the brief calls by no such name cannot be followed through a change.
    """
    own = tuple(_settled(lock, things) for lock in stated(request))
    taken = {lock.slot for lock in own} | {("absent", lock.thing) for lock in own if lock.thing}
    known = {canonical(name) for name in things}
    kept = [
        lock
        for lock in earlier
        if lock.slot not in taken
        and not (lock.thing and known and lock.thing not in known)
        and not _touched(lock, request, own)
    ]
    return _latest([*(replace(lock, start=-1, end=-1) for lock in kept), *own])


def told(lock: Lock) -> str:
    """The lock in a few words for people: `2 cat`, `red cat`, `no dog`, `"Open"`."""
    match lock.kind:
        case "absent":
            return f"no {lock.value}"
        case "text":
            return f'"{lock.value}"'
        case _:
            return f"{lock.value} {lock.thing}".strip()


def mentioned(said: str, thing: str) -> bool:
    """Whether a text in lower case names a thing, in English or Chinese."""
    return any(_has(said, word) for word, name in names().items() if name == thing) or (
        _has(said, thing)
    )


def _latest(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    newest: dict[tuple[str, str], Lock] = {}
    for lock in locks:
        newest.pop(lock.slot, None)
        newest[lock.slot] = lock
    return tuple(newest.values())


def _settled(lock: Lock, things: Sequence[str]) -> Lock:
    alone = not lock.thing and lock.kind in ("count", "colour") and len(things) == 1
    return replace(lock, thing=things[0]) if alone else lock


def _touched(lock: Lock, request: str, own: Sequence[Lock]) -> bool:
    """Whether a turn may have changed what an earlier lock says."""
    said = request.lower()
    if lock.kind == "absent":
        return mentioned(said, lock.value) and all(lock.slot != other.slot for other in own)
    if lock.kind in ("text", "name"):
        return _says(said, table().exchanges.split(", "))
    named = mentioned(said, lock.thing) or any(p in said.split() for p in table().pronouns)
    if _says(said, table().exchanges.split(", ")) and (named or not _names_any(said)):
        return True
    if any(other.kind == lock.kind and not is_known(other.thing) for other in own):
        return True  # it may well be about this thing
    if lock.kind == "count":
        return named and (_says(said, table().more) or any(c.isdecimal() for c in said))
    rest = _blanked(said, [other for other in own if other.kind == "colour" and other.thing])
    return _says(said, table().colouring) or (named and _says(rest, colour_words()))


def _names_any(said: str) -> bool:
    return any(_has(said, word) for word in names())


def _says(said: str, words: Iterable[str]) -> bool:
    return any(_has(said, word.strip()) for word in words)


def _has(said: str, word: str) -> bool:
    if not word.isascii():
        return word in said
    return bool(word) and re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", said) is not None


def _quoted(text: str) -> list[re.Match[str]]:
    return [m for m in _QUOTED.finditer(text) if any(c.isalnum() for c in _inside(m))]


def _inside(found: re.Match[str]) -> str:
    return (found[1] or found[2] or "").strip()


def _names(text: str) -> list[Lock]:
    """Proper names: capitals within a sentence, where not every other word has one."""
    words = re.findall(r"[A-Za-z][\w'’-]*", text)
    english = _ENGLISH & {word.lower() for word in words}
    if not english or sum(word[0].isupper() for word in words) * 2 > len(words) + 2:
        return []  # other languages have other capitals
    return [
        _lock("name", m[0], m.start(), m.end(), m[0])
        for m in _NAME.finditer(text)
        if re.search(r"[\w,] $", text[: m.start()])
        and m[0].lower().split("'")[0] not in _NO_NAMES
        and not m[0].isupper()
        and len(m[0]) > 2
    ]


def _lock(kind: Kind, value: str, start: int, end: int, words: str) -> Lock:
    return Lock(kind, "", value, words, start, end)


def _blanked(text: str, locks: Iterable[Lock]) -> str:
    for lock in locks:
        text = text[: lock.start] + "\n" * (lock.end - lock.start) + text[lock.end :]
    return text


def _of(finding: Finding) -> tuple[Kind, str, str]:
    return finding.kind, finding.thing, finding.value


def _where(finding: Finding, text: str) -> tuple[str, int, int]:
    return text[finding.start : finding.end], finding.start, finding.end
