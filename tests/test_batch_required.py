"""What a row requires of its picture, and what falls short of it."""

from __future__ import annotations

import pytest

from limner.agent.batch.config import Required, falls_short, probability, required
from limner.agent.batch.rows import BatchRow
from limner.agent.records import Brief, Claim, Critique
from limner.errors import BadInput

CLAIMS = (
    Claim("There are two cats.", "count"),
    Claim("The cats are red.", "colour", needs=0),
    Claim("It is night.", "light"),
    Claim("The cats wear hats.", "other", "invented"),  # which nobody asked for
)
BRIEF = Brief("two red cats, neon, a city", "two red cats")
NOTHING = Required()


def short(
    probabilities: tuple[float | None, ...], whole: Required = NOTHING, **columns: object
) -> tuple[str, ...]:
    row = BatchRow(1, 2, "cat", "two red cats", **columns)  # type: ignore[arg-type]
    return falls_short(row, Critique(CLAIMS, (*probabilities, 0.1)), BRIEF, whole)


@pytest.mark.parametrize("words", ["all claims", "ALL", "everything", "count, all claims"])
def test_everything_has_to_hold(words: str) -> None:
    assert short((0.9, 0.5, 0.7), required(words)) == ()
    assert short((0.9, 0.4, None), required(words)) == (
        "The cats are red: 40 %, needs 50 %",
        "It is night: not checked",
    )


@pytest.mark.parametrize(
    "words", ["count, colour", "Count; Color", "number，colour", "count、colour,"]
)
def test_kinds_have_to_hold(words: str) -> None:
    assert required(words).kinds == {"count", "colour"}
    assert short((0.9, 0.6, 0.1), required(words)) == ()
    assert short((0.1, 0.6, 0.1), required(words)) == ("There are two cats: 10 %, needs 50 %",)


def test_nothing_is_required_unless_it_is_said() -> None:
    assert short((0.0, None, 0.0)) == ()


def test_all_have_to_be_so_sure() -> None:
    assert short((0.9, 0.8, 0.85), Required(least=0.8)) == ()
    assert short((0.9, 0.7996, 0.85), required("count", 0.8)) == (
        "The cats are red: 79.9 %, needs 80 %",
    )
    assert short((0.6, 0.4, None), required("all", 0.0)) == (
        "The cats are red: 40 %, needs 50 %",
        "It is night: not checked",
    )


def test_a_row_has_the_last_word() -> None:
    whole = required("all claims", 0.9)
    assert short((0.9, 0.1, 0.1), whole, require="count", least=0.0) == ()
    assert len(short((0.9, 0.1, 0.1), whole, require="count")) == 2
    assert len(short((0.9, 0.6, 0.1), whole, least=0.5)) == 1


def test_reached_is_all_that_was_asked_and_nothing_left_open() -> None:
    row, critique = BatchRow(1, 2, "cat", "x"), Critique(CLAIMS, (0.9, 0.8, None, 0.1))
    left = Brief("x", "x", unchecked=("neon",), not_shown=("a city",))
    assert falls_short(row, critique, left, required("reached")) == (
        "It is night: not checked",
        "neon: not checked",
        "a city: can't be shown",
    )
    sure = Critique(CLAIMS, (0.9, 0.8, 0.7, 0.1))
    assert falls_short(row, sure, BRIEF, required("reached")) == ()
    assert falls_short(row, sure, left, required("all claims")) == ()
    assert falls_short(BatchRow(1, 2, "cat", "x", require="reached"), sure, left) == (
        "neon: not checked",
        "a city: can't be shown",
    )


def test_no_claims_are_no_proof() -> None:
    row = BatchRow(1, 2, "cat", "a cat")
    for claims in ((), CLAIMS[3:]):
        nothing = Critique(claims, (0.9,) * len(claims))
        for words in ("all", "reached"):
            assert falls_short(row, nothing, BRIEF, required(words)) == (
                "there is no claim that could hold",
            )
        assert falls_short(row, nothing, BRIEF, Required(least=0.5))
        assert falls_short(row, nothing, BRIEF, required("count")) == ()


def test_kinds_go_by_their_older_names_too() -> None:
    assert required("where, avoid, number").kinds == {"scene", "absent", "count"}


def test_what_can_not_be_required() -> None:
    with pytest.raises(BadInput, match="'smell' is no kind of claim") as refused:
        required("count, smell")
    assert "all claims" in refused.value.hint
    assert [probability("0.8"), probability("80%"), probability(" 1 ")] == [0.8, 0.8, 1.0]
    for wrong in ("1.1", "-1", "nan", "inf", "120%", "x", ""):
        with pytest.raises(BadInput, match="no probability"):
            probability(wrong)
