"""Reads out of a Chinese request where its things are, and where and when it all takes place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from limner.agent.language.locks_chinese import denied
from limner.agent.language.nouns import colour_of, colour_words, listed, names
from limner.agent.language.reading import Finding
from limner.prompts import stated

__all__ = ["read"]

_AT = "(?:正在|正|都)?(?:放在|坐在|站在|躺在|趴在|睡在|在|放)(?:画面|图片|图)?的?"
_THERE = "(?:是|有|放着|坐着|站着|躺着)"


def read(text: str) -> list[Finding]:
    """What the text says of places, relations and the setting; the rest is passed over."""
    found = [*_sizes(text), *_relations(text), *_places(text), *_settings(text)]
    return [finding for finding in found if not denied(text, finding.start)]


def _relations(text: str) -> Iterator[Finding]:
    """`猫在树的左边`, `猫在树下`, `树的左边有一只猫`."""
    for found in (*_standing().finditer(text), *_beside().finditer(text)):
        thing, other = names()[found["thing"]], names()[found["other"]]
        if thing != other:
            value = f"{_hows()[found['how']]} {other}"
            yield Finding("relation", thing, value, *found.span())


def _places(text: str) -> Iterator[Finding]:
    """`左边有一只猫`, `猫在右边`: of no other thing."""
    for found in (*_holding().finditer(text), *_placed().finditer(text)):
        value = _sides()[found["side"]]
        yield Finding("place", names()[found["thing"]], value, *found.span())


def _sizes(text: str) -> Iterator[Finding]:
    """`袖珍的好奇的小兔`."""
    for found in _sized().finditer(text):
        yield Finding("size", names()[found["thing"]], _large()[found["size"]], *found.span())


def _settings(text: str) -> Iterator[Finding]:
    for kind, values in stated().scenes.items():
        for value, words in values.items():
            for found in re.finditer(_any(listed(words.partition("/")[2])) + "(?!好)", text):
                yield Finding(kind, "", value, *found.span())  # type: ignore[arg-type]
    for found in _backdrop().finditer(text):
        colour = colour_of(found["before"] or found["after"])
        yield Finding("light", "", f"plain {colour}", *found.span())


@cache
def _standing() -> re.Pattern[str]:
    return re.compile(f"{_thing('thing')}{_AT}{_looks()}{_thing('other')}的?{_any(_hows(), 'how')}")


@cache
def _beside() -> re.Pattern[str]:
    how = _any(_hows(), "how")
    return re.compile(f"{_thing('other')}的?{how}{_THERE}{_looks()}{_thing('thing')}")


@cache
def _holding() -> re.Pattern[str]:
    side = _any(_sides(), "side")
    before = r"(?:^|[，。、；！,.\s]|画面|图片|图|画|在|看)的?"
    return re.compile(f"{before}{side}{_THERE}{_looks()}{_thing('thing')}")


@cache
def _placed() -> re.Pattern[str]:
    return re.compile(f"{_thing('thing')}{_AT}{_any(_sides(), 'side')}(?![有是的])")


@cache
def _sized() -> re.Pattern[str]:
    return re.compile(f"{_any(_large(), 'size')}{_looks()}{_thing('thing')}")


@cache
def _large() -> dict[str, str]:
    return _chinese(stated().sizes)


@cache
def _backdrop() -> re.Pattern[str]:
    colours = "|".join(sorted(_colours(), key=len, reverse=True))
    ground = "|".join(word for word in stated().backdrops if not word.isascii())
    return re.compile(
        f"(?P<before>{colours})色?的?(?:{ground})|背景(?:颜色)?(?:是|为|用|要)(?P<after>{colours})色?"
    )


@cache
def _looks() -> str:
    """What may stand before a name: a number, a few words with 的, a colour."""
    number = f"(?:[{''.join(stated().digits)}0-9几]{{1,2}}[{stated().measures}])?"
    return (
        f"{number}(?:[^，。、；！？\\s的]{{0,6}}的){{0,3}}(?:(?:{'|'.join(_colours())})色?)?[大小]?"
    )


def _thing(group: str) -> str:
    return _any((word for word in names() if not word.isascii()), group)


def _any(words: Iterable[str], group: str = "") -> str:
    """A pattern for any of the words, the longer first."""
    found = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return f"(?P<{group}>{found})" if group else f"(?:{found})"


@cache
def _colours() -> list[str]:
    return sorted((word for word in colour_words() if not word.isascii()), key=len, reverse=True)


@cache
def _hows() -> dict[str, str]:
    return _chinese(stated().hows)


@cache
def _sides() -> dict[str, str]:
    return _chinese(stated().sides)


def _chinese(table: dict[str, str]) -> dict[str, str]:
    return {word: value for value, row in table.items() for word in listed(row.partition("/")[2])}
