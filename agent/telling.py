"""Tells what is known of a take in English or Chinese: which claims hold, and no more than that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

from limner.agent.nouns import canonical, listed
from limner.agent.records import Critique
from limner.prompts import stated
from limner.prompts.words import telling

__all__ = ["Tongue", "described", "in_tongue", "noun_in", "phrase", "tongue_of", "verdict"]

Tongue = Literal["english", "chinese"]

_HAN = re.compile(r"[㐀-鿿]")


def tongue_of(words: str, otherwise: Tongue = "english") -> Tongue:
    """The language to answer in; `otherwise` where the words are of none ("#3", "64x64")."""
    if _HAN.search(words):
        return "chinese"
    return "english" if re.search(r"[A-Za-z]{2}", words) else otherwise


def verdict(number: int, critique: Critique, tongue: Tongue = "english", left: str = "") -> str:
    """What holds on a take, and what does not or was not checked; never more than was seen.

    `left` names what was asked for and is not in the brief, so that nobody has looked for it.
    """
    holds, _ = critique.score
    numbers = {"n": number, "holds": holds, "total": len(critique.claims)}
    kind = _kind(critique)
    sentence = phrase(tongue, kind, **numbers)
    if kind in ("some", "single"):
        wrong = critique.blamed or critique.failed
        sentence += _texts(tongue, "not_yet", critique, wrong)
        sentence += _texts(tongue, "unchecked", critique, _unseen(critique))
    return sentence + (phrase(tongue, "left_out", texts=left) if left else "")


def described(critique: Critique, instead: Mapping[int, str], tongue: Tongue) -> list[str]:
    """All that is known of a take, a line each: what holds, what fails, what nobody could tell.

    `instead` has for the index of a claim what the picture looks like in its place.
    """
    held = sorted({*range(len(critique.claims))} - {*critique.failed, *_unseen(critique)})
    lines = [
        _texts(tongue, "holds", critique, held),
        _texts(tongue, "fails", critique, critique.failed),
        *(
            phrase(
                tongue,
                "instead",
                claim=in_tongue(critique.claims[i].text, tongue),
                foil=in_tongue(foil, tongue),
            )
            for i, foil in instead.items()
        ),
        _texts(tongue, "unknown", critique, _unseen(critique)),
    ]
    return [line for line in lines if line]


def phrase(tongue: Tongue, name: str, **values: object) -> str:
    """A sentence of `telling.yaml` in that language; "" for a name that there is not."""
    said: dict[str, str] = getattr(telling(), tongue)
    return said.get(name, "").format(**values)


def in_tongue(claim: str, tongue: Tongue) -> str:
    """A claim in the language of who asked; one of other words than ours stays as it is."""
    if tongue == "english":
        return claim
    for pattern, wording in _claims():
        if found := pattern.fullmatch(claim):
            parts = found.groupdict()
            said = {key: _value(value) for key, value in parts.items()}
            return wording.format(**said, m=_measure(parts.get("s", "")))
    return claim


def noun_in(name: str, tongue: Tongue) -> str:
    """The name of a thing in that language, where it is known there."""
    return _value(name) if tongue == "chinese" else name


def _kind(critique: Critique) -> str:
    total = len(critique.claims)
    if not total:
        return "nothing"
    if critique.holds:
        return "one" if total == 1 else "all"
    if len(_unseen(critique)) == total:
        return "nobody"
    return "single" if critique.score[0] == 1 else "some"


def _unseen(critique: Critique) -> list[int]:
    return [i for i, p in enumerate(critique.probabilities) if p is None]


def _texts(tongue: Tongue, name: str, critique: Critique, indices: Sequence[int]) -> str:
    texts = (in_tongue(critique.claims[i].text, tongue) for i in indices)
    said = getattr(telling(), tongue)["comma"].join(texts)
    return phrase(tongue, name, texts=said) if said else ""


@cache
def _claims() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The English forms of claims as patterns, the narrower first, with their Chinese."""
    hows = "|".join(("left of", "right of", "above", "below"))
    shapes = {"n": r"(?P<n>\w+)", "how": rf"(?P<how>{hows})"}

    def pattern(form: str) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", form)
        named = (shapes.get(p, rf"(?P<{p}>.+)") for p in parts[1::2])
        made = [re.escape(parts[0])]
        for shape, text in zip(named, parts[2::2], strict=True):
            made += [shape, re.escape(text)]
        return re.compile("".join(made))

    return tuple((pattern(form), said) for form, said in telling().claims.items())


def _value(word: str) -> str:
    """A value or a name in Chinese; an unknown one as it is."""
    if word in telling().values:
        return telling().values[word]
    if word in stated().colours:
        return f"{_first(stated().colours[word])}色"
    return _first(stated().things.get(canonical(word), "")) or word


def _first(words: str) -> str:
    return next(iter(listed(words.partition("/")[2])), "")


def _measure(name: str) -> str:
    one = canonical(name)
    return next((m for m, names in telling().measures.items() if one in names), "个")
