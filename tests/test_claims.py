"""Claims are complete: slots, what contradicts each, and which must hold before it."""

from __future__ import annotations

import pytest

from limner.agent.brief.claims import complete, slotted, spoken
from limner.agent.records import Brief, Claim, Object
from limner.errors import BadInput

SLOTS = {
    "There are three red cups.": ("count", "cup", "3", ""),
    "There is one cup.": ("count", "cup", "1", ""),
    "There is a cup.": ("object", "cup", "", ""),
    "There is no cup.": ("absent", "cup", "", ""),
    "The cup is red.": ("colour", "cup", "red", ""),
    "The cups are gray.": ("colour", "cup", "grey", ""),
    "The cup is tiny.": ("size", "cup", "small", ""),
    "The cup is on the left.": ("place", "cup", "left", ""),
    "The cup is in the middle.": ("place", "cup", "centre", ""),
    "The cup is to the left of the plate.": ("relation", "cup", "left of", "plate"),
    "The cup is next to the plates.": ("relation", "cup", "beside", "plate"),
    'The text "OPEN" can be read.': ("text", "", "OPEN", ""),
    "A robot plays chess.": ("other", "", "", ""),
    "The robot is playing chess.": ("other", "robot", "", ""),
}


@pytest.mark.parametrize(("text", "slots"), SLOTS.items())
def test_slots_are_read_off_plain_statements(text: str, slots: tuple[str, ...]) -> None:
    claim = slotted(Claim(text))
    assert (claim.kind, claim.subject, claim.value, claim.object) == slots


def test_slots_that_are_set_stay() -> None:
    claim = Claim("The cup is red.", "colour", subject="mug", value="crimson")
    assert slotted(claim) == claim


def test_what_is_there_comes_before_what_it_looks_like() -> None:
    claims = complete(
        Claim(text)
        for text in (
            "The cup is red.",
            "There is one cup.",
            "The cup is left of the plate.",
            "There are two plates.",
        )
    )
    assert [claim.kind for claim in claims] == ["count", "count", "colour", "relation"]
    assert [claim.needs for claim in claims] == [None, None, 0, 0]
    assert claims[3].things == (0, 1)


def test_each_text_is_claimed_once() -> None:
    assert len(complete([Claim("The cup is red."), Claim("the cup is red")])) == 1


@pytest.mark.parametrize(
    ("text", "foil"),
    [
        ("There are two cups.", "There are three cups."),
        ("There are two cups.", "There is no cup."),
        ("There are seven cups.", "There are six cups."),
        ("The cup is red.", "The cup is blue."),
        ("The cup is red.", "There is no cup."),
        ("The cup is small.", "The cup is large."),
        ("The cup is on the left.", "The cup is on the right."),
        ("The cup is left of the plate.", "The cup is right of the plate."),
        ("There is no cup.", "There is a cup."),
        ("It snows.", "Nothing of the kind can be seen."),
    ],
)
def test_foils_contradict(text: str, foil: str) -> None:
    (claim,) = complete([Claim(text)])
    assert foil in claim.foils and text not in claim.foils


def test_every_claim_has_a_foil() -> None:
    texts = (*SLOTS, "安静的湖", "!!!", "the", "It is night.", "The style is oil painting.")
    assert all(claim.foils for claim in complete(map(Claim, texts)))


def test_objects_are_what_the_claims_speak_of() -> None:
    claims = complete(map(Claim, ("There are two cups.", "The cups are red.", "It is night.")))
    assert Brief("x", "x", claims).objects == (Object("cup", 2, ("red",)),)


def test_spoken_sentences_become_claims() -> None:
    assert [claim.kind for claim in spoken(["the cup is red", "a robot plays chess"])] == [
        "colour",
        "other",
    ]


@pytest.mark.parametrize("said", ["", [], ["x"] * 65])
def test_no_claims_or_too_many_are_refused(said: str | list[str]) -> None:
    with pytest.raises(BadInput):
        spoken(said)
