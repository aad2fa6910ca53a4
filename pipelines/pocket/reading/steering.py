"""Tells what a line does to a conversation: undo, save, thank, ask for a fresh picture.

A whole line is matched with the patterns of `controls.yaml`. A part of a line means a tool where it
holds one of the cues of `steering.yaml`, and else only words that name nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from limner.pipelines.pocket.reading.lexicon import table

__all__ = [
    "COUNT_WORDS",
    "LINE_ENDS",
    "LONGEST_CONTROL",
    "ORDINALS",
    "after_talk",
    "begins_anew",
    "doubt_end",
    "is_talk",
    "lead_end",
    "light_words",
    "means",
    "names_nothing",
    "parts_of",
    "pattern",
    "plain_line",
    "rest_behind",
    "says_nothing",
    "small_letters",
    "steers",
    "undo_cues",
]

LONGEST_CONTROL = 160
"""Characters of a line that can steer."""

LINE_ENDS = " \t\n.!?。！？~～…,，;；:：-–—"
ORDINALS = {
    word: n + 1
    for n, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
    )
}
COUNT_WORDS = {
    word: n + 1
    for n, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split()
    )
}
_SHORTEST_ADVERB = 4
_TOOLS = ("redo", "undo", "save", "adjust", "again", "talk")
_TURN = re.compile(r"\s*(?:[,;:.!?，。；：！？~～…\n]|\s[-–—]+\s|——)+\s*")
_NUMBER = r"(?P<n>\d{1,3})(?:st|nd|rd|th)?"


# whole lines


@cache
def pattern(name: str) -> re.Pattern[str]:
    """One pattern of the table; lines are bounded before they are matched."""
    controls = table("controls")
    rows: list[str] = controls.get(name) or [controls["patterns"][name]]
    text = rows[0] if len(rows) == 1 else "|".join(f"(?:{row})" for row in rows)
    text = text.replace("<NUMBER>", _NUMBER)
    text = text.replace("<WORDS>", "|".join(COUNT_WORDS)).replace("<ORDINALS>", "|".join(ORDINALS))
    return re.compile(text, re.IGNORECASE)


def means(name: str, plain: str) -> bool:
    if not plain or len(plain) > LONGEST_CONTROL:
        return False
    return pattern(name).fullmatch(plain) is not None


def lead_end(name: str, line: str) -> int | None:
    """Where what follows such a beginning begins; None without one."""
    start = len(line) - len(line.lstrip(LINE_ENDS))
    found = pattern(name).match(line[: start + LONGEST_CONTROL], start)
    return found.end() if found and found.end() > start else None


def rest_behind(name: str, joins: str, line: str) -> str | None:
    """What stands behind a beginning and its joint; "" where nothing does, None without one."""
    start = len(line) - len(line.lstrip(LINE_ENDS))
    for found in _prefixes(name, line[: start + LONGEST_CONTROL], start):
        rest = line[found:]
        if not rest.strip(LINE_ENDS):
            return ""
        joint = pattern(joins).match(line[: found + LONGEST_CONTROL], found)
        if joint and joint.end() > found:
            return line[joint.end() :]
    return None


def _prefixes(name: str, line: str, start: int) -> list[int]:
    """Where such a beginning may end, the longest first."""
    known = pattern(name)
    ends = [
        m.start()
        for m in re.finditer(r"(?<=\w)(?=\W)|(?<=[\u3400-\u9fff])|$", line)
        if m.start() > start
    ]
    return [end for end in reversed(ends[:40]) if known.fullmatch(line, start, end)]


def doubt_end(line: str) -> int:
    """Where a request begins behind `shouldn't`, `why don't we`, `wouldn't it be nicer with`."""
    found = pattern("doubt").match(line.lower().replace("’", "'"))
    return found.end() if found else 0


@cache
def _polite() -> tuple[re.Pattern[str], re.Pattern[str]]:
    heads = table("controls")["polite"]
    tails = table("controls")["polite_end"]
    head = re.compile(rf"(?:{heads[0]})(?![\w'])|(?:{heads[1]})", re.IGNORECASE)
    tail = re.compile(rf"(?:(?<![\w'])(?:{tails[0]})|(?:{tails[1]}))$", re.IGNORECASE)
    return head, tail


def plain_line(line: str) -> str:
    """A line in small letters, without polite words and signs around it."""
    text = line[: 2 * LONGEST_CONTROL].lower().replace("’", "'")
    text = re.sub(r"[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]", " ", text).strip(LINE_ENDS)
    text = re.sub(r"\s+", " ", text)
    head, tail = _polite()
    for _ in range(6):
        found = head.match(text)
        rest = text[found.end() :].strip(LINE_ENDS) if found else ""
        if not rest:
            break
        text = rest
    for _ in range(4):
        shorter = tail.sub("", text).strip(LINE_ENDS)
        if not shorter or shorter == text:
            break
        text = shorter
    return text


# parts of lines


def parts_of(line: str) -> list[tuple[int, int]]:
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
    if not line.strip() or len(line) > LONGEST_CONTROL:
        return ""
    parts = [small_letters(line[a:b]) for a, b in parts_of(line)]
    meant = [_tool(part) for part in parts]
    told = next((tool for tool in meant if tool not in ("", "talk")), "talk")
    clear = all(
        m or says_nothing(_beside(told).sub(" ", p)) for m, p in zip(meant, parts, strict=True)
    )
    return told if clear and any(meant) else ""


def after_talk(line: str) -> int:
    """Where a line goes on behind greetings, thanks and praise; 0 where it is all of one kind."""
    at = 0
    for start, end in parts_of(line[:LONGEST_CONTROL]):
        if _tool(small_letters(line[start:end])) != "talk":
            return start if at else 0
        at = end
    return 0


@cache
def _naming_nothing() -> re.Pattern[str]:
    rows: Mapping[str, Mapping[str, str]] = table("steering")["tools"]
    more = [table("steering")[key] for key in ("choice", "fresh_beside", "empty")]
    return light_words(" ".join([*(row["beside"] for row in rows.values()), *more]))


def names_nothing(word: str) -> bool:
    """Whether a word is one of grammar, politeness, praise or editing."""
    small = small_letters(word)
    adverb = small.isascii() and small.endswith("ly") and len(small) > _SHORTEST_ADVERB
    return adverb or says_nothing(_naming_nothing().sub(" ", small))


def small_letters(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower().replace("’", "'")).strip(" \"'“”‘’()（）-–—")


def _tool(part: str) -> str:
    return next((tool for tool in _TOOLS if _means(tool, part)), "")


def _means(tool: str, part: str) -> bool:
    cues, beside = _patterns(tool)
    return cues.search(part) is not None and says_nothing(beside.sub(" ", cues.sub(" ", part)))


def _beside(tool: str) -> re.Pattern[str]:
    return _patterns(tool)[1]


def says_nothing(rest: str) -> bool:
    return not any(c.isalnum() for c in rest)


@cache
def _patterns(tool: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    row: Mapping[str, str] = table("steering")["tools"][tool]
    return _words(row["cues"]), light_words(row["beside"])


def undo_cues() -> tuple[re.Pattern[str], str]:
    """What means undo, and the words that may stand beside it."""
    return _patterns("undo")[0], str(table("steering")["tools"]["undo"]["beside"])


def is_talk(part: str) -> bool:
    """Whether a part only greets, thanks or praises."""
    return _tool(part) == "talk"


@cache
def light_words(beside: str) -> re.Pattern[str]:
    light: Mapping[str, str] = table("steering")["light"]
    words = f"{light['en']} {light['zh']} {beside}".split()
    return _words("|".join(map(re.escape, sorted(set(words), key=len, reverse=True))))


def _words(pattern: str) -> re.Pattern[str]:
    """A pattern whose English begins and ends with words; Chinese needs no gap."""
    return re.compile(rf"(?<![a-z'])(?:{pattern})(?![a-z'])")


def begins_anew(line: str) -> str | None:
    """What is asked for behind words that leave the picture; "" for nothing, None without any."""
    parts = parts_of(line[: 4 * LONGEST_CONTROL])
    left = False
    for start, end in parts[:4]:
        part = small_letters(line[start:end])
        if _leaves(part):
            left = True
        elif _tool(part) != "talk":
            return line[start:].strip() if left else None
    return "" if left else None


def _leaves(part: str) -> bool:
    if len(part) > LONGEST_CONTROL:
        return False
    cues = _words(str(table("steering")["fresh"]))
    beside = light_words(str(table("steering")["fresh_beside"]))
    return cues.search(part) is not None and says_nothing(beside.sub(" ", cues.sub(" ", part)))
