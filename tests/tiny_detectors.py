"""Tiny detectors of the real classes, with random weights, as folders that any other would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tiny_parts import clip_words

__all__ = ["KINDS", "detector"]

LAYERS = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
}


def detector(kind: str, folder: Path) -> Path:
    """Make one of `KINDS` in a folder."""
    import torch

    torch.manual_seed(0)
    KINDS[kind](folder)
    return folder


def _owl(kind: str, folder: Path) -> None:
    import transformers

    words = clip_words()
    config = getattr(transformers, f"{kind}Config")(
        text_config=LAYERS
        | {"vocab_size": len(words), "max_position_embeddings": 16}
        | {"bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id},
        vision_config=LAYERS | {"image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    model = getattr(transformers, f"{kind}ForObjectDetection")(config)
    for name, weight in model.named_parameters():
        if "_head" in name and name.endswith("weight"):
            weight.data *= 0.1 if "dense" in name else 0.0  # as they are, all scores saturate
    model.class_head.logit_scale.bias.data.fill_(3.0)
    model.save_pretrained(folder)
    size = {"height": 32, "width": 32}
    getattr(transformers, f"{kind}ImageProcessorPil")(size=size).save_pretrained(folder)
    words.save_pretrained(folder)


def _dino(folder: Path) -> None:
    from transformers import (
        BertTokenizer,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessorPil,
        SwinConfig,
    )

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "cat", "dog", "red", "blue", "the"]
    words = BertTokenizer(vocab={piece: n for n, piece in enumerate(pieces)})
    sees = SwinConfig(
        window_size=7,
        embed_dim=8,
        depths=[1] * 4,
        num_heads=[1] * 4,
        image_size=64,
        out_features=["stage2", "stage3", "stage4"],
    )
    reads: dict[str, Any] = LAYERS | {"model_type": "bert", "vocab_size": len(words)}
    config = GroundingDinoConfig(
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_queries=6,
        num_feature_levels=3,
        encoder_n_points=2,
        decoder_n_points=2,
        backbone_config=sees,
        text_config=reads | {"max_position_embeddings": 32},
        max_text_len=16,
    )
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    GroundingDinoImageProcessorPil(size=size).save_pretrained(folder)
    words.save_pretrained(folder)


KINDS = {
    "owlvit": lambda folder: _owl("OwlViT", folder),
    "owlv2": lambda folder: _owl("Owlv2", folder),
    "grounding-dino": _dino,
}
