"""Words that no claim speaks for are told: nobody is going to look at them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.agent.brief.coverage import find, unchecked
from limner.agent.records import Claim

CASES = [
    # request, (quote, text) of its claims, what is left
    ("two red cups at night", [("two red cups", "There are two red cups.")], ["night"]),
    ("portrait of an old man", [("portrait of an old man", "There is an old man.")], ["portrait"]),
    ("a kitty", [("kitty", "There is a cat.")], []),
    ("two red cups, neon", [("two red cups, neon", "There are two cups.")], ["red", "neon"]),
    ("a running fox", [("running fox", "The fox runs.")], []),
    ("3 boats", [("3 boats", "There are three boats.")], []),
    ("a café, snow-covered", [("café", "There is a café.")], ["snow-covered"]),
    ("一只红色的猫在草地上", [("一只红色的猫", "There is one red cat.")], ["草地"]),
    ("一只红色的猫在草地上", [("一只", "x"), ("红色", "x"), ("猫", "x"), ("草地", "x")], []),
    ("zwei Hunde im Schnee", [("zwei Hunde", "There are two dogs.")], ["im", "Schnee"]),
    ("make me a picture of it, please", [], []),
]


@pytest.mark.parametrize(("request_", "claims", "left"), CASES)
def test_what_no_claim_says_is_unchecked(
    request_: str, claims: list[tuple[str, str]], left: list[str]
) -> None:
    made = [Claim(text, quote=quote) for quote, text in claims]
    assert [*unchecked(request_, made)] == left


def test_a_trusted_writers_quotes_count_whole() -> None:
    claim = Claim("There is one yarn.", quote="ball of yarn")
    assert unchecked("a ball of yarn", [claim]) == ("ball",)
    assert unchecked("a ball of yarn", [claim], trusted=True) == ()


def test_verbs_of_a_change_name_nothing() -> None:
    claim = Claim("It is night.", quote="night")
    assert unchecked("make it night", [claim], editing=True) == ()
    assert unchecked("add a boat", [], editing=True) == ("boat",)


def test_a_quote_is_found_in_whole_words() -> None:
    assert find("art", "a cart of art") == [(10, 13)]
    assert find("", "x") == []
    assert find("猫", "小猫咪") == [(1, 2)]


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_text_can_be_covered(request_: str, quote: str) -> None:
    for trusted in (False, True):
        left = unchecked(request_, [Claim("x", quote=quote)], trusted=trusted)
        assert all(word in request_ for word in left)
