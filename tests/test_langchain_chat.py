"""The local writer as a chat model of LangChain: its standard tests, on a real and tiny model."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from pydantic import BaseModel, ConfigDict, Field, model_validator

from limner.errors import BadInput
from limner.pipelines.tool_calls import CallOptions
from limner.pipelines.writer_local import LocalWriter, open_local_writer

RANDOM = "a model of random weights says nothing that it means"
REMOTE = ("timeout", "max_retries", "api_key", "streaming")  # what only a remote model has


class Tiny(LocalWriter):
    """The tiny writer, made by its class, as LangChain's tests make a model."""

    folder: ClassVar[Path]
    _opened: ClassVar[dict[Path, LocalWriter]] = {}

    @model_validator(mode="before")
    @classmethod
    def _local(cls, said: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in said.items() if key not in REMOTE}
        # A hundred random tokens say no more than twenty.
        return kept | {"max_tokens": 20} if kept.get("max_tokens", 0) > 20 else kept

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        if self.folder not in self._opened:
            self._opened[self.folder] = open_local_writer(self.folder, "tiny", "cpu")
        opened = self._opened[self.folder]
        self.hold(opened._model, opened._tokenizer)


class Scripted(Tiny):
    """The same with its words put into its mouth: what a model would say that understands."""

    def _pieces(
        self, prompt: Any, asked: CallOptions, told: dict[str, int]
    ) -> Generator[str, None, str]:
        said = _sensible(self._tokenizer.decode(prompt[0]), asked)
        told["output_tokens"] = len(said)
        for start in range(0, len(said), 5):
            yield said[start : start + 5]
        return "stop"


def _sensible(prompt: str, asked: CallOptions) -> str:
    """A reply of the form that was asked for, with the first quoted words of the prompt in it."""
    *_, last = prompt.split("<|user|>")
    quoted = re.search(r"'([^']+)'", last)
    words = quoted[1] if quoted else "words"
    if asked.json_schema:
        return json.dumps(_example(asked.json_schema, words))
    if not asked.offered or "<tool_response>" in last:
        return f"I say {words}."
    named = [tool["function"] for tool in asked.offered]
    function = next((f for f in named if f["name"] == asked.tool_choice), named[0])
    arguments = _example(function["parameters"], words)
    call = json.dumps({"name": function["name"], "arguments": arguments}, ensure_ascii=False)
    return f"Let me see.<tool_call>\n{call}\n</tool_call>"


def _example(schema: dict[str, Any], words: str) -> dict[str, Any]:
    made = {"integer": 3, "number": 3}
    wanted = schema.get("required", ())
    kinds = {key: of.get("type", "") for key, of in schema["properties"].items() if key in wanted}
    return {key: made.get(kind, words) for key, kind in kinds.items()}


class _Local:
    """What both kinds of tests are told of the model."""

    model_class: type[Tiny] = Tiny

    @pytest.fixture(autouse=True)
    def _tiny(self, tiny: Path) -> None:
        Tiny.folder = tiny / "writer"

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return self.model_class

    @property
    def supports_json_mode(self) -> bool:
        return True


class TestTinyUnit(_Local, ChatModelUnitTests):
    pass


class TestScripted(_Local, ChatModelIntegrationTests):
    """Everything around the words: templates, calls, streams, schemas."""

    model_class = Scripted


class TestTiny(_Local, ChatModelIntegrationTests):
    """The real model; where the words would have to mean something, see `TestScripted`."""

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_tool_calling(self, model: BaseChatModel) -> None:
        super().test_tool_calling(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    async def test_tool_calling_async(self, model: BaseChatModel) -> None:
        await super().test_tool_calling_async(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_bind_runnables_as_tools(self, model: BaseChatModel) -> None:
        super().test_bind_runnables_as_tools(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_tool_choice(self, model: BaseChatModel) -> None:
        super().test_tool_choice(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_tool_calling_with_no_arguments(self, model: BaseChatModel) -> None:
        super().test_tool_calling_with_no_arguments(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_agent_loop(self, model: BaseChatModel) -> None:
        super().test_agent_loop(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_unicode_tool_call_integration(self, model: BaseChatModel, **_: Any) -> None:
        super().test_unicode_tool_call_integration(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    @pytest.mark.parametrize("schema_type", ["pydantic", "typeddict", "json_schema"])
    def test_structured_output(self, model: BaseChatModel, schema_type: Any) -> None:
        super().test_structured_output(model, schema_type)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    @pytest.mark.parametrize("schema_type", ["pydantic", "typeddict", "json_schema"])
    async def test_structured_output_async(self, model: BaseChatModel, schema_type: Any) -> None:
        await super().test_structured_output_async(model, schema_type)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_structured_output_pydantic_2_v1(self, model: BaseChatModel) -> None:
        super().test_structured_output_pydantic_2_v1(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_structured_output_optional_param(self, model: BaseChatModel) -> None:
        super().test_structured_output_optional_param(model)

    @pytest.mark.xfail(reason=RANDOM, run=False)
    def test_json_mode(self, model: BaseChatModel) -> None:
        super().test_json_mode(model)


class Paint(BaseModel):
    """Paint something."""

    model_config = ConfigDict(extra="forbid")
    colour: str = Field(pattern="^(red|blue)$")
    count: int = Field(ge=1, le=9)


class Stop(BaseModel):
    """Stop painting."""

    model_config = ConfigDict(extra="forbid")


@pytest.fixture
def model(tiny: Path) -> Tiny:
    Tiny.folder = tiny / "writer"
    return Tiny(temperature=1.0, max_new_tokens=80)


@pytest.mark.parametrize("choice", ["any", "Paint", "Stop"])
def test_even_random_weights_can_be_held_to_a_call(model: Tiny, choice: str) -> None:
    bound = model.bind_tools([Paint, Stop], tool_choice=choice)
    said = bound.invoke("hello")
    (call,) = said.tool_calls
    assert call["name"] in ("Paint", "Stop") if choice == "any" else call["name"] == choice
    wanted: type[BaseModel] = Paint if call["name"] == "Paint" else Stop
    assert wanted.model_validate(call["args"])
    assert said.text == "" and said.response_metadata["finish_reason"] == "tool_calls"
    streamed: Any = None
    for chunk in bound.stream("hello"):
        streamed = chunk if streamed is None else streamed + chunk
    assert isinstance(streamed, AIMessage)
    assert [c["args"] for c in streamed.tool_calls] == [call["args"]]


def test_a_call_that_is_cut_off_is_no_call(model: Tiny) -> None:
    said = model.bind_tools([Paint], tool_choice="any").invoke("hello", max_tokens=6)
    assert not said.tool_calls and said.response_metadata["finish_reason"] == "length"


def test_a_tool_that_is_not_there(model: Tiny) -> None:
    with pytest.raises(BadInput, match="'fly'"):
        model.bind_tools([Paint], tool_choice="fly")


def test_none_calls_nothing(tiny: Path) -> None:
    Tiny.folder = tiny / "writer"
    said = Scripted().bind_tools([Paint], tool_choice="none").invoke("say 'hello'")
    assert said.text == "I say hello." and not said.tool_calls


def test_words_before_a_call_are_streamed(tiny: Path) -> None:
    Tiny.folder = tiny / "writer"
    pieces: list[Any] = list(Scripted().bind_tools([Paint]).stream("paint"))
    assert [piece.text for piece in pieces[:2]] == ["Let m", "e see"]
    assert sum(bool(piece.tool_call_chunks) for piece in pieces) == 1
    assert pieces[-1].response_metadata["finish_reason"] == "tool_calls"


def test_a_broken_call_is_told_apart(tiny: Path) -> None:
    class Broken(Scripted):
        def _pieces(self, *_: Any) -> Generator[str, None, str]:
            yield 'So. <tool_call>{"name": "Paint", "arguments": {"colour": "re'
            return "length"

    Tiny.folder = tiny / "writer"
    said = Broken().bind_tools([Paint]).invoke("paint")
    assert said.text == "So." and not said.tool_calls
    (invalid,) = said.invalid_tool_calls
    assert invalid["args"] and invalid["args"].startswith("<tool_call>")


def test_what_was_not_valid_can_be_looked_at(model: Tiny) -> None:
    bound = model.with_structured_output(Paint, include_raw=True)
    told = bound.invoke("hello")
    assert isinstance(told["parsed"], Paint) and told["parsing_error"] is None
    assert isinstance(told["raw"], AIMessage)
    short = model.with_structured_output(Paint, include_raw=True, max_new_tokens=3)
    told = short.invoke("hello")
    assert told["parsed"] is None and told["parsing_error"]


def test_an_agent_of_a_local_model(tiny: Path, tmp_path: Path) -> None:
    from langchain.agents import create_agent

    from limner.agent.as_langchain import limner_tools
    from limner.agent.studio import Studio

    Tiny.folder = tiny / "writer"
    tools = limner_tools(Studio.open("fake"), folder=tmp_path)
    named = [tool for tool in tools if tool.name == "expand_prompt"]
    agent = create_agent(Scripted(), named, system_prompt="Paint.")
    said = agent.invoke({"messages": [HumanMessage("write of 'a red cat'")]})["messages"]
    assert [type(message).__name__ for message in said] == [
        *("HumanMessage", "AIMessage", "ToolMessage", "AIMessage")
    ]
    assert "prompt: a red cat" in said[2].text and not said[3].tool_calls
