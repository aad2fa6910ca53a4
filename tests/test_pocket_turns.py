"""What the pocket world's reader makes of the lines of a conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pocket_rows import claims, patched

from limner.pipelines.pocket.pocket_writer import PocketWriter, open_pocket_writer, proposed_call
from limner.pipelines.pocket.reading.lines import read_line
from limner.pipelines.pocket.reading.tokens import meant_by

VERSIONS = [
    {"number": 1, "words": "a house", "changes": []},
    {"number": 2, "words": "add a red ball", "changes": ["There is one ball."]},
    {"number": 3, "words": "remove the ball", "changes": ["no longer: There is one ball."]},
    {"number": 4, "words": "add a castle", "changes": ["There is one castle."]},
]
IT = re.compile(r"\b(?:it|them|they|one of them)\b|它们|它|他们", re.IGNORECASE)
CANDIDATES = [{"number": n, "version": 1, "holds": n, "of": 4} for n in range(1, 5)]


def lines() -> Iterator[tuple[str, str, str]]:
    """Lines of the table: the picture at hand, what is said, what it means."""
    text = Path(__file__).with_name("pocket_lines.txt").read_text(encoding="utf-8")
    request = said = ""
    for line in text.splitlines()[1:]:
        if line.startswith("="):
            request = line[1:].strip()
        elif line.startswith("    "):
            yield request, said, line.strip()
        else:
            said = line


TABLE = list(lines())


def facts(request: str, line: str) -> dict[str, Any]:
    """The values of the task "turn"."""
    return {
        "line": line,
        "claims": claims(request) if request else [],
        "request": request,
        "verdict": None,
        "versions": VERSIONS if request else [],
        "candidates": CANDIDATES if request else [],
        "selected": None,
        "language": "english",
        "world": "",
    }


def short(held: list[dict[str, Any]], call: Mapping[str, Any]) -> str:
    """A call in a few words."""
    if call["tool"] == "edit":
        return patched(held, call)
    if call["tool"] == "select":
        then = f", then {short(held, call['then'])}" if "then" in call else ""
        return f"select {call['candidate']}{then}"
    if call["tool"] == "draw":
        return f"draw: {call['request']}".strip()
    return f"back to {call['version']}" if call["tool"] == "back_to" else str(call["tool"])


@pytest.mark.parametrize(
    ("request_", "line", "meant"), TABLE, ids=[f"{row[0]} / {row[1]}" for row in TABLE]
)
def test_a_line_means_one_call(request_: str, line: str, meant: str) -> None:
    values = facts(request_, line)
    call = read_line(values)
    assert short(values["claims"], call) == meant
    edit = call.get("then", call)
    for row in [*edit.get("add", []), *edit.get("change", [])]:
        assert row["quote"], row
        assert row["quote"].lower() in line.lower()
    if call["tool"] == "edit":
        assert call["instruction"].endswith(".")
        assert all(word in line for word in call["not_shown"])
    if call["tool"] == "ask":
        assert call["question"]
    if call["tool"] == "answer":
        assert call["text"]


def test_the_table_is_long_enough() -> None:
    chinese = [row for row in TABLE if any("\u4e00" <= c <= "\u9fff" for c in row[1])]
    assert len(TABLE) > 350
    assert len(chinese) > 100


def test_choices_of_a_question_can_be_said() -> None:
    """Whoever picks one of the choices is understood: it stands in the line's place, or in it."""
    understood = ("edit", "draw", "select", "answer", "back_to")
    for request, line, meant in TABLE:
        if meant != "ask":
            continue
        for choice in read_line(facts(request, line))["choices"]:
            with_it = IT.sub(choice, line, count=1)
            answers = (choice, with_it if with_it != line else f"{line}: {choice}")
            calls = [read_line(facts(request, said)) for said in answers]
            assert any(call["tool"] in understood for call in calls), (line, choice, calls)


def test_answers_tell_the_facts() -> None:
    values = facts("a pink house", "why do you think the house is pink?")
    values["verdict"] = {"holds": ["There is one house."], "fails": ["The house is pink."]}
    text = read_line(values)["text"]
    assert "There is one house." in text
    assert "Not so in the picture, as far as the critic can tell: The house is pink." in text
    assert "castle" in read_line(facts("a house", "what did you change?"))["text"]
    assert "Number 4" in read_line(facts("a house", "which one is best?"))["text"]
    assert "两只猫" in read_line(facts("两只猫", "有几只猫？"))["text"]


def test_a_stand_in_is_what_it_stands_for() -> None:
    values = facts("a brown horse", "make the horse black")
    assert short(values["claims"], read_line(values)) == "horse brown > horse black"
    values = facts("a horse and a tree", "remove the dog")
    assert short(values["claims"], read_line(values)) == "- dog 1; - horse 1"


def test_synonyms_name_what_is_there() -> None:
    for request, line in [("a kitten", "make the cat red"), ("a ball", "make the football red")]:
        values = facts(request, line)
        assert read_line(values)["tool"] == "edit"
        assert short(values["claims"], read_line(values)).startswith("+ ")


def test_some_of_several_lose_their_looks_to_all() -> None:
    values = facts("a red cat and a blue cat", "make the cats green")
    meant = short(values["claims"], read_line(values))
    assert meant == "- cat blue (one); cat red (one) > cat green"


def test_the_writer_answers_turns_as_json() -> None:
    writer = open_pocket_writer(Path("/nowhere"), "pocket")
    text = "".join(writer.write_task("turn", facts("a red cat", "make it blue"), 0))
    call = json.loads(text)
    assert set(call) == {"tool", "add", "remove", "change", "instruction", "not_shown", "unchecked"}
    assert call["change"][0]["number"] == 2


TOOLS = "draw edit select undo redo back_to adjust answer ask save".split()
WORDS = st.sampled_from(
    "a the two no not without red small cat dog balloon left of on grass at night , . and or is "
    "make turn add remove swap put it them instead but one more less only double 2 #3 second "
    "version back to again the same new picture : 把 猫 狗 变成 红色 去掉 加 一 只 再 左边 在 ， "
    "第 张 回到 不要 两 它 都 颜色 交换".split()
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=120), st.lists(WORDS, max_size=16).map(" ".join)))
def test_any_line_is_one_call(line: str) -> None:
    values = facts("a red cat left of a blue balloon on grass", line)
    call = read_line(values)
    assert call["tool"] in TOOLS
    json.dumps(call)
    for row in [*call.get("add", []), *call.get("change", [])]:
        assert row["quote"] and row["quote"] in line


@pytest.mark.parametrize("line", ["red " * 250_000, "第" * 500_000, "no, " * 250_000])
def test_a_megabyte_of_a_line_is_cut(line: str) -> None:
    assert read_line(facts("a cat", line))["tool"]


@pytest.mark.parametrize(
    ("line", "unread"),
    [
        ("make the cat bigger, could you, my friend?", []),
        ("add a fluffy dog", ["fluffy"]),
        ("能不能再添一条鱼？", []),
        ("天气弄成下雨", []),
        ("加一只毛茸茸的狗", ["毛茸茸"]),
        ("add a dog and make the cat happy", []),
        ("put the cat on the left, near a gizmo", ["gizmo"]),
    ],
)
def test_words_that_name_something_unknown_are_unchecked(line: str, unread: list[str]) -> None:
    call = read_line(facts("a red cat", line))
    assert call["tool"] == "edit"
    assert call["unchecked"] == unread


def test_what_was_changed_last_is_what_is_spoken_of() -> None:
    values = facts("a cat and two balloons", "make it blue")
    assert read_line(values)["tool"] == "ask"
    values["versions"] = [{"number": 1, "words": "add a cat", "changes": ["There is one cat."]}]
    assert short(values["claims"], read_line(values)) == "+ cat blue"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('{"tool":"edit","add":[["count","zeppelin","1","","a zeppelin"]]}', "zeppelin"),
        ('{"tool":"edit","add":[["count","zeppelin","1","","a zeppelin"]],"remove":[1]}', None),
        ('{"tool":"edit","add":[["count","gizmo","1","","a zeppelin"]]}', None),
        ('{"tool":"edit","add":[["count","zeppelin","0","","a zeppelin"]]}', None),
        ('{"tool":"edit","add":[["count","zeppelin","1","","a balloon"]]}', None),
        ('{"tool":"edit","add":[["count","zeppelin","1"', None),
        ('{"tool":"undo"}', None),
        ("[1]", None),
    ],
)
def test_of_what_the_model_proposes_the_plausible_is_kept(said: str, meant: str | None) -> None:
    call = proposed_call(said, "add a zeppelin")
    assert (call["add"][0]["subject"] if call else None) == meant


class Proposing(PocketWriter):
    """A writer whose model says what a test wants it to say."""

    said: str = ""

    def _proposed(self, kind: str, line: str, claims: object) -> str:
        return self.said


def test_the_model_is_heard_only_where_the_rules_are_at_a_loss() -> None:
    writer = Proposing(name="pocket", said='{"tool":"undo"}')
    for line, tool in [("rewind", "ask"), ("make it blue", "edit"), ("hello", "answer")]:
        call = json.loads("".join(writer.write_task("turn", facts("a cat", line), 0)))
        assert call["tool"] == tool
        assert "unread" not in call
    writer.said = '{"tool":"edit","add":[["count","zeppelin","1","","a zeppelin"]]}'
    values = facts("a cat", "add a zeppelin")
    call = json.loads("".join(writer.write_task("turn", values, 0)))
    assert short(values["claims"], call) == "+ zeppelin 1"
    assert call["not_shown"] == ["a zeppelin"]
    assert call["unchecked"] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("baloon", "balloon"),
        ("rokcet", "rocket"),
        ("gren", "green"),
        ("coud", "could"),
        ("duk", ""),
        ("shorts", ""),
        ("zeppelin", ""),
        ("x" * 10_000, ""),
    ],
)
def test_slips_of_one_letter_are_mended(typed: str, meant: str) -> None:
    assert meant_by(typed) == meant
