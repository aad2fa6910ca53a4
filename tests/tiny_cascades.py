"""Tiny painters of two stages: Kandinsky 2.2, and DeepFloyd IF."""

from __future__ import annotations

from typing import Any

from tiny_parts import clip_text, clip_words, simple, t5_text, t5_words


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
