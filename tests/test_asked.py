"""Sentences become claims, in our own words where they can be read and as they are otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from limner import Brief
from limner.agent.language.asked import asked
from limner.agent.records import Thing
from limner.errors import BadInput


def texts(said: Any) -> list[str]:
    return [claim.text for claim in asked(said)]


READ = {
    "the cat is red": ["the cat is red"],
    "The cats are red.": ["the cats are red"],
    "there are two cats": ["there are two cats"],
    "a cat": ["there is one cat"],
    "no dogs": ["there is no dog"],
    "cats": ["there are cats"],
    "cats at night": ["there are cats", "the sky shows night"],
    "an orange cat": ["there is one cat", "the cat is orange"],
    "the ground is grass": ["the ground is grass"],
    "a kitten left of a blue balloon": [
        *("there is one cat", "there is one balloon"),
        *("the balloon is blue", "the cat is left of the balloon"),
    ],
    "the cat is above the dog": ["the cat is above the dog"],
    "a large cat on the left": ["there is one cat", "the cat is large", "the cat is on the left"],
    "the cat is not red": ["the cat is not red"],
    "a robot playing chess": ["a robot playing chess"],
    "一只猫": ["一只猫"],
}


@pytest.mark.parametrize(("said", "claimed"), READ.items(), ids=READ)
def test_sentences_become_claims(said: str, claimed: list[str]) -> None:
    claims = asked(said)
    assert [claim.text for claim in claims] == claimed
    for at, claim in enumerate(claims):
        assert claim.foils and claim.text not in claim.foils
        assert claim.needs is None or claim.needs < at


def test_claims_of_ours_have_their_own_foils() -> None:
    (claim,) = asked("the cat is red")
    assert "the cat is blue" in claim.foils and "there is no cat" in claim.foils
    (said,) = asked("the cat plays chess with a robot")
    assert said.kind == "said" and said.foils[0] == "there is no cat"


def test_several_sentences_keep_their_order_and_needs() -> None:
    claims = asked(["no dogs", "a red cat", "the sky shows night"])
    assert [c.text for c in claims] == [
        *("there is no dog", "there is one cat", "the cat is red", "the sky shows night")
    ]
    assert [c.needs for c in claims] == [None, None, 1, None]


def test_a_brief_makes_its_own_claims() -> None:
    assert texts(Brief("x", "x", things=(Thing("cat", 2),))) == ["there are two cats"]


@pytest.mark.parametrize("said", ["", " \n", [], ["a cat", ""], ["the cat plays"] * 65])
def test_nothing_and_too_much_are_refused(said: Any) -> None:
    with pytest.raises(BadInput):
        asked(said)
