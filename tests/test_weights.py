"""A model folder that is damaged or up to something is refused, by name and in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from limner.errors import ModelUnusable
from limner.pipelines.weights import fingerprint, named, verify, write_manifest

PICKLE = b"cos\nsystem\n(S'touch canary'\ntR."


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
    path = suite / "critic" / "part" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(PICKLE)
    assert "pickle" in refused(suite / "critic")
    with pytest.raises(ModelUnusable, match="pickle") as caught:
        verify(path)
    assert "Convert it to safetensors" in caught.value.hint
    assert not Path("canary").exists()


def linked(folder: Path) -> None:
    (folder / "vocab.json").symlink_to("/etc/hostname")


def linked_folder(folder: Path) -> None:
    (folder / "unet").symlink_to(folder.parent.parent, target_is_directory=True)


def test_links_out_of_the_folder_are_refused(suite: Path) -> None:
    for link in (linked, linked_folder):
        copy = suite.parent / f"{suite.name}-{link.__name__}" / "critic"
        shutil.copytree(suite / "critic", copy)
        link(copy)
        assert "outside" in refused(copy)
    shutil.copy(suite / "critic" / "config.json", suite / "critic" / "real.json")
    (suite / "critic" / "vocab.json").symlink_to("real.json")
    verify(suite / "critic")


def test_a_hubs_cache_is_made_of_links(suite: Path) -> None:
    repo = suite / "models--owner--model"
    snapshot = repo / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    shutil.copytree(suite / "critic", repo / "blobs")
    for blob in (repo / "blobs").iterdir():
        (snapshot / blob.name).symlink_to(Path("../../blobs") / blob.name)
    verify(snapshot)
    (snapshot / "vocab.json").symlink_to("/etc/hostname")
    assert "outside" in refused(snapshot)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("../../secret.safetensors", "beside it"),
        ("/etc/secret.safetensors", "beside it"),
        ("deep/model.safetensors", "beside it"),
        ("..\\secret.safetensors", "beside it"),
        ("pytorch_model.bin", "beside it"),
        ("model-00002-of-00002.safetensors", "is missing"),
        (3, "not an index"),
    ],
)
def test_an_index_names_files_beside_it(named: object, said: str, suite: Path) -> None:
    index = suite / "critic" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model.safetensors"}}), encoding="utf-8")
    verify(suite / "critic")
    index.write_text(json.dumps({"weight_map": {"a": named}}), encoding="utf-8")
    assert said in refused(suite / "critic")


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.txt", "spiece.model", "x.jinja"])
def test_texts_are_what_they_say(name: str, suite: Path) -> None:
    path = suite / "critic" / name
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    assert "Git LFS pointer" in refused(suite / "critic")
    if name != "x.jinja":
        path.write_text("<!DOCTYPE html>\n")
        assert "web page" in refused(suite / "critic")
    if name == "tokenizer.json":
        path.write_text("")
        assert "empty" in refused(suite / "critic")


def test_a_header_that_contradicts_itself_is_named(suite: Path) -> None:
    (suite / "manifest.json").unlink()
    path = suite / "critic" / "model.safetensors"
    whole = path.read_bytes()
    for before, after in ((b"[12]", b"[13]"), (b"F32", b"F16"), (b"[0,48]", b"[4,48]")):
        assert before in whole
        path.write_bytes(whole.replace(before, after))
        assert "cannot be" in refused(suite / "critic")


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
        ("config.json", {"_attn_implementation": "someone/kernel"}, "code of a hub"),
        ("config.json", {"text_config": {"attn_implementation": "a/b:c"}}, "code of a hub"),
        ("config.json", {"architectures": ["os.system"]}, "architectures"),
        ("config.json", {"_class_name": "utils.import_utils"}, "_class_name"),
        ("tokenizer_config.json", {"tokenizer_class": "Trainer"}, "tokenizer_class"),
        ("preprocessor_config.json", {"image_processor_type": ["x"]}, "image_processor_type"),
        ("generation_config.json", {"custom_generate": "evil"}, "custom_generate"),
        ("model_index.json", {"unet": ["transformers", "pipeline"]}, "unet"),
        ("model_index.json", {"unet": ["diffusers", "FlaxUNet2DConditionModel"]}, "unet"),
        ("model_index.json", {"unet": [None, "UNet2DConditionModel"]}, "unet"),
        ("model_index.json", {"unet": ["pipelines.evil", "Model"]}, "unet"),
        ("model_index.json", {"_class_name": "load_lora"}, "_class_name"),
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
