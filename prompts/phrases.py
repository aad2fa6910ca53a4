"""Finds the phrases of a long list in a text, in any of the ways that people type them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Phrase", "Phrases", "lowered"]

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_HAN = "\u3400-\u9fff"
_LETTERS = rf"[^\W\d_{_HAN}]"
_TOKEN = re.compile(
    rf"[{_HAN}]|(?P<head>{_LETTERS}*)(?P<number>\d+(?:\.\d+)?(?:-\d+)?)(?P<tail>{_LETTERS}*)"
    rf"|{_LETTERS}+|[^\w\s-]"
)
_PART_OF_MORE = tuple("_./$€£¥'’-")  # a word after one of these is no word of its own
_GOES_ON = re.compile(r"[_'’%]|-[a-z]|\.\d")  # nor is one before these
_SLOT = re.compile(r"\{(\w+)\}")
_ANY, _DECIMAL = "n", "d"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of the list in a text: from `start` to `end`, and of which kind."""

    start: int
    end: int
    kind: str


class _Token(NamedTuple):
    """A word, a Chinese character or a sign; `key` has # for its number, a space if set apart."""

    start: int
    end: int
    key: str
    number: str


@dataclass(slots=True)
class _Node:
    """A place in the tree of phrases: the kind that ends here, and which tokens may follow.

    Under a token's key stand the names of the numbers that it may have, and where each leads.
    """

    kind: str = ""
    after: dict[str, dict[str, _Node]] = field(default_factory=dict)


class Phrases:
    """A list of phrases by kind, whose slots in braces stand for one of several words.

    {n} is any number, {d} one with a decimal point; the other names are of `slots`, whose values
    are either all numbers or all words. A space of a phrase may be a hyphen, an underscore or
    nothing in the text. Of two phrases the longer is found, of two kinds the first.
    """

    def __init__(
        self, kinds: Mapping[str, Iterable[object]], slots: Mapping[str, Iterable[object]]
    ) -> None:
        self._slots = {name: [str(value) for value in some] for name, some in slots.items()}
        self._tree = _Node()
        self._numbers = {name for name, some in self._slots.items() if some[0][0].isdecimal()}
        for kind, phrases in kinds.items():
            for said in (said for phrase in phrases for said in self._spelled(str(phrase))):
                self._add(said, kind)
                self._add(said.replace(" ", ""), kind)

    def find(self, lower: str) -> list[Phrase]:
        """All phrases in a text of small letters, left to right, none within another."""
        tokens, found, at = list(_tokens(lower)), [], 0
        while at < len(tokens):
            last, kind = self._longest(lower, tokens, at)
            if kind:
                found.append(Phrase(tokens[at].start, tokens[last].end, kind))
            at = max(at, last) + 1
        return found

    def _longest(self, lower: str, tokens: list[_Token], at: int) -> tuple[int, str]:
        """The last token of the longest phrase that starts here, and its kind."""
        best = (at, "")
        if tokens[at].key.lstrip() not in self._tree.after:
            return best
        if lower[max(0, tokens[at].start - 1) : tokens[at].start] in _PART_OF_MORE:
            return best
        nodes = [self._tree]
        for index in range(at, len(tokens)):
            token = tokens[index]
            key = token.key if index > at else token.key.lstrip()
            nodes = [one for node in nodes for one in self._next(node, key, token.number)]
            if not nodes:
                break
            kind = next((node.kind for node in nodes if node.kind), "")
            if kind and not _GOES_ON.match(lower, token.end):
                best = (index, kind)
        return best

    def _next(self, node: _Node, key: str, number: str) -> Iterator[_Node]:
        for name, after in node.after.get(key, {}).items():
            allowed = (
                name in (_ANY, f"={number}")
                or (name == _DECIMAL and "." in number)
                or number in self._slots.get(name, ())
            )
            if allowed:
                yield after

    def _spelled(self, phrase: str) -> Iterator[str]:
        """The phrase with each of the words that its slots stand for; numbers stay slots."""
        slot = next((m for m in _SLOT.finditer(phrase) if not self._counts(m[1])), None)
        if slot is None:
            yield phrase.replace("-", " ")
            return
        for value in self._slots[slot[1]]:
            yield from self._spelled(phrase[: slot.start()] + value + phrase[slot.end() :])

    def _counts(self, name: str) -> bool:
        return name in (_ANY, _DECIMAL) or name in self._numbers

    def _add(self, said: str, kind: str) -> None:
        names = iter(_SLOT.findall(said))
        node = self._tree
        for token in _tokens(_SLOT.sub("0", said)):
            name = next(names) if token.number == "0" else f"={token.number}"
            node = node.after.setdefault(token.key, {}).setdefault(name, _Node())
        node.kind = node.kind or kind


def lowered(text: str) -> str:
    """The text with its Latin capitals small, and each character where it was."""
    return text.translate(_LOWER)


def _tokens(text: str) -> Iterator[_Token]:
    end = 0
    for match in _TOKEN.finditer(text):
        number = match["number"] or ""
        key = f"{match['head']}#{match['tail']}" if number else match[0]
        gap = text[end : match.start()]
        if gap:  # a wide gap is none that a phrase may have
            key = (" " if len(gap) <= 2 and not gap.strip(" _-") else "\n") + key
        end = match.end()
        yield _Token(match.start(), end, key, number)
