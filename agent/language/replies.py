"""What a writer may say to the user: nothing that nobody has seen, and nothing that is not so."""

from __future__ import annotations

import re
from functools import cache

from limner.agent.language.keeping import lost
from limner.agent.language.locks import stated
from limner.agent.language.nouns import canonical, colour_words, names
from limner.agent.language.reading import tokens, words_at
from limner.agent.plain import one_line
from limner.agent.records import Brief
from limner.prompts.words import telling

__all__ = ["honest", "undoubled"]

_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_DOUBLED = re.compile(r"\b([a-z]+(?: [a-z]+){0,3})(?: \1\b)+", re.IGNORECASE)
_MEANT_TWICE = frozenset(("had", "that", "very", "so", "bye", "night"))


def honest(reply: str, brief: Brief) -> str:
    """The reply, or "" where it tells of a picture that nobody has looked at, or another brief.

    A reply says what is going to be painted: it must not say that it was done, and the things,
    numbers and colours in it must be those of the brief. What it says it can't paint may be named,
    where the request names it.
    """
    reply = undoubled(reply)
    refused = [found for one in _cannot() for found in one.findall(reply.lower())]
    if _done().search(reply) or any(name not in brief.request.lower() for name in refused):
        return ""
    admits = any(word in reply.lower() for word in telling().admits)
    if admits:
        return reply
    shown = {canonical(thing.name) for thing in brief.things}
    shown |= {name.split(" ")[-1] for name in shown}
    said = set(_things(reply))
    spoken = [lock for lock in stated(reply) if lock.thing in shown]
    return "" if (shown and said - shown) or lost(spoken, brief) else reply


def undoubled(prompt: str, request: str = "") -> str:
    """The prompt without words in a row and sentences that stand there twice.

    A request that doubles a word itself has it meant so, as in "knock knock".
    """
    if _DOUBLED.search(request):
        return prompt
    said: dict[str, str] = {}
    for sentence in _SENTENCES.split(one_line(prompt)):
        said.setdefault(sentence.lower().strip(" .!"), sentence)
    return _DOUBLED.sub(_once, " ".join(said.values()))


def _once(found: re.Match[str]) -> str:
    return found[0] if found[1].lower() in _MEANT_TWICE else found[1]


def _things(reply: str) -> list[str]:
    """The canonical names of the things that a reply speaks of."""
    found = tokens(reply)
    english = [
        canonical(words_at(found, at, size))
        for at in range(len(found))
        for size in (2, 1)
        if (words := words_at(found, at, size)) in names() and words not in colour_words()
    ]
    return [*english, *(_chinese_names()[m[0]] for m in _chinese().finditer(reply))]


@cache
def _cannot() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, telling().cannot))


@cache
def _done() -> re.Pattern[str]:
    return re.compile("|".join(telling().done), re.IGNORECASE)


@cache
def _chinese_names() -> dict[str, str]:
    """Names of two signs and more: one sign is too often a part of another word."""
    return {word: name for word, name in names().items() if not word.isascii() and len(word) > 1}


@cache
def _chinese() -> re.Pattern[str]:
    words = sorted(_chinese_names(), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)))
