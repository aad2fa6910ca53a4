"""Finds the known word that a misspelt one stands for: one letter more, less, or out of order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from limner.pipelines.pocket.reading.lexicon import lexicon

__all__ = ["meant_by"]

_SHORTEST, _LONGEST = 4, 24  # letters of a word that may be mended
_SHORT = 5  # letters from which it may stand for more than a colour or a small word
_LONG = 7  # letters from which one of them may be another
_TAGS = (
    "noun",
    "colour",
    "size",
    "scene",
    "light",
    "style",
    "remove",
    "put",
    "add",
    "set",
    "backdrop",
)
_MENDED = ("filler", *_TAGS)


def meant_by(word: str) -> str:
    """The known word that is meant; "" where none is, or more than one could be."""
    if not (_SHORTEST <= len(word) <= _LONGEST and word.isascii() and word.isalpha()):
        return ""
    found = {known for form in _forms(word) for known in _index().get(form, ())}
    near = [known for known in found if known[0] == word[0] and _near(word, known)]
    if len(word) < _SHORT:
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
        long = len(word) > _SHORTEST and word.isascii() and word.isalpha()
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
        return len(word) >= _LONG
    one = apart[0]
    return apart == [one, one + 1] and word[one] == known[one + 1] and word[one + 1] == known[one]
