"""Finds the answer in what a language model writes, and forgives the usual slips in its JSON.

Models think aloud before they answer, wrap the answer in prose, fences, a list or a tool call,
forget a quote or a comma, or stop in the middle. What can be understood is read; what is cut off
keeps its whole parts. One pass over the text, so that long nonsense costs little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from limner.agent.plain import one_line

__all__ = [
    "LONGEST",
    "read_object",
    "read_reply",
    "why_unreadable",
]


LONGEST = 100_000
"""Characters of a reply that are read."""

_DEEPEST = 32  # objects and lists within one another
_MOST = 200  # objects of a reply that are tried
_INNER = 2  # levels of JSON written as text within JSON

_TAGS = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis)"
_OPENED = re.compile(rf"<{_TAGS}>|\[THINK\]|<\|channel\|?>\s*(?:analysis|thought)", re.I)
_CLOSED = re.compile(rf"</{_TAGS}>|\[/THINK\]|<\|channel\|>\s*final|<channel\|>", re.I)

T = TypeVar("T", bound=BaseModel)


def read_reply(text: str, wanted: type[T]) -> T | None:
    """The answer in a model's reply; None where there is none. Never raises.

    What comes after the model's reasoning wins over what comes within it. Of several objects that
    fit, the one with the most of the wanted keys is taken, and of equal ones the last.
    """
    text = text[:LONGEST]
    whole = _strict(text)
    if whole is not None:
        return _best([whole], wanted)
    closed = [*_CLOSED.finditer(text)]
    if closed and (found := _best(_loose(text[closed[-1].end() :]), wanted)):
        return found
    found = _best(_loose(text), wanted, last=bool(_OPENED.search(text)))
    return found or _best(_embedded(text), wanted)


def read_object(text: str) -> dict[str, Any]:
    """The first object in a text, read as leniently; {} where there is none."""
    found = _strict(text[:LONGEST])
    text = found if isinstance(found, str) else text  # JSON written as text
    return found if isinstance(found, dict) else next(_Lenient(text[:LONGEST]).read(), {})


def why_unreadable(text: str) -> str:
    """Why a reply has no answer, to follow "The writer": "said nothing", "was cut off"."""
    text = text[:LONGEST]
    closed = [*_CLOSED.finditer(text)]
    after = text[closed[-1].end() :] if closed else text
    if not text.strip():
        return "said nothing"
    if not after.strip() or (not closed and _OPENED.search(text) and "{" not in text):
        return "thought, and gave no answer"
    if "{" not in after:
        return "answered without JSON"
    found = _Lenient(after)
    keys = dict.fromkeys(key for one in found.read() for key in one)
    if found.cut:
        return "was cut off"
    said = ", ".join(f'"{one_line(key, 40)}"' for key in [*keys][:5])
    return f"answered without the keys that were asked for, with {said or 'none'}"


def _best(data: list[Any], wanted: type[T], last: bool = False) -> T | None:
    """The object that fits best. With `last`, the last that fits: those before are thoughts."""
    best: T | None = None
    for read in _fitting(data, wanted, [_MOST], 0):
        keys = len(read.model_fields_set)
        if last or best is None or keys >= len(best.model_fields_set):
            best = read
    return best


def _fitting(value: Any, wanted: type[T], left: list[int], level: int) -> Iterator[T]:
    """The objects in a value that fit, from the outside in: what is within one that fits is its.

    JSON written as text, as in the arguments of a tool call, is read as well. `left` is how many
    objects may still be tried.
    """
    if isinstance(value, str) and level < _INNER and value.lstrip()[:1] in ("{", "["):
        inner = _strict(value)
        found = [inner] if inner is not None else _loose(value)
        yield from _fitting(found, wanted, left, level + 1)
    if isinstance(value, dict):
        if (read := _valid(value, wanted, left)) is not None:
            yield read
            return
        value = [*value.values()]
    if isinstance(value, list):
        for one in value:
            yield from _fitting(one, wanted, left, level)


def _valid(data: dict[str, Any], wanted: type[T], left: list[int]) -> T | None:
    """The object as the wanted answer; None where it has none of its keys."""
    if left[0] <= 0:
        return None
    left[0] -= 1
    try:
        read = wanted.model_validate(data)
    except (ValidationError, RecursionError):
        return None
    return read if read.model_fields_set else None


def _strict(text: str) -> Any:
    """The value of a text that is sound JSON; None for any other, and for one that is too deep."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if _shallow(value) else None


def _shallow(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inner = [list(one.values()) if isinstance(one, dict) else one for one in level]
        level = [each for one in inner if isinstance(one, list) for each in one]
    return not level


def _loose(text: str) -> list[Any]:
    return [*_Lenient(text).read()]


def _embedded(text: str) -> list[Any]:
    """The sound objects in a text, for when an unclosed quote before them swallowed them."""
    found: list[Any] = []
    start = text.find("{")
    for _ in range(_MOST):
        if start < 0:
            break
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            found += [value] if _shallow(value) else []
        start = text.find("{", end)
    return found


_SPACE = re.compile(r"(?:\s+|//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z))+", re.S)
_CLOSERS = {'"': '"', "'": "'", "`": "`", "“": "”“", "”": "”", "„": "“”", "‘": "’‘", "’": "’"}
_STOPS = {mark: re.compile(rf"[{ends}\\]") for mark, ends in _CLOSERS.items()}
_BARE_KEY = re.compile(r"[^\W\d][\w .-]{0,60}")
_BARE_VALUE = re.compile(r"[^,，}\]\n]*")
_NUMBER = re.compile(
    r"[-+]?\d{1,15}(?:\.\d{1,15})?(?:[eE][-+]?\d{1,2})?(?=\s*(?:[,，}\]/#]|\s|\Z))"
)
_LAST_WORD = re.compile(r"(?<=[\s.!?。])[^\s.!?。]{1,40}\Z")  # of a text that was cut off
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_WORDS = {"true": True, "false": False, "null": None, "none": None, "undefined": None}


class _Lenient:
    """Reads the objects in a text, one after another. `cut` says that the text ended within one.

    Where an object can't go on, it ends with what it has, and reading goes on behind it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.cut = False
        self.broken = False

    def read(self) -> Iterator[dict[str, Any]]:
        """The outermost objects of the text."""
        while (start := self.text.find("{", self.at)) >= 0:
            self.at, self.broken = start, False
            yield self._object(0)

    @property
    def _over(self) -> bool:
        """True when nothing more can be read of what is open."""
        if self.at >= len(self.text):
            self.cut = True
        return self.cut or self.broken

    def _skip(self, also: str = "") -> str:
        """Goes past white space, comments and these signs; the next sign, or "" at the end."""
        while True:
            if found := _SPACE.match(self.text, self.at):
                self.at = found.end()
            if self._over or self.text[self.at] not in also:
                return "" if self._over else self.text[self.at]
            self.at += 1

    def _object(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        self.at += 1
        while (sign := self._skip(",，;")) not in ("}", "]", ""):
            key = self._key(sign)
            if not self._colon():
                break
            value = self._value(depth)
            if self._over and not isinstance(value, str | dict | list):
                break  # a number may have gone on
            made[key] = value
        if not self._over and sign == "}":
            self.at += 1
        return made

    def _colon(self) -> bool:
        sign = self._skip()
        if sign and sign in ":：=":
            self.at += 2 if self.text.startswith("=>", self.at) else 1
            return True
        self.broken = True
        return False

    def _list(self, depth: int) -> list[Any]:
        made: list[Any] = []
        self.at += 1
        while (sign := self._skip(",，;")) not in ("]", ""):
            if sign == "}":
                return made  # the list was never closed, the object around it is
            start, value = self.at, self._value(depth, ",，}]:：")
            if self._skip() in (":", "："):
                self.at = start  # the list was never closed, this is the next key
                return made
            if self._over:
                return made  # whole items only
            if value != "..." and not self.broken:
                made.append(value)
        if not self._over:
            self.at += 1
        return made

    def _value(self, depth: int, follows: str = ",，}]") -> Any:
        sign = self._skip()
        if sign in ("{", "["):
            if depth >= _DEEPEST:
                self.broken = True
                return None
            return self._object(depth + 1) if sign == "{" else self._list(depth + 1)
        if sign in _STOPS:
            return self._string(sign, follows)
        return self._bare()

    def _bare(self) -> Any:
        """A number, a word such as True, or text without quotes, up to where a value ends."""
        found = _NUMBER.match(self.text, self.at)
        if found:
            self.at = found.end()
            number = float(found[0])
            return int(number) if number.is_integer() else number
        match = _BARE_VALUE.match(self.text, self.at)
        said = match[0] if match else ""
        for mark in ("//", "/*", " #"):
            said = said.partition(mark)[0]
        self.at += len(said)
        return _WORDS.get(said.strip().casefold(), said.strip())

    def _key(self, sign: str) -> str:
        if sign in _STOPS:
            return self._string(sign, ":：=")
        found = _BARE_KEY.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0].strip() if found else ""

    def _string(self, mark: str, follows: str) -> str:
        """Text in quotes: it ends at a quote behind which something else can go on."""
        stops, parts = _STOPS[mark], list[str]()
        self.at += 1
        while found := stops.search(self.text, self.at):
            parts.append(self.text[self.at : found.start()])
            self.at = found.end()
            if found[0] == "\\":
                parts.append(self._escaped())
            elif self._ends(follows):
                return "".join(parts)
            else:
                parts.append(found[0])
        parts.append(self.text[self.at :])
        self.at, self.cut = len(self.text), True
        return _LAST_WORD.sub("", "".join(parts))

    def _ends(self, follows: str) -> bool:
        found = _SPACE.match(self.text, self.at)
        end = found.end() if found else self.at
        if end >= len(self.text) or self.text[end] in follows:
            return True
        return bool(found and "\n" in found[0] and self.text[end] in _STOPS)

    def _escaped(self) -> str:
        sign = self.text[self.at : self.at + 1]
        self.at += 1
        if sign != "u":
            return _ESCAPED.get(sign, sign)
        found = _HEX.match(self.text, self.at)
        if not found:
            return "u"
        self.at = found.end()
        code = int(found[0], 16)
        low = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(self.text, self.at)
        if 0xD800 <= code < 0xDC00 and low:
            self.at = low.end()
            return chr(0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00)
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
