"""A model folder that is damaged or up to something is refused, by name and in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from limner.errors import ModelUnusable
from limner.pipelines.weights import fingerprint, named, verify, write_manifest


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A folder of two parts with a manifest above them, made of a few bytes each."""
    import numpy as np
    from safetensors.numpy import save_file

    for part in ("critic", "writer"):
        folder = tmp_path / part
        folder.mkdir()
        save_file({"a": np.arange(12, dtype=np.float32)}, folder / "model.safetensors")
        (folder / "config.json").write_text('{"model_type": "clip"}', encoding="utf-8")
    write_manifest(tmp_path)
    return tmp_path


def refused(folder: Path) -> str:
    with pytest.raises(ModelUnusable) as caught:
        verify(folder)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value.message


def test_a_sound_folder_passes(suite: Path) -> None:
    verify(suite / "critic")
    verify(suite)
    assert len(fingerprint(suite / "critic")) == 12
    assert named(suite / "critic", "pocket") == f"pocket@{fingerprint(suite / 'critic')}"


def test_without_a_manifest_the_files_are_still_looked_at(suite: Path) -> None:
    (suite / "manifest.json").unlink()
    verify(suite / "critic")
    assert fingerprint(suite / "critic") == ""
    assert named(suite / "critic", "mine") == "mine"
    (suite / "critic" / "model.safetensors").write_bytes(b"")
    assert "model.safetensors" in refused(suite / "critic")


def test_the_fingerprint_follows_the_files(suite: Path) -> None:
    before = fingerprint(suite / "critic"), fingerprint(suite / "writer")
    (suite / "critic" / "config.json").write_text("{}", encoding="utf-8")
    write_manifest(suite)
    assert fingerprint(suite / "critic") != before[0]
    assert fingerprint(suite / "writer") == before[1]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "is missing"),
    "cut": (cut, "cut off"),
    "cut early": (lambda p: p.write_bytes(p.read_bytes()[:20]), "cut off within its header"),
    "flipped": (flip, "SHA-256"),
    "empty": (lambda p: p.write_bytes(b""), "no safetensors header"),
    "garbage": (lambda p: p.write_bytes(b"\xff" * 200), "no safetensors header"),
    "bad header": (
        lambda p: p.write_bytes((50).to_bytes(8, "little") + b"x" * 200),
        "cannot be read",
    ),
    "pointer": (
        lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "Git LFS pointer",
    ),
    "web page": (lambda p: p.write_text("\n<!DOCTYPE html><html>" + "x" * 90), "web page"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_named(how: str, suite: Path) -> None:
    verify(suite / "critic")  # so that a remembered hash would be found out
    damage, said = DAMAGE[how]
    damage(suite / "critic" / "model.safetensors")
    message = refused(suite / "critic")
    assert message.startswith("critic/model.safetensors")
    assert said in message
    verify(suite / "writer")


@pytest.mark.parametrize("length", range(0, 112, 9))
def test_no_truncation_passes(length: int, suite: Path) -> None:
    path = suite / "critic" / "model.safetensors"
    (suite / "manifest.json").unlink()
    whole = path.read_bytes()
    assert length < len(whole)
    path.write_bytes(whole[:length])
    assert "model.safetensors" in refused(suite / "critic")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "x.pt", "x.ckpt", "deep/x.pkl", "x.PTH"])
def test_pickles_are_refused_unopened(name: str, suite: Path) -> None:
    path = suite / "critic" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    assert "pickle" in refused(suite / "critic")
    assert not Path("canary").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", {"auto_map": {"AutoModel": "evil.Model"}}, "auto_map"),
        ("config.json", {"text_config": {"auto_map": {}}}, "auto_map"),
        ("config.json", {"_attn_implementation_internal": "evil/kernel"}, "_attn_impl"),
        ("config.json", {"_attn_implementation_internal_x": 1}, "_attn_impl"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.T", None]}}, "auto_map"),
        ("scheduler_config.json", {"_target_": "os.system"}, "_target_"),
        ("model_index.json", {"custom_pipeline": "evil"}, "custom_pipeline"),
        ("model_index.json", {"unet": ["evil", "Model"]}, "unet"),
        ("model_index.json", {"unet": [["diffusers"], "Model"]}, "unet"),
        ("model_index.json", {"_class_name": ["pipeline", "Evil"]}, "_class_name"),
        ("config.json", ["a list"], "not a JSON object"),
    ],
)
def test_code_of_its_own_is_refused(name: str, content: object, said: str, suite: Path) -> None:
    (suite / "manifest.json").unlink()
    (suite / "critic" / name).write_text(json.dumps(content), encoding="utf-8")
    message = refused(suite / "critic")
    assert name in message
    assert said in message


def test_what_diffusers_itself_writes_passes(tiny: Path) -> None:
    for folder in tiny.iterdir():
        verify(folder)


@pytest.mark.parametrize("broken", ["[]", "{", '{"files": []}', '{"files": {"critic/x": 3}}'])
def test_a_broken_manifest_is_named(broken: str, suite: Path) -> None:
    (suite / "manifest.json").write_text(broken, encoding="utf-8")
    assert "manifest.json" in refused(suite / "critic")


@pytest.mark.parametrize("name", ["critic/../../secret", "critic//etc/passwd"])
def test_a_manifest_cannot_point_outside(name: str, suite: Path) -> None:
    listed = json.dumps({"files": {name: "0" * 64}})
    (suite / "manifest.json").write_text(listed, encoding="utf-8")
    assert "outside" in refused(suite / "critic")


def test_no_folder_and_an_empty_one(tmp_path: Path) -> None:
    assert "'nowhere'" in refused(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "'empty'" in refused(tmp_path / "empty")


def test_a_copy_made_in_place_is_read_again(suite: Path) -> None:
    verify(suite / "critic")
    shutil.copy(suite / "critic" / "config.json", suite / "critic" / "model.safetensors")
    refused(suite / "critic")
