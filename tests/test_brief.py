"""Whatever a writer says, there is a brief."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk

from limner.agent.brief import Drafted, Scribe
from limner.agent.draft import Draft, Revision, first_object, schema_of
from limner.agent.language.locks import stated, told
from limner.agent.records import Brief, Claim, Critique, Relation, Thing
from limner.errors import LimnerError
from limner.pipelines.fakes import FakeWriter

DRAFT: dict[str, Any] = {
    "things": [{"name": "cat", "count": 2, "colour": "red", "size": "", "place": "left"}],
    "relations": [{"thing": "cat", "how": "above", "other": "mat"}],
    "where": "grass",
    "light": "night",
    "style": "",
    "avoid": ["dog"],
    "prompt": "two red cats above a mat, on grass at night",
    "reply": "Zwei Katzen.",
}


class Broken(FakeWriter):
    """A writer that says a little, then breaks."""

    def _stream(self, *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        yield next(super()._stream([AIMessage("draw: a cat")]))
        raise ConnectionError("no one\nthere")


def drafted(steps: Generator[str, None, Drafted]) -> tuple[str, Drafted]:
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return "".join(said), end.value


def expand(writer: BaseChatModel, request: str = "zwei Katzen") -> tuple[str, Drafted]:
    return drafted(Scribe(writer).expand(request, seed=1))


def test_a_draft_becomes_a_brief() -> None:
    said, result = expand(FakeWriter(replies=(json.dumps(DRAFT),)))
    assert json.loads(said) == DRAFT
    assert not result.fallback
    assert result.brief == Brief(
        request="zwei Katzen",
        prompt="two red cats above a mat, on grass at night",
        reply="Zwei Katzen.",
        things=(Thing("cat", 2, "red", "", "left"),),
        relations=(Relation("cat", "above", "mat"),),
        where="grass",
        light="night",
        avoid=("dog",),
    )


def test_any_other_chat_model_will_do() -> None:
    prose = f"Of course! ```json\n{json.dumps(DRAFT)}\n``` Enjoy {{it}}."
    _, result = expand(GenericFakeChatModel(messages=iter([AIMessage(prose)])))
    assert result.brief.prompt == "two red cats above a mat, on grass at night"


@pytest.mark.parametrize(
    "reply",
    [
        "I can't help with that.",
        "",
        "{",
        json.dumps(DRAFT)[:80],
        "[1, 2]",
        json.dumps({**DRAFT, "prompt": ""}),
        json.dumps({**DRAFT, "things": 3}),
        '{"a":' * 20_000,
    ],
)
def test_a_useless_reply_falls_back_to_the_request(reply: str) -> None:
    _, result = expand(FakeWriter(replies=(reply,)))
    assert result.brief == Brief("zwei Katzen", "zwei Katzen")
    assert result.fallback
    assert "\n" not in result.fallback


def test_a_broken_writer_falls_back_to_the_request() -> None:
    _, result = expand(Broken())
    assert result.brief == Brief("zwei Katzen", "zwei Katzen")
    assert result.fallback == "The writer failed: ConnectionError: no one there"


def test_a_general_models_slips_are_forgiven() -> None:
    slips = {
        "things": [{"name": "cat\x1b[31m", "count": "3", "colour": None, "mood": "glad"}],
        "relations": None,
        "prompt": "x" * 900,
        "steps": 4,
    }
    draft = first_object(json.dumps(slips), Draft)
    assert draft
    assert draft.things[0].name == "cat"
    assert draft.things[0].count == 3
    assert draft.things[0].colour == ""
    assert len(draft.prompt) == 600


def test_the_writer_gets_the_agreed_words_on_one_line() -> None:
    heard: list[str] = []

    class Listener(FakeWriter):
        def _stream(self, messages: Any, *_: Any, **settings: Any) -> Iterator[ChatGenerationChunk]:
            heard.extend([messages[0].type, messages[-1].text, str(settings["seed"])])
            yield from super()._stream(messages)

    expand(Listener(), "a  cat\n\x07 {{ 7 }}")
    assert heard == ["system", "draw: a cat {{ 7 }}", "1"]


def test_the_schema_bounds_everything() -> None:
    schema = schema_of(Draft)
    assert list(schema["properties"]) == schema["required"] == list(DRAFT)
    thing = schema["$defs"]["_Thing"]
    assert thing["required"] == ["name", "count", "colour", "size", "place"]
    assert thing["properties"]["count"]["maximum"] == 12
    for part in (schema, thing, schema["$defs"]["_Relation"], schema_of(Revision)):
        assert part["additionalProperties"] is False
        for said in part["properties"].values():
            assert said["type"] != "string" or said["maxLength"] <= 600
            assert said["type"] != "array" or said["maxItems"] == 8


def test_an_edit_sends_the_brief_without_its_prose() -> None:
    brief = first_object(json.dumps(DRAFT), Draft)
    assert brief
    sent = brief.without_prose()
    assert sent.startswith('{"things":[{"name":"cat","count":2,')
    assert list(json.loads(sent)) == ["things", "relations", "where", "light", "style", "avoid"]
    _, result = drafted(Scribe(FakeWriter()).edit(brief.brief("two cats"), "make it blue", seed=1))
    assert result.brief.things == (Thing("cat", 2, "blue", "", "left"),)
    assert result.brief.request == "make it blue"


def test_a_failed_edit_keeps_the_brief() -> None:
    before = Brief("a cat", "one cat", things=(Thing("cat"),))
    steps = Scribe(FakeWriter(replies=("no",))).edit(before, "make it blue", seed=1)
    _, result = drafted(steps)
    assert result.fallback
    assert result.brief.things == before.things
    assert result.brief.prompt == "make it blue. one cat"


def critique() -> Critique:
    claims = (
        Claim("there is one cat", ("there is no cat",), "count"),
        Claim("the cat is red", ("the cat is blue",), "colour", 0),
        Claim("there is one dog", ("there is no dog",), "count"),
        Claim("the dog is blue", ("the dog is red",), "colour", 2),
    )
    return Critique(claims, (0.9, 0.2, 0.1, 0.1))


def test_a_revision_is_told_what_is_to_blame() -> None:
    revision = Scribe(FakeWriter()).revise("a cat and a dog", critique(), seed=1)
    assert revision.prompt == "a cat and a dog, really the cat is red; there is one dog"


def test_a_useless_revision_is_an_error() -> None:
    for reply in ("no", "", '{"prompt": ""}'):
        with pytest.raises(LimnerError):
            Scribe(FakeWriter(replies=(reply,))).revise("a cat", critique(), seed=1)


def test_what_a_draft_loses_is_put_back() -> None:
    writer = FakeWriter(replies=(json.dumps(DRAFT),))
    _, result = expand(writer, "three blue cats, no birds")
    assert result.brief.prompt == "three blue cats above a mat, on grass at night"
    assert result.brief.things == (Thing("cat", 3, "blue", "", "left"),)
    assert result.brief.avoid == ("dog", "bird")
    assert result.repaired == ("3 cat", "blue cat", "no bird")
    assert [told(lock) for lock in result.locks] == ["3 cat", "blue cat", "no bird", "cat"]
    assert not result.fallback


def test_a_draft_that_loses_what_cannot_be_put_back_is_refused() -> None:
    said = json.dumps({**DRAFT, "relations": [], "prompt": "two red cats"})
    _, result = expand(FakeWriter(replies=(said,)), "a quiet street, no cats")
    assert result.fallback == "The writer lost what was stated: no cat."
    assert result.brief == Brief(
        "a quiet street, no cats", "a quiet street, no cats", avoid=("cat",)
    )


def test_an_edit_keeps_what_was_stated_before() -> None:
    before = Brief("r", "two red cats", things=(Thing("cat", 2, "red"),))
    draft = {**DRAFT, "things": [{"name": "cat", "count": 1, "colour": "blue"}], "prompt": "a cat"}
    draft |= {"relations": [], "where": ""}
    steps = Scribe(FakeWriter(replies=(json.dumps(draft),))).edit(
        before, "at night", 1, stated("two red cats")
    )
    _, result = drafted(steps)
    assert result.brief.things == (Thing("cat", 2, "red"),)
    assert result.brief.prompt == "two red cats, at night"
    assert result.repaired == ("2 cat", "red cat", "night")


def test_an_edit_may_change_what_was_stated_before() -> None:
    before = Brief("r", "two red cats", things=(Thing("cat", 2, "red"),))
    steps = Scribe(FakeWriter()).edit(before, "make it blue", 1, stated("two red cats"))
    _, result = drafted(steps)
    assert result.brief.things == (Thing("cat", 2, "blue"),)
    assert [told(lock) for lock in result.locks] == ["2 cat", "blue cat"]
    assert not result.repaired


def test_a_revision_keeps_what_the_wording_kept() -> None:
    brief = Brief("r", "two red cats and a dog", things=(Thing("cat", 2, "red"), Thing("dog")))
    locks = stated("two red cats and three birds")
    writer = FakeWriter(replies=('{"prompt":"cats that sleep beside a dog"}',))
    revision = Scribe(writer).revise(brief.prompt, critique(), 1, locks, brief)
    assert revision.prompt == "two red cats that sleep beside a dog"


def test_a_revision_that_shows_what_is_not_wanted_is_refused() -> None:
    brief = Brief("r", "a cat", things=(Thing("cat"),), avoid=("dog",))
    writer = FakeWriter(replies=('{"prompt":"a dog chases a cat"}',))
    revision = Scribe(writer).revise("a cat", critique(), 1, stated("no dogs"), brief)
    assert revision.prompt == "a cat"
    alone = Scribe(FakeWriter(replies=('{"prompt":"a dog chases a cat"}',)))
    with pytest.raises(LimnerError, match="lost what was stated: no dog"):
        alone.revise("a cat", critique(), 1, stated("no dogs"), Brief("r", "a cat", avoid=("dog",)))
