"""Reads numbers, colours and negations with their things out of a Chinese request, by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from limner.agent.language.nouns import colour_of, colour_words, names
from limner.agent.language.reading import Finding
from limner.prompts import stated

__all__ = ["denied", "read"]

_SHADES = "深浅淡亮暗鲜嫩"
_REMOVED = re.compile("把([一-鿿]{1,6}?)(?:去掉|删掉|删了|移除|拿走)")
_PAPERS = ("图", "画", "照片", "海报", "贴纸", "像素", "壁纸", "插图")
_ONLY = ("", "它", "它们", "再", "请", "就", "就是", "但", "但是", "改")
_SIZES = ("小", "大", "新", "老")
_ANY = ("任何", "其他", "其它", "一个", "一只", "有")


def read(text: str) -> list[Finding]:
    """What the text states; what is not Chinese in it is passed over."""
    negations = [*_negations(text), *_removals(text)]
    for finding in negations:
        gap = "\n" * (finding.end - finding.start)
        text = text[: finding.start] + gap + text[finding.end :]
    wished = [*_counts(text), *_colours(text)]
    return [*negations, *(f for f in wished if not denied(text, f.start))]


def denied(text: str, start: int) -> bool:
    """Whether 不要 or the like stands before, in the same clause."""
    clause = re.split(r"[，。、；！,.;!?？\s]", text[:start])[-1]
    return any(word in clause for word in stated().denials_chinese)


def _negations(text: str) -> Iterator[Finding]:
    for found in _negating().finditer(text):
        start = found.end()
        for word in _ANY:
            start += len(word) * text.startswith(word, start)
        noun, end = _noun(text, start)
        if noun in names() and text[max(0, found.start() - 1) : found.start()] not in ("要", "有"):
            yield Finding("absent", "", names()[noun], found.start(), end)


def _removals(text: str) -> Iterator[Finding]:
    """`把猫去掉`."""
    for found in _REMOVED.finditer(text):
        if found[1] in names():
            yield Finding("absent", "", names()[found[1]], *found.span())


def _counts(text: str) -> Iterator[Finding]:
    for found in _counting().finditer(text):
        value = _number(found["n"]) * (2 if found["m"] in stated().pairs else 1)
        ambiguous = found["n"] == "一" and found["m"] not in stated().pairs
        if ambiguous or not 1 <= value <= 12:
            continue  # 一只 is but an article
        noun, end = _described(text, found.end())
        if noun and noun not in stated().idle_chinese and not noun.startswith(_PAPERS):
            yield Finding("count", _thing(noun), str(value), found.start(), end)


def _number(said: str) -> int:
    if said.isdecimal() and said.isascii():
        return int(said)
    digits = [stated().digits.get(c, 99) for c in said]
    if len(digits) == 1:
        return digits[0]
    return 10 + digits[1] if digits[0] == 10 and len(digits) == 2 else 99


def _described(text: str, start: int) -> tuple[str, int]:
    """The noun at the end of `小小的红色的猫`, and where it ends."""
    noun, end = "", start
    for _ in range(5):
        colour = _colouring().match(text, start)
        if colour and not _ended(text, colour.end()) and _is_look(text, colour):
            start = colour.end()
        noun, end = _noun(text, start)
        further = text[end : end + 1] == "的" and not _ended(text, end + 1)
        if noun in names() or not further or not noun:
            break
        start = end + 1
    return noun, end


def _is_look(text: str, colour: re.Match[str]) -> bool:
    """Whether a colour is said of what follows (红色的, 红气球), and no part of its name (黄瓜)."""
    whole, rest = (_noun(text, at)[0] for at in colour.span())
    return bool(colour["s"]) or (whole not in names() and rest in names())


def _noun(text: str, start: int) -> tuple[str, int]:
    """The known thing that is named there, else the words up to the next that ends a name."""
    for here in (start, start + (text[start : start + 1] in _SIZES)):
        for size in range(6, 0, -1):
            word = text[here : here + size]
            if word in names() and len(word) == size and _ended(text, here + size, True):
                return word, here + size
    end = start
    while end < len(text) and end - start < 8 and not _ended(text, end, end > start):
        end += 1
    return (text[start:end], end) if _han(text[start:end]) else ("", start)


def _ended(text: str, at: int, verbs: bool = False) -> bool:
    """Whether a name ends there, because of what follows; a verb ends one only with `verbs`."""
    rest = text[at : at + 4]
    ends = not rest or rest[0].isspace() or rest.startswith(_ends())
    return ends or (verbs and rest[0] in stated().verbs_chinese)


def _colours(text: str) -> Iterator[Finding]:
    for found in _colouring().finditer(text):
        value = colour_of(found["c"].lstrip(_SHADES)) or colour_of(found["c"])
        if _unclear(text, found) or text.startswith(_scenery(), found.end()):
            continue
        finding = _attribute(text, found, value) or _predicate(text, found, value)
        if finding:
            yield finding


def _unclear(text: str, found: re.Match[str]) -> bool:
    """Whether it is part of another word, or stands beside another colour."""
    around = (found.start() - 3, found.start())
    whole = any(
        text.startswith(word, at) and at + len(word) > found.start()
        for word in stated().compounds_chinese.split()
        for at in range(max(0, found.start() - 3), found.end())
        if not (found["s"] and at == found.start() and len(word) <= len(found[0]))
    )
    beside = _colouring().match(text, found.end()) or (
        text[found.end() : found.end() + 1] in ("、", "和", "相", "与")
        and (_colouring().match(text, found.end() + 1) or text[found.end()] == "相")
    )
    before = text[max(0, around[0]) : around[1]]
    listed_before = re.search(r"[色红黄蓝绿白黑紫粉][、和与]$", before)
    return bool(whole or beside or listed_before)


def _attribute(text: str, found: re.Match[str], value: str) -> Finding | None:
    """`红色的猫`, `红色猫`, `黑蝴蝶`: a single character only before a thing that is known."""
    after = found.end()
    of = text[after : after + 1] == "的"
    noun, end = _noun(text, after + of)
    further = text[end : end + 1] == "的" and not _ended(text, end + 1)
    if (further and noun not in names()) or not noun or noun.startswith(_scenery()):
        return None
    sure = found["s"] or of or found["c"] in stated().whole
    if not sure and (noun not in names() or text[found.start() : end] in names()):
        return None
    return Finding("colour", _thing(noun), value, found.start(), end)


def _predicate(text: str, found: re.Match[str], value: str) -> Finding | None:
    """`把猫变成红色`, `猫是红色的`, `变成红色`."""
    after = found.end() + (text[found.end() : found.end() + 1] == "的")
    if not (found["s"] or after > found.end()) or not _ended(text, after):
        return None
    link = _becoming().search(text[: found.start()])
    if not link:
        alone = found.start() == 0 and not text[after:].strip("。！!.~～ ")
        return Finding("colour", "", value, 0, after) if alone else None
    before = re.split(r"[，。、；！,.;! \n]|把|让|将", text[: link.start()])[-1]
    owner = before.removesuffix("的颜色").removesuffix("颜色")
    if owner in _ONLY:
        return Finding("colour", "", value, link.start(), after)
    if owner not in names():
        return None
    start = link.start() - len(before)
    return Finding("colour", names()[owner], value, start, after)


def _thing(noun: str) -> str:
    return names().get(noun, noun)


def _han(text: str) -> bool:
    return bool(text) and all("一" <= c <= "鿿" for c in text)


@cache
def _negating() -> re.Pattern[str]:
    words = sorted(stated().negations_chinese, key=len, reverse=True)
    return re.compile("|".join(words))


@cache
def _counting() -> re.Pattern[str]:
    digits = "".join(stated().digits)
    return re.compile(
        rf"(?<![第{digits}百千万几\d.+-])(?P<n>[{digits}百千万]+|\d+)\s?(?P<m>[{stated().measures}])"
        r"(?!月(?!亮)|[日号点半样些下])"
    )


@cache
def _colouring() -> re.Pattern[str]:
    known = sorted((w for w in colour_words() if not w.isascii()), key=len, reverse=True)
    return re.compile(rf"(?P<c>[{_SHADES}]?(?:{'|'.join(known)}))(?P<s>色?)")


@cache
def _becoming() -> re.Pattern[str]:
    words = sorted(stated().becomes_chinese, key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(words)})$")


@cache
def _ends() -> tuple[str, ...]:
    return tuple(stated().ends_chinese.split())


@cache
def _scenery() -> tuple[str, ...]:
    words = stated().scenery_chinese
    return (*words, *(f"的{word}" for word in words))
