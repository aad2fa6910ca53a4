"""Cuts pieces out of a text, so that what is left still reads well."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Sequence

__all__ = [
    "COMMA",
    "GAP",
    "SPLIT",
    "Span",
    "inside",
    "joined",
    "quoted",
    "without",
]


Span = tuple[int, int]


GAP = " \t\n\r\u00a0\u3000,，、;；"


_LAST = tuple("\"'”’」』`")  # a quotation mark that nothing follows


SPLIT, COMMA = "\x1f", ","  # what stands for a piece that is gone: nothing, or a comma


_QUOTED = re.compile(
    r'(?<!\w)"(?=\S)[^"\n]{1,300}"|“[^“”\n]{1,300}”|「[^「」\n]{1,300}」|『[^『』\n]{1,300}』'
    r"|(?<![\w'])'(?=\S)[^'\n]{1,100}(?<=\S)'(?!\w)|\{[^{}\n|]{0,200}\|[^{}\n]{0,300}\}"
)


def without(text: str, cuts: Iterable[tuple[int, int, str]]) -> str:
    """The text without these pieces, with one separator where several would meet.

    The third of each is what stands for it: "" where the words around it may touch.
    """
    parts, fills, at = [], [], 0
    for start, end, fill in sorted(cuts):
        if start >= at:
            parts.append(text[at:start])
            fills.append(fill)
        elif fill:
            fills[-1] = fill
        at = max(at, end)
    return joined([*parts, text[at:]], fills) if parts else text


def joined(parts: list[str], fills: list[str]) -> str:
    """The parts in one text, each two with what their ends and the fill between them ask for."""
    out: list[str] = []
    gap = ""
    for part, fill in zip(parts, [*fills, ""], strict=True):
        words = part.strip(GAP)
        if words:
            gap += part[: len(part) - len(part.lstrip(GAP))]
            begun = _begun(words, out[-1] if out else "")
            gap += " " if begun != words and begun.isascii() else ""
            words = begun
        if words:
            out += [_between(out[-1], gap, words) if out else "", words]
            gap = part[len(part.rstrip(GAP)) :]
        elif not part.strip(GAP):
            gap += part
        gap += fill
    text = "".join(out)
    dash = re.search(r"\s[-–—|/]{1,3}$", text[-4:])
    return text[: dash.start() - min(4, len(text))].rstrip() if dash else text


def _begun(words: str, before: str) -> str:
    """The words without a full stop or colon that now follows another, or nothing."""
    if not before:
        return re.sub(r"^[.。:：|\s]{1,9}(?!\d)", "", words)
    return words[1:].lstrip() if words[0] in ".。" and before[-1] in ".。!?！？:：" else words


def _between(left: str, gap: str, right: str) -> str:
    """What separates two pieces, of all the separators that met."""
    if right[0] in ".!?。！？)]}）" or left[-1] in "([{（" or right in _LAST:
        return ""
    comma = next((mark for mark in gap if mark in ",，、;；"), "")
    if comma:
        stop = left[-1] in ".。!?！？:：;；"
        return " " if stop else comma + ("" if comma in "，、；" else " ")
    if "\n" in gap:
        return "\n"
    if set(gap) == {SPLIT}:
        touching = left[-1].isalnum() and right[0].isalnum()
        return " " if touching and (left[-1] + right[0]).isascii() else ""
    return " " if gap else ""


def quoted(text: str) -> list[Span]:
    """Where lettering and choices stand, which are no syntax; not quotes around everything."""
    whole = len(text.strip())
    return [m.span() for m in _QUOTED.finditer(text) if m.end() - m.start() < whole]


def inside(match: re.Match[str], spans: Sequence[Span]) -> bool:
    """Whether a match starts within one of the spans, which are in order."""
    at = bisect(spans, match.start(), key=lambda span: span[0]) - 1
    return at >= 0 and match.start() < spans[at][1]
