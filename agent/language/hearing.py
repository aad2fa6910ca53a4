"""Tells what a line of plain words asks for: a picture, a change, a take, a step back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from limner.agent.language.locks import mentioned
from limner.agent.language.nouns import canonical
from limner.prompts import hearing, stated

__all__ = ["Heard", "answer_of", "hear"]

Kind = Literal["request", "change", "finish", "pick", "undo", "redo", "again", "go", "unclear"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a line of plain words asks for.

    `kind`: "request" (a new picture: at first, when it is said so, or where a long line describes
    one with nothing of the picture at hand), "change" (of the picture meant now, or of `take`),
    "finish" (brighter, larger: nothing is painted), "pick" (only names a take), "undo", "redo",
    "again", "go", or "unclear" (then `question` asks, once, and `choices` are the answers).
    `take` is the number of the take that was named ("the second one"; -1 is the last), or None.
    `words` is what is left for the writer; of an unclear line, what it becomes once the chosen
    answer stands in place of {thing}.
    """

    kind: Kind
    words: str = ""
    take: int | None = None
    question: str = ""
    choices: tuple[str, ...] = ()


def hear(words: str, things: Sequence[str] | None, takes: int = 0) -> Heard:
    """What the words ask for, by rules alone, where there are so many takes already.

    `things` are the names of what the brief at hand shows; None before the first request.
    """
    said, plain = words.strip(), _plain(words)
    if things is None:
        return Heard("request", said)
    for kind in _WHOLE:
        if plain in getattr(hearing(), kind):
            return Heard(kind)
    if anew := _after_any(said, hearing().anew):
        return Heard("request", anew)
    take, rest = _named(said) if takes else (None, said)
    if take is not None and not rest:
        return Heard("pick", take=take)
    if take is None and _is_another(plain, things):
        return Heard("request", said)
    return _unclear(rest, things) or Heard("change", rest, take)


def answer_of(words: str, choices: Sequence[str]) -> str:
    """Which choice the words name: by its name, by its number in the list, or in other words.

    A word or two that name none of them are taken for another name of one ("猫" for cat): the
    writer knows better. "" where the words are no answer.
    """
    plain = _plain(words)
    named = [choice for choice in choices if choice.lower() in plain]
    if plain.isdecimal():
        return dict(enumerate(choices, start=1)).get(int(plain), "")
    if len(named) == 1:
        return named[0]
    short = len(plain) <= 4 if not plain.isascii() else len(plain.split()) <= 2
    return words.strip() if short and plain and not named else ""


_WHOLE: tuple[Literal["undo", "redo", "again", "go"], ...] = ("undo", "redo", "again", "go")


def _plain(words: str) -> str:
    return " ".join(words.lower().split()).rstrip(".!。！ ")


def _after_any(words: str, starts: Sequence[str]) -> str:
    """What follows one of the starts; "" where none stands there."""
    same = words.replace("：", ":")
    found = (same[len(start) :] for start in starts if same.lower().startswith(start))
    return next(found, "").strip()


def _named(words: str) -> tuple[int | None, str]:
    """The take that the words begin with, and what they say besides; (None, words) without one.

    A name counts only where the line ends after it, or a word that joins follows: "take 2 cats"
    names no take.
    """
    found = _names().match(words)
    if not found:
        return None, words
    number = _number(next(filter(None, found.groups())))
    rest = words[found.end() :]
    joined = _joins().match(rest)
    if rest.strip(" .!。！") and not joined:
        return None, words
    return number, (rest[joined.end() :] if joined else rest).strip(" .!。！")


@cache
def _names() -> re.Pattern[str]:
    """Matches "like #3", "the second one", "用第二张"; its one group that matched is the number."""
    say = hearing()
    before = "|".join(map(_loose, _longest_first(say.before)))
    numerals = _longest_first(word for words in say.ordinals.values() for word in words)
    number = rf"(\d{{1,4}}|{'|'.join(map(re.escape, numerals))})"
    names = (_loose(name).replace(r"\{n\}", number) for name in _longest_first(say.called))
    return re.compile(rf"\s*(?:(?:{before})\s*)?(?:{'|'.join(names)})", re.IGNORECASE)


def _number(numeral: str) -> int:
    if numeral.isdecimal():
        return int(numeral)
    return next(n for n, words in hearing().ordinals.items() if numeral.lower() in words)


@cache
def _joins() -> re.Pattern[str]:
    joins = "|".join(_loose(word) for word in _longest_first(hearing().between))
    return re.compile(rf"\s*(?:(?:{joins})\s*)+", re.IGNORECASE)


def _loose(words: str) -> str:
    """A pattern for the words that never ends within another word."""
    pattern = r"\s+".join(map(re.escape, words.split()))
    return pattern + (r"\b" if words[-1].isascii() and words[-1].isalnum() else "")


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)


def _is_another(plain: str, things: Sequence[str]) -> bool:
    """Whether a line describes a picture of its own: at length, and with nothing of this one."""
    say, words = hearing(), re.findall(r"[a-z'-]+", plain)
    if any(mentioned(plain, canonical(name)) or name in words for name in things):
        return False
    if plain.isascii():
        return len(words) > 6 and words[0] in say.begins and not {*words} & {*say.changes}
    counted = any(f"{n}{m}" in plain for n in stated().digits for m in stated().measures)
    return len(plain) > 9 and counted and not any(word in plain for word in say.changes)


def _unclear(words: str, things: Sequence[str]) -> Heard | None:
    """A question where "it" may be one thing or another, since then the pictures would differ."""
    kinds = tuple(dict.fromkeys(things))
    value = _value_of(_plain(words)) if len(kinds) > 1 else ""
    if not value:
        return None
    say, tongue = hearing(), "en" if value.isascii() else "zh"
    return Heard(
        "unclear",
        say.resolved[tongue].replace("{value}", value),
        question=say.which[tongue].format(value=value),
        choices=kinds,
    )


def _value_of(plain: str) -> str:
    say = hearing()
    lines = ((frame.format(value=value), value) for frame in say.it for value in say.values)
    return next((value for line, value in lines if line == plain), "")
