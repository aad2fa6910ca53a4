"""What the pocket world's reader understands of requests, in English and Chinese."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pocket_rows import told

from limner.errors import ModelUnusable
from limner.pipelines.pocket.pocket_writer import open_pocket_writer
from limner.pipelines.pocket.reading.request import read_request
from limner.pipelines.pocket.world import world


def requests() -> Iterator[tuple[str, str, str]]:
    """Requests of the table, with what is asked and what can't be shown."""
    lines = Path(__file__).with_name("pocket_requests.txt").read_text(encoding="utf-8")
    rows: list[list[str]] = []
    for line in lines.splitlines()[1:]:
        if line.startswith("    "):
            rows[-1].append(line.strip())
        else:
            rows.append([line])
    for request, asked, *lost in rows:
        yield request, asked, lost[0].removeprefix("! ") if lost else ""


TABLE = list(requests())


@pytest.mark.parametrize(("request_", "asked", "lost"), TABLE, ids=[row[0] for row in TABLE])
def test_a_request_is_read_word_for_word(request_: str, asked: str, lost: str) -> None:
    read = read_request(request_)
    assert "; ".join(told(row) for row in read.asked) == asked
    assert ", ".join(read.not_shown) == lost
    assert all(row["quote"] and row["quote"] in request_ for row in read.asked)
    assert all(word in request_ for word in [*read.not_shown, *read.unknown])


def test_the_table_is_long_enough() -> None:
    chinese = [row for row in TABLE if any("\u4e00" <= c <= "\u9fff" for c in row[0])]
    assert len(TABLE) > 300
    assert len(chinese) > 80


@pytest.mark.parametrize(("request_", "asked", "lost"), TABLE, ids=[row[0] for row in TABLE])
def test_the_prompt_says_nothing_that_nobody_asked_for(
    request_: str, asked: str, lost: str
) -> None:
    read = read_request(request_)
    absent = {row["subject"] for row in read.asked if row["kind"] == "absent" and not row["value"]}
    words = set(read.prompt.replace(",", " ").replace(".", " ").split())
    for name, noun in world().things.items():
        if name in absent:
            assert not words & {name, noun.plural}
    said = {row["subject"] for row in [*read.asked, *read.invented]}
    named = {name for name, noun in world().things.items() if words & {name, noun.plural}}
    general = {"flower": "sunflower"}
    assert named <= {general.get(subject, subject) for subject in said}


@pytest.mark.parametrize(
    ("request_", "prompt"),
    [
        (
            "two small red cats left of a blue balloon, on grass at night, pixel art",
            "two small red cats left of a blue balloon, on grass, at night, pixel art",
        ),
        ("a cat, no dog", "a cat"),
        ("six cats", "four cats"),
        ("a horse on the beach", "a dog, on sand"),
        ("a dog and a horse", "a dog"),
        ("a horse but no dogs", "a sunflower, on grass, by day"),
        ("a balloon that is not red", "a blue balloon"),
        ("a cat that is not red", "a cat"),
        ("a red cat and a blue cat", "a red cat and a blue cat"),
        ("three cats and two dogs", "two cats and two dogs"),
        ("a ball", "a football"),
        ("a city at night", "a house, on a street, at night"),
        ("a cat, at night, in the rain", "a cat, at night"),
        ("a cat next to a dog", "a cat left of a dog"),
        ("三只红色的猫，海上", "three red cats, on the sea"),
    ],
)
def test_the_nearest_is_painted(request_: str, prompt: str) -> None:
    read = read_request(request_)
    if "no dogs" in request_:  # nothing can stand in: an idea, but no dog
        assert "dog" not in read.prompt
        assert read.prompt
    else:
        assert read.prompt == prompt


def test_a_stand_in_is_invented_and_never_asked() -> None:
    read = read_request("an astronaut riding a horse")
    assert [told(row) for row in read.asked] == ["astronaut 1", "astronaut riding", "horse 1"]
    assert [told(row) for row in read.invented] == ["robot 1", "dog 1"]
    assert read.not_shown == ["astronaut", "riding", "horse"]
    assert read.reply.startswith("The small models can't show astronaut, riding and horse.")
    assert "larger models" in read.reply


def test_what_is_kept_needs_no_excuse() -> None:
    assert read_request("two red cats on grass").reply == "I'll paint two red cats, on grass."
    assert read_request("两只红色的猫，夜晚").reply == "我来画两只红色的猫，夜晚。"


def test_what_does_not_fit_is_said() -> None:
    assert read_request("six red cats").reply == (
        "I'll paint four red cats. At most four things fit: four cats rather than six cats."
    )
    assert "六只鸭子" in read_request("六只鸭子在湖上").reply
    assert "a dog stands in" in read_request("a horse, a cat and a tree on grass").reply


def test_half_outside_the_world_is_said_first() -> None:
    reply = read_request("独角兽和狐狸").reply
    assert reply.startswith("小模型画不了")
    assert "更大的模型" in reply


@pytest.mark.parametrize(
    "request_",
    [
        "zwei Hunde im Schnee",
        "ein roter Ballon",
        "un chat rouge sur la plage",
        "dos gatos en la playa",
        "un gatto sulla spiaggia di notte",
        "собака и кошка",
        "赤い猫と犬",
        "고양이 두 마리",
        "قطة حمراء",
        "लाल बिल्ली",
        "een kat en een hond",
    ],
)
def test_other_languages_are_not_guessed_at(request_: str) -> None:
    read = read_request(request_)
    assert (read.asked, read.invented, read.prompt) == ([], [], "")
    assert "English and Chinese" in read.reply or "中文和英文" in read.reply


@pytest.mark.parametrize("request_", ["surprise me", "随便画", "", "?", "draw something"])
def test_an_open_request_gets_an_idea_of_its_seed(request_: str) -> None:
    ideas = {read_request(request_, seed).prompt for seed in range(12)}
    assert len(ideas) > 3
    read = read_request(request_, 5)
    assert read.asked == []
    assert read.prompt == read_request(request_, 5).prompt
    assert all(row["kind"] in ("count", "scene", "light") for row in read.invented)


def test_the_writer_answers_in_the_contract_of_the_task() -> None:
    writer = open_pocket_writer(Path("/nowhere"), "pocket")
    pieces = list(writer.write_task("draw", {"request": "a red horse, no dogs"}, 1))
    assert len(pieces) > 1
    answer = json.loads("".join(pieces))
    keys = {"asked", "prompt", "negative", "reply", "not_shown", "unchecked", "invented"}
    assert set(answer) == keys
    assert set(answer["asked"][0]) == {"quote", "text", "kind", "subject", "value", "object"}
    assert all("quote" not in row for row in answer["invented"])
    assert answer["negative"] == ["dog"]
    assert answer["not_shown"] == ["horse"]


def test_the_writer_describes_claims_for_the_painter() -> None:
    writer = open_pocket_writer(Path("/nowhere"), "pocket")
    claims = [
        {"text": "There are two cats.", "kind": "count", "subject": "cat", "value": "2"},
        {"text": "There is no dog.", "kind": "absent", "subject": "dog", "value": ""},
    ]
    told_ = json.loads("".join(writer.write_task("describe", {"claims": claims}, 0)))
    assert told_ == {"prompt": "two cats", "negative": ["dog"]}
    kept = json.loads("".join(writer.write_task("reword", {"prompt": "a cat"}, 0)))
    assert kept == {"prompt": "a cat"}


def test_a_prompt_is_reworded_by_its_seed() -> None:
    writer = open_pocket_writer(Path("/nowhere"), "pocket")
    claims = [
        {"text": "There are two cats.", "kind": "count", "subject": "cat", "value": "2"},
        {"text": "The cats are red.", "kind": "colour", "subject": "cat", "value": "red"},
        {"text": "The ground is grass.", "kind": "scene", "subject": "", "value": "grass"},
        {"text": "The sky shows night.", "kind": "light", "subject": "", "value": "night"},
    ]
    values = {"prompt": "two red cats", "claims": claims}
    said = {json.loads("".join(writer.write_task("reword", values, s)))["prompt"] for s in range(9)}
    assert len(said) > 3
    assert all("red cats" in prompt for prompt in said)


@pytest.mark.parametrize(
    ("request_", "unread"),
    [
        ("a fluffy cat", ["fluffy"]),
        ("hi! coud you paint a little yellow duck on a lake?", []),
        ("a shiny car in Paris", ["shiny", "Paris"]),
        ("一只毛茸茸的猫", ["毛茸茸"]),
        ("画面右侧加一棵很大的松树", []),
        ("ein Hund und eine Katze", ["ein", "Hund", "und", "eine", "Katze"]),
    ],
)
def test_words_that_nobody_could_use_are_unchecked(request_: str, unread: list[str]) -> None:
    assert read_request(request_).answer()["unchecked"] == unread


def test_who_only_excludes_gets_no_other_thing() -> None:
    assert read_request("zero cats").prompt
    assert not [row for row in read_request("zero cats").invented if row["kind"] == "count"]
    assert [row for row in read_request("something, no cats").invented if row["kind"] == "count"]


def test_reading_is_fast() -> None:
    requests_ = [row[0] for row in TABLE]
    read_request(requests_[0])
    start = time.perf_counter()
    for request_ in requests_:
        read_request(request_)
    assert (time.perf_counter() - start) / len(requests_) < 0.01


@pytest.mark.parametrize(
    "text",
    ["a red cat " * 100_000, "猫" * 400_000, "(" * 1_000_000, "no " * 300_000, "a " * 500_000],
    ids=["cats", "猫", "signs", "no", "a"],
)
def test_a_megabyte_is_cut_and_stays_fast(text: str) -> None:
    start = time.perf_counter()
    read_request(text)
    assert time.perf_counter() - start < 5


WORDS = st.sampled_from(
    "a an the two no not without red small cat cats dog left of on grass at night , . and or is 's "
    '- : " ( 0 x3 one it them instead but 一 只 两 红色 的 猫 狗 在 左边 没有 不要 ， 。 把 '
    "变成 草地 他 说 ก é".split()
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=30).map(" ".join)))
def test_any_text_is_read_without_a_fuss(text: str) -> None:
    read = read_request(text)
    assert all(row["quote"] and row["quote"] in text for row in read.asked)
    json.dumps(read.answer())


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=30).map("".join))
def test_words_without_spaces_are_read_too(text: str) -> None:
    assert all(row["quote"] in text for row in read_request(text).asked)


def test_weights_are_opened_only_when_the_model_is_asked() -> None:
    writer = open_pocket_writer(Path("/nowhere"), "pocket")
    "".join(writer.write_task("draw", {"request": "a cat"}, 0))
    assert writer.device == "cpu"
    with pytest.raises(ModelUnusable, match="no weights"):
        writer.invoke("hello")
