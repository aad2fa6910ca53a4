"""Cuts a request into pieces that each say one thing, for a writer to state one by one."""

from __future__ import annotations

import re

from limner.agent.english import SMALL_WORDS, words_of
from limner.agent.extract import is_english

__all__ = ["pieces"]

_MOST = 16  # pieces
_LONGEST = 300  # characters of one
_READ = 4_000  # characters of a request that are cut into pieces
_SIGNS = re.compile(r"[.,](?!\d)|[;:!?\n，。；：！？、]")
_JOINTS = re.compile(  # behind "-ed" a small word belongs to it: "filled with books"
    r"(?<!ed)\s+(?=(?:with|on|in|at|by|from|through|against)\s)"
    r"|\s+(?=(?:and|but|without|under|above|below|near|behind|beside|between|inside|beneath|that|who"
    r"|which|while|wearing|holding)\s)",
    re.IGNORECASE,
)
_EDGES = re.compile(
    r"^(?:and|but)\s+|^的|\s+(?:and|of|a|an|the|that says|that reads|saying)$", re.IGNORECASE
)
_EMPTY = SMALL_WORDS | frozenset("says reads saying called named labelled labeled written".split())
_BESIDES = _EMPTY | frozenset(
    "left right top bottom middle centre center front back side foreground background".split()
)


def pieces(request: str) -> list[str]:
    """The request in pieces that each say one thing, verbatim and in order; at most 16.

    Cut at signs; English also before its small words, as long as that gives no more than 16.
    """
    clauses = [part.strip() for part in _SIGNS.split(request[:_READ]) if part.strip()]
    cut = clauses
    if is_english(request):
        finer = [piece for clause in clauses for piece in _finer(clause)]
        cut = finer if len(finer) <= _MOST else clauses
    trimmed = [_EDGES.sub("", piece)[:_LONGEST].strip() for piece in cut]
    return list(dict.fromkeys(piece for piece in trimmed if any(map(str.isalnum, piece))))[:_MOST]


def _finer(clause: str) -> list[str]:
    """A clause cut before its small words, unless too little would stand alone ("and white")."""
    made: list[str] = []
    for piece in _JOINTS.split(clause):
        words = words_of(piece)
        lone = piece.casefold().startswith(("and ", "but ")) and len(words) == 2
        if made and (lone or _BESIDES.issuperset(words)):
            made[-1] = clause[clause.find(made[-1]) : clause.find(piece) + len(piece)]
        else:
            made.append(piece)
    return [piece for piece in made if not _EMPTY.issuperset(words_of(piece))]
