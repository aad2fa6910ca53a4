"""Which things a request names as wished for, by rule, and which of them a brief leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from limner.agent.language.locks import stated
from limner.agent.language.nouns import canonical, is_known, names
from limner.agent.language.reading import Token, acts, ends, tokens, words_at
from limner.agent.language.wording import mentions
from limner.agent.records import Brief
from limner.prompts import stated as table

__all__ = ["left_out", "wanted"]

_NEW = frozenset("a an another some several one more".split())
_NO_WISH = frozenset("like as than by into".split())
_NO_PICTURE = frozenset(("people", "animal", "text", "shadow", "eye", "child"))
_LONGEST = 4  # words of a name


def wanted(request: str) -> tuple[str, ...]:
    """The canonical names of the things that a request wishes for in so many words.

    Only what is known by name and is spoken of as something new counts: "a dog", "two cats",
    "一只猫", and neither "the dog" nor "no dogs". A missed one does less harm than a false one.
    """
    absent = {lock.value for lock in stated(request) if lock.kind == "absent"}
    found = dict.fromkeys([*_english(request), *_chinese(request)])
    return tuple(name for name in found if name not in absent and name not in _NO_PICTURE)


def left_out(brief: Brief) -> tuple[str, ...]:
    """What the brief's own request wishes for, and neither its things nor its prompt have."""
    shown = {canonical(thing.name) for thing in brief.things}
    shown |= {name.split(" ")[-1] for name in shown}
    avoided = {canonical(name) for name in brief.avoid}
    prompt = brief.prompt if brief.prompt != brief.request else ""
    return tuple(
        name
        for name in wanted(brief.request)
        if name not in shown | avoided
        and not mentions(prompt, name)
        and (brief.things or prompt)  # the request itself may be all there is
    )


def _english(request: str) -> Iterator[str]:
    found, at = tokens(request), 0
    while at < len(found):
        size = _size(found, at)
        if size and _is_whole(found, at + size) and _is_new(found, at):
            yield canonical(words_at(found, at, size))
        at += size or 1


def _size(found: list[Token], at: int) -> int:
    """How many words from there on are a known name; 0 for none."""
    most = min(_LONGEST, len(found) - at)
    sizes = range(most, 0, -1)
    return next((n for n in sizes if words_at(found, at, n) in names()), 0)


def _is_whole(found: list[Token], end: int) -> bool:
    """Whether no other noun follows: "apple tree" is no apple."""
    word = found[end].word if end < len(found) else "."
    return ends(word) or acts(word) or (word.endswith(("s", "ed")) and not is_known(word))


def _is_new(found: list[Token], at: int) -> bool:
    """Whether a word for something new stands before, with nothing but looks between."""
    start = at
    while start > 0 and at - start < 4 and not ends(found[start - 1].word):
        start -= 1
    before = found[start - 1].word if start else ""
    earlier = found[start - 2].word if start > 1 else ""
    if earlier in _NO_WISH:
        return False
    return before in _NEW or before in table().numbers or before.isdecimal()


def _chinese(request: str) -> Iterator[str]:
    for clause in re.split(r"[，。、！？；,.!?;\s]", request):
        if clause and not any(word in clause for word in table().negations_chinese):
            yield from (_names()[found[1]] for found in _pattern().finditer(clause))


@cache
def _names() -> dict[str, str]:
    return {word: name for word, name in names().items() if not word.isascii()}


@cache
def _pattern() -> re.Pattern[str]:
    """A number, a measure word, at most a few looks, and a name, the longest that fits."""
    words = "|".join(map(re.escape, sorted(_names(), key=len, reverse=True)))
    numbers = "".join(table().digits) + r"0-9几"
    gap = r"(?:[^的]{0,6}的)?(?:[大小红橙黄绿蓝紫粉棕黑白灰]色?)?"
    return re.compile(rf"[{numbers}]{{1,2}}[{table().measures}些]{gap}({words})(?![车子鱼头])")
