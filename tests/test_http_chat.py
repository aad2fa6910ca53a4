"""The conversation over HTTP: what OpenAI's own client says, and is answered."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from served import Served, client_of, served, turns

from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

pytestmark = pytest.mark.enable_socket


def answered(client: OpenAI, *lines: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """The words of an answer, and what it tells besides."""
    answer = client.chat.completions.create(model="limner", messages=turns(*lines), **more)
    assert answer.usage and answer.usage.completion_tokens > 0
    return str(answer.choices[0].message.content), (answer.model_extra or {})["limner"]


def said(client: OpenAI, *lines: str, **more: Any) -> str:
    return answered(client, *lines, **more)[0]


def test_a_conversation_goes_on(client: OpenAI, web: httpx.Client) -> None:
    first, told = answered(client, "a red cat")
    assert "red cat" in first and told["verdict"]["said"] in first
    assert told["tool"] == "draw" and told["brief"]["request"] == "a red cat"
    night = said(client, "a red cat", "make it night")
    assert "red cat" in night and "night" in night
    back, told = answered(client, "a red cat", "make it night", "undo")
    assert told["tool"] == "undo" and "red cat" in back and "night" not in back
    link = first.split("](")[1].split(")")[0]
    assert link in back and web.get(link).content.startswith(b"\x89PNG")


def test_small_talk_paints_nothing(client: OpenAI, house: Served) -> None:
    first, _ = answered(client, "a green dog")
    thanks, told = answered(client, "a green dog", "thanks!")
    assert told["tool"] == "answer" and thanks and "![" not in thanks and "verdict" not in told
    known = house.state.chats.all()[-1]
    assert known.version == 1 and len(known.history.runs) == 1 and f"#{known.meant}:" in first
    assert "![" in said(client, "a green dog", "thanks!", "#2")


@pytest.mark.parametrize(
    ("line", "reply"),
    [("/help", "/pick 2"), ("What can you do?", "/pick 2"), ("### Task:\nGenerate a title", "{}")],
)
def test_what_asks_for_no_picture_paints_none(
    client: OpenAI, house: Served, line: str, reply: str
) -> None:
    before = len(house.state.jobs.all())
    text, told = answered(client, "a green dog", line)
    assert reply in text and "![" not in text and "verdict" not in told
    assert len(house.state.jobs.all()) <= before + 1


def test_any_model_is_this_one_and_a_size_is_fitted(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="gpt-4o", messages=turns("a red cat"), extra_body={"size": "1792x1024", "stop": ["x"]}
    )
    assert answer.model == "limner"
    assert "painted 88x48" in str(answer.choices[0].message.content)


def test_a_long_conversation_that_was_forgotten_is_not_painted_again(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="begin a new one"):
        said(client, *(f"a red cat number {n}" for n in range(40)))


def test_the_same_messages_get_the_same_answer(client: OpenAI, house: Served) -> None:
    lines = ("a blue dog", "make it night", "the second one, but with a tree")
    whole = [said(client, *lines[: at + 1], seed=5) for at in range(3)]
    assert said(client, *lines, seed=5) == whole[-1]
    house.state.chats = type(house.state.chats)(32)  # as after a restart
    assert said(client, *lines, seed=5) == whole[-1]
    assert said(client, *lines[:2], seed=5) == whole[1]
    assert said(client, *lines[:2], seed=6) != whole[1]


def test_an_answer_can_be_streamed(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="limner",
            messages=turns("a red cat"),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.strip() == said(client, "a red cat")
    assert chunks[-1].usage and chunks[-2].choices[0].finish_reason == "stop"


DRAWN = (
    '{"asked": [{"quote": "a red cat", "text": "The cat is red."}], "prompt": "a red cat, soft", '
    '"invented": [{"text": "The light is soft."}]}'
)
BEGIN = '{"tool": "draw"}'
ASKS = '{"tool": "ask", "question": "Which one?", "choices": ["the cat", "the dog"]}'


def test_a_question_is_asked_back_and_answered() -> None:
    lines = ("a red cat and a green dog", "make it blue")
    edit = '{"tool": "edit", "add": [{"quote": "the dog blue", "text": "The dog is blue."}]}'
    writer = FakeWriter(replies=(BEGIN, DRAWN, ASKS, edit))
    studio = Studio(writer, FakePainter(), FakeCritic([[0.9]]))
    with served(studio) as server, client_of(server) as client:
        asked, told = answered(client, *lines)
        _, done = answered(client, *lines, "2")
    assert asked == "Which one?\n1. the cat\n2. the dog" and told["tool"] == "ask"
    assert told["choices"] == ["the cat", "the dog"] and "take" not in told
    assert done["tool"] == "edit" and "The dog is blue." in done["verdict"]["holds"]


def test_what_was_not_checked_and_what_was_added_is_told() -> None:
    studio = Studio(FakeWriter(replies=(BEGIN, DRAWN)), FakePainter(), FakeCritic([[0.9, 0.1]]))
    with served(studio) as server, client_of(server) as client:
        text, told = answered(client, "a red cat, neon")
    assert told["verdict"]["unchecked"] == ["neon"] and not told["verdict"]["reached"]
    assert "not checked: neon" in text and "all 1" not in text
    assert "- ✓ The cat is red (90%)" in text
    assert "- added by the writer: ✗ The light is soft (10%)" in text
    assert told["verdict"]["invented"] == {"holds": [], "fails": ["The light is soft."]}
