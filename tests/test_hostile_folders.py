"""Real model folders, damaged in every way there is: each is refused, by name, and not opened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limner.errors import ModelUnusable
from limner.pipelines import registry

OPEN: dict[str, Callable[..., Any]] = {
    "writer": registry.open_writer,
    "painter/unet": registry.open_painter,
    "painter/text_encoder": registry.open_painter,
    "clip": registry.open_critic,
}


@pytest.fixture(params=OPEN)
def folder(request: pytest.FixtureRequest, tiny: Path, tmp_path: Path) -> tuple[str, Path]:
    """A part of a model, and the folder of its weights, free to be damaged."""
    name = request.param
    shutil.copytree(tiny / name.split("/")[0], tmp_path / name.split("/")[0])
    return name, tmp_path / name


def refused(name: str, folder: Path) -> str:
    home = folder.parent if "/" in name else folder
    with pytest.raises(ModelUnusable) as caught:
        OPEN[name](home, {})
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert len(caught.value.message) < 300
    return caught.value.message


def weights(folder: Path) -> Path:
    (found,) = folder.glob("*.safetensors")
    return found


FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (lambda whole: whole[: len(whole) // 2], "cut off"),
    "pointer": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid x\n", "Git LFS"),
    "web page": (lambda _: b"<!DOCTYPE html><html>Not Found</html>", "web page"),
    "empty": (lambda _: b"", "no safetensors header"),
    "flipped in the header": (lambda whole: whole[:12] + b"\xff" + whole[13:], "cannot be read"),
}


@pytest.mark.parametrize("how", FILES)
def test_a_damaged_file_is_named(how: str, folder: tuple[str, Path]) -> None:
    change, said = FILES[how]
    path = weights(folder[1])
    path.write_bytes(change(path.read_bytes()))
    message = refused(*folder)
    assert said in message
    assert message.startswith(f"{path.parent.name}/{path.name}")


def lost(tensors: dict[str, Any]) -> str:
    name = sorted(tensors)[3]
    del tensors[name]
    return f"lack {name}"


def others(tensors: dict[str, Any]) -> str:
    kept = next(iter(tensors.values()))
    tensors.clear()
    tensors["something.else"] = kept
    return "lack "


def misshapen(tensors: dict[str, Any]) -> str:
    import torch

    name = sorted(tensors)[3]
    tensors[name] = torch.zeros(3, 5)
    return name


def no_number(tensors: dict[str, Any]) -> str:
    name = sorted(tensors)[3]
    tensors[name].view(-1)[-1] = float("nan")
    return f"{name} has what is not a number"


def endless(tensors: dict[str, Any]) -> str:
    name = sorted(tensors)[3]
    tensors[name].view(-1)[0] = float("-inf")
    return f"{name} has what is not a number"


@pytest.mark.parametrize("change", [lost, others, misshapen, no_number, endless])
def test_weights_that_do_not_fit_are_named(
    change: Callable[[dict[str, Any]], str], folder: tuple[str, Path]
) -> None:
    from safetensors.torch import load_file, save_file

    path = weights(folder[1])
    tensors = load_file(path)
    said = change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})
    assert said in refused(*folder)


def test_the_weights_of_another_part_are_named(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "painter", tmp_path / "painter")
    parts = [weights(tmp_path / "painter" / part) for part in ("unet", "vae")]
    shutil.copy(parts[0], parts[1])
    assert "painter/vae" in refused("painter/unet", tmp_path / "painter" / "unet")


def test_pickles_alone_are_refused_and_beside_safetensors_never_opened(
    folder: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, home = folder
    monkeypatch.chdir(tmp_path)
    evil = b"cos\nsystem\n(S'touch canary'\ntR."
    for stem in ("pytorch_model", "diffusion_pytorch_model", "training_args", "adapter_model"):
        (home / f"{stem}.bin").write_bytes(evil)
    OPEN[name](home.parent if "/" in name else home, {})
    weights(home).unlink()
    assert "pickle" in refused(name, home)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", ["writer", "clip"])
def test_an_adapter_is_no_model(name: str, tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / name, tmp_path / name)
    told = {"peft_type": "LORA", "base_model_name_or_path": "someone/else"}
    (tmp_path / name / "adapter_config.json").write_text(json.dumps(told))
    assert "adapter" in refused(name, tmp_path / name)


def test_remote_code_is_refused_before_anything_of_it_is_imported(
    folder: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, home = folder
    monkeypatch.chdir(tmp_path)
    (home / "evil.py").write_text("open('canary', 'w')\nclass Evil: pass\n")
    told = json.loads((home / "config.json").read_text())
    told["auto_map"] = {key: "evil.Evil" for key in ("AutoModel", "AutoModelForCausalLM")}
    (home / "config.json").write_text(json.dumps(told))
    assert "auto_map" in refused(name, home)
    assert not (tmp_path / "canary").exists()


def test_a_class_that_is_not_allowed_is_refused(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny / "painter", tmp_path / "painter")
    path = tmp_path / "painter" / "model_index.json"
    told = json.loads(path.read_text())
    for part in (["subprocess", "Popen"], ["transformers", "Trainer"], ["unet", "Evil"]):
        path.write_text(json.dumps({**told, "unet": part}))
        message = refused("painter/unet", tmp_path / "painter" / "unet")
        assert "not allowed: unet" in message
