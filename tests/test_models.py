"""The command that lists painters: the table, what is in the cache, and what fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from limner.agent.cli import main
from limner.agent.models import Room, on_disk


def test_what_fits_depends_on_where(capsys: pytest.CaptureFixture[str]) -> None:
    big = Room(ram=16, gpu=8)
    assert [big.fits(params) for params in (1.0, 3.5, 5.0)] == ["gpu", "gpu", ""]
    assert Room(ram=16, gpu=0).fits(3.0) == "ram"


def test_the_command_lists_families_and_the_pocket_painter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    assert "kandinsky22" in shown
    assert "pocket" in shown
    assert main(["models", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["key"]: row["fits"] for row in told["families"]}["sd15"] in {"ram", "gpu", ""}
    assert told["here"][0]["name"] == "pocket"
    assert told["room"]["ram"] > 0


def test_models_in_the_cache_are_found_without_being_opened(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    repo = tmp_path / "models--someone--tiny"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("a" * 40)
    shutil.copytree(tiny / "painter", repo / "snapshots" / ("a" * 40))
    scan = huggingface_hub.scan_cache_dir
    monkeypatch.setattr(huggingface_hub, "scan_cache_dir", lambda: scan(tmp_path))
    found = {here.name: here for here in on_disk()}
    assert found["someone/tiny"].family == "sd15"
    assert found["someone/tiny"].pipeline == "StableDiffusionPipeline"
    assert 0 < found["someone/tiny"].params < found["someone/tiny"].gib < 0.1
