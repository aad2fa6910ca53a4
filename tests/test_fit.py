"""Prompts that are too long lose what matters least, and say so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.agent.brief.prompt import Fitted, clauses, fit

PROMPT = "two red cats and a dog, on grass at night, soft light, tall trees behind"
STYLE = "watercolour painting, soft washes"


def words(text: str) -> int:
    return len(text.split())


def test_what_fits_is_left_as_it_is() -> None:
    odd = " two cats ,on  grass. "
    assert fit(odd, words, 77) == Fitted(odd)
    assert fit(PROMPT, words, 77, style=STYLE) == Fitted(f"{PROMPT}, {STYLE}")
    assert fit("Two cats play.", words, 77, style="photo").prompt == "Two cats play. photo"


@pytest.mark.parametrize(
    ("most", "left", "cut"),
    [
        (17, f"{PROMPT}, watercolour painting", ("soft washes",)),
        (15, PROMPT, ("watercolour painting", "soft washes")),
        (
            14,
            "two red cats and a dog, on grass at night, soft light",
            ("tall trees behind", "watercolour painting", "soft washes"),
        ),
        (
            11,
            "two red cats and a dog, on grass at night",
            ("soft light", "tall trees behind", "watercolour painting", "soft washes"),
        ),
        (
            4,
            "two red cats and",
            ("a dog", "on grass at night", "soft light", "tall trees behind", *STYLE.split(", ")),
        ),
    ],
)
def test_style_goes_first_then_the_end(most: int, left: str, cut: tuple[str, ...]) -> None:
    assert fit(PROMPT, words, most, style=STYLE) == Fitted(left, cut)


def test_what_was_stated_goes_last() -> None:
    told = "soft light, a misty morning, two red cats, far hills, one dog"
    assert fit(told, words, 5, keep=("cat", "Dog")).prompt == "two red cats, one dog"
    assert fit(told, words, 3, keep=("cat", "Dog")).prompt == "two red cats"
    assert fit(told, words, 2, keep=("cat", "dog")).prompt == "two red"


def test_chinese_is_cut_too() -> None:
    told = "一只红色的猫在草地上，夜晚，星空"
    assert fit(told, len, 13) == Fitted("一只红色的猫在草地上，夜晚", ("星空",))
    assert fit(told, len, 5).prompt == "一只红色的"
    assert fit("x" * 50, len, 7) == Fitted("x" * 7, ("x" * 43,))


def test_clauses_join_to_the_whole() -> None:
    assert clauses("a, b. 3.5 m; c") == ["a, ", "b. ", "3.5 m; ", "c"]
    assert clauses("") == []


@given(
    prompt=st.text("ab ,.;，。猫", max_size=60),
    style=st.text("cd ,", max_size=20),
    keep=st.lists(st.text("ab猫", min_size=1, max_size=2), max_size=2),
    most=st.integers(0, 20),
    count=st.sampled_from([words, len, lambda text: 2 + len(text) // 2]),
)
def test_it_always_fits_and_loses_no_word_unsaid(
    prompt: str, style: str, keep: list[str], most: int, count: Callable[[str], int]
) -> None:
    fitted = fit(prompt, count, most, keep, style)
    assert count(fitted.prompt) <= most or not fitted.prompt
    letters = [c for c in prompt + style if c.isalnum()]
    assert sorted(letters) == sorted(c for c in fitted.prompt + "".join(fitted.cut) if c.isalnum())
    assert "".join(clauses(prompt)) == prompt
