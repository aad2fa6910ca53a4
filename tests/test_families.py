"""The table of families: what is in it, and how a folder's family is told."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import diffusers
import pytest

from limner.errors import BadInput
from limner.pipelines.families import families, family_named, family_of
from limner.pipelines.registry import open_painter


def folder(path: Path, kind: str, **files: Any) -> Path:
    """A model's folder as far as telling its family goes."""
    path.mkdir()
    index = {"_class_name": kind, **files.pop("index", {})}
    (path / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    for part, settings in files.items():
        (path / part).mkdir()
        (path / part / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return path


def test_every_row_names_what_there_is() -> None:
    assert len({family.key for family in families()}) == len(families()) >= 20
    for family in families():
        for kind in filter(None, (family.pipeline, family.also, family.scheduler.get("class"))):
            assert hasattr(diffusers, kind), family.key
        assert family.over in {"nothing", "all", "box"}
        assert family.steps >= 1
        assert family.licence
        assert set(family.dtypes) <= {"bfloat16", "float16"}
        multiple = family.multiple or 16
        assert all(side % multiple == 0 for side in family.size), family.key


def test_more_telling_rows_come_first() -> None:
    """Else nothing would ever be told by them."""
    for number, family in enumerate(families()):
        for earlier in families()[:number]:
            if earlier.pipeline == family.pipeline:
                assert earlier.named or earlier.facts, (earlier.key, family.key)


@pytest.mark.parametrize(
    ("kind", "files", "name", "key"),
    [
        ("StableDiffusionPipeline", {}, "mine", "sd15"),
        ("StableDiffusionPipeline", {}, "mine lcm-lora-sdv1-5", "sd15-lcm"),
        ("StableDiffusionXLPipeline", {"unet": {"sample_size": 128}}, "x", "sdxl"),
        ("StableDiffusionXLPipeline", {"unet": {"sample_size": 64}}, "x", "sdxl-turbo"),
        ("StableDiffusionXLPipeline", {"unet": {"sample_size": 128}}, "SDXL-Lightning", None),
        ("StableDiffusion3Pipeline", {}, "owner/stable-diffusion-3.5-large-Turbo", "sd35-turbo"),
        ("FluxPipeline", {"transformer": {"guidance_embeds": False}}, "x", "flux1-schnell"),
        ("FluxPipeline", {"transformer": {"guidance_embeds": True}}, "x", "flux1-dev"),
        ("Flux2KleinPipeline", {"index": {"is_distilled": True}}, "x", "flux2-klein"),
        ("Flux2KleinPipeline", {"index": {"is_distilled": False}}, "x", "flux2-klein-base"),
        ("ZImagePipeline", {}, "Tongyi-MAI/Z-Image-Turbo", "z-image-turbo"),
        ("ZImagePipeline", {}, "Tongyi-MAI/Z-Image", "z-image"),
        ("KandinskyV22Pipeline", {}, "x", "kandinsky22"),
        ("SomeNewPipeline", {}, "x", "unknown"),
    ],
)
def test_a_folder_is_told_by_its_facts(
    kind: str, files: dict[str, Any], name: str, key: str | None, tmp_path: Path
) -> None:
    found = family_of(folder(tmp_path / "model", kind, **files), name)
    assert (found.key if found else "unknown") == (key or "sdxl-lightning")


def test_a_folder_that_is_none_has_no_family(tmp_path: Path) -> None:
    assert family_of(tmp_path) is None
    (tmp_path / "model_index.json").write_text("[1]", encoding="utf-8")
    assert family_of(tmp_path) is None


def test_an_unknown_family_is_told_with_the_known() -> None:
    with pytest.raises(BadInput) as caught:
        family_named("sd99")
    assert "sd15" in caught.value.hint


def test_a_painter_of_no_known_family_runs_and_says_so(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A family that the table lacks: PixArt-α, from the parts of others."""
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        PixArtAlphaPipeline,
        PixArtTransformer2DModel,
    )
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    marks = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    words = T5Tokenizer(vocab=[*marks, ("a", -3.0)], extra_ids=0, model_max_length=120)
    reads = T5Config(vocab_size=len(words), d_model=8, d_kv=8, d_ff=8, num_layers=1, num_heads=1)
    core = PixArtTransformer2DModel(
        sample_size=8, num_layers=1, attention_head_dim=8, num_attention_heads=3,
        caption_channels=8, in_channels=4, cross_attention_dim=24, out_channels=8,
    )  # fmt: skip
    PixArtAlphaPipeline(words, T5EncoderModel(reads), AutoencoderKL(norm_num_groups=1, block_out_channels=(4,)), core, DDIMScheduler()).save_pretrained(tmp_path / "new")  # fmt: skip  # noqa: E501
    with caplog.at_level(logging.WARNING, "limner"):
        painter: Any = open_painter(tmp_path / "new", {"device": "cpu"})
    assert "PixArtAlphaPipeline is not among the families" in caplog.text
    assert painter.family is None
    assert (painter.spec.steps, painter.spec.guidance) == (20, 4.5)
    assert painter.spec.negative
    assert not painter.spec.starts


def test_a_row_can_be_named_and_changes_the_sampler(tiny: Path) -> None:
    told = {"device": "cpu", "family": "sd15-lightning"}
    painter: Any = open_painter(tiny / "painter", told)
    assert type(painter._palette.pipe.scheduler).__name__ == "EulerDiscreteScheduler"
    assert painter._palette.pipe.scheduler.config.timestep_spacing == "trailing"
    assert (painter.spec.steps, painter.spec.guidance) == (4, 0.0)
    assert painter.spec.tags
    assert not painter.spec.negative
