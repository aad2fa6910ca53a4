"""The command line as a process: its pipes and files, Ctrl-C, and how quick it is."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from limner.agent.cli import main

REQUEST = "a red cat on the grass, two dogs"
LIMNER = [sys.executable, "-m", "limner"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shell(command: str, **more: str) -> subprocess.CompletedProcess[str]:
    limner = f'limner() {{ "{sys.executable}" -m limner "$@"; }}; '
    return subprocess.run(
        ["bash", "-c", limner + command],
        env=os.environ | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_closed_pipe_does_not_stop_the_painting() -> None:
    done = shell(f"set -o pipefail; limner '{REQUEST}' --profile fake | head -c 1")
    assert done.stderr == "" and done.returncode == 0
    assert len(list(Path().glob("*.png"))) == 1


@pytest.mark.parametrize(
    ("form", "closed"),
    [
        *(("", "<&-"), ("", ">&-"), ("", "<&- >&- 2>&-")),
        *(("--json", ">&-"), ("--quiet", "<&- >&- 2>&-")),
    ],
)
def test_closed_files_do_no_harm(form: str, closed: str) -> None:
    done = shell(f"limner a cat --profile fake {form} {closed}")
    assert done.stderr == "" and done.returncode == 0
    assert len(list(Path().glob("*.png"))) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_output_that_nobody_can_take() -> None:
    done = shell("limner a cat --profile fake --json > /dev/full")
    assert done.returncode == 2 and done.stderr.startswith("limner: can't print: ")
    assert shell("limner a cat --profile fake > /dev/full").returncode == 0


def test_a_terminal_that_knows_no_unicode() -> None:
    done = shell("limner 一只猫 --profile fake", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0 and done.stderr == ""


SLOW = """
writer: {name: fake}
painter: {name: fake, settings: {steps: STEPS}}
critic: {name: fake, settings: {scores: [[0.9, 0.2]]}}
budget: 1000000000
"""


def wait_for(ready: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not ready() and time.monotonic() < until:
        time.sleep(0.02)


def interrupted(steps: int, *arguments: str, after: str) -> tuple[int, str, str]:
    Path("slow.yaml").write_text(SLOW.replace("STEPS", str(steps)))
    work = subprocess.Popen(
        [*LIMNER, REQUEST, "--profile", "slow.yaml", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        # Whoever runs the tests in the background may have it ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert work.stdout is not None
    if after:
        for line in work.stdout:
            if after in line:
                break
    else:
        wait_for(lambda: "pydantic_core" in Path(f"/proc/{work.pid}/maps").read_text())
    work.send_signal(signal.SIGINT)
    out, err = work.communicate(timeout=60)
    return work.returncode, out, err


def test_interrupted_before_the_first_take() -> None:
    code, _, err = interrupted(10**9, after="brief")
    assert (code, err) == (130, "limner: interrupted — nothing was saved\n")
    assert not list(Path().glob("*.png"))


def test_interrupted_later_the_best_so_far_is_saved() -> None:
    code, out, err = interrupted(400, after="wording")
    assert code == 130 and "claims hold" in out and "; stopped" in out and "Traceback" not in err
    (path,) = Path().glob("*.png")
    assert main.main(["show", str(path)]) == 0


def test_interrupted_while_it_starts() -> None:
    code, _, err = interrupted(10**9, "--json", after="")
    # Where Ctrl-C came inside of an exec() of some library, Python itself ends by the signal, even
    # though it was caught; for a shell both are 130.
    assert code in (130, -signal.SIGINT) and "Traceback" not in err
    assert not list(Path().glob("*.png"))


@pytest.mark.slow
def test_help_takes_a_quarter_of_a_second() -> None:
    """Of a processor's time, so that a busy machine does not decide."""
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*LIMNER, "--help"], check=True, capture_output=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(spent) <= 0.25
