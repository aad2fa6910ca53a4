"""Names, folders and hub ids lead to models; what leads nowhere says what to type."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from limner.errors import BadInput, ModelUnusable
from limner.pipelines import registry
from limner.pipelines.fakes import FakeCritic, FakePainter, FakeWriter

OPEN: dict[str, Any] = {
    "writer": registry.open_writer,
    "painter": registry.open_painter,
    "critic": registry.open_critic,
}


@pytest.mark.parametrize("part", OPEN)
def test_the_known_names(part: str) -> None:
    assert registry.known(part)[:2] == ["pocket", "fake"]


def test_fakes_by_name() -> None:
    assert isinstance(OPEN["writer"]("fake", {}), FakeWriter)
    assert isinstance(OPEN["painter"]("fake", {"size": 32}), FakePainter)
    assert isinstance(OPEN["critic"]("fake", {}), FakeCritic)


@pytest.mark.parametrize("part", OPEN)
def test_objects_are_taken_as_they_are(part: str) -> None:
    model = object()
    assert OPEN[part](model, {}) is model


@pytest.mark.parametrize("part", OPEN)
def test_unknown_names_list_the_known(part: str) -> None:
    for name in ("poket", "./nowhere", "/no/such/folder", "a b/c", "https://example.org/x", ""):
        with pytest.raises(ModelUnusable) as caught:
            OPEN[part](name, {})
        assert "pocket, fake" in caught.value.hint


@pytest.mark.parametrize("part", OPEN)
@pytest.mark.parametrize("settings", [{}, {"hub": True}])
def test_a_hub_model_that_is_not_here_says_what_to_type(
    part: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(ModelUnusable) as caught:
        OPEN[part]("limner-tests/no-such-model", settings)
    assert caught.value.hint.endswith("limner pull limner-tests/no-such-model")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("part", OPEN)
@pytest.mark.parametrize("wrong", ["painter", "writer", "clip"])
def test_a_model_of_another_kind_is_named(part: str, wrong: str, tiny: Path) -> None:
    if part == wrong or (part, wrong) == ("critic", "clip"):
        return
    with pytest.raises(ModelUnusable) as caught:
        OPEN[part](tiny / wrong, {})
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("part", OPEN)
def test_settings_that_it_has_not(part: str, tiny: Path) -> None:
    folder = tiny / {"critic": "clip"}.get(part, part)
    for name in ("fake", folder):
        with pytest.raises(BadInput, match="colour"):
            OPEN[part](name, {"colour": 3})
    with pytest.raises(BadInput, match="'abacus'"):
        OPEN[part](folder, {"device": "abacus"})


def test_a_damaged_folder_is_not_opened(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "clip", tmp_path / "clip")
    weights = tmp_path / "clip" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelUnusable, match=r"clip/model\.safetensors"):
        registry.open_critic(tmp_path / "clip", {})


def test_names_keep_no_paths(tiny: Path) -> None:
    assert registry.open_critic(str(tiny / "clip"), {}).name == "clip"


def test_other_packages_can_register(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("crayon", f"{FakePainter.__module__}:FakePainter", "limner.painters")
    theirs = [entry, EntryPoint("pocket", "evil:Painter", "limner.painters")]
    monkeypatch.setattr(
        registry, "entry_points", lambda group: theirs if group == "limner.painters" else []
    )
    assert registry.known("painter") == ["pocket", "fake", "crayon"]
    assert isinstance(registry.open_painter("crayon", {"size": 16}), FakePainter)


def test_the_registry_loads_nothing_heavy() -> None:
    code = (
        "import sys; from limner.pipelines import registry; registry.known('writer'); "
        "heavy = ('torch', 'transformers', 'diffusers', 'langchain_core', 'huggingface_hub'); "
        "sys.exit(any(m in sys.modules for m in heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
