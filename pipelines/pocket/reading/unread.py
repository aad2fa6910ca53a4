"""Finds the words of a text that may name something for the picture and that nobody could use."""

from __future__ import annotations

from collections.abc import Sequence

from limner.pipelines.pocket.reading.claims import ClaimReply
from limner.pipelines.pocket.reading.phrases import phrases
from limner.pipelines.pocket.reading.steering import names_nothing
from limner.pipelines.pocket.reading.tokens import tokens

__all__ = ["unread"]

_OWN_WORDS = ("action", "attribute", "text")  # claims that say an unknown word themselves
_UNKNOWN = frozenset(("unknown", "junk", "foreign"))
_MOST = 24


def unread(text: str, rows: Sequence[ClaimReply], told: Sequence[str] = ()) -> list[str]:
    """The unknown words of a text as typed, in their order; none that is said in `rows` or `told`.

    Words of grammar, politeness, praise and of editing name nothing, and don't count.
    """
    said = [row["quote"].lower() for row in rows if row["kind"] in _OWN_WORDS]
    said += [word.lower() for word in told]
    spans = {(i.start, i.end) for i in phrases(text) if i.kind in _UNKNOWN}
    spans |= {(t.start, t.end) for t in tokens(text) if t.tags and t.tags.keys() <= _UNKNOWN}
    found: list[str] = []
    end = 0
    for start, upto in sorted(spans, key=lambda span: (span[0], -span[1])):
        word = text[start:upto]
        if start < end:
            continue
        end = upto
        if _names(word) and not any(word.lower() in other for other in said):
            found.append(word)
    return list(dict.fromkeys(found))[:_MOST]


def _names(word: str) -> bool:
    """Whether it has letters, and may be the name or the look of something."""
    return any(c.isalpha() for c in word) and not names_nothing(word)
