"""Finds the phrases of a long list in a text, in any of the ways that people type them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Phrase", "Phrases", "lowered"]

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_HAN = "\u3400-\u9fff"
_START = re.compile(  # of a word, a number or a Chinese character, none of them a part of more
    rf"(?<![_./$€£¥'’-])(?:[{_HAN}]|(?<![^\W_{_HAN}])(?:\d|[^\W\d_{_HAN}]+))"
)
_WHOLE = rf"(?:(?<=[{_HAN}])|(?![^\W_{_HAN}]))(?:(?<!\d)|(?!-\d))(?![_'’%]|-[a-z]|\.\d)"
_PARTS = re.compile(r"\{(\w+)\}|([^{}]+)")
_NUMBERS = {"n": r"\d+(?:\.\d+)?(?:-\d+)?", "d": r"\d+\.\d+(?:-\d+)?"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of the list in a text: from `start` to `end`, and of which kind."""

    start: int
    end: int
    kind: str


class Phrases:
    """A list of phrases by kind, whose slots in braces stand for one of several words.

    {n} is any number, {d} one with a decimal point; the other names are of `slots`. A space of a
    phrase may be a hyphen, an underscore or, if all are, nothing in the text. Of two phrases the
    longer is found, of two kinds the first.
    """

    def __init__(
        self, kinds: Mapping[str, Iterable[object]], slots: Mapping[str, Iterable[object]]
    ) -> None:
        self._slots = {name: [str(value) for value in some] for name, some in slots.items()}
        self._by_start: dict[str, list[tuple[str, str]]] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = {}  # made when first needed
        for kind, phrases in kinds.items():
            for phrase in (said for one in phrases for said in self._begun(str(one))):
                start = _START.match(phrase)
                key = "0" if start is None or start[0].isdigit() else start[0]
                self._by_start.setdefault(key, []).append((phrase, kind))

    def find(self, lower: str) -> list[Phrase]:
        """All phrases in a text of small letters, left to right, none within another."""
        found: list[Phrase] = []
        for start in _START.finditer(lower):
            key = "0" if start[0].isdigit() else start[0]
            if key in self._by_start and not (found and start.start() < found[-1].end):
                ends = [
                    (m.end(), kind)
                    for p, kind in self._of(key)
                    if (m := p.match(lower, start.start()))
                ]
                if ends:
                    end, kind = max(ends, key=lambda one: one[0])
                    found.append(Phrase(start.start(), end, kind))
        return found

    def _of(self, key: str) -> list[tuple[re.Pattern[str], str]]:
        if key not in self._patterns:
            self._patterns[key] = [
                (
                    re.compile(
                        f"(?:{self._regex(said, '[ _-]{1,2}')}|{self._regex(said, '')}){_WHOLE}"
                    ),
                    kind,
                )
                for said, kind in self._by_start[key]
            ]
        return self._patterns[key]

    def _begun(self, phrase: str) -> Iterator[str]:
        """The phrase with each of the words that a slot at its start stands for."""
        slot = _PARTS.match(phrase)
        values = self._slots.get(slot[1] or "", ()) if slot else ()
        if not slot or not values or values[0].isdecimal():
            yield phrase
            return
        for value in values:
            yield from self._begun(value + phrase[slot.end() :])

    def _regex(self, phrase: str, gap: str) -> str:
        made = ""
        for name, literal in _PARTS.findall(phrase):
            values = sorted(self._slots.get(name, ()), key=len, reverse=True)
            if literal:
                made += gap.join(map(re.escape, re.split("[ -]", literal)))
            elif name in _NUMBERS:
                made += _NUMBERS[name]
            elif values[0][0].isdecimal():
                made += f"(?:{'|'.join(map(re.escape, values))})"
            else:
                made += f"(?:{'|'.join(self._regex(value, gap) for value in values)})"
        return made


def lowered(text: str) -> str:
    """The text with its Latin capitals small, and each character where it was."""
    return text.translate(_LOWER)
