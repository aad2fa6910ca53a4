"""limner as a tool on standard input and output: nothing but the protocol, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from assisted import REQUEST, WAIT, server

from limner.agent.cli.main import main

NOISY = """
import os, subprocess, sys, warnings
from pathlib import Path
from limner.agent.mcp.server import open_state, serve_stdio
from limner.agent.studio import Studio
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

kept = sys.stdout

class Noisy(FakePainter):
    def paint(self, orders, preview_every=0):
        print('{"jsonrpc": "2.0", "id": 1, "result": {}}')
        print("noise: a kept stream", file=kept)
        os.write(1, b"noise: a descriptor\\n")
        subprocess.run(["echo", "noise: a child"], check=True)
        warnings.warn("noise: a warning")
        return super().paint(orders, preview_every)

with open_state(lambda: Studio(FakeWriter(), Noisy(), FakeCritic()), Path(sys.argv[1])) as s:
    serve_stdio(s)
print("noise: at the end")
"""


def test_standard_output_is_the_protocols_alone_to_the_end(tmp_path: Path) -> None:
    call = {"name": "imagine", "arguments": {"request": REQUEST, "seed": 7}}
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    says: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ]
    with subprocess.Popen(
        [sys.executable, "-c", NOISY, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin and running.stdout
        for message in says:
            running.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            running.stdin.write('not json\n[]\n{"id": {}}\n\n' + "[" * 5_000 + "\n")
        running.stdin.flush()
        lines: list[dict[str, Any]] = []
        while not lines or lines[-1].get("id") != 2:
            lines.append(json.loads(running.stdout.readline()))
        rest, noise = running.communicate(timeout=WAIT)
    assert all(line["jsonrpc"] == "2.0" for line in lines) and not rest
    assert not any(line.get("result") == {} for line in lines)
    for source in ("kept stream", "descriptor", "child", "warning", "at the end"):
        assert source in noise
    assert running.returncode == 0


def test_ctrl_c_ends_it_while_it_waits_for_a_line(tmp_path: Path) -> None:
    asks = server(tmp_path)
    with subprocess.Popen(
        [asks.command, *asks.args],
        env=asks.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin and running.stdout
        running.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}) + "\n")
        running.stdin.flush()
        assert json.loads(running.stdout.readline())["id"] == 1
        running.send_signal(signal.SIGINT)
        assert running.wait(WAIT) == -signal.SIGINT


def test_a_profile_that_is_not_there_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mcp", "--profile", "nope", "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert not out and "nope" in err and len(err.splitlines()) == 1
