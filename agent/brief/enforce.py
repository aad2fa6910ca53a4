"""Holds what a writer says was asked against what was typed, and mends or drops what differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from limner.agent.brief.claims import slotted
from limner.agent.brief.coverage import find
from limner.agent.brief.english import NUMBERS, content, number_in, stem, stems, words_of
from limner.agent.brief.extract import is_english, negated, numbers
from limner.agent.brief.prompt import clauses
from limner.agent.brief.replies import AskedStatement
from limner.agent.plain import one_line
from limner.agent.records import KINDS, Claim
from limner.prompts.words import words as listed

__all__ = [
    "checked",
    "said_in",
    "stated",
    "unlooped",
    "whole",
    "without_copied",
]


_LONGEST = 2_000  # characters of a prompt
_FRAME = frozenset(map(stem, listed("frame")))
_RELATION = re.compile(
    r"(?:on|under|above|below|near|behind|beside|between|inside|beneath)\s", re.IGNORECASE
)
_LEADS = re.compile(
    r"^(?:(?:with|in|at|by|from|that|who|which|while|through|against|and|but)\s+)+", re.IGNORECASE
)
_LOOP = re.compile(r"((?:\S{1,40}\s+){1,8}?)\1\1")
_DANGLING = re.compile(r"[\s,;]+(?:(?:a|an|the|of|in|on|with|and|is|are)[\s,;]*)*$")
_SENTENCE = re.compile(r"[^.!?。]+[.!?。]*[\s\"']*|[.!?。]+")


def stated(items: Iterable[AskedStatement], request: str) -> list[AskedStatement]:
    """A language model's statements, with those put plainly that don't say what they quote.

    That is done of English quotes. Whether another language was understood can't be told here, but
    a statement that breaks off, loops or stands for several quotes is left out: those stay open.
    """
    items = [*items]
    english = is_english(request)
    times = Counter(item.text.casefold() for item in items)
    made: list[AskedStatement] = []
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
    new = said - stems(request)
    return 2 * len(wanted & said) >= len(wanted) and len(new) <= 1


def _plainly(quote: str, request: str) -> Iterator[AskedStatement]:
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
    yield AskedStatement(quote=quote, text=text)


_STRUCTURE = frozenset(map(stem, listed("structure")))
_LOOP_CHECKING = 3  # times that a clause may come before it is a loop


def checked(
    items: Iterable[AskedStatement], request: str, known: Sequence[Claim], *, trusted: bool = False
) -> tuple[list[Claim], tuple[str, ...]]:
    """The asked claims that stand up to the request, with what is known; and what was mended.

    A claim whose quote is not in the request is dropped; one with a number that nobody typed, or
    that wants what is excluded, too; in English one that brings in words of its own is invented. A
    `trusted` writer reads by rules of its own: only its quotes are checked.
    """
    away = negated(request)
    kept: list[Claim] = []
    wrong: list[str] = []
    for item in items:
        claim = _made(item, request)
        if claim is None:
            wrong.append(f"not in the request: {one_line(item.text, 60)}")
        elif trusted:
            kept.append(claim)
        elif why := _why_wrong(claim, request, away):
            wrong.append(why)
        else:
            kept.append(_own(claim, request))
    if trusted:
        return kept, tuple(wrong)
    kept = [one for one in kept if not any(_echoes(one, claim) for claim in known)]
    lost = [claim for claim in known if not any(_states(one, claim) for one in kept)]
    kept = [one for one in kept if not any(_against(one, claim) for claim in lost)]
    return [*lost, *kept], tuple(wrong)


def said_in(claim: str, text: str) -> bool:
    """Whether a text says at least half of the words of a claim, its number among them."""
    wanted = content(words_of(claim))
    said = stems(text)
    if not wanted:
        return claim.casefold().strip(" .") in text.casefold()
    if any((number_in(word) or 0) > 1 and stem(word) not in said for word in wanted):
        return False
    return 2 * sum(stem(word) in said for word in wanted) >= len(wanted)


def unlooped(prompt: str) -> str:
    """The prompt on one line, without clauses that come again and again: small models loop."""
    seen: dict[str, int] = {}
    kept = []
    for part in clauses(one_line(prompt)):
        key = part.casefold().strip(" .,;!?")
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 1:
            kept.append(part)
        if seen[key] >= _LOOP_CHECKING:
            break
    return "".join(kept).strip()


def whole(prompt: str, claims: Sequence[Claim]) -> str:
    """The prompt without what must not be seen, and with every asked claim said at least half."""
    wanted = stems(*(c.text for c in claims if c.kind != "absent"))
    absent = {stem(c.subject.split()[-1]) for c in claims if c.kind == "absent" and c.subject}
    kept = [part for part in clauses(prompt) if not (absent - wanted) & stems(part)]
    text = "".join(kept).strip(" ,;")
    asked = (c for c in claims if c.source == "asked" and c.kind != "absent")
    # An English prompt can't be held against a claim that nobody translated.
    read = (c for c in asked if c.kind == "text" or is_english(c.text))
    missing = [c.text for c in read if not _said_whole(c, text)]
    if not (text and missing):
        return text or " ".join(missing)
    return " ".join([text + ("" if text.endswith((".", "!", "?")) else "."), *missing])


def _said_whole(claim: Claim, prompt: str) -> bool:
    """Whether a prompt says a claim: half of its words, its number, and its colour as it is."""
    if claim.kind == "colour" and claim.value not in words_of(prompt):
        return False
    return said_in(claim.text, prompt)


def _made(item: AskedStatement, request: str) -> Claim | None:
    text = one_line(item.text, 200)
    quote = _quote(one_line(item.quote, 300), request)
    if not text or not quote:
        return None
    kind = item.kind if item.kind in KINDS else "other"
    if text[-1] not in ".!?。":
        text += "."
    number = number_in(item.value.casefold()) if kind == "count" else None
    value = item.value if number is None else str(number)
    return slotted(Claim(text, kind, "asked", quote, item.subject, value, item.object))


def _quote(quote: str, request: str) -> str:
    """The quote as it was typed; "" for one that is not in the request."""
    for said in (quote, quote.strip(" .,;:!?\"'，。、！？")):
        if places := find(said, request):
            start, end = places[0]
            return request[start:end]
    return ""


def _why_wrong(claim: Claim, request: str, away: Sequence[tuple[int, int]]) -> str:
    said = numbers(claim.text) - {0, 1}
    if said - numbers(request):
        return f"a number that nobody asked for: {claim.text}"
    asked = numbers(claim.quote) - {0, 1}
    if asked and said and asked != said:
        return f"another number than {claim.quote}: {claim.text}"
    inside = any(
        a <= start and end <= b for start, end in find(claim.quote, request) for a, b in away
    )
    if inside and claim.kind != "absent" and not _denies(claim.text):
        return f"what was excluded: {claim.text}"
    if claim.kind == "absent" and not inside and away == ():
        return f"nobody excluded it: {claim.text}"
    return ""


def _denies(text: str) -> bool:
    return bool({"no", "not", "without", "none", "never"} & set(words_of(text)))


def _own(claim: Claim, request: str) -> Claim:
    """The claim as invented where it brings in things that an English request does not name."""
    if not is_english(request):
        return claim
    quoted = content(words_of(claim.quote))
    typed = stems(request)
    new = [
        word
        for word in content(words_of(claim.text))
        if stem(word) not in typed and stem(word) not in _STRUCTURE and word not in NUMBERS
    ]
    if not new or (len(new) == 1 and len(quoted) == 1):  # one word said in another
        return claim
    return replace(claim, source="invented", quote="")


def _states(claim: Claim, known: Claim) -> bool:
    """Whether a claim of the writer's says all that a known one does."""
    if claim.source == "invented":
        return False
    same = claim.quote.casefold() in known.quote.casefold() or known.quote.casefold() in (
        claim.quote.casefold()
    )
    if known.kind == "text":
        return known.value.casefold() in claim.text.casefold()
    if known.kind == "absent":
        return same and (claim.kind == "absent" or _denies(claim.text))
    return same and numbers(known.text) <= numbers(claim.text) and said_in(known.text, claim.text)


def _echoes(claim: Claim, known: Claim) -> bool:
    """Whether a claim of the writer's says what a known one says, less exactly and no more."""
    if claim.kind == known.kind or not _states(claim, known):
        return False
    said = stems(known.text, known.quote) | _STRUCTURE
    return all(stem(word) in said for word in content(words_of(claim.text)))


def _against(claim: Claim, known: Claim) -> bool:
    """Whether a claim of the writer's is about what a known one settles, in another number."""
    return (
        claim.kind == known.kind == "count"
        and bool(claim.subject)
        and claim.subject == known.subject
        and claim.value != known.value
    )
