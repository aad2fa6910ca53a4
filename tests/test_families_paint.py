"""Every family of painters, as tiny models of its real classes, saved and opened as any other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.pipelines.registry import open_painter
from limner.pipelines.roles import Order, Painted, Painter, Start, Step

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LETTERS = [(chr(c), -3.0) for c in range(33, 127)]
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def clip_words() -> Any:
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    pieces = [*letters, *(c + "</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={piece: i for i, piece in enumerate(pieces)}, merges=[], model_max_length=77
    )


def qwen_words() -> Any:
    from transformers import Qwen2Tokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    pieces = [*bytes_to_unicode().values(), "<|endoftext|>"]
    tokenizer = Qwen2Tokenizer(
        vocab={piece: i for i, piece in enumerate(pieces)},
        merges=[],
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        model_max_length=512,
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def t5_words() -> Any:
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *LETTERS]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=256)


def gemma_words() -> Any:
    from transformers import GemmaTokenizer

    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "▁", *(letter for letter, _ in LETTERS)]
    return GemmaTokenizer(
        vocab={mark: i for i, mark in enumerate(marks)}, merges=[], model_max_length=300
    )


def clip_text(words: Any, projects: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        projection_dim=32,
        hidden_act="gelu",
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return (CLIPTextModelWithProjection if projects else CLIPTextModel)(config)


def t5_text(words: Any, width: int = 32) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(
        T5Config(vocab_size=len(words), d_model=width, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    )


def qwen_text(words: Any, layers: int, head: bool) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

    config = Qwen3Config(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=len(words),
        max_position_embeddings=512,
    )
    return (Qwen3ForCausalLM if head else Qwen3Model)(config)


def eyes(channels: int = 4, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4,) * 4,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=channels,
        norm_num_groups=1,
        layers_per_block=1,
        sample_size=64,
        **more,
    )


def deep_eyes() -> Any:
    from diffusers import AutoencoderDC

    return AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock",) * 6,
        decoder_block_types=("ResBlock",) * 6,
        encoder_block_out_channels=(8,) * 6,
        decoder_block_out_channels=(8,) * 6,
        encoder_qkv_multiscales=((),) * 6,
        decoder_qkv_multiscales=((),) * 6,
        encoder_layers_per_block=(1,) * 6,
        decoder_layers_per_block=[1] * 6,
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.41,
    )


def crossed(**more: Any) -> Any:
    """A small U-Net of the kind of Stable Diffusion's."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        layers_per_block=1,
        sample_size=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=1,
        **more,
    )


def simple(**more: Any) -> Any:
    """A small U-Net of the kind of Imagen's and unCLIP's."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=8,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        cross_attention_dim=32,
        encoder_hid_dim=32,
        resnet_time_scale_shift="scale_shift",
        **more,
    )


def flow() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler()


def sd15() -> Any:
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    words = clip_words()
    return StableDiffusionPipeline(
        unet=crossed(block_out_channels=(4, 8), cross_attention_dim=32, attention_head_dim=2),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        vae=eyes(),
        text_encoder=clip_text(words),
        tokenizer=words,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sdxl(sample: int = 8) -> Any:
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    words = clip_words()
    unet = crossed(
        block_out_channels=(2, 4),
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=80,
        cross_attention_dim=64,
    )
    unet.register_to_config(sample_size=sample)
    return StableDiffusionXLPipeline(
        unet=unet,
        scheduler=EulerDiscreteScheduler(),
        vae=eyes(),
        text_encoder=clip_text(words),
        tokenizer=words,
        text_encoder_2=clip_text(words, projects=True),
        tokenizer_2=clip_words(),
    )


def sdxl_turbo() -> Any:
    return sdxl(sample=64)


def sd35() -> Any:
    from diffusers import SD3Transformer2DModel, StableDiffusion3Pipeline

    words, more = clip_words(), t5_words()
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            patch_size=1,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            caption_projection_dim=32,
            joint_attention_dim=64,
            pooled_projection_dim=64,
            out_channels=4,
        ),
        scheduler=flow(),
        vae=eyes(shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_text(words, projects=True),
        tokenizer=words,
        text_encoder_2=clip_text(words, projects=True),
        tokenizer_2=clip_words(),
        text_encoder_3=t5_text(more, 64),
        tokenizer_3=more,
    )


def flux(guided: bool = False) -> Any:
    from diffusers import FluxPipeline, FluxTransformer2DModel

    words, more = clip_words(), t5_words()
    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=[4, 4, 8],
            guidance_embeds=guided,
        ),
        scheduler=flow(),
        vae=eyes(shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip_text(words),
        tokenizer=words,
        text_encoder_2=t5_text(more),
        tokenizer_2=more,
    )


def flux_dev() -> Any:
    return flux(guided=True)


def klein() -> Any:
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel

    words = qwen_words()
    return Flux2KleinPipeline(
        transformer=Flux2Transformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            timestep_guidance_channels=256,
            axes_dims_rope=[4, 4, 4, 4],
            guidance_embeds=False,
        ),
        vae=AutoencoderKLFlux2(
            sample_size=32,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(4,) * 4,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=1,
        ),
        scheduler=flow(),
        text_encoder=qwen_text(words, 28, head=True),  # layers 9, 18 and 27 are read
        tokenizer=words,
        is_distilled=True,
    )


def z_image() -> Any:
    import torch
    from diffusers import ZImagePipeline, ZImageTransformer2DModel

    words = qwen_words()
    core = ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        norm_eps=1e-5,
        qk_norm=True,
        cap_feat_dim=16,
        rope_theta=256.0,
        t_scale=1000.0,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 32, 32],
    )
    with torch.no_grad():  # they are not set to anything at first
        core.x_pad_token.fill_(1)
        core.cap_pad_token.fill_(1)
    return ZImagePipeline(
        transformer=core,
        vae=eyes(16, shift_factor=0.11, scaling_factor=0.36),
        scheduler=flow(),
        text_encoder=qwen_text(words, 2, head=False),
        tokenizer=words,
    )


def qwen_image() -> Any:
    from diffusers import (
        AutoencoderKLQwenImage,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    words = qwen_words()
    reads = {
        "vocab_size": len(words),
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
        "rope_theta": 1e6,
    }
    sees = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2}
    config = Qwen2_5_VLConfig(text_config=reads, vision_config={**sees, "out_hidden_size": 16})
    return QwenImagePipeline(
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            guidance_embeds=False,
            axes_dims_rope=(8, 4, 4),
        ),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        scheduler=flow(),
        tokenizer=words,
        text_encoder=Qwen2_5_VLForConditionalGeneration(config).eval(),
    )


def gemma_text(words: Any) -> Any:
    from transformers import Gemma2Config, Gemma2Model

    return Gemma2Model(
        Gemma2Config(
            head_dim=16,
            hidden_size=8,
            intermediate_size=16,
            num_attention_heads=2,
            num_hidden_layers=1,
            num_key_value_heads=2,
            vocab_size=len(words),
            attn_implementation="eager",
        )
    )


def sana(sprint: bool = False) -> Any:
    from diffusers import SanaPipeline, SanaSprintPipeline, SanaTransformer2DModel, SCMScheduler

    words = gemma_words()
    core = SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=8,
        sample_size=2,
        **({"qk_norm": "rms_norm_across_heads", "guidance_embeds": True} if sprint else {}),
    )
    return (SanaSprintPipeline if sprint else SanaPipeline)(
        transformer=core,
        vae=deep_eyes(),
        scheduler=SCMScheduler() if sprint else flow(),
        text_encoder=gemma_text(words),
        tokenizer=words,
    )


def sana_sprint() -> Any:
    return sana(sprint=True)


def pixart() -> Any:
    from diffusers import DDIMScheduler, PixArtSigmaPipeline, PixArtTransformer2DModel

    words = t5_words()
    return PixArtSigmaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=8,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=3,
            caption_channels=32,
            in_channels=4,
            cross_attention_dim=24,
            out_channels=8,
        ),
        vae=eyes(),
        scheduler=DDIMScheduler(),
        text_encoder=t5_text(words),
        tokenizer=words,
    )


def kandinsky() -> Any:
    from diffusers import (
        DDIMScheduler,
        KandinskyV22CombinedPipeline,
        PriorTransformer,
        UnCLIPScheduler,
        VQModel,
    )
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
    )

    words = clip_words()
    sees = CLIPVisionConfig(
        hidden_size=32,
        image_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=1,
        patch_size=8,
    )
    prior = PriorTransformer(
        num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1
    )
    prior.clip_std.data.fill_(1.0)
    return KandinskyV22CombinedPipeline(
        unet=simple(
            sample_size=8,
            in_channels=4,
            out_channels=8,
            addition_embed_type="image",
            encoder_hid_dim_type="image_proj",
            attention_head_dim=4,
        ),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        movq=VQModel(
            block_out_channels=(32,) * 4,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            norm_num_groups=8,
            norm_type="spatial",
            num_vq_embeddings=12,
            vq_embed_dim=4,
        ),
        prior_prior=prior,
        prior_image_encoder=CLIPVisionModelWithProjection(sees),
        prior_text_encoder=clip_text(words, projects=True),
        prior_tokenizer=words,
        prior_scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            clip_sample=True,
            clip_sample_range=10.0,
        ),
        prior_image_processor=CLIPImageProcessorPil(size={"shortest_edge": 32}),
    )


def _pixels() -> Any:
    from diffusers import DDPMScheduler

    return DDPMScheduler(beta_schedule="squaredcos_cap_v2", variance_type="learned_range")


def _imagen(**more: Any) -> Any:
    return simple(
        out_channels=6,
        attention_head_dim=4,
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        cross_attention_norm="group_norm",
        act_fn="gelu",
        **more,
    )


def deepfloyd() -> Any:
    from diffusers import IFPipeline

    words = t5_words()
    return IFPipeline(
        tokenizer=words,
        text_encoder=t5_text(words),
        unet=_imagen(sample_size=16, in_channels=3),
        scheduler=_pixels(),
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    )


def deepfloyd_second() -> Any:
    from diffusers import IFSuperResolutionPipeline

    words = t5_words()
    return IFSuperResolutionPipeline(
        tokenizer=words,
        text_encoder=t5_text(words),
        unet=_imagen(sample_size=64, in_channels=6, class_embed_type="timestep"),
        scheduler=_pixels(),
        image_noising_scheduler=_pixels(),
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    )


BUILDERS: dict[str, Callable[[], Any]] = {
    "sd15": sd15,
    "sdxl": sdxl,
    "sdxl-turbo": sdxl_turbo,
    "sd35": sd35,
    "flux1-schnell": flux,
    "flux1-dev": flux_dev,
    "flux2-klein": klein,
    "qwen-image": qwen_image,
    "z-image": z_image,
    "sana": sana,
    "sana-sprint": sana_sprint,
    "pixart-sigma": pixart,
    "kandinsky22": kandinsky,
    "deepfloyd-if": deepfloyd,
}

SETTINGS = {"device": "cpu", "size": [64, 64], "steps": 4}
SLOW = {"deepfloyd-if", "kandinsky22"}


def tiny(key: str, folder: Path) -> Path:
    """The family's tiny model, saved."""
    import torch

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BUILDERS[key]().save_pretrained(folder / key)
        if key == "deepfloyd-if":
            deepfloyd_second().save_pretrained(folder / "second")
    return folder / key


@pytest.fixture(
    scope="module",
    params=[pytest.param(key, marks=[pytest.mark.slow] * (key in SLOW)) for key in BUILDERS],
)
def family(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Painter]]:
    folder = tiny(request.param, tmp_path_factory.mktemp("family"))
    second = {"second": str(folder.parent / "second")} if request.param == "deepfloyd-if" else {}
    yield request.param, open_painter(folder, SETTINGS | second)


def order(painter: Painter, seed: int, **more: Any) -> Order:
    return Order("a cat", seed, 64, 64, 4, painter.dialect.guidance, **more)


def paint(painter: Painter, *orders: Order, **how: Any) -> tuple[dict[int, Any], list[Step], float]:
    with closing(painter.paint(orders, **how)) as painting:
        done = list(painting)
        pictures = {d.index: d.picture for d in done if isinstance(d, Painted)}
        return pictures, [step for step in done if isinstance(step, Step)], painting.spent


def apart(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


def test_it_is_known_for_what_it_is(family: tuple[str, Painter]) -> None:
    key, painter = family
    assert painter.family.key == key  # type: ignore[attr-defined]
    assert painter.dialect.size == (64, 64)
    assert painter.count_tokens("a cat and a dog") > painter.count_tokens("a cat") > 0


def test_alone_or_in_company_the_picture_is_the_same(family: tuple[str, Painter]) -> None:
    _, painter = family
    alone, steps, spent = paint(painter, order(painter, 5))
    both, _, _ = paint(painter, order(painter, 3), order(painter, 5))
    assert spent == pytest.approx(1)
    assert [step.number for step in steps] == list(range(1, steps[0].of + 1))
    assert alone[0].size == (64, 64)
    assert apart(alone[0], both[1]) <= 2
    assert apart(both[0], both[1]) > 2


def test_a_dropped_order_costs_nothing_more(family: tuple[str, Painter]) -> None:
    key, painter = family
    orders = [order(painter, seed) for seed in (3, 5, 7)]
    whole, _, _ = paint(painter, *orders)
    parts = _denoisers(painter)
    with _counting(parts) as rows:
        painting = painter.paint(orders)
        rest = {}
        for done in painting:
            if isinstance(done, Step) and done.number == done.of // 2:
                painting.drop(1)
            if isinstance(done, Painted):
                rest[done.index] = done.picture
    assert sorted(rest) == [0, 2]
    assert all(apart(rest[i], whole[i]) <= 2 for i in rest)
    assert painting.spent == pytest.approx(3 * 0.5 + 2 * 0.5)
    assert rows[-1] * 3 == rows[0] * 2, key  # the denoiser really had two thirds of the work


def test_closing_leaves_the_painter_as_it_was(family: tuple[str, Painter]) -> None:
    _, painter = family
    before, steps, _ = paint(painter, order(painter, 5))
    painting = painter.paint([order(painter, 5)])
    next(iter(painting))
    painting.close()
    assert painting.spent == pytest.approx(1 / steps[0].of)
    assert apart(paint(painter, order(painter, 5))[0][0], before[0]) == 0


def test_painting_over_a_box_leaves_the_rest(family: tuple[str, Painter]) -> None:
    key, painter = family
    old = Image.effect_noise((64, 64), 90).convert("RGB")
    start = Start(old, 0.5, (0, 0, 32, 64))
    if not painter.dialect.repairs:
        assert key in {"deepfloyd-if", "flux2-klein", "pixart-sigma", "sana", "sana-sprint"}
        with pytest.raises(Exception, match="cannot paint over"):
            painter.paint([order(painter, 5, start=start)])
        return
    alone, steps, spent = paint(painter, order(painter, 5, start=start))
    whole = order(painter, 3, start=Start(old, 0.5))
    both, _, _ = paint(painter, whole, order(painter, 5, start=start))
    assert len(steps) == 2
    assert spent == pytest.approx(0.5)
    assert apart(alone[0].crop((32, 0, 64, 64)), old.crop((32, 0, 64, 64))) == 0
    assert apart(alone[0], old) > 20
    assert apart(alone[0], both[1]) <= 2


def test_outside_the_box_the_latents_are_held(family: tuple[str, Painter]) -> None:
    """Not only the finished picture: else seams would show, and inside would not fit outside."""
    _, painter = family
    if not painter.dialect.repairs:
        pytest.skip("paints over no part")
    old = Image.effect_noise((64, 64), 90).convert("RGB")
    starts = [Start(old, strength, (0, 0, 8, 8)) for strength in (0.25, 1.0)]
    little, much = (_latents(painter, order(painter, 5, start=start)) for start in starts)
    same = np.isclose(little, much, atol=1e-3)
    assert same.mean() >= 0.9  # all but the one latent, or the one token of 16
    assert not same.all()


def _latents(painter: Painter, one: Order) -> Any:
    """What the pipeline decodes at the end."""
    painting: Any = painter.paint([one])
    list(painting)
    return painting._batch._before.float().numpy()


def _denoisers(painter: Any) -> list[Any]:
    from limner.pipelines.sparing import denoisers

    return denoisers(painter._pipe)


class _counting:
    """Notes how many rows each denoiser really gives, before what was spared is filled in."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts, self.hooks = parts, list[Any]()

    def __enter__(self) -> list[int]:
        rows: list[int] = []

        def note(_: Any, __: Any, made: Any) -> None:
            rows.append(len(made[0]))

        self.hooks = [part.register_forward_hook(note) for part in self.parts]
        return rows

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()
