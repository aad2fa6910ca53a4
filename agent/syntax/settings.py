"""Reads the settings that come with prompts of other tools: Steps: 20, Seed: 5, --ar 16:9."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from limner.agent.syntax.cuts import GAP, SPLIT, Span, inside, joined, quoted, without
from limner.agent.syntax.weights import NUMBER

__all__ = [
    "FoundSettings",
    "flags",
    "infotext",
    "shaped",
    "sized",
]


@dataclass(slots=True)
class FoundSettings:
    """What was found so far; `signs` says that this round saw marks of A1111 and its kin."""

    unlike: list[str] = field(default_factory=list)  # negative prompts, as they were typed
    weights: list[tuple[str, float]] = field(default_factory=list)
    loras: list[tuple[str, float]] = field(default_factory=list)
    size: Span | None = None
    aspect: Span | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    style_words: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    sides: dict[str, tuple[int, str]] = field(default_factory=dict)  # and how that was typed
    signs: bool = False


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
_KNOWN = frozenset(
    (
        "steps sampler samplingmethod scheduletype scheduler cfgscale cfg guidance guidancescale "
        "distilledcfgscale seed size width height modelhash model vaehash vae clipskip ensd "
        "version denoisingstrength hiresupscale hiressteps hiresupscaler hiresresize lorahashes "
        "tihashes rng eta variationseed variationseedstrength facerestoration template "
        "negativetemplate hashes civitairesources civitaimetadata createddate batchsize batchpos "
        "nsfw draft workflow othermetadata"
    ).split()
)
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
    key = {"cfgscale": "guidance", "cfg": "guidance", "guidancescale": "guidance"}.get(key, key)
    label = f"{name.strip()}: {value}"
    taken = False
    if key == "size":
        sides = re.fullmatch(r"(\d{1,5})\s?[x×*]\s?(\d{1,5})(?:\s?px)?", value)
        taken = sides is not None and sized(int(sides[1]), int(sides[2]), found)
    elif re.fullmatch(NUMBER, value) or value.isdecimal():
        taken = _numbered(key, value, label, found)
    if not taken and value:
        found.dropped.append(label)


def sized(width: int, height: int, found: FoundSettings) -> bool:
    if not all(64 <= side <= 8192 for side in (width, height)):
        return False
    found.size = found.size or (width, height)
    return True


def _numbered(key: str, value: str, label: str, found: FoundSettings) -> bool:
    """Takes a setting that is one number; `label` is how it was typed."""
    number = float(value[:40])
    whole = int(value) if value.isdecimal() and len(value) <= 20 else -1
    if key == "seed" and 0 <= whole < 2**64:
        found.seed = whole if found.seed is None else found.seed
    elif key == "steps" and 1 <= whole <= 1000:
        found.steps = found.steps or whole
    elif key == "guidance" and math.isfinite(number) and 0 <= number <= 100:
        found.guidance = number if found.guidance is None else found.guidance
    elif key in ("width", "height") and 64 <= whole <= 8192:
        found.sides.setdefault(key, (whole, label))
    else:
        return False
    return True


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

_RATIOS = {"ar", "aspect", "aspect-ratio"}
_SIZES = {"size", "resolution", "image-size"}
_TEXTS = {"no", "negative", "negative-prompt", "neg", "prompt", "prompts"}
_NUMBERS = frozenset(
    (
        "ar aspect aspect-ratio size resolution image-size v version s stylize q quality c chaos "
        "weird w h width height iw cw sw ow sv stop seed sameseed r repeat exp steps ddim-steps "
        "num-inference-steps sampling-steps cfg cfg-scale scale guidance guidance-scale n n-iter "
        "n-samples num-images batch-size batch-count clip-skip strength denoising-strength "
        "subseed subseed-strength niji uplight"
    ).split()
)
_TOKENS = frozenset(
    (
        "style sampler sampler-name sampling-method sampler-index scheduler schedule model ckpt "
        "vae motion p profile personalize sref cref oref"
    ).split()
)
_BARE = frozenset(
    (
        "tile hd raw fast relax relaxed turbo draft video loop test testp creative upbeta upanime "
        "public stealth plms tiling restore-faces hires-fix"
    ).split()
)
_MEANS = {
    "w": "width", "h": "height", "ddim-steps": "steps", "num-inference-steps": "steps",
    "sampling-steps": "steps", "cfg": "guidance", "cfg-scale": "guidance", "scale": "guidance",
    "guidance-scale": "guidance",
}  # fmt: skip


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
    sides = re.fullmatch(r"([\d.]{1,9})\s?[:：xX×/]\s?([\d.]{1,9})", value)
    if name in _RATIOS:
        return sides is not None and shaped(sides[1], sides[2], found)
    if name in _SIZES and sides:
        return "." not in value and sized(int(sides[1]), int(sides[2]), found)
    value = value.strip('"')
    label = f"--{name} {value}"
    number = re.fullmatch(NUMBER, value)
    return number is not None and _numbered(_MEANS.get(name, name), value, label, found)


def shaped(width: str, height: str, found: FoundSettings) -> bool:
    """Takes a ratio, in its smallest whole numbers, up to 20 to 1."""
    wide, high = (Fraction(side).limit_denominator(1000) for side in (width, height))
    if not wide or not high or not Fraction(1, 20) <= wide / high <= 20:
        return False
    ratio = (wide / high).limit_denominator(1000)
    found.aspect = found.aspect or (ratio.numerator, ratio.denominator)
    return True
