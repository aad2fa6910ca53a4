"""Cuts a text into the longest phrases that the lexicon knows, with where each stands.

A word that the lexicon lacks is mended where it is one slip away from one known word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from limner.pipelines.pocket.reading.lexicon import Lexicon, Tags, lexicon

__all__ = ["LONGEST", "Token", "meant_by", "tokens"]

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


# slips of one letter

_MENDED_FROM, _MENDED_TO = 4, 24  # letters of a word that may be mended
_FREE_FROM = 5  # letters from which it may stand for more than a colour or a small word
_CHANGED_FROM = 7  # letters from which one of them may be another
_MENDED = frozenset("filler noun colour size scene light style remove put add set backdrop".split())


def meant_by(word: str) -> str:
    """The known word that is meant; "" where none is, or more than one could be."""
    if not (_MENDED_FROM <= len(word) <= _MENDED_TO and word.isascii() and word.isalpha()):
        return ""
    found = {known for form in _forms(word) for known in _index().get(form, ())}
    near = [known for known in found if known[0] == word[0] and _near(word, known)]
    if len(word) < _FREE_FROM:
        near = [known for known in near if known in _small_words()]
    small = [known for known in near if known in _small_words()]
    near = small if len(near) > 1 else near
    return near[0] if len(near) == 1 else ""


@cache
def _small_words() -> frozenset[str]:
    """Words that name nothing, which are mistyped most, and colours."""
    rows = lexicon().english.items()
    tags = {"filler", "colour"}
    return frozenset(w for w, rows in rows if any(p == (w,) and tags & t.keys() for p, t in rows))


@cache
def _index() -> dict[str, tuple[str, ...]]:
    """Known words by themselves, and by all that is left of them without one letter."""
    found: dict[str, tuple[str, ...]] = {}
    for word, phrases in lexicon().english.items():
        long = len(word) > _MENDED_FROM and word.isascii() and word.isalpha()
        if long and any(
            p == (word,) and not tags.keys().isdisjoint(_MENDED) for p, tags in phrases
        ):
            for form in _forms(word):
                found[form] = (*found.get(form, ()), word)
    return found


def _forms(word: str) -> Iterator[str]:
    yield word
    yield from {word[:at] + word[at + 1 :] for at in range(len(word))}


def _near(word: str, known: str) -> bool:
    """Whether they differ by one letter too many, by two in the wrong order, or by another one."""
    if word == known:
        return False
    if len(word) != len(known):
        return word != known + "s" and known != word + "s"
    apart = [at for at, pair in enumerate(zip(word, known, strict=True)) if pair[0] != pair[1]]
    if len(apart) == 1:
        return len(word) >= _CHANGED_FROM
    one = apart[0]
    return apart == [one, one + 1] and word[one] == known[one + 1] and word[one + 1] == known[one]
