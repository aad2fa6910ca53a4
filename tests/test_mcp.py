"""limner as a tool of an assistant, through the protocol's own client over standard input."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from assisted import REQUEST, client, fields, inside, refusal, text
from mcp.shared.exceptions import MCPError
from mcp.types import ImageContent, ResourceLink, TextContent
from PIL import Image

from limner.agent.archive.pictures import read_recipe
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter


@pytest.mark.asyncio
async def test_it_paints_what_an_assistant_asks_for(tmp_path: Path) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with client(tmp_path) as connected:
        assert connected.server_info and connected.server_info.name == "limner"
        result = await connected.call_tool(
            "imagine", {"request": REQUEST, "seed": 7}, progress_callback=hear
        )
        said, small, link = result.content
        picture = result.structured_content
        assert isinstance(small, ImageContent) and isinstance(link, ResourceLink)
        (whole,) = (await connected.read_resource(link.uri)).contents

    content = Path(picture["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == picture["sha256"]
    assert base64.b64decode(whole.blob) == content  # type: ignore[union-attr]
    assert picture["seed"] == 7 and picture["candidates"] >= 4 and picture["ended"] == "done"
    assert isinstance(said, TextContent) and picture["take"] in said.text
    assert all(claim["text"] in said.text for claim in picture["claims"])
    assert picture["verdict"]["said"] in said.text and picture["brief"]["request"] == REQUEST
    assert Image.open(io.BytesIO(base64.b64decode(small.data))).size == (64, 64)
    assert Path(picture["file"]).parent == tmp_path
    assert [done for done, _, _ in told] == sorted({done for done, _, _ in told})
    assert all(of is None or done <= of for done, of, _ in told)
    words = " | ".join(str(words) for *_, words in told)
    assert "step 4 of 4" in words and "claims to check" in words and "hold" in words


@pytest.mark.asyncio
async def test_every_tool_says_exactly_what_it_takes_and_gives(tmp_path: Path) -> None:
    async with inside(tmp_path) as connected:
        tools = {tool.name: tool for tool in (await connected.list_tools()).tools}
        again = {tool.name: tool for tool in (await connected.list_tools()).tools}
        picture = await fields(connected, "imagine", request=REQUEST, seed=7)
        job = await fields(connected, "start", request=REQUEST, seed=7)
        take = picture["take"]
        answers = {
            "imagine": picture,
            "start": job,
            "refine_image": await fields(
                connected, "refine_image", take=take, change="make it night", seed=1
            ),
            "adjust_image": await fields(connected, "adjust_image", take=take, finish="brighter"),
            "select_image": await fields(
                connected, "select_image", session=picture["session"], candidate=2
            ),
            "back_to_version": await fields(
                connected, "back_to_version", session=picture["session"], version=1
            ),
            "ask_about_session": await fields(
                connected, "ask_about_session", session=picture["session"], question="thanks"
            ),
            "score_image": await fields(
                connected, "score_image", take=take, claims=["the cat is red"]
            ),
            "expand_prompt": await fields(connected, "expand_prompt", request=REQUEST),
            "describe_take": await fields(connected, "describe_take", take=take),
            "result": await fields(connected, "result", job=job["job"], seconds=45),
            "status": await fields(connected, "status", job=job["job"]),
            "cancel": await fields(connected, "cancel", job=job["job"]),
        }
        how: dict[str, Any] = {"session": picture["session"]}
        blue = await fields(connected, "refine_image", add=["The cat is blue."], seed=3, **how)
        answers["undo_change"] = await fields(connected, "undo_change", **how)
        answers["redo_change"] = await fields(connected, "redo_change", **how)
    assert set(answers) == set(tools)
    assert tools == again
    for name, tool in tools.items():
        assert tool.input_schema["additionalProperties"] is False
        assert tool.description and tool.title and tool.output_schema
        jsonschema.validate(answers[name], tool.output_schema)
    night = answers["refine_image"]
    assert "night" in str(night["claims"]) and night["take"] != take and night["tool"] == "edit"
    assert answers["score_image"]["claims"][0]["text"] == "the cat is red"
    assert answers["select_image"]["candidate"] == 2 and answers["select_image"]["take"] != take
    assert answers["back_to_version"]["take"] == answers["select_image"]["take"]
    assert answers["redo_change"]["take"] == blue["take"] != answers["undo_change"]["take"]
    assert "The cat is blue." in blue["verdict"]["holds"] + blue["verdict"]["fails"]
    assert answers["result"]["picture"]["sha256"] == picture["sha256"]
    assert answers["cancel"]["state"] == "done"
    assert answers["describe_take"]["verdict"] == picture["verdict"]
    assert answers["status"]["verdict"]["said"] == picture["verdict"]["said"]
    assert not answers["expand_prompt"]["verdict"]["holds"]


@pytest.mark.asyncio
async def test_a_line_that_paints_nothing_is_answered_in_words(tmp_path: Path) -> None:
    async with inside(tmp_path) as connected:
        picture = await fields(connected, "imagine", request=REQUEST, seed=7)
        how = {"take": picture["take"], "change": "thank you"}
        thanks = await connected.call_tool("refine_image", how)
        tree = {"take": picture["take"], "change": "add a tree", "seed": 7}
        changed = await fields(connected, "refine_image", **tree)
        again = await fields(connected, "refine_image", **tree)
        back = await fields(connected, "refine_image", take=changed["take"], change="undo")
        assert "by its name" in await refusal(connected, "refine_image", **how | {"change": "#2"})
    assert [one.type for one in thanks.content] == ["text"]
    told = thanks.structured_content
    assert told["tool"] == "answer" and told["reply"] and told["take"] == picture["take"]
    assert changed["sha256"] == again["sha256"] != picture["sha256"] == back["sha256"]
    assert len([*tmp_path.glob("*.png")]) == 3


def asking() -> Studio:
    drawn = '{"asked": [{"quote": "a red cat", "text": "The cat is red."}], "prompt": "a red cat"}'
    asks = '{"tool": "ask", "question": "Which?", "choices": ["the cat", "the grass"]}'
    return Studio(FakeWriter(replies=(drawn, asks)), FakePainter(), FakeCritic([[0.9]]))


@pytest.mark.asyncio
async def test_a_question_is_passed_on_and_what_was_not_checked_is_told(tmp_path: Path) -> None:
    async with inside(tmp_path, studio=asking) as connected:
        result = await connected.call_tool("imagine", {"request": "a red cat, neon", "seed": 7})
        take = result.structured_content["take"]
        how = {"take": take, "change": "make it blue"}
        asked = await connected.call_tool("refine_image", how)
    verdict = result.structured_content["verdict"]
    assert verdict["unchecked"] == ["neon"] and not verdict["reached"]
    assert "not checked: neon" in text(result)
    assert asked.structured_content["choices"] == ["the cat", "the grass"]
    assert text(asked).startswith("Which? (the cat; the grass)")


@pytest.mark.asyncio
async def test_a_change_to_a_change_keeps_all_that_was_said(tmp_path: Path) -> None:
    async with inside(tmp_path) as connected:
        taken = await fields(connected, "imagine", request="two red cats", seed=1)
        for change in ("make it night", "add a dog"):
            taken = await fields(
                connected, "refine_image", take=taken["take"], change=change, seed=2
            )
    assert read_recipe(Path(taken["file"])).request == "two red cats; make it night; add a dog"
    quotes = {claim["quote"] for claim in taken["claims"]}
    assert {"two red cats", "night", "dog"} <= quotes


@pytest.mark.asyncio
async def test_a_seed_is_drawn_where_none_is_given_and_told(tmp_path: Path) -> None:
    async with inside(tmp_path) as connected:
        first = await fields(connected, "imagine", request=REQUEST)
        same = await fields(connected, "imagine", request=REQUEST, seed=first["seed"])
        other = await fields(connected, "imagine", request=REQUEST)
    assert same["sha256"] == first["sha256"]
    assert other["seed"] != first["seed"]
    assert read_recipe(Path(first["file"])).seed == first["seed"]
    assert len({one["session"] for one in (first, same, other)}) == 3


@pytest.mark.asyncio
async def test_a_style_brings_its_words_and_its_shape(tmp_path: Path) -> None:
    async with inside(tmp_path) as connected:
        poster = await fields(connected, "imagine", request=REQUEST, seed=7, style="海报")
        large = await fields(connected, "imagine", request=REQUEST, seed=7, size="128x64")
    assert "poster design" in poster["prompt"]
    assert poster["height"] > poster["width"]
    assert (large["width"], large["height"]) == (128, 64)


@pytest.mark.asyncio
async def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    async with inside(tmp_path) as connected:
        assert "seed" in await refusal(connected, "imagine", request="a cat", seed=-1)
        assert "seed" in await refusal(connected, "imagine", request="a cat", seed=True)
        assert "out" in await refusal(connected, "imagine", request="a cat", out="/tmp/x.png")
        assert "request" in await refusal(connected, "imagine", request="x" * 4_001)
        assert "request" in await refusal(connected, "imagine")
        assert "empty" in await refusal(connected, "imagine", request="\u200b\x1b[31m")
        assert "budget" in await refusal(connected, "imagine", request="a cat", budget=1e9)
        assert "size" in await refusal(connected, "imagine", request="a cat", size="../etc")
        assert "64 x 63" in await refusal(connected, "imagine", request="a cat", size="64x63")
        assert "pay" in await refusal(connected, "imagine", request="a cat", budget=0.01)
        assert "no style" in await refusal(connected, "imagine", request="a cat", style="nope")
        for id in ("../../etc/passwd", "0" * 64, "1-0", "-1", "%2e%2e", "1-1\n", "A" * 16):
            assert "take" in await refusal(connected, "describe_take", take=id)
        assert "no take" in await refusal(connected, "describe_take", take="0" * 16)
        assert "no archive" in await refusal(connected, "describe_take", take="1-1")
        assert "no such job" in await refusal(connected, "status", job="nope")
        assert "not base64" in await refusal(
            connected, "score_image", picture="http://localhost/cat.png", claims=["a cat"]
        )
        assert "either" in await refusal(connected, "score_image", claims=["a cat"])
        assert "claims" in await refusal(connected, "score_image", take="0" * 16, claims=[])
        with pytest.raises(MCPError, match="no tool"):
            await connected.call_tool("paint", {})
        for uri in ("limner://takes/../x", "file:///etc/passwd", "limner://gallery/1"):
            with pytest.raises(MCPError):
                await connected.read_resource(uri)
        assert (await fields(connected, "imagine", request="a cat", budget=1))["candidates"] == 1


@pytest.mark.asyncio
async def test_a_model_that_does_not_open_is_an_answer(tmp_path: Path) -> None:
    async with client(tmp_path, "--painter", str(tmp_path / "nowhere")) as connected:
        assert "nowhere" in await refusal(connected, "imagine", request="a cat")
        job = (await fields(connected, "start", request="a cat"))["job"]
        assert "nowhere" in await refusal(connected, "result", job=job, seconds=45)
        standing = await fields(connected, "status", job=job)
    assert standing["state"] == "failed" and "nowhere" in standing["error"]
