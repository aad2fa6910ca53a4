"""What can belong to a painter: a LoRA, weights of words, a small decoder, a second folder."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL.Image import Image

from limner.errors import BadInput, MissingExtra, ModelUnusable
from limner.pipelines.registry import open_painter
from limner.pipelines.roles import GeneratedImage, ImageRequest, Painter, Step

TOLD = {"device": "cpu", "steps": 2, "guidance": 5.0}


def order(prompt: str = "a cat", **more: Any) -> ImageRequest:
    return ImageRequest(prompt, 1, 64, 64, 2, 5.0, **more)


def picture(painter: Painter, one: ImageRequest) -> Image:
    with closing(painter.paint([one])) as painting:
        (done,) = [d.picture for d in painting if isinstance(d, GeneratedImage)]
        return done


def apart(one: Image, other: Image) -> int:
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@pytest.fixture(scope="module")
def lora(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of the tiny painter's U-Net, as it would come from a hub."""
    import torch
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(0)
    pipe = StableDiffusionPipeline.from_pretrained(tiny / "painter")
    config = LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False)
    pipe.unet.add_adapter(config)
    folder = tmp_path_factory.mktemp("lcm-lora")
    layers = {key: 5 * value for key, value in get_peft_model_state_dict(pipe.unet).items()}
    StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=layers)
    return folder


def test_a_lora_changes_the_picture_as_far_as_its_scale(tiny: Path, lora: Path) -> None:
    plain = picture(open_painter(tiny / "painter", TOLD), order())
    told = {**TOLD, "family": "sd15"}
    none, whole = (
        open_painter(tiny / "painter", {**told, "lora": str(lora), "scale": scale})
        for scale in (0.0, 1.0)
    )
    assert apart(picture(none, order()), plain) <= 1
    assert apart(picture(whole, order()), plain) > 2
    assert whole.name == f"painter+{lora.name}:1"
    named = {**TOLD, "lora": str(lora / "pytorch_lora_weights.safetensors"), "family": "sd15"}
    assert apart(picture(open_painter(tiny / "painter", named), order()), plain) > 2


def test_a_lora_whose_name_says_what_it_is_for_chooses_the_row(tiny: Path, lora: Path) -> None:
    painter: Any = open_painter(tiny / "painter", {"device": "cpu", "lora": str(lora)})
    assert painter.family.key == "sd15-lcm"
    assert type(painter._palette.pipe.scheduler).__name__ == "LCMScheduler"
    assert painter.spec.steps == 4
    one = ImageRequest("a cat", 1, 64, 64, 4, 1.0)
    assert picture(painter, one).size == (64, 64)


def test_a_lora_that_is_none_is_refused(tiny: Path, lora: Path, tmp_path: Path) -> None:
    pickle = tmp_path / "pickle"
    pickle.mkdir()
    (pickle / "lora.bin").write_bytes(b"no")
    two = tmp_path / "two"
    shutil.copytree(lora, two)
    shutil.copy(two / "pytorch_lora_weights.safetensors", two / "more.safetensors")
    for spec, kind in ((pickle, ModelUnusable), (two, BadInput), ("nobody/nothing", ModelUnusable)):
        with pytest.raises(kind) as caught:
            open_painter(tiny / "painter", {**TOLD, "lora": str(spec)})
        assert caught.value.hint
    with pytest.raises(ModelUnusable):
        open_painter(tiny / "painter", {**TOLD, "lora": str(lora / "other.safetensors")})


@pytest.mark.filterwarnings("ignore")  # compel's own
def test_words_can_be_weighed_and_prompts_be_long(tiny: Path) -> None:
    painter = open_painter(tiny / "painter", {**TOLD, "weigh": True})
    assert painter.spec.weights
    assert painter.spec.tokens == 4 * 77
    plain = picture(painter, order("cat dog"))
    assert apart(plain, picture(open_painter(tiny / "painter", TOLD), order("cat dog"))) <= 2
    assert apart(plain, picture(painter, order("(cat)1.8 dog"))) > 0
    long = " ".join(["cat"] * 30)  # each is three tokens of this tokenizer
    assert painter.count_tokens(long) > 77
    ends = [picture(painter, order(f"{long} {end}", negative="rain")) for end in ("dog", "sun")]
    assert apart(*ends) > 0  # what is beyond CLIP's window is read as well


def test_extras_that_are_missing_are_named(
    tiny: Path, lora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, told in (("peft", {"lora": str(lora)}), ("compel", {"weigh": True})):
        with monkeypatch.context() as patch, pytest.raises(MissingExtra, match=package) as caught:
            patch.setitem(sys.modules, package, None)
            open_painter(tiny / "painter", {**TOLD, "family": "sd15", **told})
        assert "pip install 'limner[" in caught.value.hint


def test_a_small_decoder_makes_previews_of_large_ones(tiny: Path, tmp_path: Path) -> None:
    from diffusers import AutoencoderKL, StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(tiny / "painter")
    kinds = {"down_block_types": ["DownEncoderBlock2D"] * 4}
    kinds["up_block_types"] = ["UpDecoderBlock2D"] * 4
    pipe.vae = AutoencoderKL(block_out_channels=(4,) * 4, norm_num_groups=1, **kinds)
    pipe.register_modules(vae=pipe.vae)
    pipe.save_pretrained(tmp_path / "large")
    small = tiny / "painter" / "vae"
    for told, shown in (({}, 0), ({"preview": str(small)}, 2)):
        painter = open_painter(tmp_path / "large", {**TOLD, "steps": 3, **told})
        steps = painter.paint([ImageRequest("a cat", 1, 64, 64, 3, 5.0)], preview_every=1)
        found = [p for d in steps if isinstance(d, Step) for p in d.previews.values()]
        assert [p.size for p in found] == [(64, 64)] * shown
