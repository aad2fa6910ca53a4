"""Tells which picture or which earlier version a line names, by number or by what is in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from limner.pipelines.pocket.reading.clauses import gather
from limner.pipelines.pocket.reading.lexicon import table
from limner.pipelines.pocket.reading.phrases import phrases
from limner.pipelines.pocket.reading.steering import (
    COUNT_WORDS,
    LONGEST_CONTROL,
    ORDINALS,
    is_talk,
    light_words,
    parts_of,
    pattern,
    says_nothing,
    small_letters,
    undo_cues,
)

__all__ = ["chosen", "chosen_by_word", "combines", "version_by_word", "version_of"]

Versions = Sequence[Mapping[str, Any]]
_HAN = {w: n for n, w in enumerate("零一二三四五六七八九十")} | {"两": 2, "首": 1}

_WISH = re.compile(r"^(?:let's|can we|could we|shall we|we should|i want to|i'd like to) ")

_WORDS = "|".join(COUNT_WORDS)
_AGO = re.compile(
    rf"(?P<d>\d{{1,2}}|{_WORDS}) (?:version|step|change|edit|turn)s? (?:ago|earlier|back)"
)

_ORDINAL = (
    rf"(?P<o>{'|'.join(ORDINALS)})|(?P<d>\d{{1,3}})(?:st|nd|rd|th)|(?P<last>last|final|latest)"
    rf"|(?:number|no\.?|nr\.?|#|picture|image|option|candidate|variant|pic|take)\s*#?"
    rf"(?:(?P<n>\d{{1,3}})|(?P<w>{_WORDS})\b)|(?P<bare>{_WORDS})(?= it is\b)"
    r"|第(?P<h>[一二三四五六七八九十两首\d]{1,3})(?:[张个幅号副]|(?=图|画))"
    r"|(?P<hd>\d{1,2}|[一二三四五六七八九十])号|(?P<hlast>最后(?:一)?)[张个幅]"
)

_VERSION = re.compile(
    rf"(?:the )?(?:version|v\.?|revision|state|round|step) ?(?:number |no\.? |nr\.? |#)?"
    rf"(?:(?P<n>\d{{1,3}})|(?P<w>{_WORDS}))\b"
    rf"|(?:the )?(?P<o>{'|'.join(ORDINALS)}) version"
    r"|第(?P<h>[一二三四五六七八九十两\d]{1,3})(?:个)?版本?|版本(?P<hd>\d{1,3}|[一二三四五六七八九十])"
)


def combines(plain: str) -> bool:
    """Whether a line asks to make one picture of two."""
    if len(plain) > LONGEST_CONTROL:
        return False
    return pattern("combine").fullmatch(plain) is not None and bool(
        pattern("two").search(plain) or "张" in plain
    )


def chosen(plain: str, last: int) -> tuple[int, str] | None:
    """The number of the picture that a line chooses, and the rest of the line."""
    for name in ("choice", "choice_by_word", "choice_chinese"):
        found = pattern(name).fullmatch(plain)
        if found is None:
            continue
        parts = found.groupdict()
        number = _number(parts, last)
        rest = (parts.get("rest") or "").strip()
        rest = re.sub(
            r"^(?:[,;:.!，；。：]|but|and|then|only|just|但是?|不过|然后|只是|就是)+\s*", "", rest
        )
        return number, re.sub(r"^(?:but|and|then|just|only)\s+", "", rest)
    return None


def chosen_by_word(line: str, last: int) -> int | None:
    """The number of the picture that all parts of a line choose or confirm; None for none."""
    if len(line) > LONGEST_CONTROL:
        return None
    number = None
    for start, end in parts_of(line):
        part = small_letters(line[start:end])
        chosen = _chosen_in_part(part, last)
        if chosen is not None and number in (None, chosen):
            number = chosen
        elif not _confirms(part) and not is_talk(part):
            return None
    return number


@cache
def _number_of() -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:the )?(?:very )?(?:{_ORDINAL})(?![a-z0-9])")


def _chosen_in_part(part: str, last: int) -> int | None:
    found = _number_of().search(part)
    if found is None:
        return None
    rest = part[: found.start()] + " " + part[found.end() :]
    if not says_nothing(light_words(str(table("steering")["choice"])).sub(" ", rest)):
        return None
    return _number(found.groupdict(), last)


@cache
def _confirming() -> re.Pattern[str]:
    return re.compile(str(table("steering")["confirms"]))


def _confirms(part: str) -> bool:
    polite = light_words("").sub(" ", _confirming().sub(" ", part))
    return _confirming().search(part) is not None and says_nothing(polite)


def _number(parts: Mapping[str, str | None], last: int = 0) -> int:
    """The number that the groups of a match say; 0 for none."""
    if parts.get("last") or parts.get("hlast") or parts.get("o") == "last":
        return last
    keys = ("n", "d", "h", "hd", "w", "o", "bare")
    said = next((parts[k] for k in keys if parts.get(k)), None) or ""
    if digits := re.match(r"\d+", said):
        return int(digits[0])
    known = COUNT_WORDS.get(said) or ORDINALS.get(said)
    if known is not None:
        return known
    if len(said) == 2 and said[0] == "十":
        return 10 + _HAN.get(said[1], 0)
    return _HAN.get(said[:1], 0)


def version_of(plain: str, versions: Versions) -> int | None:
    """The number of the version that a line goes back to; 0 for one that isn't known."""
    if len(plain) > LONGEST_CONTROL:
        return None
    plain = _WISH.sub("", plain)
    for name in ("back", "back_to_number", "back_chinese"):
        found = pattern(name).fullmatch(plain)
        if found:
            parts = found.groupdict()
            return int(versions[0]["number"]) if parts.get("first") else _number(parts, 0)
    if found := pattern("steps").fullmatch(plain) or _AGO.search(plain):
        back = _number(found.groupdict(), 0)
        return int(versions[max(0, len(versions) - 1 - back)]["number"])
    for name in ("with", "with_chinese"):
        if found := pattern(name).fullmatch(plain):
            return _version_with(found["with"], versions)
    for name in ("before", "before_chinese"):
        if (found := pattern(name).fullmatch(plain)) and _subjects(found["before"]):
            return _version_before(found["before"], versions)
    return None


def version_by_word(line: str) -> int | None:
    """The number of the version that a line goes back to, in whatever words; None for none."""
    part = small_letters(line[:LONGEST_CONTROL])
    found = _VERSION.search(part)
    if found is None or len(line) > LONGEST_CONTROL:
        return None
    cues, beside = undo_cues()
    light = light_words(f"{beside} {table('steering')['choice']} return back to restore")
    rest = f"{part[: found.start()]} {part[found.end() :]}"
    if not says_nothing(light.sub(" ", cues.sub(" ", rest))):
        return None
    return _number(found.groupdict())


def _subjects(words: str) -> set[str]:
    return {i.mention.subject for i in phrases(words) if i.mention and i.mention.subject}


def _presence(words: str, versions: Versions) -> list[tuple[int, bool]]:
    """For each version, whether what is pattern is in its picture, as far as its words tell."""
    wanted, there, found = _subjects(words), False, []
    for version in versions:
        for told in (str(version.get("words") or ""), *map(str, version.get("changes") or ())):
            said = [m for m in gather(phrases(told)).mentions if m.subject in wanted]
            if said:
                there = not said[-1].denied
                break
        found.append((int(version["number"]), there))
    return found


def _version_with(words: str, versions: Versions) -> int:
    present = [number for number, there in _presence(words, versions) if there]
    earlier = [n for n in present if n != int(versions[-1]["number"])]
    return (earlier or present or [0])[-1]


def _version_before(words: str, versions: Versions) -> int:
    before = 0
    for number, there in _presence(words, versions):
        if there:
            return before
        before = number
    return 0
