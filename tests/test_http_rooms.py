"""What the page asks the server for: conversations, jobs, the archive, and how the models are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from served import PATIENCE, Patient, Served, client_of, content_of, patient, served, sure, turns

from limner.agent.serve.health import check_models
from limner.agent.studio import Studio
from limner.pipelines import stamp
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

pytestmark = pytest.mark.enable_socket

REQUEST = "a red cat on the grass, two dogs"


def events_of(web: httpx.Client, job: str) -> list[dict[str, Any]]:
    with web.stream("GET", f"/v1/jobs/{job}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[httpx.Client]:
    """What the page calls, where every request takes four pictures."""
    with (
        served(sure(), archive=tmp_path) as server,
        httpx.Client(base_url=server.url, timeout=PATIENCE, trust_env=False) as made,
    ):
        yield made


def test_the_page_can_follow_undo_pick_and_resume(page: httpx.Client) -> None:
    web = page
    room = web.post("/v1/sessions", json={"seed": 3}).json()["id"]

    def say(words: str) -> dict[str, Any]:
        return dict(web.post(f"/v1/sessions/{room}/words", json={"words": words}).json())

    def step(name: str, number: int | None = None) -> dict[str, Any]:
        asked = {"step": name, "number": number}
        return dict(web.post(f"/v1/sessions/{room}/steps", json=asked).json())

    kinds = [event.get("kind") for event in events_of(web, say("a red cat")["job"])]
    assert kinds.count("take") == 4 and kinds[-3:] == ["decided", "finished", None]
    events_of(web, say("make it night")["job"])
    state = web.get(f"/v1/sessions/{room}").json()
    assert [v["words"] for v in state["versions"]] == ["a red cat", "make it night"]
    assert len(state["candidates"]) == 8 and state["version"] == 2
    content = web.get(state["candidates"][0]["picture"]).content
    assert json.loads(stamp.parse(content, Path("it")).recipe)["request"] == "a red cat"

    assert step("undo")["session"]["version"] == 1
    assert step("redo")["session"]["version"] == 2
    assert step("pick", 2)["session"]["meant"] == 2
    thanks = events_of(web, say("thanks")["job"])
    assert [event.get("kind") for event in thanks] == ["heard", "reply", None] and thanks[1]["text"]
    assert len([e for e in events_of(web, step("again")["job"]) if e.get("kind") == "take"]) == 4

    number = state["archived"]
    kept = web.get("/v1/archive", params={"search": "red cat"}).json()
    assert number in [row["id"] for row in kept["sessions"]]
    past = web.get(f"/v1/archive/{number}").json()
    first = past["history"][0]["candidates"][0]
    assert web.get(first["picture"]).content.startswith(b"\x89PNG")
    assert first["verdict"] == state["candidates"][0]["verdict"] and first["verdict"]["reached"]
    resumed = web.post("/v1/sessions", json={"resume": number}).json()
    assert len(resumed["candidates"]) == 12 and resumed["id"] != room


def test_a_take_can_be_finished(tmp_path: Path) -> None:
    drawn = '{"asked": [{"quote": "a red cat", "text": "The cat is red."}], "prompt": "a red cat"}'
    adjust = '{"tool": "adjust", "instruction": "brighter"}'
    writer = FakeWriter(replies=('{"tool": "draw", "request": "a red cat"}', drawn, adjust))
    with (
        served(Studio(writer, FakePainter(), FakeCritic([[0.9]])), archive=tmp_path) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as web,
    ):
        room = web.post("/v1/sessions", json={"seed": 3}).json()["id"]
        pictures = []
        for words in ("a red cat", "brighter"):
            job = web.post(f"/v1/sessions/{room}/words", json={"words": words}).json()["job"]
            kinds = [event.get("kind") for event in events_of(web, job)]
            state = web.get(f"/v1/sessions/{room}").json()
            pictures.append(web.get(state["candidates"][state["meant"] - 1]["picture"]).content)
    assert "reply" in kinds and "take" not in kinds and state["version"] == 1
    one, other = (stamp.parse(content, Path("it")).picture for content in pictures)
    assert one != other


def test_what_was_not_checked_is_told_before_and_after_painting() -> None:
    drawn = '{"asked": [{"quote": "a red cat", "text": "The cat is red."}], "prompt": "a red cat"}'
    writer = FakeWriter(replies=('{"tool": "draw", "request": "a red cat, neon"}', drawn))
    with (
        served(Studio(writer, FakePainter(), FakeCritic([[0.9]]))) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as web,
    ):
        room = web.post("/v1/sessions", json={"seed": 3}).json()["id"]
        words = {"words": "a red cat, neon"}
        job = web.post(f"/v1/sessions/{room}/words", json=words).json()["job"]
        events = {event.get("kind"): event for event in events_of(web, job)}
        take = web.get(f"/v1/sessions/{room}").json()["candidates"][-1]
    assert events["brief"]["verdict"]["unchecked"] == ["neon"] == take["verdict"]["unchecked"]
    assert not events["brief"]["verdict"]["holds"] and take["verdict"]["holds"]
    assert not take["verdict"]["reached"] and events["finished"]["verdict"] == take["verdict"]
    assert take["brief"] == events["take"]["brief"]


def test_a_job_can_be_stopped() -> None:
    studio, painter = patient()
    with (
        served(studio) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as web,
    ):
        room = web.post("/v1/sessions", json={}).json()["id"]
        job = web.post(f"/v1/sessions/{room}/words", json={"words": "a cat"}).json()["job"]
        assert painter.begun.wait(PATIENCE)
        assert web.get(f"/v1/jobs/{job}").json()["state"] == "running"
        assert web.get("/health").json()["jobs"] == 1  # and it does not wait for it
        web.delete(f"/v1/jobs/{job}")
        assert events_of(web, job)[-1]["state"] == "cancelled"
        assert web.get("/v1/jobs/none").status_code == 404


def test_a_full_archive_costs_no_picture(tmp_path: Path) -> None:
    with (
        served(Studio.open("fake"), archive=tmp_path) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as web,
        client_of(server) as client,
    ):
        assert server.state.archive
        server.state.archive.close()
        answer = client.images.generate(prompt=REQUEST)
        assert content_of(answer) and "archive" in str(answer.model_extra)
        room = web.post("/v1/sessions", json={}).json()["id"]
        job = web.post(f"/v1/sessions/{room}/words", json={"words": "a cat"}).json()["job"]
        assert events_of(web, job)[-1]["state"] == "done"
        assert "archive" in web.get(f"/v1/sessions/{room}").json()["unkept"]


def test_what_is_painted_over_http_is_in_the_archive(client: OpenAI, web: httpx.Client) -> None:
    client.images.generate(prompt="one quite peculiar turtle", extra_body={"seed": 1})
    turn = turns("another rather peculiar turtle")
    client.chat.completions.create(model="limner", messages=turn)
    rows = web.get("/v1/archive", params={"search": "peculiar turtle"}).json()["sessions"]
    assert {row["request"] for row in rows} == {
        "one quite peculiar turtle",
        "another rather peculiar turtle",
    }


def test_every_model_is_tried_for_health(web: httpx.Client, house: Served) -> None:
    assert web.get("/health").json()["models"] == dict.fromkeys(
        ("writer", "painter", "critic"), "ok"
    )
    assert web.get("/health/live").json() == {"status": "ok"}
    assert house.state.checked["painter"] == "ok" and house.state.checked_at


@pytest.mark.parametrize(("pieces", "found"), [(["{}"], "ok"), ([], "it says nothing")])
def test_a_writer_of_tasks_is_tried_with_a_task(pieces: list[str], found: str) -> None:
    class Rules:
        def write_task(self, task: str, values: dict[str, Any], seed: int) -> Iterator[str]:
            assert task == "draw" and values["request"] and "known" in values
            yield from pieces

    writer: Any = Rules()
    assert found in check_models(Studio(writer, FakePainter(), FakeCritic()))["writer"]


def test_a_broken_model_is_told() -> None:
    broken = Studio(FakeWriter(), FakePainter(breaks_at=1), FakeCritic())
    with served(broken) as server:
        answer = httpx.get(f"{server.url}/health", timeout=PATIENCE, trust_env=False)
        assert answer.status_code == 503 and "brush broke" in answer.json()["models"]["painter"]
        with client_of(server) as client, pytest.raises(openai.InternalServerError) as told:
            client.images.generate(prompt=REQUEST)
    assert "the brush broke" in told.value.message and "Traceback" not in told.value.message


def test_patient_paints_when_it_is_let_go() -> None:
    studio, painter = patient()
    assert isinstance(painter, Patient)
    painter.go.set()
    assert studio.imagine("a cat", seed=1).best
