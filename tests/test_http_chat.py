"""The conversation over HTTP: what OpenAI's own client says, and is answered."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from openai import OpenAI
from served import Served, turns

pytestmark = pytest.mark.enable_socket


def said(client: OpenAI, *lines: str, **more: Any) -> str:
    answer = client.chat.completions.create(model="limner", messages=turns(*lines), **more)
    assert answer.usage and answer.usage.completion_tokens > 0
    return str(answer.choices[0].message.content)


def test_a_conversation_goes_on(client: OpenAI, web: httpx.Client) -> None:
    first = said(client, "a red cat")
    assert "the cat is red" in first and "Take #" in first
    night = said(client, "a red cat", "make it night")
    assert "the cat is red" in night and "the sky shows night" in night
    back = said(client, "a red cat", "make it night", "undo")
    assert "Now at: a red cat" in back and "night" not in back
    link = first.split("](")[1].split(")")[0]
    assert web.get(link).content.startswith(b"\x89PNG")


def test_the_same_messages_get_the_same_answer(client: OpenAI, house: Served) -> None:
    lines = ("a blue dog", "make it night", "the second one, but with a tree")
    whole = [said(client, *lines[: at + 1], seed=5) for at in range(3)]
    assert said(client, *lines, seed=5) == whole[-1]
    house.house.chats = type(house.house.chats)(32)  # as after a restart
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


def test_a_question_is_asked_back_and_answered(client: OpenAI) -> None:
    lines = ("a red cat and a green dog", "make it blue")
    asked = said(client, *lines)
    assert "?" in asked and "cat" in asked and "![" not in asked
    assert "![" in said(client, *lines, "dog")
