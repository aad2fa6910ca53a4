"""Tiny painters of the families of Stable Diffusion and FLUX.1."""

from __future__ import annotations

from typing import Any

from tiny_parts import clip_text, clip_words, crossed, eyes, flow, t5_text, t5_words


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
