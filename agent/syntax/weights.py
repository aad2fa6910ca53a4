"""Reads the brackets by which other tools are told what weighs more: (tower:1.3), [[tower]]."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from limner.agent.syntax.cuts import SPLIT, Span, quoted, without
from limner.agent.syntax.found import NUMBER, FoundSettings, tidy_weight

__all__ = ["emphasis"]

_TOKEN = re.compile(
    r"\\(?P<escaped>.)|(?P<open>[(\[{（])|(?P<shut>[)\]}）])|(?P<part>[:：|])"
    r"|(?<![\w+.-])(?P<word>[^\W\d_]{2,40})(?P<mark>\+{2,9}(?![\w+])|-{2,9}(?=[\s,.;]|$))"
)
_WEIGHT = re.compile(rf"(\s{{0,5}})({NUMBER})\s{{0,5}}")
_BEHIND = re.compile(
    r"(?P<sure>\d{0,3}\.\d{1,6}(?![\w.])|\+{2,9}(?![\w+(]))"
    r"|(?P<maybe>\d{1,2}(?![\w.:])|\+(?![\w+(])|-{1,9}(?=[\s,.]|$))"
)
_PLAIN = {"(": 1.1, "[": 1 / 1.1, "{": 1.05}
_KINDS = {"(": "(", "（": "(", "[": "[", "{": "{", ")": "(", "）": "(", "]": "[", "}": "{"}
_USUAL_STEPS = 20


@dataclass(slots=True)
class _Group:
    """One pair of brackets, from `start` to `end`; `sure` that it is no prose, `taken` or not.

    Its words are `inner`; of an exchange, [a:b:0.5], these are the ones that stay.
    """

    kind: str
    start: int
    end: int
    inner: Span
    factor: float = 1.0
    sure: bool = False
    maybe: bool = False
    exchange: bool = False


@dataclass(slots=True)
class _Open:
    kind: str
    start: int
    colons: list[int] = field(default_factory=list)
    pipes: list[int] = field(default_factory=list)
    last: Span = (-1, -1)  # the group in it that ended last


def emphasis(text: str, found: FoundSettings) -> str:
    """The text without brackets that weigh; what they mean is noted.

    Where the text has other marks of such tools, plain brackets weigh, too. They do without it only
    around a whole phrase between commas, in a list of short phrases.
    """
    reader = _Reader(text, found.steps or _USUAL_STEPS)
    reader.read(quoted(text))
    signs = found.signs or bool(reader.escapes) or any(group.sure for group in reader.groups)
    listed = _is_list(text)
    taken = [
        group
        for group in reader.groups
        if group.sure or (group.maybe and (signs or (listed and _is_whole(text, group))))
    ]
    cuts = [(at, at + 1, "") for at in reader.escapes]  # these only lose their backslash
    for group in taken:
        outer = [(group.start, group.inner[0]), (group.inner[1], group.end)]
        if group.factor <= 0:
            cuts.append((group.start, group.end, SPLIT))
            words = _words(text[slice(*group.inner)])
            if words and group.factor < 0:
                found.unlike.append(words)
            elif words:
                found.dropped.append(text[group.start : group.end])
        elif group.exchange:
            cuts += [(*span, SPLIT) for span in outer]
            found.dropped.append(text[group.start : group.end])
        else:
            cuts += [(*span, "") for span in outer]
    found.weights += _weights(text, taken)
    return without(text, cuts)


class _Reader:
    """Finds the pairs of brackets, in one go through the text."""

    def __init__(self, text: str, steps: int) -> None:
        self.text, self.steps = text, steps
        self.groups: list[_Group] = []
        self.escapes: list[int] = []
        self._letters = list(accumulate(map(str.isalpha, text), initial=0))
        self._open: list[_Open] = []

    def read(self, kept: Sequence[Span]) -> None:
        barred = iter([*kept, (len(self.text) + 1, len(self.text) + 1)])
        bar = next(barred)
        for token in _TOKEN.finditer(self.text):
            while bar[1] <= token.start():
                bar = next(barred)
            if token.start() < bar[0]:
                self._take(token)

    def _take(self, token: re.Match[str]) -> None:
        if token["open"]:
            self._open.append(_Open(_KINDS[token["open"]], token.start()))
        elif token["shut"]:
            self._shut(token.start())
        elif token["part"] and self._open:
            top = self._open[-1]
            (top.pipes if token["part"] == "|" else top.colons).append(token.start())
        elif token["escaped"] and token["escaped"] in "()[]{}（）":
            self.escapes.append(token.start())
        elif token["word"]:
            inner = token.span("word")
            more = token["mark"][0] == "+"
            factor = (1.1 if more else 0.9) ** len(token["mark"])
            group = _Group("+", *token.span(), inner, factor)
            group.sure = more and token["word"].islower()
            group.maybe = len(token["word"]) > 2
            self.groups.append(group)

    def _shut(self, at: int) -> None:
        kind = _KINDS[self.text[at]]
        if not any(one.kind == kind for one in self._open[-9:]):
            return  # nothing of its kind is open, or too far away
        while self._open[-1].kind != kind:
            self._open.pop()
        opened = self._open.pop()
        group = self._group(opened, at)
        if self._open:
            self._open[-1].last = (group.start, group.end)
        self.groups.append(group)

    def _group(self, opened: _Open, at: int) -> _Group:
        kind = opened.kind
        group = _Group(kind, opened.start, at + 1, (opened.start + 1, at), _PLAIN[kind])
        if kind == "[" and (opened.colons or opened.pipes):
            self._exchange(group, opened, at)
        elif kind == "(" and opened.colons and self._weigh(group, opened.colons[-1], at):
            return group
        elif self._has_letters(group.inner) and not (kind == "{" and opened.pipes):
            doubled = opened.last == (opened.start + 1, at)
            group.sure = doubled and kind != "["
            group.maybe = (
                kind != "{" or "," not in self.text[opened.start : min(at, opened.start + 200)]
            )
            self._behind(group)
        return group

    def _weigh(self, group: _Group, colon: int, at: int) -> bool:
        """(tower:1.3), but not (16:9), and (height: 40) only among other such signs."""
        match = self._number(colon, at)
        before, blank = self.text[colon - 1], self._is_blank(group.start + 1, colon)
        if not match or not (blank or self._has_letters((group.start, colon))):
            return False
        whole = "." not in match[2]
        if before.isdigit() and whole:
            return True  # a time or a ratio: neither weight nor emphasis
        group.factor, group.inner = float(match[2]), (group.start + 1, colon)
        group.sure, group.maybe = not (match[1] and whole), True
        if blank:
            group.factor = 0.0
        return True

    def _behind(self, group: _Group) -> None:
        """(tower)1.3 and (tower)++, as compel writes it."""
        match = _BEHIND.match(self.text, group.end) if group.kind == "(" else None
        if not match:
            return
        said = match[0]
        many = len(said) if said[0] in "+-" else 0
        base = 1.1 if said[0] == "+" else 0.9
        group.factor, group.end = base**many if many else float(said), match.end()
        group.sure = group.sure or match["sure"] is not None

    def _exchange(self, group: _Group, opened: _Open, at: int) -> None:
        """[tower:bridge:0.5], [tower:0.5], [tower|bridge]: what is seen for longer stays."""
        group.exchange, group.factor = True, 1.0
        start = opened.start + 1
        if self.text[at + 1 : at + 2] == "(" or not self._has_letters((start, at)):
            return
        if opened.pipes:
            group.inner, group.sure = self._option([*opened.pipes, at], start), True
            return
        match = self._number(opened.colons[-1], at)
        if not match or "-" in match[0]:
            return
        last = opened.colons[-1]
        first = opened.colons[-2] if len(opened.colons) > 1 else start
        before, after = (start, first), (first + (first > start), last)
        share = float(match[2]) / (1 if "." in match[2] else self.steps)
        stays = before if share > 0.5 else after
        other = after if share > 0.5 else before
        group.inner = other if self._is_blank(*stays) else stays
        clear = "." in match[2] and not self.text[last - 1].isdigit()
        group.sure, group.maybe = clear or len(opened.colons) > 1, True

    def _number(self, colon: int, at: int) -> re.Match[str] | None:
        """The number that is all between a colon and the end of a group."""
        return _WEIGHT.fullmatch(self.text, colon + 1, at) if at - colon < 80 else None

    def _option(self, ends: list[int], start: int) -> Span:
        """The first of a few words that take turns; the second, where the first is empty."""
        first = (start, ends[0])
        return (ends[0] + 1, ends[1]) if self._is_blank(*first) else first

    def _has_letters(self, span: Span) -> bool:
        return self._letters[span[1]] > self._letters[span[0]]

    def _is_blank(self, start: int, end: int) -> bool:
        return end - start < 9 and not self.text[start:end].strip()


def _weights(text: str, taken: list[_Group]) -> list[tuple[str, float]]:
    """The pieces of text that weigh more or less, by walking over the brackets left to right."""
    found = []
    stack, at = [1.0], 0
    for where, opens, _, factor in sorted(edge for group in taken for edge in _edges(group)):
        words = _words(text[at:where]) if stack[-1] not in (0, 1) else ""
        if any(map(str.isalpha, words)):
            found.append((words, tidy_weight(stack[-1])))
        at = where
        if opens:
            stack.append(min(stack[-1] * factor, 1e6))
        else:
            stack.pop()
    return found


def _edges(group: _Group) -> list[tuple[int, int, int, float]]:
    """Where its words start and end to weigh, and what is not of its words, which weighs 0.

    Each is: where, whether it opens, minus its end (the outer of two opens first), its factor.
    """
    start, end = group.inner
    spans = [(group.start, start, 0.0), (start, end, group.factor), (end, group.end, 0.0)]
    if group.factor <= 0 or start >= end:
        spans = [(group.start, group.end, 0.0)]
    edges = []
    for first, last, factor in spans:
        if first < last:
            edges += [(first, 1, -last, factor), (last, 0, 0, 0.0)]
    return edges


def _words(piece: str) -> str:
    """The piece without what is around its words, and without backslashes."""
    return re.sub(r"\\([()\[\]{}（）])", r"\1", piece).strip(" \t\n,，、;；:：.")


def _is_list(text: str) -> bool:
    """Short phrases between commas, and no sentences."""
    parts = re.split(r"[,，]", text[:4000])
    short = all(len(part.split()) <= 8 and len(part) <= 80 for part in parts)
    return len(parts) >= 3 and short and not re.search(r"[.!?]\s+\S|[。！？]", text[:4000])


def _is_whole(text: str, group: _Group) -> bool:
    """Whether the brackets are around all between two commas."""
    before = text[max(0, group.start - 9) : group.start].rstrip(" \t")
    after = text[group.end : group.end + 9].lstrip(" \t")
    starts = not text[: group.start].strip() if group.start < 9 else False
    return (starts or before[-1:] in tuple(",，、;；\n")) and (
        not after or after[0] in ",，、;；\n."
    )
