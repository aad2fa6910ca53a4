"""Every command and every line of Python in the README runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
INSTALL = (
    'python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/limner "一只可爱的小猫正在玩耍"',
    'python3 -m venv .venv && .venv/bin/pip install -e ".[test]" && .venv/bin/python -m pytest',
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


COMMANDS = [
    line.removeprefix("$ ")
    for block in blocks("console")
    for line in block.splitlines()
    if line.startswith("$ ")
]
FAKE = [c for c in COMMANDS if "--profile fake" in c]
REAL = [c for c in COMMANDS if c not in FAKE and c not in INSTALL]


def run(command: str, folder: Path) -> str:
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=os.environ | {"PATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def test_the_two_install_commands_are_there() -> None:
    assert tuple(c for c in COMMANDS if "venv" in c) == INSTALL  # .ci/run runs them


@pytest.mark.parametrize("command", FAKE)
def test_command_runs(command: str, tmp_path: Path) -> None:
    assert run(command, tmp_path)


@pytest.mark.slow
def test_the_tour_runs_from_top_to_bottom(tmp_path: Path) -> None:
    assert len(REAL) >= 3
    for command in REAL:
        assert run(command, tmp_path)
    assert list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("source", blocks("python"))
def test_python_runs(
    source: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()
