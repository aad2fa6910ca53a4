"""What a writer says was asked is held against what was typed."""

from __future__ import annotations

import pytest

from limner.agent.brief.enforce import checked, said_in, unlooped
from limner.agent.brief.extract import extract
from limner.agent.brief.replies import AskedStatement


def asked(*rows: tuple[str, str]) -> list[AskedStatement]:
    return [AskedStatement(quote=quote, text=text) for quote, text in rows]


def kept(request: str, *rows: tuple[str, str]) -> list[str]:
    claims, _ = checked(asked(*rows), request, extract(request))
    return [claim.text for claim in claims if claim.source == "asked"]


@pytest.mark.parametrize(
    ("request_", "row", "stays"),
    [
        ("a red boat", ("red boat", "There is a red boat."), True),
        ("a red boat", ("Red Boat,", "There is a red boat."), True),  # cased and with a sign
        ("a red boat", ("a blue boat", "There is a blue boat."), False),  # not in the request
        ("a red boat", ("", "There is a red boat."), False),  # no quote
        ("boats", ("boats", "There are three boats."), False),  # a number that nobody typed
        ("two boats", ("two boats", "There are three boats."), False),
        ("a lamp, no candle", ("candle", "There is a candle."), False),  # what was excluded
        ("a lamp", ("lamp", "There is no candle."), False),
        ("一只小猫", ("一只小猫", "There is one kitten."), True),
        ("三只小猫", ("三只小猫", "There are two kittens."), False),
    ],
)
def test_claims_stand_up_to_the_request(request_: str, row: tuple[str, str], stays: bool) -> None:
    assert (row[1] in kept(request_, row)) is stays


def test_words_that_an_english_request_does_not_have_are_invented() -> None:
    claims, _ = checked(asked(("old man", "The old man holds a net.")), "an old man", ())
    assert [claim.source for claim in claims] == ["invented"]
    assert claims[0].quote == ""


def test_one_word_may_be_said_in_another() -> None:
    assert kept("a kitty", ("kitty", "There is a cat.")) == ["There is a cat."]


def test_what_is_known_is_put_in_where_the_writer_lost_it() -> None:
    texts = kept('six foxes and a sign "NO WAY", no people', ("foxes", "There are foxes."))
    assert "There are six foxes." in texts
    assert 'The text "NO WAY" can be read.' in texts
    assert "There is no person." in texts


def test_what_the_writer_said_well_is_not_said_twice() -> None:
    request = "six foxes in the snow"
    texts = kept(request, ("six foxes", "There are six foxes."), ("snow", "There is snow."))
    assert texts == ["There are six foxes.", "There is snow."]


def test_what_is_known_is_said_as_code_says_it() -> None:
    claims, _ = checked(
        asked(("no people", "The picture shows no people.")), "no people", extract("no people")
    )
    assert [(claim.kind, claim.subject) for claim in claims] == [("absent", "person")]


def test_another_number_of_the_same_gives_way_to_what_is_known() -> None:
    assert kept("six foxes", ("six foxes", "There are two foxes.")) == ["There are six foxes."]


@pytest.mark.parametrize(
    ("claim", "text", "said"),
    [
        ("There are two red boats.", "two red boats at sea", True),
        ("There are two red boats.", "three red boats at sea", False),
        ("There are two red boats.", "a harbour", False),
        ("It is night.", "a harbour at night", True),
    ],
)
def test_a_prompt_says_a_claim_by_half_of_its_words_and_its_number(
    claim: str, text: str, said: bool
) -> None:
    assert said_in(claim, text) is said


def test_loops_are_cut() -> None:
    looped = "A boat at sea. " + "It is calm. It is blue. " * 40
    assert unlooped(looped) == "A boat at sea. It is calm. It is blue."
    assert unlooped("A boat, a boat house.") == "A boat, a boat house."
