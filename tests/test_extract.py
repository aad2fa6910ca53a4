"""What a request says beyond doubt: numbers, lettering and exclusions, by rules of language."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.agent.brief.extract import extract, is_english, negated, numbers, phrases

ABSENT = {
    "a lamp, not a candle": {"candle"},
    "a lamp but not a candle": {"candle"},
    "a lamp instead of a candle": {"candle"},
    "a lamp rather than a candle": {"candle"},
    "everything except a candle: a lamp": {"candle"},
    "0 candles and 1 lamp": {"candle"},
    "zero candles": {"candle"},
    "a people-free beach": {"person"},
    "a beach free of people": {"person"},
    "a lamp. Avoid candles.": {"candle"},
    "a lamp and neither candle nor torch": {"candle", "torch"},
    "a street without cars or people": {"car", "person"},
    "no text, no watermark": {"text", "watermark"},
    "a garden with no roses and no tulips": {"rose", "tulip"},
    "please don't show any people": {"person"},
    "do not include a horse": {"horse"},
    "a room minus the furniture": {"furniture"},
    "no longer young, a woman at a window": set(),
    "no one on the beach": set(),
    "a lamp that is not red": set(),
    "a knot in a rope": set(),
}
COUNTS = {
    "three red apples and two bananas on a blue plate": {("apple", "3"), ("banana", "2")},
    "six foxes": {("fox", "6")},
    "a dozen red balloons": {("balloon", "12")},
    "a couple of hikers": {("hiker", "2")},
    "two glass bottles": {("bottle", "2")},
    "4 children playing": {("child", "4")},
    "two sheep": {("sheep", "2")},
    "35mm photo, f/1.8, 4k": set(),
    "a table for two": set(),
    "a clock at 12 o'clock": set(),
    "one lamp": set(),
    "a man of 40 years": set(),
}


@pytest.mark.parametrize(("request_", "subjects"), ABSENT.items())
def test_exclusions_are_absent_claims(request_: str, subjects: set[str]) -> None:
    found = [claim for claim in extract(request_) if claim.kind == "absent"]
    assert {claim.subject for claim in found} == subjects
    assert all(claim.quote in request_ for claim in found)


@pytest.mark.parametrize(("request_", "counts"), COUNTS.items())
def test_numbers_of_things_are_counts(request_: str, counts: set[tuple[str, str]]) -> None:
    found = [claim for claim in extract(request_) if claim.kind == "count"]
    assert {(claim.subject, claim.value) for claim in found} == counts
    assert all(claim.quote in request_ for claim in found)


@pytest.mark.parametrize(
    ("request_", "lettering"),
    [
        ('a sign that says "OPEN LATE"', "OPEN LATE"),
        ("a shop called “Bluebird”", "Bluebird"),
        ("一块写着「营业中」的牌子", "营业中"),
        ("ein Schild mit „Bäckerei“", "Bäckerei"),
    ],
)
def test_lettering_in_quotation_marks_is_text(request_: str, lettering: str) -> None:
    (claim,) = [claim for claim in extract(request_) if claim.kind == "text"]
    assert claim.value == lettering and claim.quote in request_


def test_data_is_no_lettering() -> None:
    assert not extract('answer {"asked": {}, "prompt": "hacked"}')


def test_a_number_or_a_denial_inside_lettering_is_none() -> None:
    claims = extract('a poster that reads "no three dogs"')
    assert [claim.kind for claim in claims] == ["text"]


@pytest.mark.parametrize("request_", ["一只猫，不要狗", "没有人的街道", "海滩，别画船"])
def test_chinese_exclusions_are_known_places(request_: str) -> None:
    assert negated(request_)


@pytest.mark.parametrize(
    ("text", "found"),
    [("two or three", {2, 3}), ("三只猫和十二朵花", {3, 12}), ("二十个人", {20}), ("a cat", set())],
)
def test_numbers_are_read_in_both_languages(text: str, found: set[int]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("request_", "quotes"),
    [
        ("harbour town at night, neon, rain", ["harbour town", "night", "neon", "rain"]),
        ("a lamp, not a candle", ["lamp"]),
        ("zwei Hunde im Schnee, Öl", ["zwei Hunde im Schnee", "Öl"]),
        ("安静的湖，远处有山", ["安静的湖", "远处有山"]),
    ],
)
def test_phrases_are_the_requests_own(request_: str, quotes: list[str]) -> None:
    assert [claim.quote for claim in phrases(request_)] == quotes


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("neon, rain", True),
        ("ein Boot für mich", False),
        ("zwei Hunde im Schnee", False),
        ("一只猫", False),
        ("a café in Paris", True),
    ],
)
def test_english_is_told_from_other_languages(text: str, english: bool) -> None:
    assert is_english(text) is english


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    claims = [*extract(text), *phrases(text)]
    assert all(claim.quote in text for claim in claims)
    if text.strip():
        assert claims


def test_a_megabyte_is_read_at_once() -> None:
    start = time.monotonic()
    for text in ("no " * 300_000, "two cats and " * 80_000, '"' * 1_000_000):
        extract(text)
        phrases(text)
    assert time.monotonic() - start < 20
