"""Patterns of whole lines, from the table of what steers a conversation."""

from __future__ import annotations

import re
from functools import cache

from limner.pipelines.pocket.reading.lexicon import table

__all__ = ["ORDINALS", "WORDS", "named"]

ORDINALS = {
    word: n + 1
    for n, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
    )
}
WORDS = {
    word: n + 1
    for n, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split()
    )
}
_NUMBER = r"(?P<n>\d{1,3})(?:st|nd|rd|th)?"


@cache
def named(name: str) -> re.Pattern[str]:
    """One pattern of the table; lines are bounded before they are matched."""
    text: str = table("controls")["patterns"][name]
    text = text.replace("<NUMBER>", _NUMBER)
    text = text.replace("<WORDS>", "|".join(WORDS)).replace("<ORDINALS>", "|".join(ORDINALS))
    return re.compile(text)
