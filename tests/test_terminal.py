"""Conversations in a real terminal, with real keys: what is typed, seen, stopped and kept."""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

import fcntl
import termios

LIMNER = [sys.executable, "-m", "limner"]
CHAT = [*LIMNER, "chat", "--seed", "3"]
REQUEST = "a red cat on the grass, two dogs"
EVIL = (
    '{"tool":"draw","request":"cat","asked":[{"quote":"cat","text":"\\u001b[2JThere is a cat."}],'
    '"prompt":"\\u001b]0;owned\\u0007x","reply":"\\u202ey","text":"\\u001b[2J"}'
)
UNSURE = """
writer: {name: fake}
painter: {name: fake, settings: {steps: 40}}
critic: {name: fake, settings: {scores: [[0.9, 0.2]]}}
budget: 1000000
"""
HOSTILE = f"""
writer: {{name: fake, settings: {{replies: ['{EVIL}']}}}}
painter: {{name: fake}}
critic: {{name: fake}}
"""


class Terminal:
    """A command at work in a pseudo-terminal of its own; Ctrl-C reaches it as from a keyboard."""

    def __init__(self, folder: Path, *arguments: str, columns: int = 80, **more: str) -> None:
        self.near, far = os.openpty()
        termios.tcsetwinsize(far, (30, columns))
        self.work = subprocess.Popen(
            [*CHAT, *arguments],
            stdin=far,
            stdout=far,
            stderr=far,
            cwd=folder,
            env=_environment(folder, **more),
            preexec_fn=_in_a_session_of_its_own,
        )
        os.close(far)
        self.text = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._read_to = 0

    def type(self, keys: str) -> None:
        os.write(self.near, keys.encode())

    def see(self, awaited: str, seconds: float = 60) -> str:
        """All that came since what was seen last, up to the awaited words."""
        until = time.monotonic() + seconds
        while awaited not in _visible(self.text[self._read_to :]):
            ready, _, _ = select.select([self.near], [], [], max(0, until - time.monotonic()))
            assert ready and self._take(), f"never saw {awaited!r} in {self.text[-2000:]!r}"
        seen, self._read_to = self.text[self._read_to :], len(self.text)
        return seen

    def ended(self) -> int:
        """The exit code, once the command has ended."""
        while self._take():
            pass
        return self.work.wait(60)

    def close(self) -> None:
        self.work.kill()
        self.work.wait()
        os.close(self.near)

    def _take(self) -> bool:
        try:
            piece = os.read(self.near, 65536)
        except OSError:  # Linux says so when the other side is closed
            return False
        if b"\x1b[6n" in piece:  # where is the cursor?
            self.type("\x1b[1;1R")
        self.text += self.decoder.decode(piece)  # a letter may come in two pieces
        return bool(piece)


def _in_a_session_of_its_own() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Whoever runs the tests in the background may have it ignored, and a child inherits that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _environment(folder: Path, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLORTERM", "TMUX"}}
    own = {
        "TERM": "xterm-256color",
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONUTF8": "1",
    }
    return clean | own | more


def _visible(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.fixture
def open_terminals(tmp_path: Path) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    (tmp_path / "unsure.yaml").write_text(UNSURE)
    (tmp_path / "hostile.yaml").write_text(HOSTILE)
    yield opened
    for terminal in opened:
        terminal.close()


BLOCKS = "[▀▄▌▐█▖▗▘▙▚▛▜▝▞▟]{4}"


def start(opened: list[Terminal], folder: Path, *arguments: str, **more: str) -> Terminal:
    columns = int(more.pop("columns", "80"))
    opened.append(Terminal(folder, *arguments, columns=columns, **more))
    opened[-1].see("› " if more.get("TERM") == "dumb" else "budget")
    return opened[-1]


def test_ctrl_c_while_painting_keeps_the_best_and_goes_on(
    open_terminals: list[Terminal], tmp_path: Path
) -> None:
    terminal = start(open_terminals, tmp_path, "--profile", "unsure.yaml", columns="40")
    terminal.type(REQUEST + "\r")
    terminal.see("wording it anew")
    terminal.type("\x03")
    seen = terminal.see("version 1 · #")
    assert "stopped" in _visible(seen) and "not yet: " in _visible(seen)
    assert "done" not in _visible(seen).lower()
    steered = r"\x1b\[[0-9;?]*[A-Za-ln-z]"  # all but colours may go to another line
    moved = re.sub(steered, "\n", seen[: seen.index("spent")])
    lines = re.split(r"[\r\n]+", _visible(moved))
    assert not [line for line in lines if len(line) > 40] and re.search(BLOCKS, seen)
    terminal.type("/history\r")
    terminal.see("at hand")
    terminal.type("/quit\r")
    assert terminal.ended() == 0
    assert len(list(tmp_path.glob("*.png"))) == 1 and "Traceback" not in terminal.text


def test_what_is_typed_while_it_paints_is_kept_for_the_prompt(
    open_terminals: list[Terminal], tmp_path: Path
) -> None:
    (tmp_path / "unsure.yaml").write_text(UNSURE.replace("1000000", "40"))
    terminal = start(open_terminals, tmp_path, "--profile", "unsure.yaml")
    terminal.type(REQUEST + "\r")
    terminal.see("wording it anew")
    terminal.type("/history\r/qu")
    spent = "the budget is spent"  # what was read may go on, to the prompt
    assert "/history" not in _visible(terminal.see(spent).partition(spent)[0])
    terminal.see("at hand")
    terminal.type("it\r")
    assert terminal.ended() == 0


def test_ctrl_c_twice_leaves(open_terminals: list[Terminal], tmp_path: Path) -> None:
    terminal = start(open_terminals, tmp_path, "--profile", "unsure.yaml", NO_COLOR="1")
    terminal.type(REQUEST + "\r")
    seen = terminal.see("wording it anew")
    assert "▀" not in seen and not re.search(r"\x1b\[[0-9;]*\b[34][0-8]\b[0-9;]*m", seen)
    terminal.type("\x03")
    terminal.see("version 1 · #")
    terminal.type("\x03")
    assert terminal.ended() == 130 and "Traceback" not in terminal.text
    assert len(list(tmp_path.glob("*.png"))) == 1


def test_a_dumb_terminal_gets_words_alone(open_terminals: list[Terminal], tmp_path: Path) -> None:
    terminal = start(open_terminals, tmp_path, "--profile", "fake", TERM="dumb")
    terminal.type(REQUEST + "\n")
    terminal.see("as far as the critic can tell")
    terminal.type("\x04")
    assert terminal.ended() == 0
    assert "\x1b" not in terminal.text and "▀" not in terminal.text


def test_what_a_writer_says_never_steers_the_terminal(
    open_terminals: list[Terminal], tmp_path: Path
) -> None:
    terminal = start(open_terminals, tmp_path, "--profile", "hostile.yaml")
    terminal.type("\x1b[200~a \x1b]0;owned\x07 cat\x1b[201~\r")
    terminal.see("version 1 · #")
    terminal.type("/why\r/quit\r")
    assert terminal.ended() == 0
    brief = terminal.text[terminal.text.index("brief 1") :]
    assert "owned" not in brief and "\x1b[2J" not in brief and "\u202e" not in brief
    assert "\x1b]" not in terminal.text


def test_without_words_a_terminal_is_a_conversation(
    open_terminals: list[Terminal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.CHAT", LIMNER)
    terminal = start(open_terminals, tmp_path, "--profile", "fake")
    terminal.type("/quit\r")
    assert terminal.ended() == 0


def piped(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHAT, "--profile", "fake", *arguments],
        input=text,
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_of_a_pipe_each_line_is_a_turn(tmp_path: Path) -> None:
    done = piped(tmp_path, f"{REQUEST}\nmake it night\n/pick #2\n", "--out", "cat.png")
    assert done.returncode == 0 and done.stderr == ""
    assert "\x1b" not in done.stdout and "▀" not in done.stdout
    turn = done.stdout.split("› make it night\n")[1]
    assert "brief 2" in turn.split("›")[0] and done.stdout.count("claims") >= 3
    assert [path.name for path in tmp_path.glob("*.png")] == ["cat.png"]
    assert not (tmp_path / "state").exists()


def test_a_conversation_goes_on_another_day(tmp_path: Path) -> None:
    home = ("--archive", str(tmp_path / "home"))
    first = piped(tmp_path, f"{REQUEST}\nmake it night\n", *home)
    assert "limner chat --resume 1 goes on from here" in first.stdout
    second = piped(tmp_path, "/undo\nmake it rain\n/history\n", *home, "--resume", "1")
    assert second.returncode == 0 and "brief 2" in second.stdout.split("›")[0]
    assert re.search(r"3 +at hand +from 1 +make it rain", second.stdout)
    assert piped(tmp_path, "", *home, "--resume", "9").returncode == 2
    assert "--resume" not in piped(tmp_path, "a cat\n", "--no-archive").stdout


def test_a_mistake_in_a_pipe_is_in_the_exit_code(tmp_path: Path) -> None:
    done = piped(tmp_path, f"/nope\n{REQUEST}\n{'x' * 5000}\n")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2
    assert "claims hold" in done.stdout and len(list(tmp_path.glob("*.png"))) == 1
