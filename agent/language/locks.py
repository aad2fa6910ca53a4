"""What somebody plainly stated: the numbers, colours, names, texts and negations of a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from limner.agent.language import locks_chinese, locks_english, scene_chinese, scene_english
from limner.agent.language.nouns import names
from limner.agent.language.reading import Finding
from limner.prompts import claims

__all__ = [
    "SETTING",
    "Kind",
    "Lock",
    "blanked",
    "has_word",
    "latest",
    "mentioned",
    "scene",
    "staged",
    "stated",
    "told",
]

Kind = Literal[
    "count", "colour", "absent", "text", "name",
    "thing", "size", "place", "relation", "where", "light", "style",
]  # fmt: skip
_HOWS = ("left of", "above", "beside")
SETTING: tuple[Kind, ...] = ("where", "light", "style")

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
    English colour, the name of what must not be there; a text or a name as it was written; a side
    of the picture, "left of dog" or "above dog" (any relation can be told so), a value of a scene.
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
        if self.kind == "relation":
            return (self.kind, " ".join(sorted((self.thing, self.other))))
        several = self.kind in ("absent", "text", "name")
        return (self.kind, self.value if several else self.thing)

    @property
    def other(self) -> str:
        """The thing on the other side of a relation; "" for any other lock."""
        how = next((h for h in _HOWS if self.value.startswith(f"{h} ")), "")
        return self.value.removeprefix(f"{how} ") if self.kind == "relation" else ""

    @property
    def owners(self) -> frozenset[str]:
        """The things that it is about."""
        return frozenset(filter(None, (self.thing, self.other)))


def stated(text: str) -> tuple[Lock, ...]:
    """What a request states, in the order of its words, by rule and without a model.

    Where a rule is in doubt there is no lock: a false one does more harm than a missed one. Of two
    statements on one slot the later holds.
    """
    found = [_lock("text", _inside(m), m.start(), m.end(), m[0]) for m in _quoted(text)]
    plain = blanked(text, found)
    named = _names(plain)
    found += named
    plain = blanked(plain, [name for name in named if " " in name.value])
    read = [*locks_english.read(plain), *locks_chinese.read(plain)]
    found += [Lock(*_of(finding), *_where(finding, text)) for finding in read]
    return latest(sorted(found, key=lambda lock: lock.start))


def staged(text: str) -> tuple[Lock, ...]:
    """What a text says of where its things are, and of where and when it all takes place.

    As for `stated`, where a rule is in doubt there is no lock.
    """
    return latest(scene(text))


def scene(text: str) -> list[Lock]:
    """The same with all that it says, in the order of its words, though it be at odds."""
    unwanted = [lock for lock in stated(text) if lock.kind in ("absent", "text")]
    plain = blanked(text, unwanted)
    read = [*scene_english.read(plain), *scene_chinese.read(plain)]
    found = [_turned(Lock(*_of(finding), *_where(finding, text))) for finding in read]
    return sorted(found, key=lambda lock: lock.start)


def told(lock: Lock) -> str:
    """The lock in a few words for people: `2 cat`, `red cat`, `no dog`, `"Open"`."""
    match lock.kind:
        case "absent":
            return f"no {lock.value}"
        case "text":
            return f'"{lock.value}"'
        case "thing" | "where" | "light" | "style":
            return lock.value
        case "place":
            return f"{lock.thing} {claims().places[lock.value]}"
        case "relation":
            return f"{lock.thing} {lock.value}"
        case _:
            return f"{lock.value} {lock.thing}".strip()


def mentioned(said: str, thing: str) -> bool:
    """Whether a text in lower case names a thing, in English or Chinese."""
    return any(has_word(said, word) for word, name in names().items() if name == thing) or (
        has_word(said, thing)
    )


def latest(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    """The locks without those of which a later one says otherwise."""
    newest: dict[tuple[str, str], Lock] = {}
    for lock in locks:
        newest.pop(lock.slot, None)
        newest[lock.slot] = lock
    return tuple(newest.values())


def has_word(said: str, word: str) -> bool:
    """Whether a text in lower case has a word, an English one whole."""
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


def blanked(text: str, locks: Iterable[Lock]) -> str:
    """The text with nothing where these locks were read, and all else in its place."""
    for lock in locks:
        text = text[: lock.start] + "\n" * (lock.end - lock.start) + text[lock.end :]
    return text


def _turned(lock: Lock) -> Lock:
    """A relation told from the one side: what is right of a dog has the dog left of it."""
    for how, other in (("right of ", "left of "), ("below ", "above ")):
        if lock.kind == "relation" and lock.value.startswith(how):
            thing = lock.value.removeprefix(how)
            return replace(lock, thing=thing, value=f"{other}{lock.thing}")
    return lock


def _of(finding: Finding) -> tuple[Kind, str, str]:
    return finding.kind, finding.thing, finding.value


def _where(finding: Finding, text: str) -> tuple[str, int, int]:
    return text[finding.start : finding.end], finding.start, finding.end
