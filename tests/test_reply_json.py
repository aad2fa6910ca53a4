"""Replies of language models as they come: each slip is forgiven, and no text is too odd."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.agent.brief.replies import DrawReply, RewordReply, TurnReply
from limner.agent.brief.reply_json import LONGEST, read_object, read_reply, why_unreadable

ANSWER = '{"asked":[{"quote":"a cat","text":"There is one cat."}],"prompt":"A cat."}'
LATER = '{"prompt":"A red cat."}'


def prompt(text: str) -> str | None:
    """The prompt that is read from a reply."""
    found = read_reply(text, DrawReply)
    return found.prompt if found else None


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        f"```json\n{ANSWER}\n```",
        f"Sure! Here it is:\n\n{ANSWER}\n\nI hope you like it.",
        f"[{ANSWER}]",
        f'{{"result": {ANSWER}}}',
        f'{{"name": "draw", "arguments": {ANSWER}}}',
        json.dumps({"name": "draw", "arguments": ANSWER}),
        json.dumps({"tool_calls": [{"type": "function", "function": {"arguments": ANSWER}}]}),
        ANSWER.replace("}]", ",},],"),
        ANSWER.replace('"', "'"),
        ANSWER.replace('"', "`"),
        ANSWER.replace('"a cat"', "“a cat”").replace('"prompt"', "“prompt”"),
        ANSWER.replace(":", "：").replace(",", "，"),
        ANSWER.replace('"asked"', "asked").replace('"prompt"', "prompt"),
        ANSWER.replace(',"prompt"', '// the rest\n,/* now */ # and\n"prompt"'),
        ANSWER[:-1],
        ANSWER.replace('"}]', '"]'),
        ANSWER.replace('"}],', '"},'),
        ANSWER.replace(',"prompt"', '\n"prompt"'),
        "{{" + ANSWER[1:],
        ANSWER.replace('"A cat."', "A cat."),
        ANSWER.replace("A cat.", "A \\u0063at."),
    ],
)
def test_the_usual_slips_are_forgiven(text: str) -> None:
    found = read_reply(text, DrawReply)
    assert found is not None
    assert [(one.quote, one.text) for one in found.asked] == [("a cat", "There is one cat.")]
    assert found.prompt == "A cat."


@pytest.mark.parametrize(
    "text",
    [
        f"<think>Perhaps {ANSWER}? No.</think>{LATER}",
        f"Perhaps {ANSWER}? No.</think>\n{LATER}",
        f"<thinking>{ANSWER}</thinking> ```{LATER}```",
        f"[THINK]{ANSWER}[/THINK]{LATER}",
        f"<|channel|>analysis<|message|>{ANSWER}<|channel|>final<|message|>{LATER}",
        f"<think>Perhaps {ANSWER}? No, rather: {LATER}",
        f"<think>They want {{a cat. </think>{LATER}",
        f"<think>a</think>{{</think>{LATER}",
    ],
)
def test_the_answer_wins_over_the_thought(text: str) -> None:
    assert prompt(text) == "A red cat."


def test_reasoning_in_a_request_is_no_reasoning() -> None:
    text = json.dumps({"asked": [], "prompt": 'A sign "</think>{"prompt": "x"}"'})
    assert prompt(text) == 'A sign "</think>{"prompt": "x"}"'


def test_a_thought_alone_still_serves() -> None:
    assert prompt(f"<think>{LATER}</think>") == "A red cat."


def test_the_fullest_object_wins_and_of_equal_ones_the_last() -> None:
    assert prompt(f"{ANSWER} Or shorter: {LATER}") == "A cat."
    assert prompt('{"prompt":"one"} better: {"prompt":"two"}') == "two"


def test_what_is_within_an_answer_is_no_answer() -> None:
    found = read_reply(
        '{"tool":"select","candidate":2,"then":{"tool":"edit","instruction":"Make it night.",'
        '"remove":[1],"add":[],"change":[]}}',
        TurnReply,
    )
    assert found is not None and found.tool == "select" and found.candidate == 2
    assert found.then is not None and found.then.remove == [1]


@pytest.mark.parametrize(
    "text",
    [
        '{"tool":"edit","remove":["2"],"change":[{"number":"#1","quote":"red","text":"It is."}]}',
        '{"name":"edit","arguments":{"remove":2,"change":[{"number":1.0,"text":"It is."}]}}',
        '{"name":"edit","arguments":"{\\"remove\\":[2],\\"change\\":[{\\"number\\":1,\\"text\\":\\"a\\"}]}"}',
        '{"edit":{"remove":[2],"change":[{"number":1,"text":"It is."}]}}',
        '{"function":{"name":"edit","arguments":{"remove":[2],"change":[{"number":1,"text":"a"}]}}}',
        '{"tool":"Edit","parameters":{"remove":["2."],"change":{"quote":"a","text":"b","number":1}}}',
    ],
)
def test_calls_come_in_many_wrappings(text: str) -> None:
    found = read_reply(text, TurnReply)
    assert found is not None and found.tool == "edit"
    assert found.remove == [2] and [one.number for one in found.change] == [1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": True, "b": None, "c": false}', {"a": True, "b": None, "c": False}),
        ('{"a": 2, "b": -1.5, "c": 1e3}', {"a": 2, "b": -1.5, "c": 1000}),
        ('{"a": "he said "hello" to me", "b": 1}', {"a": 'he said "hello" to me', "b": 1}),
        ("{'a': 'it's fine', 'b': 2}", {"a": "it's fine", "b": 2}),
        ("{‘a’: ‘it’s fine’, “b”: “two”}", {"a": "it’s fine", "b": "two"}),
        ('{"a": "http://x.y/#z // no /* comment"}', {"a": "http://x.y/#z // no /* comment"}),
        ('{"a": "one\ntwo\\tthree \\ud83d\\ude00"}', {"a": "one\ntwo\tthree 😀"}),
        ('{"a": "一只“小”猫", "b": 1}', {"a": "一只“小”猫", "b": 1}),
        ('{a: two cats, b => [x, "y", ...]}', {"a": "two cats", "b": ["x", "y"]}),
        ('{"a": [1, 2, 3', {"a": [1, 2]}),
        ('{"a": 1, "b": 23', {"a": 1}),
        ('{"a": "x", "b', {"a": "x"}),
    ],
)
def test_values_are_read_as_they_are_meant(text: str, value: dict[str, object]) -> None:
    assert read_object(text) == value


def test_what_is_cut_off_keeps_its_whole_parts() -> None:
    found = read_reply(
        '{"asked":[{"quote":"a cat","text":"There is one cat."},{"quote":"red","text":"The c',
        DrawReply,
    )
    assert found is not None and [one.quote for one in found.asked] == ["a cat"]
    assert prompt('{"asked":{},"prompt":"A red cat sits on the gra') == "A red cat sits on the"


def test_text_that_swallows_the_answer_is_passed_over() -> None:
    assert prompt(f'I use {{ "braces. {LATER}') == "A red cat."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "said nothing"),
        (" \n", "said nothing"),
        ("<think>Well", "thought, and gave no answer"),
        ("<think>{}</think> ", "thought, and gave no answer"),
        ("A red cat on the grass.", "answered without JSON"),
        ('{"asked": [{"quote": "a', "was cut off"),
        (
            '{"things": ["cat"], "light": ""}',
            'answered without the keys that were asked for, with "things", "light"',
        ),
        ("{}", "answered without the keys that were asked for, with none"),
        (
            '{"a\\n\\u001b[31mb": 1}',
            'answered without the keys that were asked for, with "a b"',
        ),
    ],
)
def test_it_says_why_there_is_no_answer(text: str, why: str) -> None:
    assert why_unreadable(text) == why
    assert read_reply(text, RewordReply) is None


ODD = [
    "[" * LONGEST,
    "{" * LONGEST,
    '{"a":' * 20_000,
    '[{"a":[' * 14_000,
    '"' * LONGEST,
    '{"' + '" ' * 50_000,
    '{"a":"' + '"   ' * 25_000,
    '{"' + "\\" * LONGEST,
    '{"a":"' + "\\u" * 50_000,
    "{" + "/*" * 50_000,
    "{" + "," * LONGEST,
    "“" * LONGEST,
    '{"a":1}' * 14_000,
    '{ some prose "and" so: on, ' * 4_000,
    '{"a":' + "1" * LONGEST + "}",
    '{"a"' + " " * LONGEST,
    "<think>" * 14_000,
    "</think>{" * 11_000,
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_long_nonsense_costs_little(number: int) -> None:
    started = time.process_time()
    assert read_reply(ODD[number], DrawReply) is None
    assert why_unreadable(ODD[number])
    assert time.process_time() - started < 10


def test_no_more_is_read_than_the_bound() -> None:
    assert prompt(" " * LONGEST + ANSWER) is None


SIGNS = st.text(st.sampled_from("{}[]\"'“”‘’`:,，：\\/*#\n abc1-.=;<>|TNu"), max_size=80)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), SIGNS))
def test_it_never_raises(text: str) -> None:
    for around in (text, f"{{{text}", f'{{"asked":{text}', f'{{"tool":"edit","add":{text}}}'):
        for wanted in (DrawReply, TurnReply, RewordReply):
            read_reply(around, wanted)
        assert "\n" not in why_unreadable(around)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_value_in_any_place_is_no_exception(value: object) -> None:
    for key in ("asked", "prompt", "negative", "add", "remove", "change", "tool", "then", "name"):
        text = json.dumps({"tool": "edit", key: value})
        read_reply(text, DrawReply)
        read_reply(text, TurnReply)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_sound_json_is_read_as_it_is(quote: str, said: str) -> None:
    text = json.dumps({"asked": {quote: "x."}, "prompt": said}, ensure_ascii=False)
    found = read_reply(text, DrawReply)
    assert found == DrawReply.model_validate(json.loads(text))
