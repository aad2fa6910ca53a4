"""Who may call over HTTP, what is refused, and what becomes of those who leave."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from served import PATIENCE, patient, served, turns

pytestmark = pytest.mark.enable_socket


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


PICTURES, CHAT = "/v1/images/generations", "/v1/chat/completions"


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "said"),
    [
        (PICTURES, {"prompt": ""}, 400, "invalid_value", "prompt is empty"),
        (PICTURES, {}, 400, "missing_required_parameter", "prompt is missing; send it"),
        (PICTURES, {"prompt": "x", "sede": 1}, 400, "unknown_parameter", "sede is not known here"),
        (PICTURES, {"prompt": "x", "size": "7x7"}, 400, "invalid_value", ""),
        (PICTURES, {"prompt": "x", "size": "big"}, 400, "invalid_value", "such as 1024x1024"),
        (PICTURES, {"prompt": "x", "n": 99}, 400, "invalid_value", "n must be 10 or less"),
        (PICTURES, {"prompt": "x", "n": "x"}, 400, "invalid_value", "n must be a whole number"),
        (PICTURES, {"prompt": "x", "seed": -1}, 400, "invalid_value", "seed must be 0 or more"),
        (PICTURES, {"prompt": "x", "stream": 7}, 400, "invalid_value", "must be true or false"),
        (PICTURES, {"prompt": 5}, 400, "invalid_value", "prompt must be a text"),
        (PICTURES, {"prompt": "x" * 5000}, 400, "invalid_value", "send 4000 characters at most"),
        (PICTURES, {"prompt": "x", "quality": "x"}, 400, "invalid_value", "'standard' or 'hd'"),
        (PICTURES, {"prompt": "\x1b[2J\u202e"}, 400, "invalid_value", "request is empty"),
        (PICTURES, [], 400, "invalid_value", "must be a JSON object"),
        (PICTURES, b"{", 400, "invalid_value", "Content-Type: application/json"),
        (PICTURES, b"prompt=x", 400, "invalid_value", "Content-Type: application/json"),
        (CHAT, {"messages": []}, 400, "invalid_value", "messages is empty"),
        (CHAT, {"messages": [{"role": "me"}]}, 400, "invalid_value", "messages.0.role must be"),
        (CHAT, {"messages": [{"role": "assistant", "content": "x"}]}, 400, "invalid_value", "last"),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            400,
            "invalid_value",
            "/v1/images/edits",
        ),
        ("/v1/sessions/none/words", {"words": "x"}, 404, "not_found", "no such conversation"),
        ("/v1/nothing", {}, 404, "not_found", "/openapi.json"),
        ("/v1/models", {}, 405, "method_not_allowed", "Method"),
    ],
)
def test_mistakes_are_told_in_one_line(
    web: httpx.Client, path: str, body: Any, status: int, code: str, said: str
) -> None:
    answer = (
        web.post(path, content=body, headers={"Content-Type": "text/plain"})
        if isinstance(body, bytes)
        else web.post(path, json=body)
    )
    told = answer.json()["error"]
    assert (answer.status_code, told["code"]) == (status, code)
    assert set(told) == {"message", "type", "param", "code"}
    assert said in told["message"] and told["message"].isprintable()
    assert "should" not in told["message"]


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
    assert web.get("/docs").status_code == web.get("/page/%2e%2e%2fapp.py").status_code == 404
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
    body |= {"prompt": "a cat"} if "images" in path else {"messages": turns("a cat")}
    with served(studio) as server:
        host, port = server.url.removeprefix("http://").split(":")
        text = json.dumps(body)
        with socket.create_connection((host, int(port))) as line:
            head = f"POST /v1/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(text)}\r\n"
            line.sendall(f"{head}Content-Type: application/json\r\n\r\n{text}".encode())
            assert painter.begun.wait(PATIENCE)
            (job,) = server.state.jobs.all()
            assert job.state == "running"
        until(lambda: job.state == "cancelled")
