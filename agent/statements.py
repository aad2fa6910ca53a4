"""Mends what small language models write: statements beside their quote, copied text and loops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from limner.agent.english import content, stem, words_of
from limner.agent.extract import is_english
from limner.agent.writer_schema import Asked

__all__ = ["stated", "without_copied"]

_LONGEST = 2_000  # characters of a prompt
_FRAME = frozenset(map(stem, "style background colour color colours colors visible".split()))
_RELATION = re.compile(
    r"(?:on|under|above|below|near|behind|beside|between|inside|beneath)\s", re.IGNORECASE
)
_LEADS = re.compile(
    r"^(?:(?:with|in|at|by|from|that|who|which|while|through|against|and|but)\s+)+", re.IGNORECASE
)
_LOOP = re.compile(r"((?:\S{1,40}\s+){1,8}?)\1\1")
_DANGLING = re.compile(r"[\s,;]+(?:(?:a|an|the|of|in|on|with|and|is|are)[\s,;]*)*$")
_SENTENCE = re.compile(r"[^.!?。]+[.!?。]*[\s\"']*|[.!?。]+")


def stated(items: Iterable[Asked], request: str) -> list[Asked]:
    """A language model's statements, with those put plainly that don't say what they quote.

    That is done of English quotes. Whether another language was understood can't be told here, but
    a statement that breaks off, loops or stands for several quotes is left out: those stay open.
    """
    items = [*items]
    english = is_english(request)
    times = Counter(item.text.casefold() for item in items)
    made: list[Asked] = []
    for item in items:
        again = times[item.text.casefold()] > 1
        fits = _sound(item.text) and not (again and not english)
        if english and fits:
            said = {one.text.casefold() for one in made}
            fits = item.text.casefold() not in said and _says(item.text, item.quote, request)
        if fits:
            made.append(item)
        elif english:
            made += _plainly(item.quote, request)
    return made


def without_copied(prompt: str, told: str, request: str) -> str:
    """The prompt without what a small model copies from its instructions, and without its loops."""
    looped = _LOOP.search(prompt[:_LONGEST])
    text = prompt[: looped.end(1)] if looped else prompt[:_LONGEST]
    kept = [
        sentence
        for sentence in _SENTENCE.findall(_DANGLING.sub("", text) if looped else text)
        if len(sentence) < 20 or sentence.strip(" .") not in told or sentence.strip() in request
    ]
    return "".join(kept).strip()


def _sound(text: str) -> bool:
    """Whether a statement is a whole sentence, with nothing said twice."""
    words = words_of(text)
    runs = [*zip(words, words[1:], words[2:], strict=False)]
    whole = len(words) > 1 and text.endswith((".", "!", "?", "。", '"', ")"))
    return whole and len(runs) == len(set(runs))


def _says(text: str, quote: str, request: str) -> bool:
    """Whether an English statement has half of the words of its quote, and hardly any of its own.

    One word may be new: the name of a thing's kind, or a better word.
    """
    wanted = {stem(word) for word in content(words_of(quote))}
    said = {stem(word) for word in content(words_of(text))} - _FRAME
    new = said - {stem(word) for word in words_of(request)}
    return 2 * len(wanted & said) >= len(wanted) and len(new) <= 1


def _plainly(quote: str, request: str) -> Iterator[Asked]:
    """An English quote as a statement by rule; none for one that excludes."""
    if {"no", "not", "without", "never", "except"} & set(words_of(quote)):
        return
    said = quote.rstrip(" .")
    if said[:1].isupper() and len(said.split()) > 2 and "." in request:
        text = f"{said}."  # a sentence, or the beginning of one
    elif _RELATION.match(said):
        text = f"Something is {said}."
    else:
        text = f"The picture shows {_LEADS.sub('', said)}."
    yield Asked(quote=quote, text=text)
