"""What a writer is asked and held to: schemas for one request, templates, and lenient reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from llguidance import LLMatcher, LLTokenizer

from limner.agent.brief.enforce import stated, without_copied
from limner.agent.brief.extract import extract
from limner.agent.brief.replies import AskedStatement, DrawReply, TurnReply
from limner.agent.brief.reply_json import read_reply
from limner.agent.brief.schema import pieces, schema_for, template_values, tools
from limner.pipelines.decoding import JsonMask
from limner.prompts import render

BYTES = LLTokenizer("byte")

REQUESTS = [
    "three red apples and two bananas on a blue plate",
    "portrait of an old fisherman at dawn, oil painting",
    "一只可爱的小猫正在玩耍，水墨画，没有人",
    'a bakery sign that says "FRESH \\ BREAD" above a wooden door, no cars',
    "Morning light falls through a dusty window. A grey dog sleeps, black and white.",
    "neon 🌃 café — 東京",
]


def plain(request: str) -> list[dict[str, str]]:
    """What code knows of a request, as a writer is told it."""
    keys = ("quote", "text", "kind", "subject", "value", "object")
    return [{key: getattr(claim, key) for key in keys} for claim in extract(request)]


def draw(request: str, **more: Any) -> dict[str, Any]:
    """The values of a request."""
    values = {"request": request, "known": plain(request), "dialect": "prose", "tokens": 256}
    return {**values, "world": "", **more}


def turn(line: str, **more: Any) -> dict[str, Any]:
    """The values of a line of a conversation that has got somewhere."""
    claims = [{"number": 1, "text": "There is one fox."}, {"number": 2, "text": "It is dusk."}]
    values: dict[str, Any] = {
        "line": line,
        "claims": claims,
        "request": "a fox at dusk",
        "verdict": {"reached": False, "fails": ["It is dusk."], "unchecked": ["fog"]},
        "versions": [{"number": n, "words": f"words {n}", "changes": []} for n in (1, 2)],
        "candidates": [{"number": n, "version": 2, "holds": 1, "of": 2} for n in (1, 2, 3)],
        "selected": 2,
        "language": "english",
        "world": "",
    }
    return {**values, **more}


def held(schema: dict[str, Any], answer: object) -> bool:
    """Whether an answer is all that a model that is held to the schema could have said."""
    grammar = LLMatcher.grammar_from_json_schema(
        json.dumps(schema), defaults={"whitespace_flexible": False}
    )
    matcher = LLMatcher(BYTES, grammar)
    assert not matcher.is_error(), matcher.get_error()
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    fits = matcher.consume_tokens(BYTES.tokenize_str(text)) and matcher.is_accepting()
    assert fits == Draft202012Validator(schema).is_valid(answer)
    return bool(fits)


def statements(schema: dict[str, Any]) -> dict[str, Any]:
    """The part of a schema that is about what was asked."""
    asked: dict[str, Any] = schema["properties"]["asked"]["properties"]
    return asked


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_draw_is_held_to_the_pieces_of_the_request(request_: str) -> None:
    schema = schema_for("draw", draw(request_))
    JsonMask(BYTES, schema)
    asked = statements(schema)
    assert asked and all(quote in request_ for quote in asked)
    said: dict[str, str] = {quote: one.get("enum", ["It is."])[0] for quote, one in asked.items()}
    answer = {"asked": said, "prompt": "A picture."}
    assert held(schema, answer)
    assert not held(schema, {**answer, "asked": {**said, next(iter(said)): "x" * 900}})
    assert not held(schema, {**answer, "asked": {**said, "a quote": "It is new."}})
    assert not held(schema, {**answer, "prompt": "x" * 2_000})
    read = DrawReply.model_validate(answer)
    assert [one.quote for one in read.asked] == [*asked]


def test_what_is_known_is_a_constant() -> None:
    asked = statements(schema_for("draw", draw('three red apples, a sign "OPEN", no cars')))
    known = {quote: one["enum"] for quote, one in asked.items() if "enum" in one}
    assert known == {
        "three red apples": ["There are three red apples."],
        '"OPEN"': ['The text "OPEN" can be read.'],
        "no cars": ["There is no car."],
    }
    assert [quote for quote in asked if quote not in known] == ["a sign"]
    schema = schema_for("draw", draw("three red apples"))
    assert held(
        schema, {"asked": {"three red apples": "There are three red apples."}, "prompt": ""}
    )
    assert not held(schema, {"asked": {"three red apples": "There are apples."}, "prompt": ""})


def test_two_claims_of_one_piece_are_one_constant() -> None:
    known = [
        {"quote": "two red", "text": "There are two.", "kind": "count"},
        {"quote": "red bees", "text": "The bees are red.", "kind": "colour"},
        {"quote": "not there", "text": "It is lost.", "kind": "other"},
    ]
    asked = statements(schema_for("draw", draw("two red bees in a jar", known=known)))
    assert asked["two red bees"]["enum"] == ["There are two. The bees are red."]
    assert [*asked] == ["two red bees", "in a jar"]


def test_what_is_known_in_another_language_is_left_to_translate() -> None:
    asked = statements(schema_for("draw", draw("一只猫，没有人，写着“开门”")))
    assert "enum" not in asked["没有人"]
    assert asked["“开门”"]["enum"] == ['The text "开门" can be read.']


def test_a_world_lets_it_say_what_can_not_be_shown() -> None:
    schema = schema_for("draw", draw("a fox, a comet", world="foxes"))
    answer = {"asked": {"a fox": "A.", "a comet": "B."}, "prompt": "", "not_shown": ["a comet"]}
    assert held(schema, answer)
    assert not held(schema, {**answer, "not_shown": ["a planet"]})
    assert "foxes" in render("draw", None, **template_values("draw", draw("a", world="foxes")))[0]


@pytest.mark.parametrize(
    ("request_", "cut"),
    [
        (
            "a bowl of figs on a table, oil painting",
            ["a bowl of figs", "on a table", "oil painting"],
        ),
        ("a map with a red cross and a knife", ["a map", "with a red cross", "a knife"]),
        ("logo, black and white", ["logo", "black and white"]),
        ("a shelf filled with books", ["a shelf filled with books"]),
        (
            "a door on the left and a lamp on the right",
            ["a door on the left", "a lamp on the right"],
        ),
        ("2 swans, f/1.8, 1.5x zoom", ["2 swans", "f/1.8", "1.5x zoom"]),
        ("山顶上的小木屋，冬天。", ["山顶上的小木屋", "冬天"]),
        ("deux chats sur un banc, la nuit", ["deux chats sur un banc", "la nuit"]),
        ("rain, rain, rain", ["rain"]),
        ("of the, and", []),
        ("!?", []),
        ("", []),
    ],
)
def test_a_request_is_cut_where_it_says_something_new(request_: str, cut: list[str]) -> None:
    assert pieces(request_) == cut


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_pieces_are_verbatim_few_and_in_order(request_: str) -> None:
    cut, at = pieces(request_), 0
    assert len(cut) <= 16 and len(set(cut)) == len(cut)
    for piece in cut:
        at = request_.index(piece, at)


def test_a_long_request_is_cut_coarsely_and_stays_bounded() -> None:
    long = "a fox in a box, a hen on a pen, " * 400
    schema = schema_for("draw", draw(long))
    assert 0 < len(statements(schema)) <= 24
    assert len(json.dumps(schema)) < 20_000
    listed = ", ".join(f"a thing{n} on a place{n}" for n in range(15))
    assert pieces(listed) == [f"a thing{n} on a place{n}" for n in range(15)]


EDIT = {"tool": "edit", "instruction": "Make it night.", "remove": [2], "change": [], "add": []}


def test_a_turn_is_held_to_one_tool_and_numbers_that_exist() -> None:
    line = "make it night"
    schema = schema_for("turn", turn(line))
    JsonMask(BYTES, schema)
    night = {"quote": "night", "text": "It is night."}
    calls: list[dict[str, Any]] = [
        {"tool": "draw", "request": ""},
        {**EDIT, "add": [night], "change": [{"number": 2, **night}]},
        {"tool": "select", "candidate": 3},
        {"tool": "select", "candidate": 3, "then": EDIT},
        {"tool": "undo"},
        {"tool": "back_to", "version": 1},
        {"tool": "adjust", "instruction": "brighter"},
        {"tool": "answer", "text": "You're welcome!"},
        {"tool": "ask", "question": "Which?", "choices": ["a", "b"]},
    ]
    for call in calls:
        assert held(schema, {"line": line, **call}), call
        assert read_reply(json.dumps(call), TurnReply) == TurnReply.model_validate(call)
    wrong: list[dict[str, Any]] = [
        {"tool": "paint"},
        {"tool": "select", "candidate": 4},
        {"tool": "back_to", "version": 3},
        {**EDIT, "remove": [3]},
        {**EDIT, "add": [{"quote": "day", "text": "It is day."}]},
        {**EDIT, "change": [{"number": 0, **night}]},
    ]
    for call in wrong:
        assert not held(schema, {"line": line, **call}), call
    assert not held(schema, {"line": "make it day", "tool": "undo"})


def names(schema: dict[str, Any]) -> set[str]:
    """The tools of a turn's schema."""
    return {call["properties"]["tool"]["enum"][0] for call in schema["anyOf"]}


def test_only_tools_that_make_sense_are_offered() -> None:
    nothing: dict[str, Any] = {"claims": [], "versions": [], "candidates": []}
    assert names(schema_for("turn", turn("a fox", **nothing))) == {"draw", "answer", "ask"}
    assert "select" not in names(schema_for("turn", turn("a fox", candidates=[])))
    assert len(names(schema_for("turn", turn("a fox")))) == 10


def test_quotes_of_a_long_line_are_free_and_checked_later() -> None:
    line = " ".join(f"word{n}" for n in range(90))
    edit = next(c for c in schema_for("turn", turn(line))["anyOf"] if "add" in c["properties"])
    assert "enum" not in edit["properties"]["add"]["items"]["properties"]["quote"]
    edit = next(
        c for c in schema_for("turn", turn("换成晚上"))["anyOf"] if "add" in c["properties"]
    )
    assert "晚上" in edit["properties"]["add"]["items"]["properties"]["quote"]["enum"]


def test_the_same_tools_for_models_that_call_tools() -> None:
    told = {one["function"]["name"]: one["function"] for one in tools(turn("a fox"))}
    assert set(told) == names(schema_for("turn", turn("a fox")))
    for one in told.values():
        assert one["description"]
        Draft202012Validator.check_schema(one["parameters"])
        assert "$ref" not in json.dumps(one["parameters"])
    add = told["edit"]["parameters"]["properties"]["add"]
    assert set(add["items"]["properties"]) == {"quote", "text"}
    assert add["items"]["properties"]["quote"]["enum"] == ["a", "a fox", "fox"]
    select = told["select"]["parameters"]["properties"]
    assert select["candidate"] == {"type": "integer", "enum": [1, 2, 3]}
    assert select["then"] == told["edit"]["parameters"]
    nothing: dict[str, Any] = {"claims": [], "versions": [], "candidates": []}
    offered = {one["function"]["name"] for one in tools(turn("a fox", **nothing))}
    assert offered == {"draw", "answer", "ask"}


@pytest.mark.parametrize("task", ["describe", "reword"])
def test_other_answers_are_a_bounded_prompt(task: str) -> None:
    schema = schema_for(task, {"dialect": "short", "tokens": 40})
    assert held(schema, {"prompt": "A fox."}) and not held(schema, {"prompt": "x" * 300})


@pytest.mark.parametrize(
    ("dialect", "tokens", "length"),
    [
        ("prose", 512, "plain prose of 40 to 120 words"),
        ("prose", 77, "plain prose of 26 to 53 words"),
        ("tags", 77, "8 to 19 short tags with commas between them"),
        ("short", 40, "one short sentence of at most 20 words"),
    ],
)
def test_a_writer_is_told_how_long(dialect: str, tokens: int, length: str) -> None:
    values = template_values("draw", draw("a fox", dialect=dialect, tokens=tokens))
    assert values["length"] == length
    assert length in render("draw", None, **values)[0]


def test_templates_say_what_they_are_given() -> None:
    system, human = render("draw", None, **template_values("draw", draw(REQUESTS[3])))
    assert REQUESTS[3] in human and '"no cars": There is no car.' in human
    assert "What the painter can show" not in system
    system, human = render("turn", None, **template_values("turn", turn("go {{ on }} {% x %}")))
    assert human == "Line: go {{ on }} {% x %}"
    for text in ("1. There is one fox.", "wrong: It is dusk.", "not looked at: fog", "2. words 2"):
        assert text in system
    assert "2. version 2, 1 of 2 hold, selected" in system
    empty = turn("hello", claims=[], versions=[], candidates=[], verdict=None)
    assert "nothing is painted yet" in render("turn", None, **template_values("turn", empty))[0]
    claims = [{"text": "It is night."}]
    painter = {"dialect": "prose", "tokens": 77, "world": ""}
    told = template_values("describe", {"claims": claims, "before": "It is day.", **painter})
    assert render("describe", None, **told)[1] == "Statements:\nIt is night.\nBefore: It is day."
    told = template_values("reword", {"prompt": "p", "wrong": "w", "right": "r", **painter})
    assert render("reword", None, **told)[1] == "Description: p\nWrong: w\nRight: r"


@pytest.mark.parametrize("dialect", ["prose", "tags", "short"])
def test_the_examples_are_answers_that_would_be_read(dialect: str) -> None:
    values = template_values("draw", draw("a fox", dialect=dialect))
    answers = [
        a for a in render("draw", None, **values)[0].splitlines() if a.startswith('{"asked":{')
    ]
    requests = [
        line.removeprefix("Request: ")
        for line in render("draw", None, **values)[0].splitlines()
        if line.startswith("Request: ")
    ]
    assert len(answers) == len(requests) == 5
    for request_, answer in zip(requests, answers, strict=True):
        read = DrawReply.model_validate_json(answer)
        assert read.prompt and all(one.quote in request_ for one in read.asked)
        if request_.isascii():
            assert stated(read.asked, request_) == read.asked
    lines = render("turn", None, **template_values("turn", turn("a fox")))[0].splitlines()
    calls = [line for line in lines if line.startswith('{"line"')]
    assert len(calls) >= 12
    for call in calls:
        said = TurnReply.model_validate_json(call)
        line = json.loads(call)["line"]
        assert all(one.quote in line for one in [*said.add, *said.change]) and said.request in line


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ({"a fox": "There is a fox."}, [("a fox", "There is a fox.")]),
        ({"a fox": {"text": "There is a fox.", "kind": "object"}}, [("a fox", "There is a fox.")]),
        ({"1": {"quote": "a fox", "text": "A fox."}}, [("a fox", "A fox.")]),
        ({"a fox": ["One fox.", "It runs."]}, [("a fox", "One fox. It runs.")]),
        ({"text": "The text is there."}, [("text", "The text is there.")]),
        ({"quote": "a fox", "text": "A fox."}, [("a fox", "A fox.")]),
        ([{"quote": "a", "text": "A."}, "B.", None], [("a", "A."), ("B.", "The picture shows B.")]),
        (None, []),
        ("A fox.", []),
        ([{"quote": "a", "text": {"b": 1}}], []),
        ({str(n): "A." for n in range(90)}, [(str(n), "A.") for n in range(24)]),
    ],
)
def test_statements_come_in_many_forms(given_: object, read: list[tuple[str, str]]) -> None:
    found = DrawReply.model_validate({"asked": given_})
    assert [(one.quote, one.text) for one in found.asked] == read


def test_what_is_too_long_is_cut() -> None:
    found = DrawReply.model_validate(
        {"asked": [{"quote": "x" * 999, "text": "word " * 99}], "prompt": ["One.", "y " * 3_000]}
    )
    assert len(found.asked[0].quote) == 300 and len(found.asked[0].text) <= 200
    assert found.prompt.startswith("One. y y") and len(found.prompt) <= 2_000
    assert DrawReply.model_validate({"prompt": {"a": "One.", "b": "Two."}}).prompt == "One. Two."
    assert DrawReply.model_validate({"negative": "cars, people", "prompt": None}).negative == [
        "cars",
        "people",
    ]


def put(request_: str, **said: str) -> list[str]:
    """The statements of these quotes (with _ for a space) after mending."""
    items = [
        AskedStatement(quote=quote.replace("_", " "), text=text) for quote, text in said.items()
    ]
    return [one.text for one in stated(items, request_)]


def test_statements_that_say_their_quote_stay() -> None:
    assert put("red apples at dawn", red_apples="There are red apples.", at_dawn="It is dawn.") == [
        "There are red apples.",
        "It is dawn.",
    ]


@pytest.mark.parametrize(
    ("said", "plainly"),
    [
        ("The style is oil painting.", "The picture shows dawn."),
        ("At dawn the", "The picture shows dawn."),
        ("There are red apples.", "The picture shows dawn."),
        ("It is dawn and a girl in a yellow coat walks.", "The picture shows dawn."),
        ("It is dawn, it is dawn, it is dawn.", "The picture shows dawn."),
    ],
)
def test_english_statements_beside_their_quote_are_put_plainly(said: str, plainly: str) -> None:
    request_ = "red apples at dawn, oil painting"
    assert put(request_, red_apples="There are red apples.", at_dawn=said)[1] == plainly


def test_plain_statements_are_english() -> None:
    request_ = "A dog sleeps. Morning comes, under a tree, no cars"
    assert put(request_, A_dog_sleeps="x", under_a_tree="y", no_cars="z") == [
        "A dog sleeps.",
        "Something is under a tree.",
    ]


def test_of_other_languages_only_sound_statements_stay() -> None:
    said = {"两只猫": "There are two cats.", "夜晚": "It is a city.", "下雨": "It is a city."}
    assert put("两只猫，夜晚，下雨", **said) == ["There are two cats."]
    assert put("两只猫", 两只猫="There are two cats that play with") == []


def test_a_prompt_does_not_copy_its_instructions() -> None:
    told = "A girl in a raincoat stands on a bridge. Misty willows line the water."
    prompt = "Two foxes play. A girl in a raincoat stands on a bridge. It is dusk."
    assert without_copied(prompt, told, "two foxes") == "Two foxes play. It is dusk."
    asked = "A girl in a raincoat stands on a bridge."
    assert without_copied(asked, told, f"{asked} Oil.") == asked


def test_a_prompt_that_loops_ends_before_the_loop() -> None:
    looped = "A grey picture of a picture of a picture of a picture of a picture"
    assert without_copied(looped, "", "") == "A grey picture"
    long = "a fox runs, and " * 2_000
    assert len(without_copied(long, "", "")) < 40
