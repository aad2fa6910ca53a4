"""Knows when someone asks for a brighter or larger picture, and not for another scene."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from limner.agent.plain import one_line
from limner.pipelines.finish import Finish, parse
from limner.prompts.words import FinishWords, finish_words

__all__ = [
    "finishing",
]


LONGEST = 100
"""Characters of a message that may be about finishing; who writes more tells of a scene."""

_NUMBERS = {
    "n": r"(\d{1,3})",
    "w": r"(\d{2,5})",
    "h": r"(\d{2,5})",
    "shape": r"(1:1|16:9|9:16|4:3|3:4|3:2|2:3|5:4|4:5|2:1|1:2|21:9)",
}


def finishing(text: str) -> tuple[Finish, ...]:
    """What a message asks to be done to the finished picture; () when it is about anything else.

    The whole message, in English or Chinese, must be made of the words of `prompts/finish.yaml`:
    "a bit darker" is finishing, "a darker forest" and "make it night" are the writer's. Raises
    `BadInput` for a finish that is not possible, such as 9000 by 9000 pixels.
    """
    said = _plain(text)
    if not said or len(said) > LONGEST:
        return ()
    return next(filter(None, (grammar.read(said) for grammar in _grammars())), ())


def _plain(text: str) -> str:
    """In small letters and ordinary width, without the spaces beside Chinese words."""
    said = unicodedata.normalize("NFKC", one_line(text)).casefold().rstrip(".!?。~ ")
    return re.sub(r"(?<=[一-鿿、])\s+|\s+(?=[一-鿿、])", "", said)


@cache
def _grammars() -> tuple[_Grammar, ...]:
    return tuple(_Grammar.of(words) for words in finish_words().values())


@dataclass(frozen=True, slots=True)
class _Grammar:
    """One language's words as patterns; `parts` pairs each with the command that it stands for."""

    polite: re.Pattern[str]
    joins: re.Pattern[str]
    parts: tuple[tuple[re.Pattern[str], str], ...]
    degrees: dict[str, float]

    @classmethod
    def of(cls, words: FinishWords) -> _Grammar:
        polite, joins = _whole(words.polite), _whole(words.joins)
        subject, degree = _any(words.subjects, words.slots), _any(words.degrees, words.slots)
        part = rf"(?:{subject}\s*)?(?:({degree})\s*)?%s(?:\s*({degree}))?"
        return cls(
            re.compile(rf"(?:{polite}[\s,]*)*(.*?)(?:[\s,]*{polite})*"),
            re.compile(rf"\s*{joins}\s*"),
            tuple(
                (re.compile(part % _any(phrases, words.slots)), command)
                for command, phrases in words.phrases.items()
            ),
            words.degrees,
        )

    def read(self, said: str) -> tuple[Finish, ...]:
        """The finishes that all of the message asks for, or ()."""
        core = self.polite.fullmatch(said)
        parts = [self._part(part) for part in self.joins.split(core[1])] if core else []
        return sum(parts, ()) if all(parts) else ()

    def _part(self, said: str) -> tuple[Finish, ...]:
        for pattern, command in self.parts:
            if found := pattern.fullmatch(said):
                before, *numbers, after = found.groups()
                degree = self.degrees.get(before, 1) * self.degrees.get(after, 1)
                typed = re.sub(r"\{\w+\}", "{}", command).format(*filter(None, numbers))
                return _by(parse(typed), degree)
        return ()


def _by(finishes: tuple[Finish, ...], degree: float) -> tuple[Finish, ...]:
    """So much more or less of each; () for "a bit square"."""
    if degree == 1:
        return finishes
    graded = {"brightness": 1.0, "contrast": 1.0, "colour": 1.0, "warmth": 1.0, "sharpen": 0.0}
    if not all(finish.name in graded for finish in finishes):
        return ()
    return tuple(
        Finish(f.name, tuple(graded[f.name] + (n - graded[f.name]) * degree for n in f.numbers))
        for f in finishes
    )


def _whole(words: Iterable[str]) -> str:
    """Any of the words, as long as they are not a part of a longer English one."""
    edges = (re.sub(r"^(?=[a-z])|(?<=[a-z])$", r"\\b", re.escape(word)) for word in words)
    return f"(?:{'|'.join(edges)})"


def _any(texts: Iterable[str], slots: dict[str, list[str]]) -> str:
    return f"(?:{'|'.join(_pattern(text, slots) for text in texts)})"


def _pattern(text: str, slots: dict[str, list[str]]) -> str:
    """A phrase as a pattern: its slots filled with all that they stand for, however spaced."""
    made = ""
    for literal, slot in re.findall(r"([^{}]+)|\{(\w+)\}", text):
        made += r"\s+".join(map(re.escape, literal.split(" ")))
        made += (_NUMBERS.get(slot) or _any(slots[slot], slots)) if slot else ""
    return made
