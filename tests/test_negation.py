"""What must not be there is never named in a prompt."""

from __future__ import annotations

import pytest

from limner.agent.language.negation import worded
from limner.agent.records import Brief, Thing
from limner.pipelines.roles import Dialect

HEEDS = Dialect((64, 64))
HEEDS_NOT = Dialect((64, 64), negative=False)


@pytest.mark.parametrize(
    ("prompt", "avoid", "positive"),
    [
        ("a cat on grass", ("dog",), "a cat on grass"),
        ("a cat, no dogs, at night", ("dog",), "a cat, at night"),
        ("a cat and a dog, at night", ("dog",), "a cat, at night"),
        ("a cat without any dogs or birds", ("dog", "bird"), "a cat"),
        ("a dog rose and a cat", ("dog",), "a dog rose and a cat"),
        ("a street, no people", ("people",), "a street"),
    ],
)
def test_a_painter_that_heeds_a_negative_prompt(
    prompt: str, avoid: tuple[str, ...], positive: str
) -> None:
    assert worded(Brief("r", prompt, avoid=avoid), HEEDS) == (positive, ", ".join(avoid))


def test_another_painter_is_told_what_is_there_instead() -> None:
    street = Brief("r", "a street, no people, no dogs", avoid=("people", "dogs"))
    assert worded(street, HEEDS_NOT) == ("a street, deserted", "")
    assert worded(Brief("r", "a deserted street", avoid=("person",)), HEEDS_NOT) == (
        "a deserted street",
        "",
    )


def test_a_thing_that_is_wanted_after_all_stays() -> None:
    both = Brief("r", "a dog", things=(Thing("dog"),), avoid=("dog",))
    assert worded(both, HEEDS_NOT) == ("a dog", "")


def test_nothing_to_avoid_changes_nothing() -> None:
    for dialect in (HEEDS, HEEDS_NOT):
        assert worded(Brief("r", "no dogs,  please"), dialect) == ("no dogs,  please", "")
