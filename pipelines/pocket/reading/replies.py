"""One or two true sentences about what will be painted, in the language of whoever asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from limner.pipelines.pocket.reading.lexicon import lexicon, table
from limner.pipelines.pocket.world import world

__all__ = ["Painted", "is_chinese", "joined", "picture_in_chinese", "say"]

Painted = tuple[str, str, str, str]
"""Kind, subject, value and object of what is painted."""

_COUNTS = "零一两三四五六七八九十"


def is_chinese(text: str) -> bool:
    """Whether a text is to be answered in Chinese."""
    han = sum("\u3400" <= c <= "\u9fff" for c in text[:4000])
    kana = any("\u3040" <= c <= "\u30ff" for c in text[:4000])
    latin = sum(c.isascii() and c.isalpha() for c in text[:4000])
    return han > 0 and not kana and 4 * han >= latin


def say(language: str, key: str, **told: str) -> str:
    """One of the sentences, filled in."""
    return str(table("replies")[language][key]).format(**told)


def joined(language: str, words: Iterable[str]) -> str:
    """`a, b and c`, or 甲、乙和丙."""
    said = list(dict.fromkeys(words))
    comma, last = ("、", "和") if language == "chinese" else (", ", " and ")
    return last.join([comma.join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def picture_in_chinese(painted: Sequence[Painted]) -> str:
    """What is painted, in Chinese: 两只红色的猫和一个气球，草地上，夜晚."""
    looks = {(subject, kind): value for kind, subject, value, _ in painted if kind in _LOOKS}
    things = [
        _thing(subject, value, looks) for kind, subject, value, _ in painted if kind == "count"
    ]
    relations = [_relation(row) for row in painted if row[0] == "relation"]
    around = [_value(value) for kind, _, value, _ in painted if kind in _AROUND]
    said = [joined("chinese", things), *relations, *around]
    return "，".join(part for part in said if part)


_LOOKS = ("colour", "size", "place")
_AROUND = ("scene", "light", "style")


def chinese_name(subject: str) -> str:
    """What a thing is called in Chinese."""
    noun = lexicon().noun(subject)
    return noun.chinese if noun and noun.chinese else subject


def counted_in_chinese(subject: str, count: int) -> str:
    """两只猫."""
    noun = lexicon().noun(subject)
    number = _COUNTS[count] if 0 <= count < len(_COUNTS) else str(count)
    return f"{number}{noun.measure if noun else '个'}{chinese_name(subject)}"


def _thing(subject: str, value: str, looks: dict[tuple[str, str], str]) -> str:
    noun = lexicon().noun(subject)
    number = _COUNTS[int(value)] if value.isdecimal() and int(value) < len(_COUNTS) else value
    place, size = looks.get((subject, "place"), ""), looks.get((subject, "size"), "")
    colour = _colour(looks.get((subject, "colour"), ""))
    where = f"{_value(place)}的" if place else ""
    measure = noun.measure if noun else "个"
    return f"{where}{number}{measure}{colour}{_value(size)}{chinese_name(subject)}"


def _colour(value: str) -> str:
    return f"{world().colours[value].chinese}的" if value in world().colours else ""


def _relation(row: Painted) -> str:
    return f"{chinese_name(row[1])}在{chinese_name(row[3])}{_value(row[2])}"


def _value(value: str) -> str:
    known: dict[str, Any] = table("replies")["chinese_values"]
    return str(known.get(value, value))
