"""Tells what the parts of a line do to a conversation: undo, save, thank, choose a picture.

A part means a tool where it holds one of the tool's cues, and else only words that name nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from limner.pipelines.pocket.reading.lexicon import table
from limner.pipelines.pocket.reading.patterns import ORDINALS, WORDS

__all__ = [
    "after_talk",
    "begins_anew",
    "chosen_by_word",
    "names_nothing",
    "pieces",
    "steers",
    "version_by_word",
]

_LONGEST = 160
_SHORTEST_ADVERB = 4
_TOOLS = ("redo", "undo", "save", "adjust", "again", "talk")
_TURN = re.compile(r"\s*(?:[,;:.!?，。；：！？~～…\n]|\s[-–—]+\s|——)+\s*")
_HAN_NUMBERS = {w: n for n, w in enumerate("零一二三四五六七八九十")} | {"两": 2, "首": 1}


def pieces(line: str) -> list[tuple[int, int]]:
    """Where the parts of a line between its signs begin and end; at most twelve."""
    found, at = list[tuple[int, int]](), 0
    for sign in [*_TURN.finditer(line), None]:
        end = sign.start() if sign else len(line)
        if line[at:end].strip():
            found.append((at, end))
        at = sign.end() if sign else end
    return found[:12]


def steers(line: str) -> str:
    """The tool that all parts of a line lead to: undo, redo, save, adjust, again, talk; or ""."""
    if not line.strip() or len(line) > _LONGEST:
        return ""
    parts = [_small(line[a:b]) for a, b in pieces(line)]
    meant = [_tool(part) for part in parts]
    told = next((tool for tool in meant if tool not in ("", "talk")), "talk")
    clear = all(m or _nothing(_beside(told).sub(" ", p)) for m, p in zip(meant, parts, strict=True))
    return told if clear and any(meant) else ""


def after_talk(line: str) -> int:
    """Where a line goes on behind greetings, thanks and praise; 0 where it is all of one kind."""
    at = 0
    for start, end in pieces(line[:_LONGEST]):
        if _tool(_small(line[start:end])) != "talk":
            return start if at else 0
        at = end
    return 0


@cache
def _naming_nothing() -> re.Pattern[str]:
    rows: Mapping[str, Mapping[str, str]] = table("steering")["tools"]
    more = [table("steering")[key] for key in ("choice", "fresh_beside", "empty")]
    return _light(" ".join([*(row["beside"] for row in rows.values()), *more]))


def names_nothing(word: str) -> bool:
    """Whether a word is one of grammar, politeness, praise or editing."""
    small = _small(word)
    adverb = small.isascii() and small.endswith("ly") and len(small) > _SHORTEST_ADVERB
    return adverb or _nothing(_naming_nothing().sub(" ", small))


def _small(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower().replace("’", "'")).strip(" \"'“”‘’()（）-–—")


def _tool(part: str) -> str:
    return next((tool for tool in _TOOLS if _means(tool, part)), "")


def _means(tool: str, part: str) -> bool:
    cues, beside = _patterns(tool)
    return cues.search(part) is not None and _nothing(beside.sub(" ", cues.sub(" ", part)))


def _beside(tool: str) -> re.Pattern[str]:
    return _patterns(tool)[1]


def _nothing(rest: str) -> bool:
    return not any(c.isalnum() for c in rest)


@cache
def _patterns(tool: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    row: Mapping[str, str] = table("steering")["tools"][tool]
    return _words(row["cues"]), _light(row["beside"])


@cache
def _light(beside: str) -> re.Pattern[str]:
    light: Mapping[str, str] = table("steering")["light"]
    words = f"{light['en']} {light['zh']} {beside}".split()
    return _words("|".join(map(re.escape, sorted(set(words), key=len, reverse=True))))


def _words(pattern: str) -> re.Pattern[str]:
    """A pattern whose English begins and ends with words; Chinese needs no gap."""
    return re.compile(rf"(?<![a-z'])(?:{pattern})(?![a-z'])")


# one of the pictures

_ORDINAL = (
    rf"(?P<o>{'|'.join(ORDINALS)})|(?P<d>\d{{1,3}})(?:st|nd|rd|th)|(?P<last>last|final|latest)"
    rf"|(?:number|no\.?|nr\.?|#|picture|image|option|candidate|variant|pic|take)\s*#?"
    rf"(?:(?P<n>\d{{1,3}})|(?P<w>{'|'.join(WORDS)})\b)|(?P<bare>{'|'.join(WORDS)})(?= it is\b)"
    r"|第(?P<h>[一二三四五六七八九十两首\d]{1,3})(?:[张个幅号副]|(?=图|画))"
    r"|(?P<hd>\d{1,2}|[一二三四五六七八九十])号|(?P<hlast>最后(?:一)?)[张个幅]"
)


@cache
def _number_of() -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:the )?(?:very )?(?:{_ORDINAL})(?![a-z0-9])")


def chosen_by_word(line: str, last: int) -> int | None:
    """The number of the picture that all parts of a line choose or confirm; None for none."""
    if len(line) > _LONGEST:
        return None
    number = None
    for start, end in pieces(line):
        part = _small(line[start:end])
        chosen = _chosen(part, last)
        if chosen is not None and number in (None, chosen):
            number = chosen
        elif not _confirms(part) and _tool(part) != "talk":
            return None
    return number


def _chosen(part: str, last: int) -> int | None:
    found = _number_of().search(part)
    if found is None:
        return None
    rest = part[: found.start()] + " " + part[found.end() :]
    if not _nothing(_light(str(table("steering")["choice"])).sub(" ", rest)):
        return None
    return _value(found, last)


def _value(found: re.Match[str], last: int) -> int:
    parts = found.groupdict()
    if parts["last"] or parts["hlast"]:
        return last
    said = next(parts[k] for k in ("o", "d", "n", "w", "bare", "h", "hd") if parts[k])
    if said.isdecimal():
        return int(said)
    known = ORDINALS.get(said) or WORDS.get(said)
    return known if known is not None else _han(said)


def _han(said: str) -> int:
    if len(said) == 2 and said[0] == "十":
        return 10 + _HAN_NUMBERS.get(said[1], 0)
    return _HAN_NUMBERS.get(said[:1], 0)


_VERSION = re.compile(
    rf"(?:the )?(?:version|v\.?|revision|state|round|step) ?(?:number |no\.? |nr\.? |#)?"
    rf"(?:(?P<n>\d{{1,3}})|(?P<w>{'|'.join(WORDS)}))\b"
    rf"|(?:the )?(?P<o>{'|'.join(ORDINALS)}) version"
    r"|第(?P<h>[一二三四五六七八九十两\d]{1,3})(?:个)?版本?|版本(?P<hd>\d{1,3}|[一二三四五六七八九十])"
)


def version_by_word(line: str) -> int | None:
    """The number of the version that a line goes back to, in whatever words; None for none."""
    part = _small(line[:_LONGEST])
    found = _VERSION.search(part)
    if found is None or len(line) > _LONGEST:
        return None
    rows: Mapping[str, str] = table("steering")["tools"]["undo"]
    beside = _light(f"{rows['beside']} {table('steering')['choice']} return back to restore")
    rest = f"{part[: found.start()]} {part[found.end() :]}"
    if not _nothing(beside.sub(" ", _patterns("undo")[0].sub(" ", rest))):
        return None
    said = next(word for word in found.groupdict().values() if word)
    if said.isdecimal():
        return int(said)
    return WORDS.get(said) or ORDINALS.get(said) or _han(said)


@cache
def _confirming() -> re.Pattern[str]:
    return re.compile(str(table("steering")["confirms"]))


def _confirms(part: str) -> bool:
    polite = _light("").sub(" ", _confirming().sub(" ", part))
    return _confirming().search(part) is not None and _nothing(polite)


# another subject


def begins_anew(line: str) -> str | None:
    """What is asked for behind words that leave the picture; "" for nothing, None without any."""
    parts = pieces(line[: 4 * _LONGEST])
    left = False
    for start, end in parts[:4]:
        part = _small(line[start:end])
        if _leaves(part):
            left = True
        elif _tool(part) != "talk":
            return line[start:].strip() if left else None
    return "" if left else None


def _leaves(part: str) -> bool:
    if len(part) > _LONGEST:
        return False
    cues = _words(str(table("steering")["fresh"]))
    beside = _light(str(table("steering")["fresh_beside"]))
    return cues.search(part) is not None and _nothing(beside.sub(" ", cues.sub(" ", part)))
