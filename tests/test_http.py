"""Over HTTP: OpenAI's own client gets the command line's pictures, and nobody gets more."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI
from PIL import Image
from served import PATIENCE, Patient, Served, patient, served, sure

from limner.agent import cli
from limner.agent.studio import Studio
from limner.pipelines import stamp
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

pytestmark = pytest.mark.enable_socket

REQUEST = "a red cat on the grass, two dogs"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    import pytest_socket

    pytest_socket.enable_socket()
    with served(Studio.open("fake"), archive=tmp_path_factory.mktemp("archive")) as server:
        yield server


@pytest.fixture
def client(house: Served) -> Iterator[OpenAI]:
    with client_of(house) as made:
        yield made


def client_of(server: Served) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key="none", timeout=PATIENCE, max_retries=0)


@pytest.fixture
def web(house: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=house.url, timeout=PATIENCE, trust_env=False) as made:
        yield made


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bytes]:
    """What the command line saves."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> bytes:
        assert cli.main([REQUEST, "--seed", "3", "--out", "typed.png", *arguments]) == 0
        return Path("typed.png").read_bytes()

    return run


def content_of(answer: Any, at: int = 0) -> bytes:
    return base64.b64decode(answer.data[at].b64_json)


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def test_the_same_bytes_as_the_command_line(client: OpenAI, typed: Callable[..., bytes]) -> None:
    saved = typed("--profile", "fake", "--no-archive")
    answer = client.images.generate(prompt=REQUEST, extra_body={"seed": 3})
    assert hashlib.sha256(content_of(answer)).digest() == hashlib.sha256(saved).digest()
    assert answer.model_extra and answer.model_extra["limner"]["seed"] == 3


def test_a_seed_is_drawn_told_and_good_for_the_same_picture(client: OpenAI) -> None:
    one = client.images.generate(prompt=REQUEST)
    seed = (one.model_extra or {})["limner"]["seed"]
    other = client.images.generate(prompt=REQUEST)
    again = client.images.generate(prompt=REQUEST, extra_body={"seed": seed})
    assert content_of(again) == content_of(one) != content_of(other)


def test_n_pictures_are_the_best_takes(client: OpenAI) -> None:
    one = client.images.generate(prompt=REQUEST, extra_body={"seed": 3})
    three = client.images.generate(prompt=REQUEST, n=3, extra_body={"seed": 3})
    assert content_of(three) == content_of(one)
    assert len({content_of(three, at) for at in range(3)}) == 3
    many = client.images.generate(prompt=REQUEST, n=10, extra_body={"seed": 3})
    assert len({content_of(many, at) for at in range(10)}) == 10


def test_a_link_leads_to_the_picture(client: OpenAI, web: httpx.Client) -> None:
    inline = client.images.generate(prompt=REQUEST, size="64x64", extra_body={"seed": 3})
    linked = client.images.generate(
        prompt=REQUEST, response_format="url", size="64x64", extra_body={"seed": 3}
    )
    assert linked.data and linked.data[0].url and linked.data[0].b64_json is None
    answer = web.get(linked.data[0].url, headers={"Origin": "http://elsewhere.example"})
    assert answer.content == content_of(inline) and answer.headers["content-type"] == "image/png"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_partial_pictures_come_before_the_whole_one() -> None:
    studio, painter = patient()
    with served(studio) as server, client_of(server) as client:
        events = client.images.generate(
            prompt=REQUEST, stream=True, partial_images=1, extra_body={"seed": 3}
        )
        rough = next(iter(events))
        assert rough.type == "image_generation.partial_image" and rough.partial_image_index == 0
        with Image.open(io.BytesIO(base64.b64decode(rough.b64_json))) as picture:
            assert picture.size == (8, 8)
        painter.go.set()
        *_, last = events
        assert last.type == "image_generation.completed"
        whole = client.images.generate(prompt=REQUEST, extra_body={"seed": 3})
        assert base64.b64decode(last.b64_json) == content_of(whole)


def test_an_edit_goes_on_from_the_brief_in_the_picture(client: OpenAI) -> None:
    first = content_of(client.images.generate(prompt="a red cat", extra_body={"seed": 3}))
    edits = [
        client.images.edit(image=first, prompt="make it night", extra_body={"seed": 4})
        for _ in range(2)
    ]
    assert content_of(edits[0]) == content_of(edits[1]) != first
    claims = [c["text"] for c in (edits[0].data or [])[0].model_extra["claims"]]  # type: ignore[index]
    assert {"there is one cat", "the cat is red", "the sky shows night"} <= set(claims)
    recipe = json.loads(stamp.parse(content_of(edits[0]), Path("it")).recipe)
    assert recipe["request"] == "a red cat; make it night"
    *_, last = client.images.edit(
        image=first, prompt="make it night", stream=True, extra_body={"seed": 4}
    )
    assert last.type == "image_edit.completed"
    assert base64.b64decode(last.b64_json) == content_of(edits[0])


def png(**text: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    chunks, buffer = PngInfo(), io.BytesIO()
    for name, value in text.items():
        chunks.add_itxt(name, value)
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("image", "more", "said"),
    [
        (png(), {}, "its own pictures only"),
        (b"no picture", {}, "its own pictures only"),
        (png(limner='{"request": "x", "lc": 1}'), {}, "its own pictures only"),
        (png(limner="[" * 100_000), {}, "its own pictures only"),
        (png(), {"mask": png()}, "mask"),
    ],
)
def test_other_pictures_are_refused_in_one_line(
    client: OpenAI, image: bytes, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(image=image, prompt="make it night", **more)
    line = refused.value.body["message"]  # type: ignore[index]
    assert said in line and "\n" not in line and len(line) < 600


def test_models(client: OpenAI) -> None:
    (model,) = client.models.list().data
    assert model.id == "limner" == client.models.retrieve("limner").id
    with pytest.raises(openai.NotFoundError):
        client.images.generate(prompt=REQUEST, model="dall-e-9")


def test_every_model_is_tried_for_health(web: httpx.Client, house: Served) -> None:
    assert web.get("/health").json()["models"] == dict.fromkeys(
        ("writer", "painter", "critic"), "ok"
    )
    assert web.get("/health/live").json() == {"status": "ok"}
    assert house.house.checkup.fresh


def test_a_broken_model_is_told() -> None:
    broken = Studio(FakeWriter(), FakePainter(breaks_at=1), FakeCritic())
    with served(broken) as server:
        answer = httpx.get(f"{server.url}/health", timeout=PATIENCE, trust_env=False)
        assert answer.status_code == 503 and "brush broke" in answer.json()["models"]["painter"]
        with client_of(server) as client, pytest.raises(openai.InternalServerError) as told:
            client.images.generate(prompt=REQUEST)
    assert "the brush broke" in told.value.message and "Traceback" not in told.value.message


def said(client: OpenAI, *lines: str, **more: Any) -> str:
    answer = client.chat.completions.create(model="limner", messages=_turns(lines), **more)
    assert answer.usage and answer.usage.completion_tokens > 0
    return str(answer.choices[0].message.content)


def _turns(lines: tuple[str, ...]) -> Any:
    turns: list[dict[str, str]] = []
    for line in lines:
        turns += [{"role": "user", "content": line}, {"role": "assistant", "content": "…"}]
    return turns[:-1]


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
            messages=_turns(("a red cat",)),
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


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/images/generations", {"prompt": ""}, 400, "invalid_value"),
        ("/v1/images/generations", {}, 400, "missing_required_parameter"),
        ("/v1/images/generations", {"prompt": "x", "sede": 1}, 400, "unknown_parameter"),
        ("/v1/images/generations", {"prompt": "x", "size": "7x7"}, 400, "invalid_value"),
        ("/v1/images/generations", {"prompt": "x", "n": 99}, 400, "invalid_value"),
        ("/v1/images/generations", {"prompt": "x", "seed": -1}, 400, "invalid_value"),
        ("/v1/images/generations", {"prompt": "\x1b[2J\u202e"}, 400, "invalid_value"),
        ("/v1/images/generations", [], 400, "invalid_value"),
        ("/v1/chat/completions", {"messages": []}, 400, "invalid_value"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "assistant", "content": "x"}]},
            400,
            "invalid_value",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            400,
            "invalid_value",
        ),
        ("/v1/sessions/none/words", {"words": "x"}, 404, "not_found"),
        ("/v1/nothing", {}, 404, "not_found"),
        ("/v1/models", {}, 405, "method_not_allowed"),
    ],
)
def test_mistakes_are_told_in_one_line(
    web: httpx.Client, path: str, body: Any, status: int, code: str
) -> None:
    answer = web.post(path, json=body)
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (status, code)
    assert set(told) == {"message", "type", "param", "code"}
    assert told["message"] and told["message"].isprintable()


def test_what_is_too_large_is_refused(web: httpx.Client) -> None:
    assert web.post("/v1/images/generations", content=b"x" * (2**20 + 1)).status_code == 413

    def endless() -> Iterator[bytes]:
        yield from (b"x" * 2**16 for _ in range(17))

    assert web.post("/v1/images/generations", content=endless()).status_code == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_who_may_call(web: httpx.Client, headers: dict[str, str], status: int) -> None:
    answer = web.post("/v1/sessions", json={}, headers=headers)
    assert answer.status_code == status
    assert "'none'" in answer.headers["content-security-policy"]


def test_nothing_is_fetched_from_elsewhere(web: httpx.Client) -> None:
    page = web.get("/")
    assert page.status_code == 200 and "//" not in page.text.replace("<!doctype html>", "")
    assert web.get("/docs").status_code == web.get("/page/%2e%2e%2fporter.py").status_code == 404
    assert web.get("/openapi.json").json()["info"]["title"] == "limner"


def test_a_full_line_says_when_to_come_again() -> None:
    studio, painter = patient()
    with (
        served(studio, waiting=1) as server,
        httpx.Client(trust_env=False, timeout=PATIENCE) as web,
    ):
        rooms = [web.post(f"{server.url}/v1/sessions", json={}).json()["id"] for _ in range(3)]

        def paint(room: str) -> httpx.Response:
            return web.post(f"{server.url}/v1/sessions/{room}/words", json={"words": "a cat"})

        assert paint(rooms[0]).status_code == 200
        assert painter.begun.wait(PATIENCE)
        assert paint(rooms[1]).status_code == 200
        full = paint(rooms[2])
        assert full.status_code == 429 and int(full.headers["retry-after"]) > 0
        assert full.json()["error"]["type"] == "rate_limit_error"
        assert paint(rooms[0]).status_code == 409  # it is still being painted there


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("path", ["images/generations", "chat/completions"])
def test_a_caller_who_leaves_cancels(path: str, streaming: bool) -> None:
    studio, painter = patient()
    body: dict[str, Any] = {"stream": streaming}
    body |= {"prompt": "a cat"} if "images" in path else {"messages": _turns(("a cat",))}
    with served(studio) as server:
        host, port = server.url.removeprefix("http://").split(":")
        text = json.dumps(body)
        with socket.create_connection((host, int(port))) as line:
            head = f"POST /v1/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(text)}\r\n"
            line.sendall(f"{head}Content-Type: application/json\r\n\r\n{text}".encode())
            assert painter.begun.wait(PATIENCE)
            (job,) = server.house.jobs.all()
            assert job.state == "running"
        until(lambda: job.state == "cancelled")


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
    assert len(state["takes"]) == 8 and state["version"] == 2
    content = web.get(state["takes"][0]["picture"]).content
    assert json.loads(stamp.parse(content, Path("it")).recipe)["request"] == "a red cat"

    assert step("undo")["session"]["version"] == 1
    assert step("redo")["session"]["version"] == 2
    assert step("pick", 2)["session"]["meant"] == 2
    brighter = say("brighter")
    assert brighter["said"] and not brighter["job"]
    finished = web.get(brighter["session"]["takes"][1]["picture"]).content
    assert stamp.parse(finished, Path("it")).picture != stamp.parse(content, Path("it")).picture
    assert len([e for e in events_of(web, step("again")["job"]) if e.get("kind") == "take"]) == 4

    number = brighter["session"]["archived"]
    kept = web.get("/v1/archive", params={"search": "red cat"}).json()
    assert number in [row["id"] for row in kept["sessions"]]
    past = web.get(f"/v1/archive/{number}").json()
    assert web.get(past["history"][0]["takes"][0]["picture"]).content.startswith(b"\x89PNG")
    resumed = web.post("/v1/sessions", json={"resume": number}).json()
    assert len(resumed["takes"]) == 12 and resumed["id"] != room


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
        assert server.house.archive
        server.house.archive.close()
        answer = client.images.generate(prompt=REQUEST)
        assert content_of(answer) and "archive" in str(answer.model_extra)
        room = web.post("/v1/sessions", json={}).json()["id"]
        job = web.post(f"/v1/sessions/{room}/words", json={"words": "a cat"}).json()["job"]
        assert events_of(web, job)[-1]["state"] == "done"
        assert "archive" in web.get(f"/v1/sessions/{room}").json()["unkept"]


def test_what_is_painted_over_http_is_in_the_archive(client: OpenAI, web: httpx.Client) -> None:
    client.images.generate(prompt="one quite peculiar turtle", extra_body={"seed": 1})
    said(client, "another rather peculiar turtle")
    rows = web.get("/v1/archive", params={"search": "peculiar turtle"}).json()["sessions"]
    assert {row["request"] for row in rows} == {
        "one quite peculiar turtle",
        "another rather peculiar turtle",
    }


def test_patient_paints_when_it_is_let_go() -> None:
    studio, painter = patient()
    assert isinstance(painter, Patient)
    painter.go.set()
    assert studio.imagine("a cat", seed=1).best


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_models_paint_the_same_bytes_as_the_command_line(
    typed: Callable[..., bytes],
) -> None:
    saved = typed("--no-archive", "--budget", "2", "--no-refine", "--takes", "2")
    studio = Studio.open("pocket")
    studio.settings = replace(studio.settings, takes=2)
    with served(studio, profile="pocket") as server, client_of(server) as client:
        *rough, last = client.images.generate(
            prompt=REQUEST,
            stream=True,
            partial_images=2,
            quality="low",
            extra_body={"seed": 3, "budget": 2},
        )
        assert last.type == "image_generation.completed"
        content = base64.b64decode(last.b64_json)
        health = httpx.get(f"{server.url}/health", timeout=PATIENCE, trust_env=False).json()
    assert hashlib.sha256(content).hexdigest() == hashlib.sha256(saved).hexdigest()
    assert health["status"] == "ok" and len(rough) <= 2


README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_s_lines_run(house: Served, tmp_path: Path, monkeypatch: Any) -> None:
    (source,) = re.findall(r"^```py\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert "http://127.0.0.1:8420" in source
    monkeypatch.chdir(tmp_path)
    exec(compile(source.replace("http://127.0.0.1:8420", house.url), "README.md", "exec"), {})
    (saved,) = tmp_path.glob("*.png")
    assert stamp.read(saved).recipe
