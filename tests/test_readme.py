"""Every command and snippet of the README and of docs/ runs, and every link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
INSTALL = (
    'python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/limner "一只可爱的小猫正在玩耍"',
    'python3 -m venv .venv && .venv/bin/pip install -e ".[test]" && .venv/bin/python -m pytest',
)


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def is_slow(command: str) -> bool:
    return "--profile fake" not in command


FAST = [(page, c) for page in PAGES for c in commands(page) if not is_slow(c)]
SLOW = [page for page in PAGES if any(is_slow(c) and c not in INSTALL for c in commands(page))]
SOURCES = [(page, source) for page in PAGES for source in blocks(page, "python")]


def named(value: object) -> str:
    return value.name if isinstance(value, Path) else str(value).strip()[:40]


def run(command: str, folder: Path) -> str:
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=os.environ | {"PATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def test_the_two_install_commands_are_there() -> None:
    assert tuple(c for c in commands(PAGES[0]) if "venv" in c) == INSTALL  # .ci/run runs them


def test_the_readme_is_short() -> None:
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize(("page", "command"), FAST, ids=named)
def test_command_runs(page: Path, command: str, tmp_path: Path) -> None:
    csv = "requests.csv"
    if csv in command and f"> {csv}" not in command:  # an earlier line of the page makes it
        (tmp_path / csv).write_text("request,seed\na red cat,1\n", encoding="utf-8")
    assert run(command, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW, ids=named)
def test_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    for command in commands(page):
        if command not in INSTALL:
            run(command, tmp_path)


@pytest.mark.parametrize(("page", "source"), SOURCES, ids=named)
def test_python_runs(
    page: Path,
    source: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(source, page.name, "exec"), {})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    here = [link for link in links if not link.startswith(("http:", "https:"))]
    assert not [link for link in here if not (page.parent / link).exists()]


def test_the_architecture_names_files_that_are_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:agent|pipelines|prompts|tests|configs)/[\w/*.]+)`", text)
    assert len(named) > 20
    assert not [name for name in named if not list(ROOT.glob(name))]
    rooms = re.findall(r"`((?:brief|syntax|search|scoring|archive|tools)/\w+\.py)`", text)
    assert not [name for name in rooms if not (ROOT / "agent" / name).exists()]


def test_the_command_reference_is_that_of_the_commands() -> None:
    from limner.agent.cli.reference import reference

    said = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert said == reference() + "\n", "python -m limner.agent.cli.reference > docs/commands.md"
