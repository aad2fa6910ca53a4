"""Reads the settings that come with prompts of other tools: Steps: 20, Seed: 5, --ar 16:9."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from limner.agent.syntax.cuts import GAP, SPLIT, Span, inside, joined, quoted, without
from limner.agent.syntax.found import NUMBER, FoundSettings
from limner.prompts.words import word_set

__all__ = ["flags", "infotext"]


# Settings as they are pasted from A1111 and its kin: "Negative prompt: ...", "Steps: 20, ...".

_LABEL = re.compile(
    r"(?P<no>(?<![\w\"'])negative[ _-]?prompts?[ \t]{0,5}[:：]|^[ \t]{0,20}negative[ \t]{0,5}[:：]"
    r"|^[ \t]{0,20}negative[ _-]?prompt[ \t\r]{0,20}$|[反负][面向]?(?:提示)?词[ \t]{0,5}[:：])"
    r"|(?P<yes>^[ \t]{0,20}(?:positive|(?:positive[ _-]?)?prompts?)[ \t]{0,5}[:：]"
    r"|^[ \t]{0,20}(?:正[面向])?提示词[ \t]{0,5}[:：])",
    re.I | re.M,
)
_FIRST = (
    r"(?:steps[ \t]{0,5}:[ \t]{0,5}\d{1,6}|seed[ \t]{0,5}:[ \t]{0,5}-?\d{1,30}"
    r"|size[ \t]{0,5}:[ \t]{0,5}\d{1,5}[ \t]?[x×][ \t]?\d{1,5}"
    r"|(?:cfg[ _]?scale|guidance(?:[ _]scale)?|clip[ _]?skip|denoising strength)"
    r"[ \t]{0,5}:[ \t]{0,5}\d{1,5}(?:\.\d{1,9})?"
    r"|(?:sampler|model hash)[ \t]{0,5}:[ \t]{0,5}[^,:\n]{1,60})(?![\w.:])"
)
_KNOWN = word_set("pasted")
_KEY = r"[A-Za-z][\w ()/+.-]{0,49}"
_SETTINGS = re.compile(
    rf"^[ \t]{{0,20}}(?={_FIRST}[ \t\r]{{0,5}}(?:,|$))"
    rf"|(?<![\w\"'(:-])(?={_FIRST}\s{{0,5}},\s{{0,5}}"
    r"(?:steps|sampler|schedule type|cfg ?scale|seed|size|model|clip ?skip|denoising)"
    r"[^:,\n]{0,20}:)",
    re.I | re.M,
)
_SETTING = re.compile(
    rf"(?P<gap>[\s,;]{{0,40}})(?P<key>{_KEY})[ \t]{{0,5}}[:：][ \t]{{0,5}}"
    r'(?P<value>"(?:[^"\\\n]|\\.)*"|[^,\n]*)'
)
_IN_LIST = re.compile(r'"(?:[^"\\\n]|\\.)*"|[\[\]{}\n]')


def infotext(text: str, found: FoundSettings) -> str:
    """The prompt alone; what it comes with is read."""
    if re.search(r"\\n(?:Negative prompt|Steps):", text):
        text = text.replace("\\n", "\n")  # as it is copied from JSON
    text = _settings(text, found)
    kept = quoted(text)
    at, unlike = 0, False
    wished: list[str] = []
    for label in _LABEL.finditer(text):
        first = not text[: label.start()].strip() if label.start() < 30 else False
        if inside(label, kept) or (label["yes"] and not (unlike or first)):
            continue
        _section(text[at : label.start()], unlike, wished, found)
        at, unlike = label.end(), bool(label["no"])
    if not at:
        return text
    found.signs = True
    _section(text[at:], unlike, wished, found)
    return "\n".join(wished)


def _section(piece: str, unlike: bool, wished: list[str], found: FoundSettings) -> None:
    if unlike:
        found.unlike.append(piece)
    elif piece.strip(GAP):
        wished.append(piece.strip(GAP))


def _settings(text: str, found: FoundSettings) -> str:
    """The text without the settings that are pasted with it."""
    kept = quoted(text)
    start = next((m.end() for m in _SETTINGS.finditer(text) if not inside(m, kept)), None)
    if start is None:
        return text
    at = start
    while setting := _SETTING.match(text, at):
        key = re.sub(r"[\s_]", "", setting["key"]).lower()
        listed = "\n" not in setting["gap"] and setting["key"][0].isupper()
        if not (at == start or listed or key in _KNOWN):
            break
        end = _value_end(text, setting)
        _set(key, setting["key"], text[setting.start("value") : end].strip(), found)
        at = end
    found.signs = True
    return joined([text[:start], text[at:]], ["\n"])


def _value_end(text: str, setting: re.Match[str]) -> int:
    """Where a value ends that is a list in brackets, with commas of its own."""
    start = setting.start("value")
    if text[start : start + 1] not in ("[", "{"):
        return setting.end()
    depth = 0
    for mark in _IN_LIST.finditer(text, start):
        if mark[0] == "\n":
            return mark.start()
        depth += (mark[0] in "[{") - (mark[0] in "]}")
        if depth == 0:
            return mark.end()
    return len(text)


def _set(key: str, name: str, value: str, found: FoundSettings) -> None:
    """Takes one setting, or names it as dropped."""
    label = f"{name.strip()}: {value}"
    if value and not found.take(key, value, label):
        found.dropped.append(label)


# Parameters of Midjourney and of command lines: --ar 16:9, --no fog, --prompt "...".

_NAME = r"(?P<name>[A-Za-z](?:[A-Za-z_-]{0,28}[A-Za-z])?)"
_FLAG = re.compile(rf"(?P<dash>(?<!-)--|[—–]{{1,2}}){_NAME}")
_RATIO_VALUE = re.compile(
    r"[ \t=:]{0,3}(\d{1,5}(?:\.\d{1,3})?)[ \t]?[:：xX×/][ \t]?(\d{1,5}(?:\.\d{1,3})?)(?!\w)"
)
_NUMBER_VALUE = re.compile(rf"[ \t=:]{{0,3}}({NUMBER})(?!\w|\.\d)")
_TOKEN_VALUE = re.compile(r'[ \t=]{1,3}(?![-—–])("[^"\n]{0,500}"|[^\s",—–]{1,500})')
_MORE_VALUES = re.compile(r"[ \t]{1,3}(https?://\S{1,500}|random|\d{1,20})(?=\s|$)")
_QUOTED_VALUE = re.compile(r'[ \t=]{0,3}"([^"]{0,5000})"')
_NO_VALUE = re.compile(r"[ \t]*(?=$|[\n,.;]|--|[—–][A-Za-z])")

_RATIOS = word_set("ratios")
_SIZES = word_set("sizes")
_TEXTS = word_set("texts")
_NUMBERS = word_set("with_number")
_TOKENS = word_set("with_word")
_BARE = word_set("with_nothing")


@dataclass(frozen=True, slots=True)
class _Flag:
    """One parameter: its name in small letters, where it starts and ends, where its value is."""

    name: str
    start: int
    end: int
    value: Span


def flags(text: str, found: FoundSettings) -> str:
    """The text without parameters; those that are known are read."""
    cuts: list[tuple[int, int, str]] = []
    for flag in _read_flags(text):
        value = text[slice(*flag.value)]
        if flag.name in ("prompt", "prompts"):
            cuts += [(flag.start, flag.value[0], "\n"), (flag.value[1], flag.end, "\n")]
            continue
        cuts.append((flag.start, flag.end, SPLIT))
        if flag.name in _TEXTS:
            found.unlike.append(value)
        elif not _parameter(flag.name, value, found):
            found.dropped.append(f"--{flag.name} {value}")
    return without(text, cuts)


def _read_flags(text: str) -> Iterator[_Flag]:
    kept = quoted(text)
    marks = [mark for mark in _FLAG.finditer(text) if not inside(mark, kept)]
    starts = [mark.start() for mark in marks] + [len(text)]
    at = 0
    for number, mark in enumerate(marks):
        if mark.start() < at:
            continue  # within the value of the one before
        flag = _flag(text, mark, starts[number + 1], after=at > 0)
        if flag:
            yield flag
            at = flag.end


def _flag(text: str, mark: re.Match[str], following: int, after: bool) -> _Flag | None:
    """The parameter at a mark, or None where the dashes are prose; `after` another, more are."""
    name = mark["name"].lower().replace("_", "-")
    glued = mark.start() > 0 and not text[mark.start() - 1].isspace()
    typed = mark["dash"] == "--"  # not made of two hyphens by a phone
    if name in _TEXTS:
        value = _text_value(text, mark.end(), following, typed)
        value = value if not glued and (typed or name == "no") else None
    else:
        value = _value(text, mark.end(), name, typed, after and not glued)
        value = value if not glued or (value and value[0] < value[1]) else None
    return _Flag(name, mark.start(), value[2], value[:2]) if value else None


_Value = tuple[int, int, int]  # where it starts and ends, and where the parameter does


def _span(match: re.Match[str] | None) -> _Value | None:
    return (match.start(1), match.end(match.lastindex or 1), match.end()) if match else None


def _value(text: str, at: int, name: str, typed: bool, after: bool) -> _Value | None:
    """The value of a parameter that has one word or number, or none."""
    ratio = _RATIO_VALUE.match(text, at) if name in _RATIOS | _SIZES else None
    if ratio:
        return _span(ratio)
    if name in _NUMBERS or (after and typed and name not in _TOKENS):
        value = _span(_NUMBER_VALUE.match(text, at))
    else:
        value = _span(_TOKEN_VALUE.match(text, at)) if name in _TOKENS else None
        while value and (more := _MORE_VALUES.match(text, value[2])):
            value = (value[0], more.end(1), more.end())
        if value and not typed and not _NO_VALUE.match(text, value[2]):
            value = None
    known = name in _NUMBERS or name in _TOKENS or name in _BARE or (after and typed)
    if value or not known or not _NO_VALUE.match(text, at):
        return value
    return at, at, at


def _text_value(text: str, at: int, following: int, typed: bool) -> _Value | None:
    """The words after a parameter: in quotes, or up to the next one or the end of the line."""
    in_quotes = _QUOTED_VALUE.match(text, at)
    if in_quotes:
        return _span(in_quotes)
    end = text.find("\n", at, following)
    end = following if end < 0 else end
    if text[at : at + 1].isalnum() or (not typed and re.search("[—–]", text[at:end])):
        return None
    return at, end, end


def _parameter(name: str, value: str, found: FoundSettings) -> bool:
    """Takes one parameter; False where it is understood and not used."""
    named = "aspect" if name in _RATIOS else "size" if name in _SIZES else name
    return found.take(named, value.strip('"'), f"--{name} {value}")
