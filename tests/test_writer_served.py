"""Writers that a server speaks for: a real one on this machine, over a tiny model."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.tool import tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import BaseModel, ConfigDict, Field
from speaking import PATIENCE, Speaking, speaking

from limner.agent.brief.claims import complete
from limner.agent.brief.replies import DrawReply
from limner.agent.brief.reply_json import read_reply
from limner.agent.brief.schema import schema_for
from limner.agent.brief.tool_call import Call, CandidateSummary, TurnContext
from limner.agent.brief.writer import BriefWriter
from limner.agent.cli import main
from limner.agent.records import Brief, Claim
from limner.agent.studio import Studio
from limner.errors import BadInput, LimnerError, MissingExtra, ModelFailed, ModelUnusable
from limner.pipelines.fakes import FakeWriter
from limner.pipelines.registry import open_writer

pytestmark = pytest.mark.enable_socket
pytest.importorskip("langchain_openai")

WISH = [HumanMessage("draw: a red cat")]
SCHEMA = schema_for("draw", {"request": "a red cat", "known": []})


class Plan(BaseModel):
    """A small closed reply."""

    model_config = ConfigDict(extra="forbid")
    word: str = Field(max_length=8)


@pytest.fixture(scope="module")
def server(tiny: Path) -> Iterator[Speaking]:
    import pytest_socket

    pytest_socket.enable_socket()
    with speaking(tiny / "writer") as state:
        yield state


def nowhere() -> str:
    """An address of this machine at which nobody listens."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{line.getsockname()[1]}/v1"


def test_it_streams_what_the_model_says(server: Speaking, tiny: Path) -> None:
    writer = open_writer("vllm:small", {"base_url": server.url, "max_new_tokens": 24})
    here = open_writer(tiny / "writer", {"max_new_tokens": 24})
    pieces = list(writer.stream(WISH))
    assert len(pieces) > 5
    assert "".join(piece.text for piece in pieces) == here.invoke(WISH).text
    assert writer.invoke(WISH).response_metadata["finish_reason"] == "length"
    assert writer.name == "vllm:small"
    sent = server.asked[-1]
    assert (sent["temperature"], sent["seed"], sent["max_tokens"]) == (0, 0, 24)
    assert sent["stream"] and "response_format" not in sent


def test_a_reply_is_held_to_its_schema(server: Speaking, tiny: Path) -> None:
    writer = open_writer("vllm:small", {"base_url": server.url})
    said = writer.invoke(WISH, json_schema=SCHEMA, seed=3).text
    assert said == open_writer(tiny / "writer", {}).invoke(WISH, json_schema=SCHEMA, seed=3).text
    assert read_reply(said, DrawReply)
    sent = server.asked[-1]["response_format"]
    assert sent["json_schema"] == {"name": "reply", "strict": True, "schema": SCHEMA}
    assert isinstance(writer.with_structured_output(Plan, max_tokens=60).invoke(WISH), Plan)


def test_a_server_that_takes_no_schema_is_asked_without(tiny: Path) -> None:
    with speaking(tiny / "writer", holds=False) as server:
        writer = open_writer("lmstudio:small", {"base_url": server.url})
        for _ in range(2):
            assert writer.invoke(WISH, json_schema=SCHEMA, max_tokens=9).text
    assert ["response_format" in sent for sent in server.asked] == [True, False, False]
    assert {sent["max_tokens"] for sent in server.asked} == {9}


def test_hanging_up_stops_the_server(server: Speaking) -> None:
    server.left.clear()
    writer = open_writer("vllm:small", {"base_url": server.url})
    stream: Any = writer.stream(WISH)
    next(stream)
    stream.close()
    assert server.left.wait(PATIENCE)


def test_a_studio_drafts_with_it(server: Speaking, tiny: Path) -> None:
    studio = Studio.open("fake", writer=f"{server.url}#small")
    assert studio.names["writer"] == "openai:small"
    ready = list(studio.expand("a red cat on the grass", seed=1))[-1]
    alone = Studio.open("fake", writer=tiny / "writer")
    here = list(alone.expand("a red cat on the grass", seed=1))[-1]
    assert ready == here


def test_a_profile_names_it(
    server: Speaking, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "painter: {name: fake}\ncritic: {name: fake}\nwriter:\n  name: llamacpp:small\n"
        f"  settings: {{base_url: '{server.url}', max_new_tokens: 300}}\n"
    )
    assert main.main(["a red cat", "--expand-only", "--json", "--profile", str(mine)]) == 0
    assert json.loads(capsys.readouterr().out)["brief"]["prompt"]


def test_no_name_is_the_only_model_and_latest_may_be_left_out(tiny: Path) -> None:
    with speaking(tiny / "writer", models=("small:latest",)) as server:
        only = open_writer(server.url, {})
        assert only.name == "openai:small:latest"
        open_writer("ollama:small", {"base_url": server.url})
    with speaking(tiny / "writer", models=("small", "other")) as server:
        with pytest.raises(ModelUnusable, match="more than one") as caught:
            open_writer(server.url, {})
        assert caught.value.hint == "It has: small, other."


def test_errors_say_what_to_do(server: Speaking, capsys: pytest.CaptureFixture[str]) -> None:
    gone = nowhere()
    with pytest.raises(ModelUnusable, match="does not answer"):
        open_writer("ollama:small", {"base_url": gone})
    with pytest.raises(ModelUnusable, match="has no model 'smlal'") as caught:
        open_writer("ollama:smlal", {"base_url": server.url})
    assert caught.value.hint == "It has: small."
    for far in ("http://example.org/v1", "http://192.0.2.1:80/v1", "http:///v1", "http://[x"):
        with pytest.raises(BadInput, match="not on this machine"):
            open_writer("vllm:small", {"base_url": far})
    with pytest.raises(BadInput, match="colour"):
        open_writer("vllm:small", {"base_url": server.url, "colour": 3})
    assert main.main(["a cat", "--writer", f"{server.url}#smlal", "--profile", "fake"]) == 2
    told = capsys.readouterr().err.strip()
    assert "has no model" in told and "\n" not in told


def test_a_server_that_goes_away_is_told_and_the_request_serves(tiny: Path) -> None:
    with speaking(tiny / "writer", lists=False) as server:
        studio = Studio.open("fake", writer=f"{server.url}#small")
        wrong = open_writer("vllm:smlal", {"base_url": server.url})
        with pytest.raises(ModelFailed, match="not found"):
            wrong.invoke(WISH)
    ready: Any = list(studio.expand("a red cat", seed=1))[-1]
    assert ready.brief.prompt == "a red cat"
    assert "does not answer" in ready.fallback


def test_keys_come_from_a_file_and_from_nowhere_else(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-someone-else")
    monkeypatch.setenv("HTTP_PROXY", nowhere())
    (tmp_path / "key").write_text("sesame\n")
    with speaking(tiny / "writer", key="sesame") as server:
        with pytest.raises(ModelUnusable, match="wants a key"):
            open_writer("vllm:small", {"base_url": server.url})
        here = {"base_url": server.url, "key_file": str(tmp_path / "key")}
        assert open_writer("vllm:small", {**here, "max_new_tokens": 3}).invoke(WISH).text
        with pytest.raises(BadInput, match="key"):
            open_writer("vllm:small", {**here, "key_file": str(tmp_path / "none")})
    assert set(server.keys) == {"Bearer none", "Bearer sesame"}


def test_other_providers_and_missing_packages(
    server: Speaking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingExtra) as caught:
        open_writer("anthropic:claude", {})
    assert caught.value.hint == "Type: pip install langchain-anthropic"
    with pytest.raises(ModelUnusable, match="olama:x cannot be opened: Unsupported"):
        open_writer("olama:x", {})
    from langchain.chat_models import base

    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    base._get_chat_model_creator.cache_clear()
    with pytest.raises(MissingExtra) as caught:
        open_writer("vllm:small", {"base_url": server.url})
    assert caught.value.hint == "Type: pip install 'limner[openai]'"


def test_a_server_without_end_is_left(server: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = open_writer("vllm:small", {"base_url": server.url})
    monkeypatch.setattr("limner.pipelines.writer_served.LONGEST", 20)
    with pytest.raises(LimnerError, match="does not stop"):
        writer.invoke(WISH)


# --- A turn of a conversation, as the call of a tool.

FOX = Brief(
    "a red fox, two birches",
    "A red fox between two birches.",
    complete([Claim("There is one fox."), Claim("There are two birches."), Claim("It is day.")]),
)
TALK = TurnContext(FOX, FOX.request, candidates=(CandidateSummary(1, 1, 2, 3),))
NIGHT = [{"quote": "night", "text": "It is night."}]
EDIT = json.dumps({"instruction": "Make it night.", "remove": [], "change": [], "add": NIGHT})


def brief_writer(server: Speaking) -> BriefWriter:
    return BriefWriter(open_writer("vllm:small", {"base_url": server.url, "max_new_tokens": 40}))


def heard(writer: BriefWriter, line: str = "the first, but make it night") -> tuple[str, Call]:
    """What the writer wrote, and the call that was made of it."""
    hearing, said = writer.hear(line, TALK, 1), ""
    while True:
        try:
            said += next(hearing)
        except StopIteration as end:
            return said, end.value


def test_a_turn_is_sent_as_tools_and_its_call_is_read(tiny: Path) -> None:
    with speaking(tiny / "writer", calls=([("edit", EDIT)],)) as server:
        said, call = heard(brief_writer(server), "make it night")
    assert said == EDIT
    assert (call.tool, call.instruction, call.fallback) == ("edit", "Make it night.", "")
    assert [(claim.quote, claim.text) for claim in call.add] == [("night", "It is night.")]
    (sent,) = server.asked
    offered = {one["function"]["name"]: one["function"]["parameters"] for one in sent["tools"]}
    assert {"draw", "edit", "select", "adjust", "save", "answer", "ask"} == set(offered)
    assert offered["select"]["properties"]["candidate"]["enum"] == [1]
    assert sent["tool_choice"] == "required" and "response_format" not in sent
    assert sent["seed"] == 1 and '"tool"' not in sent["messages"][0]["content"]
    assert "2. There are two birches." in sent["messages"][0]["content"]


@pytest.mark.parametrize(
    "arguments",
    [
        EDIT[:-1],
        EDIT.replace('"', "'"),
        EDIT.replace("[],", "[]"),
        EDIT.replace('"instruction": ', "instruction: ").replace("}]}", "},]"),
        "```json\n" + EDIT + "\n```",
        json.dumps(EDIT),
    ],
)
def test_arguments_in_broken_json_are_read(tiny: Path, arguments: str) -> None:
    with speaking(tiny / "writer", calls=([("edit", arguments)],)) as server:
        _, call = heard(brief_writer(server), "make it night")
    assert call.tool == "edit" and not call.fallback and len(server.asked) == 1
    assert [claim.text for claim in call.add] == ["It is night."]


def test_two_calls_are_a_selection_and_its_change(tiny: Path) -> None:
    calls = [("select", '{"candidate": 1}'), ("edit", EDIT)]
    within = [("select", f'{{"candidate": 1, "then": {EDIT}}}')]
    text = f'<tool_call>{{"name": "select", "arguments": {{"candidate": 1, "then": {EDIT}}}}}'
    with speaking(tiny / "writer", calls=(calls, within, text)) as server:
        writer = brief_writer(server)
        for _ in range(3):
            _, call = heard(writer)
            assert (call.tool, call.candidate, call.fallback) == ("select", 1, "")
            assert call.then is not None and call.then.add[0].text == "It is night."
    assert all("tools" in sent for sent in server.asked)


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("refuses", [400, 500, 501, 0])
def test_where_tools_fail_json_is_asked_for_and_that_is_told_once(
    tiny: Path, refuses: int, holds: bool
) -> None:
    prose = ("I would rather talk.",)
    with speaking(tiny / "writer", refuses=refuses, calls=prose, holds=holds) as server:
        writer = brief_writer(server)
        calls = [heard(writer)[1] for _ in range(2)]
    why = "takes no tools: " if refuses else "called no tool: it answered without JSON"
    assert why in calls[0].fallback and "asked for JSON" in calls[0].fallback
    assert "no JSON schema" not in calls[1].fallback and "tool" not in calls[1].fallback
    forms = ["tools" if "tools" in s else str("response_format" in s) for s in server.asked]
    assert forms == ["tools", *(["True", "True"] if holds else ["True", "False", "False"])]
    assert '"tool"' in server.asked[-1]["messages"][0]["content"]


def test_prose_without_end_is_left_early(tiny: Path) -> None:
    with speaking(tiny / "writer", calls=("word " * 9_000,)) as server:
        _, call = heard(brief_writer(server))
    assert "called no tool" in call.fallback and len(server.asked) == 2


def test_a_server_that_goes_away_is_not_one_without_tools(tiny: Path) -> None:
    with speaking(tiny / "writer") as server:
        writer = brief_writer(server)
    _, call = heard(writer)
    assert "does not answer" in call.fallback and not writer.client.no_tools
    assert call.tool == "edit" and call.add


def test_a_model_of_any_provider_calls_tools(tiny: Path) -> None:
    class Caller(FakeWriter):
        """Calls a tool in one piece, and takes them in its own way."""

        def bind_tools(self, tools: Any, **settings: Any) -> Any:
            assert settings == {"tool_choice": "any"} and tools[0]["function"]["name"] == "draw"
            return self.bind(tools=tools)

        def _stream(self, *_: Any, **call: Any) -> Any:
            raise NotImplementedError

        def _generate(self, *_: Any, **call: Any) -> ChatResult:
            said = tool_call(name="edit", args=json.loads(EDIT), id="1")
            return ChatResult(
                generations=[ChatGeneration(message=AIMessage("", tool_calls=[said]))]
            )

    class Whole(Caller):
        """The same without a stream."""

    Whole._stream = BaseChatModel._stream  # type: ignore[method-assign]
    assert heard(BriefWriter(Whole()), "make it night")[1].add[0].text == "It is night."
    call = heard(BriefWriter(Caller()), "make it night")[1]
    assert call.fallback.startswith("The writer takes no tools.")


def test_a_model_that_calls_tools_itself(tiny: Path) -> None:
    with speaking(tiny / "writer") as server:
        _, call = heard(brief_writer(server), "make it night")
    assert call.line == "make it night"
    assert "tools" in server.asked[0]
