"""Tells what is known of a take in English or Chinese: which claims hold, and no more than that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limner.agent.language.tongues import Tongue, in_tongue, phrase
from limner.agent.records import Critique
from limner.prompts.words import telling

__all__ = ["described", "verdict"]


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
