"""Reads the marks within prompts of other tools: <lora:...>, BREAK, tower::2, .and() and such."""

from __future__ import annotations

import re

from limner.agent.syntax.cuts import COMMA, GAP, SPLIT, inside, quoted, without
from limner.agent.syntax.found import NUMBER, FoundSettings, tidy_weight
from limner.prompts.quality import about_quality

__all__ = [
    "breaks",
    "front",
    "operators",
    "shares",
    "tags",
]


# What stands at the front of a prompt.

_COMMAND = re.compile(
    r"\s{0,20}/(?:imagine|dream)\b\s{0,9}(?:prompt\b\s{0,9})?[:：]?\s{0,20}", re.I
)
_URL = re.compile(r"\s{0,20}<?(https?://[^\s<>]{1,2000})>?(?=\s|$)", re.I)
_PICTURE = re.compile(
    r"https?://(?:s\.mj\.run|(?:cdn|media)\.discordapp\.(?:com|net)|cdn\.midjourney\.com)/"
    r"|[^?#]*\.(?:png|jpe?g|webp|gif)(?:[?#]|$)",
    re.I,
)
_DISCORD = re.compile(
    r"\s{0,20}\*\*([^*\n]{1,6000})\*\* - [^\n]{0,99}(?:@|\((?:fast|relaxed|turbo))"
)
_FENCED = re.compile(r"\s{0,20}`{1,3}(?:(?:text|txt)?\n)?([^`]{1,20000})`{1,3}\s{0,20}")


def front(text: str, found: FoundSettings) -> str:
    """/imagine prompt:, and addresses of pictures to start from, which are never fetched."""
    copied = _DISCORD.match(text) or _FENCED.fullmatch(text)
    text = copied[1] if copied else text
    command = _COMMAND.match(text)
    at = command.end() if command else 0
    while (url := _URL.match(text, at)) and _PICTURE.match(url[1]):
        found.dropped.append(url[1])
        at = url.end()
    return text[at:].lstrip(GAP) if at else text


# LoRAs and what else is loaded by name.

_TAG = re.compile(
    r"<(?P<kind>lora|lyco|lycoris|locon|loha|lokr|hypernet|embed|embedding|segment|preset|param)"
    r":(?P<name>[^<>:\n]{1,200})(?P<rest>:[^<>\n]{0,200})?>",
    re.I,
)
_EMBEDDING = re.compile(r"(?<!\w)embedding:(?P<name>[\w./\\-]{0,199}\w)", re.I)
_WITH_LORA = re.compile(
    rf"\.?(?:with|use)Lora\(\s{{0,9}}(?P<name>[^\s,()]{{1,200}})\s{{0,9}}"
    rf"(?:,\s{{0,9}}(?P<weight>{NUMBER})\s{{0,9}})?\)"
)
_LORAS = {"lora", "lyco", "lycoris", "locon", "loha", "lokr"}


def tags(text: str, found: FoundSettings) -> str:
    """The text without <lora:...> and its kin."""
    cuts = []
    for tag in _TAG.finditer(text):
        cuts.append((*tag.span(), SPLIT))
        if tag["kind"].lower() not in _LORAS:
            found.dropped.append(tag[0])
            continue
        weight = re.search(rf"[:=]\s{{0,5}}({NUMBER})(?![\w.])", tag["rest"] or "")
        found.loras.append(_lora(tag["name"], weight[1] if weight else "1"))
    for tag in _WITH_LORA.finditer(text):
        cuts.append((*tag.span(), SPLIT))
        found.loras.append(_lora(tag["name"], tag["weight"] or "1"))
    for tag in _EMBEDDING.finditer(text):
        cuts.append((*tag.span(), SPLIT))
        found.dropped.append(tag[0])
    found.signs = found.signs or bool(cuts)
    return without(text, cuts)


def _lora(name: str, weight: str) -> tuple[str, float]:
    return name.strip(), round(min(max(float(weight), -8.0), 8.0), 4)


# What InvokeAI writes behind brackets.

_JOINED = re.compile(
    r'\(\s{0,9}(?P<parts>"[^"\n]{0,1000}"(?:\s{0,9},\s{0,9}"[^"\n]{0,1000}"){0,31})\s{0,9}\)'
    r"\.(?P<name>and|add|blend)\((?P<weights>[^()\n]{0,200})\)"
)
_SWAP = re.compile(
    r'(?:\([^()\n]{1,300}\)|"[^"\n]{1,300}"|(?<!\w)\w{1,60})\.swap\('
    r"\s{0,9}(?P<quote>[\"']?)(?P<new>[^()\n\"',]{1,300})(?P=quote)[^()\n]{0,200}\)"
)


def operators(text: str, found: FoundSettings) -> str:
    """("a tower", "a river").and() and (a tower).swap(a bridge)."""
    cuts: list[tuple[int, int, str]] = []
    for swap in _SWAP.finditer(text):
        found.dropped.append(swap[0])
        cuts += [(swap.start(), swap.start("new"), SPLIT), (swap.end("new"), swap.end(), SPLIT)]
    for joined in _JOINED.finditer(text):
        parts = list(re.finditer(r'"([^"\n]*)"', joined["parts"]))
        weights = [float(one) for one in re.findall(NUMBER, joined["weights"])]
        if joined["name"] == "blend":
            found.dropped.append(f".blend({joined['weights']})")
        found.weights += [
            (part[1], tidy_weight(weight))
            for part, weight in zip(parts, weights, strict=False)
            if weight != 1
        ]
        at, first = joined.start(), joined.start("parts")
        for part in parts:
            cuts.append((at, first + part.start(1), COMMA if at > joined.start() else ""))
            at = first + part.end(1)
        cuts.append((at, joined.end(), ""))
    found.signs = found.signs or bool(cuts)
    return without(text, cuts)


# Parts of a prompt that are read one by one.

_BREAK = re.compile(r"(?<![\w\"'])(?:BREAK|ADDCOL|ADDROW|ADDCOMM|ADDBASE)(?![\w\"'])")
_SHARE = re.compile(rf"(?<!\d)[ \t]{{0,3}}:[ \t]{{0,3}}({NUMBER})$")
_HEAVY = re.compile(
    rf"(?<![^\s,，])(?P<weight>{NUMBER})::(?P<words>[^:{{}}|]{{1,500}})::(?![\d:])"
)  # NovelAI: 1.5::tower::
_DOUBLE = re.compile(rf"(?<=[^\s\d:])[ \t]{{0,3}}::(?P<weight>{NUMBER})?(?=[\s,，]|$)")


def breaks(text: str, found: FoundSettings) -> str:
    """A comma for BREAK, unless that is a word among others in capitals."""
    kept = quoted(text)
    marks = [m for m in _BREAK.finditer(text) if not inside(m, kept) and _is_break(text, m)]
    found.signs = found.signs or bool(marks)
    return without(text, [(*mark.span(), COMMA) for mark in marks])


def _is_break(text: str, mark: re.Match[str]) -> bool:
    before = re.search(r"(\w+)[ \t]*$", text[max(0, mark.start() - 40) : mark.start()])
    after = re.match(r"[ \t]*(\w+)", text[mark.end() : mark.end() + 40])
    words = [match[1] for match in (before, after) if match]
    lone = len(text.strip()) == len(mark[0])
    return not lone and all(not word.isupper() or about_quality(word) for word in words)


def shares(text: str, found: FoundSettings) -> str:
    """Prompts side by side with a share each: tower::2 river::1, tower :1.2 AND river :0.8."""
    text = _novel(text, found)
    return _midjourney(_composed(text, found), found)


def _novel(text: str, found: FoundSettings) -> str:
    cuts: list[tuple[int, int, str]] = []
    kept = quoted(text)
    for heavy in _HEAVY.finditer(text):
        if inside(heavy, kept):
            continue
        words, weight = heavy["words"].strip(GAP), float(heavy["weight"])
        if _weighed(words, weight, found):
            start, end = heavy.span("words")
            cuts += [(heavy.start(), start, ""), (end, heavy.end(), "")]
        else:
            cuts.append((*heavy.span(), SPLIT))
    return without(text, cuts)


def _weighed(words: str, weight: float, found: FoundSettings) -> bool:
    """Notes the weight of a part; False where that means that it shall not be seen."""
    if weight > 0:
        if weight != 1:
            found.weights.append((words, tidy_weight(weight)))
        return True
    (found.unlike if weight < 0 else found.dropped).append(words)
    return False


def _composed(text: str, found: FoundSettings) -> str:
    """tower :1.2 AND river :0.8, and the same with bars, where each part has its share."""
    for mark, every in ((r"(?<!\S)AND(?!\S)", False), (r"\|", True)):
        ends = [match.span() for match in re.finditer(mark, text)]
        starts = [0, *(end for _, end in ends)]
        stops = [*(start for start, _ in ends), len(text)]
        parts = [text[start:stop].rstrip() for start, stop in zip(starts, stops, strict=True)]
        shares = [_SHARE.search(part[-40:]) for part in parts]
        if ends and (all(shares) if every else any(shares)):
            return _apart(text, list(zip(starts, parts, shares, strict=True)), found)
    return text


_Part = tuple[int, str, re.Match[str] | None]


def _apart(text: str, parts: list[_Part], found: FoundSettings) -> str:
    """The parts with commas between, without their shares and without those not to be seen."""
    cuts: list[tuple[int, int, str]] = []
    at = 0
    for start, part, share in parts:
        end = start + len(part) - (len(share[0]) if share else 0)
        weight = float(share[1]) if share else 1.0
        if _weighed(text[start:end].strip(GAP), weight, found):
            cuts.append((at, start, COMMA))
            at = end
    cuts.append((at, len(text), ""))
    return without(text, cuts)


def _midjourney(text: str, found: FoundSettings) -> str:
    kept = quoted(text)
    marks = [mark for mark in _DOUBLE.finditer(text) if not inside(mark, kept)]
    cuts: list[tuple[int, int, str]] = []
    at = 0
    for mark in marks:
        weight = float(mark["weight"] or 1)
        seen = _weighed(text[at : mark.start()].strip(GAP), weight, found)
        cuts.append((mark.start() if seen else at, mark.end(), COMMA))
        at = mark.end()
    return without(text, cuts)
