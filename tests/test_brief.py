"""Whatever a writer says, there is a brief that says what was asked, and nothing else as asked."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk

from limner.agent.brief.claims import complete
from limner.agent.brief.tool_call import Call, TurnContext
from limner.agent.brief.writer import BriefWriter, Drafted
from limner.agent.records import Brief, Claim, Critique
from limner.agent.studio import Studio
from limner.errors import LimnerError
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter
from limner.pipelines.roles import PainterSpec, Statement

T = TypeVar("T")
REQUEST = "two red lighthouses in a storm, no people"
DRAW: dict[str, Any] = {
    "asked": [
        {"quote": "two red lighthouses", "text": "There are two red lighthouses."},
        {"quote": "storm", "text": "There is a storm."},
    ],
    "prompt": "Two red lighthouses on a cliff in a wild storm, waves below.",
}


class Broken(FakeWriter):
    """A writer that says a little, then breaks."""

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        yield next(super()._stream([AIMessage("request: a boat")]))
        raise ConnectionError("no one\nthere")


class Boats:
    """A fake world of boats, red or blue, by day or night."""

    description = "boats, red or blue; day or night"
    larger = "limner models"

    def shows(self, claim: Statement) -> bool:
        known = {"boat", "red", "blue", "day", "night", "1", "2", ""}
        return {claim.subject, claim.value, claim.object} <= known and claim.kind != "other"

    def prompt(self, claims: Sequence[Statement]) -> str:
        return ", ".join(claim.value or claim.subject for claim in claims)

    def phrased(self, claim: Statement) -> tuple[str, tuple[str, ...]] | None:
        return (claim.text.lower(), ("there is no boat",)) if self.shows(claim) else None


class Tasks(FakeWriter):
    """A fake writer that takes tasks, and answers each with the same."""

    answers: dict[str, Any]

    def write_task(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        yield json.dumps(self.answers.get(task, {}))


def done(steps: Generator[str, None, T]) -> tuple[str, T]:
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return "".join(said), end.value


def draw(
    writer: BaseChatModel | dict[str, Any] | str, request: str = REQUEST, **more: Any
) -> Drafted:
    if isinstance(writer, dict):
        writer = json.dumps(writer)
    model = FakeWriter(replies=(writer,)) if isinstance(writer, str) else writer
    return done(BriefWriter(model, **more).draw(request, seed=1))[1]


def texts(brief: Brief, source: str = "asked") -> list[str]:
    return [claim.text for claim in brief.claims if claim.source == source]


def test_a_draft_becomes_a_brief() -> None:
    drafted = draw(DRAW)
    assert not drafted.fallback
    assert texts(drafted.brief) == [
        "There are two red lighthouses.",
        "There is no person.",
        "There is a storm.",
    ] or set(texts(drafted.brief)) == {
        "There are two red lighthouses.",
        "There is no person.",
        "There is a storm.",
    }
    assert drafted.brief.prompt == DRAW["prompt"]
    assert drafted.brief.negative == ("person",)
    assert drafted.brief.unchecked == ()


def test_what_is_written_streams() -> None:
    said, _ = done(BriefWriter(FakeWriter(replies=(json.dumps(DRAW),))).draw(REQUEST, seed=1))
    assert json.loads(said) == DRAW


def test_any_other_chat_model_will_do() -> None:
    prose = f"Of course! ```json\n{json.dumps(DRAW)}\n``` Enjoy {{it}}."
    drafted = draw(GenericFakeChatModel(messages=iter([AIMessage(prose)])))
    assert drafted.brief.prompt == DRAW["prompt"]


@pytest.mark.parametrize(
    "reply", ["I can't help with that.", "", "{", '{"asked": [], "prompt": ""}', "[]", "null"]
)
def test_without_a_usable_answer_the_requests_own_phrases_are_claims(reply: str) -> None:
    drafted = draw(reply)
    assert drafted.fallback
    assert drafted.brief.prompt == REQUEST
    assert "There are two red lighthouses." in texts(drafted.brief)
    assert "There is no person." in texts(drafted.brief)
    assert any("storm" in text for text in texts(drafted.brief))


def test_a_writer_that_breaks_costs_no_brief() -> None:
    drafted = draw(Broken())
    assert "no one there" in drafted.fallback
    assert drafted.brief.claims


def test_what_the_writer_leaves_out_is_unchecked() -> None:
    reply = {"asked": [DRAW["asked"][0]], "prompt": "two red lighthouses"}
    assert draw(reply).brief.unchecked == ("storm",)


def test_what_the_writer_adds_is_not_asked() -> None:
    more = {"quote": "storm", "text": "A ship fights the storm."}
    brief = draw({**DRAW, "asked": [DRAW["asked"][0], more]}).brief
    assert not any("ship" in text for text in texts(brief))
    assert any("storm" in text for text in texts(brief))


def test_what_is_excluded_is_never_in_the_prompt() -> None:
    reply = {**DRAW, "prompt": "Two red lighthouses in a storm, without people, waves."}
    prompt = draw(reply).brief.prompt
    assert "people" not in prompt and "waves" in prompt


def test_the_prompt_says_what_was_asked_even_where_the_writer_did_not() -> None:
    prompt = draw({**DRAW, "prompt": "Two red lighthouses on a cliff."}).brief.prompt
    assert prompt.startswith("Two red lighthouses on a cliff.") and "storm" in prompt
    other = draw({**DRAW, "prompt": "A cliff."}).brief.prompt  # of something else: the request is
    assert "two red lighthouses" in other and "storm" in other


def test_nothing_that_is_asked_is_in_the_negative_prompt() -> None:
    reply = {**DRAW, "negative": ["red boats", "blurry"]}
    assert draw(reply, "a red boat").brief.negative == ("blurry",)


def test_other_tools_signs_are_no_wishes() -> None:
    brief = draw({"asked": []}, "(red boat:1.3), 8k, masterpiece <lora:sails:0.8>").brief
    assert all("8k" not in text and "lora" not in text for text in texts(brief))
    assert any("red boat" in text for text in texts(brief))
    assert any("sails" in said for said in brief.dropped)
    assert "8k" in brief.style_prompt


def test_weights_of_words_are_used_where_the_painter_can() -> None:
    weighs = PainterSpec((64, 64), weights=True)
    brief = draw({"asked": []}, "(red boat:1.3), storm", spec=weighs).brief
    assert "(red boat)1.3" in brief.prompt and not brief.dropped
    assert draw({"asked": []}, "(red boat:1.3), storm").brief.dropped == ("(red boat:1.3)",)


def test_a_small_world_says_what_it_cannot_show() -> None:
    asked = [
        {"quote": "red boat", "text": "There is one boat.", "kind": "count"},
        {"quote": "red", "text": "The boat is red.", "kind": "colour"},
        {"quote": "dragon", "text": "There is one dragon.", "kind": "count"},
    ]
    brief = draw({"asked": asked, "prompt": "x"}, "a red boat and a dragon", world=Boats()).brief
    assert brief.not_shown == ("dragon",)
    assert "dragon" not in brief.prompt and "red" in brief.prompt
    assert "There is one dragon." in texts(brief)


def change(before: Brief, line: str, reply: dict[str, Any]) -> Brief:
    writer = FakeWriter(replies=(json.dumps(reply), '{"prompt": "worded anew"}'))
    return done(BriefWriter(writer).edit(before, line, 1))[1].brief


BEFORE = Brief(
    "a red boat",
    "a red boat",
    complete([Claim("There is one boat.", quote="boat"), Claim("The boat is red.", quote="red")]),
)


def test_a_change_is_a_patch() -> None:
    add = {"quote": "night", "text": "It is night.", "kind": "light"}
    reply = {"tool": "edit", "add": [add], "remove": [1, 2], "change": [], "instruction": "x"}
    after = change(BEFORE, "make it night", reply)
    assert texts(after) == ["There is one boat.", "The boat is red.", "It is night."]
    assert after.prompt.startswith("worded anew")


def test_a_line_that_nobody_understands_adds_its_own_phrases() -> None:
    after = change(BEFORE, "a stormy sky", {"tool": "dance"})
    assert any("stormy sky" in text for text in texts(after))
    assert "The boat is red." in texts(after)


def test_words_of_a_change_that_nothing_speaks_for_are_unchecked() -> None:
    add = {"quote": "night", "text": "It is night.", "kind": "light"}
    after = change(BEFORE, "make it night with fireworks", {"tool": "edit", "add": [add]})
    assert after.unchecked == ("fireworks",)


def test_a_line_that_means_one_thing_asks_no_writer() -> None:
    call = done(BriefWriter(Broken()).hear("undo", TurnContext(BEFORE), 1))[1]
    assert call == Call("undo", "undo")


def test_a_first_line_that_nobody_understands_is_a_request() -> None:
    call = done(BriefWriter(Broken()).hear("a red boat", TurnContext(), 1))[1]
    assert (call.tool, call.request) == ("draw", "a red boat")
    assert call.fallback


def test_a_writer_of_tasks_is_asked_for_tasks() -> None:
    answers = {"draw": {"asked": [{"quote": "kitty", "text": "There is one cat."}], "prompt": "c"}}
    brief = draw(Tasks(answers=answers), "a kitty").brief
    assert texts(brief) == ["There is one cat."] and brief.unchecked == ()


def test_what_a_writer_of_tasks_passes_over_is_unchecked_too() -> None:
    said = [{"quote": "kitchen", "text": "The scene is a kitchen."}]
    answers = {"draw": {"asked": said, "prompt": "c", "unchecked": ["copper"]}}
    brief = draw(Tasks(answers=answers), "a copper kitchen in 1962, the kitchen").brief
    assert brief.unchecked == ("copper", "1962")


def test_a_new_wording_keeps_what_was_asked() -> None:
    writer = BriefWriter(FakeWriter(replies=('{"prompt": "a boat, crimson"}',)))
    critique = Critique(BEFORE.claims, (0.9, 0.1))
    prompt = writer.reword(BEFORE, critique, 1)
    assert prompt.startswith("a boat, crimson")
    assert "The boat is red." in prompt


@pytest.mark.parametrize("reply", ["", "no", '{"prompt": ""}'])
def test_no_new_wording_raises(reply: str) -> None:
    writer = BriefWriter(FakeWriter(replies=(reply,)))
    with pytest.raises(LimnerError, match="no new wording"):
        writer.reword(BEFORE, Critique(BEFORE.claims, (0.9, 0.1)), 1)


def test_the_painters_dialect_is_told() -> None:
    assert BriefWriter(FakeWriter(), spec=PainterSpec((64, 64), tags=True))._painter() == {
        "dialect": "tags",
        "tokens": 77,
        "world": "",
    }


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(min_size=1, max_size=80).filter(str.strip))
def test_no_answer_and_no_request_raises(reply: str, request_: str) -> None:
    brief = draw(reply, request_).brief
    assert brief.claims or not request_.strip()
    assert all(claim.quote in request_ for claim in brief.claims if claim.source == "asked")


def test_pasted_settings_are_used_or_named() -> None:
    pasted = "a red boat\nSteps: 2, CFG scale: 4.5"
    studio = Studio(FakeWriter(), FakePainter(), FakeCritic([[0.9]]))
    best = studio.imagine(pasted, seed=1).best
    assert (
        best
        and (best.image_request.steps, best.image_request.guidance) == (2, 4.5)
        and not best.brief.dropped
    )
    distilled = PainterSpec((64, 64), steps=4, guidance=0.0)
    _, made = done(BriefWriter(FakeWriter(), None, "", distilled).draw(pasted, 1))
    assert made.brief.dropped == ("steps 2", "guidance 4.5")


@pytest.mark.parametrize("request_", ["a (red:1.2) cat on [wet] grass", "a {tall} tree", "0\\{"])
def test_a_quote_has_the_marks_that_were_typed(request_: str) -> None:
    claims = draw("", request_).brief.claims
    assert claims and all(claim.quote in request_ for claim in claims)
