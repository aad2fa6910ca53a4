"""Tiny painters of the families around a transformer: FLUX.2, Z-Image, Qwen-Image, Sana, PixArt."""

from __future__ import annotations

from typing import Any

from tiny_parts import deep_eyes, eyes, flow, gemma_words, qwen_text, qwen_words, t5_text, t5_words


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
