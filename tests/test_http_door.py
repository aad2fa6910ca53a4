"""The server's door: the command that opens it, who is let in, and what its own document allows."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from served import PATIENCE, served

from limner.agent.cli import main
from limner.agent.studio import Studio
from limner.agent.tools.http_auth import Access

pytestmark = pytest.mark.enable_socket

README = (Path(__file__).parent.parent / "docs" / "assistants.md").read_text(encoding="utf-8")
(TYPED, SHOWN) = re.findall(r"^\$ (limner serve)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)[0]
SHOWN = re.escape(SHOWN).replace("8420", r"\d+").replace("…", r"[\w-]{16,}")

TOKEN = "a-token-of-some-length"


@contextmanager
def running(
    folder: Path, *options: str, script: str = ""
) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """`limner serve` as a process, the page's address that it prints, and its token."""
    run = ["-c", script] if script else ["-m", TYPED.split()[0]]
    command = [sys.executable, *run, TYPED.split()[1], "--profile", "fake", "--port", "0"]
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_CONFIG_HOME": str(folder)},
    )
    try:
        assert process.stdout and process.stderr
        assert process.stderr.readline() == "limner: opening fake …\n"
        address, _, token = process.stdout.readline().split(" ")[-1].strip().partition("#token=")
        yield process, address, token
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_ends_in_order(number: signal.Signals, tmp_path: Path) -> None:
    with running(tmp_path / "config", "--archive", str(tmp_path)) as (process, address, token):
        health = f"{address}health"
        assert httpx.get(health, trust_env=False, timeout=PATIENCE).status_code == 401
        brought = {"Authorization": f"Bearer {token}"}
        with httpx.Client(headers=brought, trust_env=False, timeout=PATIENCE) as web:
            assert web.get(health).status_code == 200
            room = web.post(f"{address}v1/sessions", json={}).json()["id"]
            web.post(f"{address}v1/sessions/{room}/words", json={"words": "a cat"})
        assert process.stdout
        said = f"limner is at {address}#token={token}\n{process.stdout.readline()}"
        assert re.fullmatch(SHOWN, said)
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert (tmp_path / "archive.sqlite3").is_file()


def test_the_token_is_kept_and_the_page_is_opened(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    script = f"""
import sys, webbrowser
from pathlib import Path
from limner.agent.cli.main import main
webbrowser.open = lambda address: Path({str(opened)!r}).write_text(address) > 0
sys.exit(main(sys.argv[1:]))
"""
    with running(tmp_path, "--no-archive") as (_, _, token):
        (file,) = tmp_path.rglob("serve.token")
        assert file.read_text().strip() == token and stat.S_IMODE(file.stat().st_mode) == 0o600
    with running(tmp_path, "--no-archive", "--open", script=script) as (_, address, again):
        assert again == token
        end = time.monotonic() + PATIENCE
        while not opened.is_file() and time.monotonic() < end:
            time.sleep(0.05)
        assert opened.read_text() == f"{address}#token={token}"
    file.chmod(0o644)
    command = [sys.executable, "-m", *TYPED.split(), "--profile", "fake", "--port", "0"]
    env = os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}
    refused = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "chmod 600" in refused.stderr


def test_a_token_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(f"{TOKEN}\n", encoding="ascii")
    with running(tmp_path, "--token-file", str(file), "--no-archive") as (_, address, printed):
        assert printed == ""
        for token, status in ((TOKEN, 200), ("another-one", 401), ("x", 401)):
            answer = httpx.get(
                f"{address}v1/models",
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=PATIENCE,
            )
            assert answer.status_code == status
            assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--no-token", "--host", "0.0.0.0"], "--no-token"),
        (["--no-token", "--token-file", "x"], "exclude"),
        (["--token-file", "nothing-here"], "can't read"),
        (["--token-file", "open"], "chmod 600"),
        (["--token-file", "short"], "no token"),
        (["--host", "203.0.113.1"], "can't listen"),
        (["--port", "70000"], "--port"),
    ],
)
def test_what_is_not_safe_is_refused(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, mode in (("open", 0o644), ("short", 0o600)):
        Path(name).write_text(TOKEN if name == "open" else "short", encoding="ascii")
        Path(name).chmod(mode)
    assert main.main(["serve", "--profile", "fake", *options]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_port_in_use_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with served(Studio.open("fake")) as server:
        port = server.url.rpartition(":")[2]
        assert main.main(["serve", "--profile", "fake", "--port", port]) == 2
    assert "--port" in capsys.readouterr().err


def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "limner.agent.serve.app", raising=False)
    assert main.main(["serve", "--profile", "fake"]) == 2
    assert "limner[serve]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "everywhere", "known"),
    [
        ("127.0.0.1:8420", False, True),
        ("[::1]:8420", False, True),
        ("localhost", False, True),
        ("LOCALHOST:1", False, True),
        ("localhost.", False, True),
        ("192.0.2.7:8420", False, False),
        ("192.0.2.7:8420", True, True),
        ("evil.example", True, False),
        ("evil.example#@localhost", True, False),
        ("localhost@evil.example", False, False),
        ("[::1", False, False),
        ("", False, False),
    ],
)
def test_names_that_the_door_knows(host: str, everywhere: bool, known: bool) -> None:
    assert Access(any_address=everywhere).knows_host(host) == known


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", f"Basic {TOKEN}", f"{TOKEN}", "é"])
def test_only_the_token_opens(header: str) -> None:
    assert not Access(TOKEN).knows_token(header)
    assert Access(TOKEN).knows_token(f"bearer {TOKEN}")
    assert Access().knows_token(header)


@pytest.mark.slow
def test_no_call_that_the_document_allows_breaks_the_server(tmp_path: Path) -> None:
    with served(Studio.open("fake"), access=Access(TOKEN)) as server:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("run", f"{server.url}/openapi.json"),
                *("--header", f"Authorization: Bearer {TOKEN}"),
                *("--checks", "not_a_server_error,content_type_conformance"),
                *("--max-examples", "10", "--phases", "examples,fuzzing", "--seed", "1"),
                *("--max-time", "90"),
                *("--generation-deterministic", "--request-timeout", str(PATIENCE)),
            ],
            cwd=tmp_path,  # where it leaves its notes
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
