"""Painters made faster: what they paint is what they would have painted, and refusals say why."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_families import tiny

from limner.errors import BadInput
from limner.pipelines.families import families, family_named
from limner.pipelines.oom import offload
from limner.pipelines.registry import open_painter
from limner.pipelines.roles import GeneratedImage, ImageRequest, InitImage, Step
from limner.pipelines.speedups import Speedups

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

STEPS = 4
KINDS = ("sd15", "flux1-dev", "flux2-klein", "qwen-image", "pixart-sigma")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A U-Net, transformers that can do nearly everything, and one that can do little."""
    where = tmp_path_factory.mktemp("speedups")
    return {key: tiny(key, where) for key in KINDS}


def opened(folder: Path, **told: Any) -> Any:
    return open_painter(folder, {"device": "cpu", "size": [64, 64], "steps": STEPS, **told})


def paint(painter: Any, *seeds: int, drop: int | None = None, **more: Any) -> dict[int, Any]:
    """Pictures of some seeds; the one at `drop` is dropped after the first step."""
    orders = [ImageRequest("a cat", s, 64, 64, STEPS, painter.spec.guidance, **more) for s in seeds]
    pictures = {}
    with closing(painter.paint(orders)) as painting:
        for done in painting:
            if isinstance(done, Step) and drop is not None:
                painting.drop(drop)
            elif isinstance(done, GeneratedImage):
                pictures[done.index] = done.picture
    return pictures


def apart(one: dict[int, Any], other: dict[int, Any]) -> int:
    assert one.keys() == other.keys()
    return max(int(np.abs(np.asarray(one[i], int) - np.asarray(other[i], int)).max()) for i in one)


@pytest.mark.parametrize(
    ("key", "told", "mark"),
    [
        ("sd15", {"channels_last": True}, ":channels-last"),
        ("flux1-dev", {"channels_last": True}, ":channels-last"),
        ("flux1-dev", {"attention": "_native_math"}, ":_native_math"),
        ("qwen-image", {"attention": "native"}, ":native"),
    ],
)
def test_faster_painters_paint_the_same(
    key: str, told: dict[str, Any], mark: str, folders: dict[str, Path]
) -> None:
    plain, fast = opened(folders[key]), opened(folders[key], **told)
    assert fast.name == plain.name + mark
    assert apart(paint(plain, 1, 2), paint(fast, 1, 2)) <= 2
    assert apart(paint(fast, 1, 2, 3, drop=1), {0: paint(fast, 1)[0], 2: paint(fast, 3)[0]}) <= 2


def test_convolutions_are_laid_out_and_stay_so_when_offloaded(folders: dict[str, Path]) -> None:
    painter = opened(folders["sd15"], channels_last=True)
    pipe = painter._palette.pipe
    before = paint(painter, 1)
    for how in ("", "model", "group"):
        offload(pipe, torch.device("cpu"), how)
        kernels = [pipe.unet.conv_in.weight, pipe.vae.decoder.conv_out.weight]
        assert all(one.is_contiguous(memory_format=torch.channels_last) for one in kernels), how
        assert apart(before, paint(painter, 1)) == 0


def test_another_attention_is_of_that_painter_alone(folders: dict[str, Path]) -> None:
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry as registry

    before = registry.get_active_backend()
    painter = opened(folders["flux1-dev"], attention="_native_math")
    assert registry.get_active_backend() == before
    block = painter._palette.pipe.transformer.transformer_blocks[0]
    assert block.attn.processor._attention_backend == "_native_math"


class _counting:
    """Counts the runs of a denoiser's last block, which a cache leaves out, and of its first."""

    def __init__(self, painter: Any) -> None:
        core = painter._palette.pipe.transformer
        self.runs = {"first": 0, "last": 0}
        self._inside(core.transformer_blocks[0].norm1, "first")
        self._inside(core.single_transformer_blocks[-1].norm, "last")

    def _inside(self, layer: Any, name: str) -> None:
        def note(*_: Any) -> None:
            self.runs[name] += 1

        layer.register_forward_hook(note)


def test_a_cache_leaves_out_blocks_that_would_change_little(folders: dict[str, Path]) -> None:
    plain = opened(folders["flux1-dev"])
    exact, rough = (opened(folders["flux1-dev"], cache=most) for most in (1e-9, 0.9))
    assert (exact.name, rough.name) == (f"{plain.name}:cache1e-09", f"{plain.name}:cache0.9")
    all_of_it, little = _counting(exact), _counting(rough)
    picture = paint(plain, 1)
    assert apart(picture, paint(exact, 1)) == 0
    assert all_of_it.runs == {"first": STEPS, "last": STEPS}
    assert 0 < apart(picture, paint(rough, 1)) < 64
    assert little.runs == {"first": STEPS, "last": 1}


@pytest.mark.parametrize("key", ["flux1-dev", "qwen-image"])
def test_a_cache_knows_nothing_of_other_pictures(
    key: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    painter = opened(folders[key] if key == "flux1-dev" else _deeper(tmp_path), cache=0.5)
    alone = {seed: paint(painter, seed)[0] for seed in (1, 2, 3)}
    left = painter.paint([ImageRequest("a dog", 9, 64, 64, STEPS, painter.spec.guidance)])
    next(iter(left))
    left.close()
    together = paint(painter, 1, 2, 3, drop=1)
    assert apart(together, {0: alone[1], 2: alone[3]}) == 0


@pytest.mark.parametrize("key", ["flux1-dev", "qwen-image"])
def test_a_cache_serves_painting_over_too(
    key: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = folders[key] if key == "flux1-dev" else _deeper(tmp_path)
    plain, fast = opened(folder), opened(folder, cache=1e-9)
    start = InitImage(Image.effect_noise((64, 64), 90).convert("RGB"), 0.75)
    assert apart(paint(plain, 1, start=start), paint(fast, 1, start=start)) == 0


def _deeper(folder: Path) -> Path:
    """Qwen-Image with two blocks: a cache needs one that runs and one that does not."""
    from diffusers import QwenImageTransformer2DModel
    from tiny_transformers import qwen_image

    torch.manual_seed(0)
    pipe = qwen_image()
    core = pipe.transformer
    pipe.transformer = QwenImageTransformer2DModel.from_config({**core.config, "num_layers": 2})
    pipe.save_pretrained(folder / "qwen-image")
    return folder / "qwen-image"


@pytest.mark.parametrize(
    ("key", "told", "says"),
    [
        ("flux1-dev", {"attention": "nonsense"}, "Leave `attention` out, or try one of: "),
        ("flux1-dev", {"attention": "_native_cudnn"}, "Leave `attention` out, or try one of: "),
        ("flux1-dev", {"attention": "sage"}, "Leave `attention` out, or try one of: "),
        ("flux1-dev", {"attention": "flash_hub"}, "leave out _hub"),
        ("sd15", {"attention": "native"}, "Leave `attention` out."),
        ("sd15", {"cache": 0.1}, "Leave `cache` out."),
        ("pixart-sigma", {"cache": 0.1}, "Leave `cache` out."),
        ("flux2-klein", {"cache": 0.1}, "Leave `cache` out."),
        ("qwen-image", {"cache": 0.1}, "Leave `cache` out."),  # a single block
        ("flux1-dev", {"cache": True}, "For instance: cache: 0.1"),
        ("flux1-dev", {"cache": 2}, "For instance: cache: 0.1"),
        ("flux1-dev", {"cache": "much"}, "For instance: cache: 0.1"),
        ("flux1-dev", {"attention": True}, "Leave `attention` out, or try one of: "),
        ("qwen-image", {"channels_last": True}, "Leave `channels_last` out."),
        ("pixart-sigma", {"compile": True}, "Leave `compile` out."),
        ("sd15", {"compile": True, "offload": "group"}, "Leave `compile` out."),
    ],
)
def test_what_a_painter_cannot_have_is_refused_in_a_line(
    key: str, told: dict[str, Any], says: str, folders: dict[str, Path]
) -> None:
    with pytest.raises(BadInput) as caught:
        opened(folders[key], **told)
    assert says in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_only_what_changes_little_is_on_by_itself() -> None:
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    laid_out = [one.key for one in families() if Speedups().settled(one, gpu).channels_last]
    assert {"sd15", "sdxl", "sdxl-turbo", "lcm"} <= set(laid_out)
    assert not {"flux1-dev", "sd35", "sana"} & set(laid_out)
    sd15 = family_named("sd15")
    assert Speedups().settled(sd15, gpu).marks == ":channels-last"
    assert Speedups().settled(sd15, cpu).marks == ""
    assert Speedups(channels_last=False).settled(sd15, gpu).marks == ""
    assert Speedups().settled(None, gpu).marks == ""


@pytest.mark.slow
@pytest.mark.parametrize("key", ["sd15", "qwen-image"])
def test_a_compiled_painter_paints_the_same(key: str, folders: dict[str, Path]) -> None:
    """Also when its batch shrinks on the way."""
    plain, fast = opened(folders[key]), opened(folders[key], compile=True)
    assert fast.name == f"{plain.name}:compiled"
    whole, rest = paint(plain, 1, 2, 3), paint(fast, 1, 2, 3, drop=1)
    assert apart({i: whole[i] for i in rest}, rest) <= 2
