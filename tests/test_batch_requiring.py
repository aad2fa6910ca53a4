"""What a row requires of its picture, and what falls short of it."""

from __future__ import annotations

import pytest

from limner.agent.batch.requiring import Required, falls_short, required, share
from limner.agent.batch.rows import Row
from limner.agent.records import Claim, Critique
from limner.errors import BadInput

CLAIMS = (
    Claim("there are two cats", (), "count"),
    Claim("the cats are red", (), "colour", 0),
    Claim("the light is night", (), "light"),
)


NOTHING = Required()


def short(
    probabilities: tuple[float | None, ...], whole: Required = NOTHING, **columns: object
) -> tuple[str, ...]:
    row = Row(1, 2, "cat", "two red cats", **columns)  # type: ignore[arg-type]
    return falls_short(row, Critique(CLAIMS, probabilities), whole)


@pytest.mark.parametrize("words", ["all claims", "ALL", "everything", "count, all claims"])
def test_everything_has_to_hold(words: str) -> None:
    assert short((0.9, 0.5, 0.7), required(words)) == ()
    assert short((0.9, 0.4, None), required(words)) == (
        "the cats are red: 40 %, needs 50 %",
        "the light is night: not checked",
    )


@pytest.mark.parametrize(
    "words", ["count, colour", "Count; Color", "number，colour", "count、colour,"]
)
def test_kinds_have_to_hold(words: str) -> None:
    assert required(words).kinds == {"count", "colour"}
    assert short((0.9, 0.6, 0.1), required(words)) == ()
    assert short((0.1, 0.6, 0.1), required(words)) == ("there are two cats: 10 %, needs 50 %",)


def test_nothing_is_required_unless_it_is_said() -> None:
    assert short((0.0, None, 0.0)) == ()


def test_all_have_to_be_so_sure() -> None:
    assert short((0.9, 0.8, 0.85), Required(least=0.8)) == ()
    assert short((0.9, 0.7996, 0.85), required("count", 0.8)) == (
        "the cats are red: 79.9 %, needs 80 %",
    )
    assert short((0.6, 0.4, None), required("all", 0.0)) == (
        "the cats are red: 40 %, needs 50 %",
        "the light is night: not checked",
    )


def test_a_row_has_the_last_word() -> None:
    whole = required("all claims", 0.9)
    assert short((0.9, 0.1, 0.1), whole, require="count", least=0.0) == ()
    assert len(short((0.9, 0.1, 0.1), whole, require="count")) == 2
    assert len(short((0.9, 0.6, 0.1), whole, least=0.5)) == 1


def test_no_claims_are_no_proof() -> None:
    row = Row(1, 2, "cat", "a cat")
    assert falls_short(row, Critique((), ()), required("all")) == (
        "there is no claim that could hold",
    )
    assert falls_short(row, Critique((), ()), Required(least=0.5))
    assert falls_short(row, Critique((), ()), required("count")) == ()


def test_what_can_not_be_required() -> None:
    with pytest.raises(BadInput, match="'smell' is no kind of claim") as refused:
        required("count, smell")
    assert "all claims" in refused.value.hint
    assert [share("0.8"), share("80%"), share(" 1 ")] == [0.8, 0.8, 1.0]
    for wrong in ("1.1", "-1", "nan", "inf", "120%", "x", ""):
        with pytest.raises(ValueError, match=r"not"):
            share(wrong)
