"""Cuts a text into the longest phrases that the lexicon knows, with where each stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from limner.pipelines.pocket.reading.lexicon import Lexicon, Tags, lexicon
from limner.pipelines.pocket.reading.spelling import meant_by

__all__ = ["LONGEST", "Token", "tokens"]

LONGEST = 4_000
"""Characters of a text that are read."""

_PIECE = re.compile(
    r"(?P<han>[\u3007\u3400-\u4dbf\u4e00-\u9fff])"
    r"|(?P<word>[^\W_\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+"
    r"(?:['’][^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+)*)"
    r"|(?P<foreign>[\u3040-\u30ff\uac00-\ud7a3]+)"
    r"|(?P<sign>[^\w\s]|_)"
)
_ONLY = ("只有", "只要")
_STOPS = ".!?;:。！？；：\n()（）[]【】{}<>|/\\…"
_COMMAS = ",，、"
_HYPHENS = "-‐‑–—"
_TIMES = re.compile(r"x(\d{1,3})|(\d{1,3})x")
_ORDINAL = re.compile(r"(\d{1,3})(?:st|nd|rd|th)")
_GENITIVE = re.compile(r"(.+)['’]s")


@dataclass(frozen=True, slots=True)
class Token:
    """A phrase of the text, or a word or sign that means nothing to the reader."""

    start: int
    end: int
    text: str
    tags: Tags
    chinese: bool = False
    hyphen: bool = False

    def is_(self, *names: str) -> bool:
        """Whether it can play one of these roles."""
        return any(name in self.tags for name in names)


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str
    text: str
    start: int
    end: int
    hyphen: bool


def tokens(text: str) -> list[Token]:
    """The phrases of a text, in order; at most 4,000 characters are read."""
    known, text = lexicon(), text[:LONGEST]
    pieces = list(_pieces(text))
    lower = text.lower() if len(text.lower()) == len(text) else text
    found: list[Token] = []
    at = 0
    while at < len(pieces):
        first, (token, at) = at, _next(known, lower, pieces, at)
        if token.text in _ONLY and _counted(found, token):
            token = Token(token.start, token.start + 1, "只", known.chinese["只"], True)
            at = first + 1  # 一只有四条腿的狗
        if token.text == "a little" and _describes(known, pieces[at:]):
            found.append(Token(token.start, token.start + 1, "a", _alone(known, "a")))
            token = Token(token.end - 6, token.end, "little", _alone(known, "little"))
        if _joins(found, token):
            last = found.pop()
            token = Token(last.start, token.end, last.text + token.text, {"unknown": ""}, True)
        found.append(token)
    return found


def _counted(found: list[Token], token: Token) -> bool:
    """Whether a number stands right before it."""
    return bool(found) and found[-1].is_("number") and found[-1].end == token.start


def _describes(known: Lexicon, rest: list[_Piece]) -> bool:
    """Whether a noun follows, perhaps behind a colour: `a little yellow duck` is small."""
    for piece in rest[:3]:
        tags = _alone(known, piece.text)
        if "noun" in tags and "colour" not in tags:
            return True
        if "colour" not in tags:
            return False
    return False


def _alone(known: Lexicon, word: str) -> Tags:
    """What a word of one piece can mean."""
    return next((tags for phrase, tags in known.english.get(word, ()) if phrase == (word,)), {})


def _joins(found: list[Token], token: Token) -> bool:
    """Whether an unknown character goes on an unknown Chinese word."""
    if not found or found[-1].end != token.start:
        return False
    return all(t.chinese and t.is_("unknown") for t in (found[-1], token))


def _pieces(text: str) -> Iterator[_Piece]:
    """Words, characters and signs; a hyphen between two words only marks the second."""
    hyphen = False
    for found in _PIECE.finditer(text):
        kind = str(found.lastgroup)
        if kind == "sign" and found[0] in _HYPHENS and _inside(text, found.start()):
            hyphen = True
            continue
        genitive = _GENITIVE.fullmatch(found[0]) if kind == "word" else None
        if genitive and found[0].lower().replace("’", "'") not in lexicon().english:
            middle = found.start() + len(genitive[1])
            yield _Piece("word", genitive[1].lower(), found.start(), middle, hyphen)
            yield _Piece("genitive", "'s", middle, found.end(), False)
        else:
            word = found[0].lower().replace("’", "'")
            yield _Piece(kind, word, found.start(), found.end(), hyphen)
        hyphen = False


def _inside(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()


def _next(known: Lexicon, lower: str, pieces: list[_Piece], at: int) -> tuple[Token, int]:
    piece = pieces[at]
    if piece.kind == "han":
        return _chinese(known, lower, pieces, at)
    if piece.kind == "word":
        return _english(known, pieces, at)
    tags = {"genitive": ""} if piece.kind == "genitive" else _sign(piece)
    return Token(piece.start, piece.end, piece.text, tags), at + 1


def _sign(piece: _Piece) -> Tags:
    if piece.kind == "foreign":
        return {"foreign": ""}
    if piece.text in _COMMAS:
        return {"comma": ""}
    if piece.text in _STOPS:
        return {"stop": piece.text}
    if piece.text in "&+＋":
        return {"and": ""}
    return {"sign": ""}


def _chinese(known: Lexicon, lower: str, pieces: list[_Piece], at: int) -> tuple[Token, int]:
    start = pieces[at].start
    for length in range(min(known.longest, len(lower) - start), 0, -1):
        tags = known.chinese.get(lower[start : start + length])
        if tags:
            end, to = start + length, at
            if "noun" in tags and lower[end : end + 1] in ("子", "儿"):
                end += 1  # 车子, 猫儿
            while to < len(pieces) and pieces[to].start < end:
                to += 1
            return Token(start, end, lower[start:end], tags, True), to
    return Token(start, start + 1, lower[start], {"unknown": ""}, True), at + 1


def _english(known: Lexicon, pieces: list[_Piece], at: int) -> tuple[Token, int]:
    first = pieces[at]
    for phrase, tags in known.english.get(first.text, ()):
        if _matches(pieces, at, phrase):
            last = pieces[at + len(phrase) - 1]
            text = " ".join(phrase)
            return Token(first.start, last.end, text, tags, False, first.hyphen), at + len(phrase)
    tags = _unlisted(first.text)
    if "unknown" in tags and (meant := meant_by(first.text)):
        tags = next(tags for phrase, tags in known.english[meant] if phrase == (meant,))
    return Token(first.start, first.end, first.text, tags, False, first.hyphen), at + 1


def _matches(pieces: list[_Piece], at: int, phrase: tuple[str, ...]) -> bool:
    if at + len(phrase) > len(pieces):
        return False
    return all(
        pieces[at + n].text == word and pieces[at + n].kind == "word"
        for n, word in enumerate(phrase)
    )


def _unlisted(word: str) -> Tags:
    """What can be said of a word that stands in no table: figures, `x3`, `2nd`, or nothing."""
    if word.isdecimal():
        return {"number": str(int(word[:7]))} if word.isascii() else {"junk": ""}
    if times := _TIMES.fullmatch(word):
        return {"times": times[1] or times[2]}
    if ordinal := _ORDINAL.fullmatch(word):
        return {"ordinal": ordinal[1]}
    if not word.isalpha() and any(c.isdigit() for c in word):
        return {"junk": ""}
    return {"unknown": ""}
