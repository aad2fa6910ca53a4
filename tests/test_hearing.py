"""Plain words in a conversation: what they ask for, which take they name, and when to ask back."""

from __future__ import annotations

import pytest

from limner.agent.language.hearing import Heard, answer_of, hear

CAT = ("cat",)
TWO = ("cat", "dog")


def test_the_first_words_are_always_a_request() -> None:
    for words in ("undo", "#3", "a cat", "make it blue", "好"):
        assert hear(words, None) == Heard("request", words)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("undo", "undo"),
        ("Undo that.", "undo"),
        ("撤销", "undo"),
        ("redo", "redo"),
        ("once more", "again"),
        ("再来一张", "again"),
        ("OK", "go"),
        ("画吧。", "go"),
    ],
)
def test_whole_lines_that_steer(words: str, kind: str) -> None:
    assert hear(words, CAT, 3).kind == kind


@pytest.mark.parametrize(
    ("words", "take", "rest"),
    [
        ("the second one, but with a blue car", 2, "with a blue car"),
        ("like #3 but at night", 3, "at night"),
        ("#12: make it night", 12, "make it night"),
        ("take 2 and make the cat red", 2, "make the cat red"),
        ("I like the last one, only bigger", -1, "bigger"),
        ("Go with number 4, but without the dog", 4, "without the dog"),
        ("第二张，但是换成晚上", 2, "换成晚上"),
        ("用第3张, 猫变成红色", 3, "猫变成红色"),
        ("最后一张，不要狗", -1, "不要狗"),
    ],
)
def test_a_take_that_is_named_and_changed(words: str, take: int, rest: str) -> None:
    assert hear(words, CAT, 4) == Heard("change", rest, take)


@pytest.mark.parametrize(
    ("words", "take"),
    [
        ("#2", 2),
        ("The third one!", 3),
        ("back to the first one", 1),
        ("第一张", 1),
        ("回到第二张", 2),
    ],
)
def test_a_take_that_is_only_named(words: str, take: int) -> None:
    assert hear(words, CAT, 4) == Heard("pick", take=take)


@pytest.mark.parametrize(
    "words",
    [
        "take 2 cats and a dog",
        "the second cat should be blue",
        "one more tree",
        "make it night",
        "a number 7 on the house",
        "undo the ribbon",
        "换成晚上",
        "两只猫",
        "最后加一棵树",
    ],
)
def test_a_change_that_names_no_take(words: str) -> None:
    assert hear(words, CAT, 4) == Heard("change", words)


def test_no_take_is_named_before_there_is_one() -> None:
    assert hear("#2", CAT, 0) == Heard("change", "#2")


@pytest.mark.parametrize(
    ("words", "rest"), [("new: a red boat", "a red boat"), ("新的：一只猫", "一只猫")]
)
def test_a_picture_from_nothing(words: str, rest: str) -> None:
    assert hear(words, CAT, 2) == Heard("request", rest)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("a girl in a yellow raincoat mends a bicycle at sunset", "request"),
        ("下雪天，两只企鹅，红色的礼物", "request"),
        ("a girl in a yellow raincoat pets the cat at sunset", "change"),
        ("a little more light on the trees in the back", "change"),
        ("two birds in the sky", "change"),
        ("旁边有一棵大树和一只小鸟在唱歌", "change"),
        ("加一只戴着红色帽子的小鸟", "change"),
    ],
)
def test_a_long_description_with_nothing_of_this_picture_is_another(words: str, kind: str) -> None:
    assert hear(words, CAT, 3) == Heard(kind, words)  # type: ignore[arg-type]


def test_it_is_asked_about_only_where_it_could_be_either() -> None:
    heard = hear("make it blue", TWO, 1)
    assert heard.kind == "unclear" and heard.choices == TWO
    assert heard.question == "Which one should be blue?"
    assert heard.words.format(thing="dog") == "make the dog blue"
    assert hear("换成蓝色", TWO, 1).question == "哪一个要蓝色？"
    assert hear("make it blue", CAT, 1).kind == "change"
    assert hear("make it blue", ("cat", "cat"), 1).kind == "change"
    assert hear("make it night", TWO, 1).kind == "change"
    assert hear("make the dog blue", TWO, 1).kind == "change"


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("the dog", "dog"),
        ("Dog.", "dog"),
        ("2", "dog"),
        ("猫", "猫"),
        ("the kitten", "the kitten"),
        ("3", ""),
        ("both the cat and the dog", ""),
        ("no, make it night instead", ""),
        ("换成晚上的海边", ""),
        (" ", ""),
    ],
)
def test_an_answer_names_one_choice(answer: str, chosen: str) -> None:
    assert answer_of(answer, TWO) == chosen
