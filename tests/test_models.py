"""The command that lists painters: the table, what is in the cache, and what fits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from limner.agent.cli.main import main
from limner.agent.machine import fits, on_disk, part_of
from limner.pipelines.families import family_named
from limner.pipelines.memory import Machine, declared


def test_what_fits_depends_on_where() -> None:
    def where(key: str, machine: Machine) -> str:
        return fits(machine, declared(family_named(key)))

    small, large = Machine(16, 8, "a GPU", "cuda"), Machine(64, 24, "a GPU", "cuda")
    assert where("sd15", Machine(16)) == "ram"
    assert where("flux1-schnell", Machine(16)) == ""
    assert [where(key, small) for key in ("sd15", "sdxl", "flux2-klein", "qwen-image")] == [
        *("gpu", "gpu, offloaded", "gpu, 4 bits, offloaded", ""),
    ]
    assert [where(key, large) for key in ("sdxl", "z-image", "flux1-schnell")] == [
        *("gpu", "gpu, offloaded", "gpu, 4 bits"),
    ]


def test_a_folder_is_told_by_what_it_can_be(tiny: Path, tmp_path: Path) -> None:
    told = [part_of(tiny / name) for name in ("writer", "painter", "clip", "siglip")]
    assert told == ["writer", "painter", "critic", "critic"]
    assert part_of(tmp_path) == ""


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
