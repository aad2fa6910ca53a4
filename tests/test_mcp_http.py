"""limner as a tool over HTTP: for this machine alone, and for who knows the token."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2
import pytest
from assisted import LINES, hung_up
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from limner.agent.cli.main import main

pytestmark = pytest.mark.enable_socket

WAIT = 280  # seconds, on a machine that is busy with other things
TOKEN = "a-token-that-nobody-guesses"

SLOW = f"""
import sys
from pathlib import Path

sys.path.append({str(Path(__file__).parent)!r})
from assisted import slow
from limner.agent.mcp.server import open_state, serve_http

def greet(address, token):
    print(f"limner: serving {{address}}", file=sys.stderr)
    print(f"limner: token {{token}}", file=sys.stderr, flush=True)

with open_state(slow, Path(sys.argv[-1])) as state:
    serve_http(state, 0, greet)
"""


@dataclass
class Door:
    """A server that runs: where, and with what token."""

    address: str
    token: str
    running: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2].partition("/")[0])


@contextmanager
def door(folder: Path, *more: str, script: str = "") -> Iterator[Door]:
    typed = ["-m", *LINES[1], "--port", "0", "--profile", "fake"]  # of two ports, the last
    with subprocess.Popen(
        [sys.executable, *(["-c", script] if script else typed), *more, "--out", str(folder)],
        env=os.environ | {"LIMNER_HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield _opened(running, drawn="--token-file" not in more)
        finally:
            running.kill()


def _opened(running: subprocess.Popen[str], drawn: bool) -> Door:
    assert running.stderr
    line = running.stderr.readline()
    found = re.fullmatch(r"limner: serving (http://127\.0\.0\.1:\d+/mcp)\n", line)
    assert found, line
    token = running.stderr.readline().removeprefix("limner: token ").strip() if drawn else TOKEN
    return Door(found[1], token, running)


def answer(opened: Door, **headers: str) -> tuple[int, str, str]:
    """What the door says to a first message with these headers: status, challenge and page."""
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    usual = {
        "Host": f"127.0.0.1:{opened.port}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    connection = http.client.HTTPConnection("127.0.0.1", opened.port, timeout=WAIT)
    with closing(connection):
        connection.request("POST", "/mcp", json.dumps(hello), usual | headers)
        said = connection.getresponse()
        return said.status, said.getheader("WWW-Authenticate", ""), said.read().decode()


MODES = ("auto", "legacy")


@asynccontextmanager
async def client(opened: Door, mode: str) -> AsyncIterator[Client]:
    """Who knows the token, in one of the protocol's ways of beginning."""
    bearer = {"Authorization": f"Bearer {opened.token}"}
    async with httpx2.AsyncClient(headers=bearer, timeout=WAIT) as web:
        transport = streamable_http_client(opened.address, http_client=web)
        async with Client(transport, mode=mode) as connected:
            yield connected


@pytest.mark.asyncio
async def test_who_knows_the_token_paints(tmp_path: Path) -> None:
    told: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    with door(tmp_path) as opened, anyio.fail_after(WAIT):
        assert len(opened.token) >= 32
        for mode in MODES:
            told.clear()
            async with client(opened, mode) as connected:
                result = await connected.call_tool(
                    "imagine", {"request": "a cat", "seed": 1}, progress_callback=hear
                )
            assert not result.is_error
            assert [one.type for one in result.content] == ["text", "image", "resource_link"]
            assert any(words and "step" in words for words in told)
        opened.running.send_signal(signal.SIGINT)
        assert opened.running.wait(WAIT) == 0
        assert opened.running.stdout and not opened.running.stdout.read()


@pytest.mark.asyncio
async def test_who_hangs_up_cancels(tmp_path: Path) -> None:
    with door(tmp_path, script=SLOW) as opened, anyio.fail_after(WAIT):
        for mode in MODES:
            async with client(opened, mode) as connected:
                await hung_up(connected)
                # One thread paints: unless it stopped, this would wait for 10,000 pictures.
                after = await connected.call_tool("imagine", {"request": "a dog", "budget": 1})
            assert not after.is_error
            assert after.structured_content["candidates"] == 1


def test_nobody_else_gets_in(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n", encoding="utf-8")
    file.chmod(0o600)
    with door(tmp_path, "--token-file", str(file)) as opened:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert answer(opened, **bearer)[0] == 200
        local = f"localhost:{opened.port}"
        assert answer(opened, **bearer, Host=local, Origin=f"http://{local}")[0] == 200
        for wrong in ("", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xff\xfe"):
            status, challenge, page = answer(opened, Authorization=wrong)
            assert status == 401 and challenge.startswith("Bearer") and TOKEN not in page
        for host in ("limner.example", f"evil.example:{opened.port}", "127.0.0.1:1"):
            assert answer(opened, **bearer, Host=host)[0] in (403, 421)
        for origin in ("https://evil.example", "null", "http://localhost:1", "file://"):
            assert answer(opened, **bearer, Origin=origin)[0] == 403


@pytest.mark.parametrize(
    "written", ["", "short", "two words and more of them", "x" * 600, "é" * 20]
)
def test_a_bad_token_is_refused(
    written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    file.write_text(written, encoding="utf-8")
    file.chmod(0o600)
    typed = ["mcp", "--http", "--profile", "fake", "--no-archive", "--out", str(tmp_path)]
    assert main([*typed, "--port", "0", "--token-file", str(file)]) == 2
    complaint = capsys.readouterr().err
    assert "token" in complaint and "Traceback" not in complaint
    assert not written or written not in complaint


def test_what_cannot_be_is_said_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["mcp", "--profile", "fake", "--no-archive"]
    assert main([*typed, "--token-file", "x"]) == 2
    assert main([*typed, "--out", str(tmp_path / "cat.png")]) == 2
    assert main([*typed, "--http", "--out", str(tmp_path), "--token-file", "/nowhere/x"]) == 2
    with door(tmp_path) as opened:
        taken = ["--http", "--out", str(tmp_path), "--port", str(opened.port)]
        assert main([*typed, *taken]) == 2
    complaints = capsys.readouterr().err.splitlines()
    assert [line.split(" — ")[0] for line in complaints] == [
        "limner: --token-file is for --http",
        f"limner: --out {tmp_path / 'cat.png'} is no folder",
        "limner: can't read /nowhere/x: No such file or directory",
        f"limner: can't listen on port {opened.port}: Address already in use",
    ]
