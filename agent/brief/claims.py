"""Makes claims complete: their slots, what contradicts each, and which must hold before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from limner.agent.brief.english import NUMBERS, SMALL_WORDS, number_in, plural, singular
from limner.agent.plain import request_line
from limner.agent.records import Brief, Claim
from limner.errors import BadInput
from limner.prompts.words import foil_words

__all__ = [
    "MOST",
    "complete",
    "slotted",
    "spoken",
]


MOST = 64
"""Claims that one picture is asked about at a time."""

_COUNTED = re.compile(r"there (?:is|are) (?:exactly |only )?([\w-]+) (.+)")
_LETTERS = re.compile(r"the (?:text|word|words|letters|sign) \"(.{1,80})\" .*")
_SUBJECT = re.compile(r"(?:the|a|an) (.{1,60}?) (?:is|are) (.{1,80})")
_THERE = ("object", "count")


def complete(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims with slots, foils and parents; each text once, what is there before what it does.

    The claim that a thing is there is the parent of all others about it, and goes before them. At
    most 64 are kept.
    """
    once: dict[str, Claim] = {}
    for claim in claims:
        once.setdefault(claim.text.casefold().rstrip("."), claim)
    each = [slotted(claim) for claim in once.values()][:MOST]
    each.sort(key=lambda claim: claim.kind not in _THERE)  # stable: else in the order of saying
    there = {c.subject: i for i, c in reversed([*enumerate(each)]) if c.kind in _THERE}
    return tuple(_linked(claim, i, there) for i, claim in enumerate(each))


def slotted(claim: Claim) -> Claim:
    """The claim with its slots and a narrower kind, as far as its text tells them.

    Slots that are set stay. "The cup is red." is about a colour, "There are two cups." a count.
    """
    if claim.subject or (claim.kind in ("text", "light", "scene", "style") and claim.value):
        return replace(claim, value=_settled(claim.value)) if claim.kind == "size" else claim
    line = " ".join(claim.text.casefold().rstrip(".!").split())
    if found := _COUNTED.fullmatch(line):
        return _counted(claim, found[1], found[2])
    if found := _LETTERS.fullmatch(line):
        value = claim.text[claim.text.find('"') + 1 : claim.text.rfind('"')]
        return replace(claim, kind="text", value=value)
    if found := _SUBJECT.fullmatch(line):
        return _looks(claim, found[1], found[2])
    return claim


def spoken(said: str | Sequence[str] | Brief) -> tuple[Claim, ...]:
    """The claims of a brief, or of one or several sentences in plain English.

    Raises `BadInput` for an empty sentence, and for no claims or more than 64.
    """
    if isinstance(said, Brief):
        made = said.claims
    else:
        sentences = [said] if isinstance(said, str) else [*said]
        if len(sentences) > MOST:
            raise BadInput(f"There are {len(sentences)} claims to check; {MOST} are the most.")
        lines = [request_line(sentence) for sentence in sentences]
        made = complete(Claim(line, "other", quote=line) for line in lines)
    if not 0 < len(made) <= MOST:
        raise BadInput(
            f"There are {len(made)} claims to check; 1 to {MOST} are possible.",
            'Say what should be true of the picture, for instance "the cup is red".',
        )
    return made


def _counted(claim: Claim, number: str, phrase: str) -> Claim:
    words = phrase.split()
    head = next((i for i, word in enumerate(words) if word in SMALL_WORDS), len(words))
    subject = singular(" ".join(words[:head][-1:]))
    count = number_in(number)
    if number == "no" or count == 0:
        return replace(claim, kind="absent", subject=singular(" ".join(words[:head])))
    if head < len(words) or not subject:  # "there is a hat on the table" says more than a number
        return replace(claim, subject=subject)
    if count is not None and number not in ("a", "an"):
        return replace(claim, kind="count", subject=subject, value=str(count))
    if number in ("a", "an"):
        return replace(claim, kind="object", subject=subject)
    return replace(claim, subject=subject) if claim.kind in _THERE else claim


def _looks(claim: Claim, subject: str, rest: str) -> Claim:
    words = foil_words()
    claim = replace(claim, subject=singular(subject.removeprefix("one ")))
    place = rest.removeprefix("on the ").removeprefix("in the ").removeprefix("at the ")
    if rest != place and _settled(place) in words.places:
        return replace(claim, kind="place", value=_settled(place))
    if _settled(rest) in words.colours:
        return replace(claim, kind="colour", value=_settled(rest))
    if _settled(rest) in words.sizes:
        return replace(claim, kind="size", value=_settled(rest))
    hows = {how: how for how in words.relations} | {
        other: how for how in words.relations for other in words.same.get(how, ())
    }
    for said in sorted(hows, key=len, reverse=True):
        other = re.fullmatch(rf"{re.escape(said)} (?:the|a|an) (.{{1,60}})", rest)
        if other:
            return replace(claim, kind="relation", value=hows[said], object=singular(other[1]))
    return claim


def _settled(value: str) -> str:
    same = foil_words().same
    return next((one for one, others in same.items() if value in others), value)


def _linked(claim: Claim, at: int, there: dict[str, int]) -> Claim:
    """The claim with its foils, its parent, and the claims that what it speaks of is there."""
    parent = there.get(claim.subject) if claim.kind not in (*_THERE, "absent") else None
    named = (claim.subject, claim.object) if claim.kind == "relation" else (claim.subject,)
    known = tuple(there[name] for name in named if name in there)
    stands = claim.kind in ("place", "relation") and len(known) == len(named)
    return replace(
        claim,
        foils=claim.foils or _foils(claim),
        needs=parent if parent != at else None,
        things=known if stands else (),
    )


def _foils(claim: Claim) -> tuple[str, ...]:
    words = foil_words()
    none = [f"There is no {name}." for name in (claim.subject, claim.object) if name]
    match claim.kind:
        case "count":
            made = _other_numbers(claim)
        case "colour":
            made = [*_swapped(claim, words.colours), *none]
        case "size":
            made = [*_swapped(claim, words.sizes), *none]
        case "light":
            made = _swapped(claim, words.lights)
        case "style":
            made = _swapped(claim, words.styles)
        case "place":
            stands = words.places.get(claim.value, "")
            others = [place for place in words.places.values() if place != stands]
            made = [*(claim.text.replace(stands, other) for other in others if stands), *none]
        case "relation":
            opposite = words.relations.get(claim.value, "")
            made = [claim.text.replace(claim.value, opposite), *none] if opposite else none
        case "text":
            made = ["No text can be read.", "Other text can be read."]
        case "absent":
            made = [f"There is a {claim.subject}.", f"There are {plural(claim.subject)}."]
        case _:
            made = none
    made = [text for text in dict.fromkeys(made) if text != claim.text]
    return tuple(made or [text for text in words.others if text != claim.text])


def _other_numbers(claim: Claim) -> list[str]:
    """The same of no, one, two, three, four and more, and of one more and one fewer."""
    count = int(claim.value) if claim.value.isdecimal() else 1
    found = _COUNTED.fullmatch(claim.text.rstrip(".").casefold())
    noun = found[2] if found else plural(claim.subject)
    one, many = singular(noun), plural(singular(noun))
    numbers = [n for n in sorted({0, 1, 2, 3, 4, count - 1, count + 1}) if n != count and n >= 0]
    return [_there(n, one if n < 2 else many) for n in numbers] + (
        [f"There are many {many}."] if count < 10 else []
    )


def _there(number: int, noun: str) -> str:
    figure = NUMBERS[number] if number < len(NUMBERS) else str(number)
    return f"There {'is' if number < 2 else 'are'} {figure} {noun}."


def _swapped(claim: Claim, values: Sequence[str]) -> list[str]:
    """The claim's text with another value in the place of its own."""
    own = re.compile(rf"\b{re.escape(claim.value)}\b", re.IGNORECASE) if claim.value else None
    if own is None or not own.search(claim.text):
        return []
    return [own.sub(other, claim.text, count=1) for other in values if other != claim.value]
