"""The command limner doctor, --explain, and what a prompt costs a second time."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from limner.agent.cli.main import main
from limner.pipelines.memory import Machine
from limner.pipelines.registry import open_painter
from limner.pipelines.roles import ImageRequest


def test_it_tells_machine_versions_models_and_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["machine"]["ram"] > 0
    assert {"limner", "torch", "diffusers", "transformers"} <= set(told["versions"])
    assert told["here"][0]["name"] == "pocket"
    assert [place["part"] for place in told["plan"]["places"]] == ["writer", "painter", "critic"]
    assert told["plan"]["fits"]
    assert 0.3 < told["plan"]["ram"] < 4
    assert told["measured"] is None


def test_it_tells_people_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--profile", "fake"]) == 0
    assert "not limner's to place" in capsys.readouterr().out
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "estimated peak" in shown
    assert "profile pocket" in shown
    assert "All of it stays" in shown


def test_what_does_not_fit_is_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("limner.agent.cli.doctor.here", lambda: Machine(8))
    typed = ["doctor", "--painter", "black-forest-labs/FLUX.1-schnell"]
    assert main(typed) == 1
    assert "Nothing fits" in capsys.readouterr().out


def test_what_is_not_here_is_said_and_is_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["doctor", "--measure", "--json", "--painter", "nobody/knows"]
    assert main(typed) == 1
    told = json.loads(capsys.readouterr().out)
    assert len(told["missing"]) == 1
    assert "'nobody/knows' is not on this machine" in told["missing"][0]
    assert told["measured"] is None
    assert main(["doctor", "--writer", "ollama:qwen3:4b"]) == 0  # a server's memory is its own


@pytest.mark.slow
def test_what_broke_while_it_was_measured_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--measure", "--painter", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "is empty" in said


def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--profile", "poket"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_painting_can_be_explained_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny: Path
) -> None:
    models = ["--painter", str(tiny / "painter"), "--size", "64x64", "--budget", "1"]
    typed = ["a cat", "--explain", "--json", "--profile", "fake", *models, "--out", str(tmp_path)]
    assert main([*typed, "--takes", "1"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["picture"]
    assert "estimated peak" in said.err
    assert "painter" in said.err


@pytest.mark.slow
def test_auto_says_what_it_picked_and_can_be_painted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a machine with nothing else than limner on it."""
    monkeypatch.setattr("limner.agent.machine.cached", lambda: iter(()))
    typed = ["a red cat", "--profile", "auto", "--takes", "1", "--budget", "1", "--seed", "1"]
    assert main([*typed, "--size", "64x64", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "profile pocket, for no writer and no painter and no critic" in said.err
    assert "limner pull" in said.err
    assert "limner pull" not in said.out
    picture = next(tmp_path.glob("*.png"))
    assert main(["again", str(picture)]) == 0


@pytest.mark.slow
def test_the_estimate_is_near_what_is_measured() -> None:
    """On a machine without a GPU, for pocket, in a process that holds nothing else."""
    command = [sys.executable, "-m", "limner", "doctor", "--measure", "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    if told["machine"]["gpu"]:
        pytest.skip("measured for a CPU")
    assert told["plan"]["ram"] == pytest.approx(told["measured"]["ram"], rel=0.5)


def test_a_prompt_is_encoded_once(tiny: Path) -> None:
    painter: Any = open_painter(tiny / "painter", {"device": "cpu", "steps": 2})
    seen: list[Any] = []
    reads = painter._palette.pipe.text_encoder
    watch = reads.register_forward_hook(lambda *_: seen.append(1))

    def paint(prompt: str, seed: int) -> bytes:
        with closing(painter.paint([ImageRequest(prompt, seed, 64, 64, 2, 5.0)])) as painting:
            picture: bytes = list(painting)[-1].picture.tobytes()
        return picture

    try:
        first = paint("a cat", 1)
        once = len(seen)
        assert paint("a cat", 2) != first
        assert paint("a cat", 1) == first
        assert len(seen) == once > 0
        paint("a dog", 1)
        assert len(seen) == 2 * once
    finally:
        watch.remove()
