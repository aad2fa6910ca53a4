"""Tiny models that see, of the real classes, saved as folders like those of a hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

SEEING = {
    "idefics3": "Idefics3ForConditionalGeneration",
    "smolvlm": "SmolVLMForConditionalGeneration",
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
    "qwen3_vl": "Qwen3VLForConditionalGeneration",
    "qwen3_5": "Qwen3_5ForConditionalGeneration",
    "llava": "LlavaForConditionalGeneration",
    "gemma3": "Gemma3ForConditionalGeneration",
}
"""The vision language models that are built here: type in config.json, and class."""

CHAT = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_IN_PARTS = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'text' %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_QWEN = "<|vision_start|><|image_pad|><|vision_end|>"
_MARKS = {
    "idefics3": ("<image>", ["<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]),
    "qwen": (_QWEN, ["<|vision_start|>", "<|image_pad|>", "<|video_pad|>", "<|vision_end|>"]),
    "llava": ("<image>", []),
    "gemma3": ("<start_of_image>", ["<end_of_image>", "<image_soft_token>"]),
}


def pictures() -> list[Image.Image]:
    """Three that differ in shape, mode and content."""
    gradient = Image.linear_gradient("L").resize((48, 80))
    return [gradient.convert("RGB"), gradient.rotate(180), Image.new("RGBA", (32, 32), "red")]


def build(kind: str, folder: Path) -> Path:
    """Saves the tiny model of that kind, with random weights, and returns its folder."""
    import torch

    torch.manual_seed(0)
    makers = {"siglip2": _siglip2, "blip": _blip, "llava": _llava, "gemma3": _gemma3}
    makers |= {"idefics3": _idefics3, "smolvlm": _idefics3}
    makers.get(kind, _qwen)(kind, folder)
    return folder


def words(marks: Sequence[str] = (), **settings: Any) -> Any:
    """A tokenizer of bytes and a few words, in which a chat can be spelled."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", *marks]
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=letters, special_tokens=special, show_progress=False
    )
    made.train_from_iterator(['a cat on a mat, {"prompt": "x", "n": 3}'] * 20, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>", **settings
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def _chat(kind: str, **settings: Any) -> Any:
    image, others = _MARKS[kind]
    marks = [*others] if image == _QWEN else [image, *others]
    tokenizer = words(marks, **settings)
    tokenizer.chat_template = _IN_PARTS.replace("IMAGE", image)
    return tokenizer


def speaker(kind: str, folder: Path) -> Path:
    """Saves a tiny language model of that class, such as Qwen3ForCausalLM."""
    import torch
    import transformers

    torch.manual_seed(0)
    made = getattr(transformers, kind)
    tokenizer = words()
    made(made.config_class(**_language(tokenizer, head_dim=8))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _language(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer) + 8,  # some tokenizers add marks of their own
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
        **more,
    }


def _vision(**more: Any) -> dict[str, Any]:
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2}
    return {**sizes, "num_attention_heads": 4, "image_size": 32, "patch_size": 8, **more}


def _idefics3(kind: str, folder: Path) -> None:
    import transformers as t

    tokenizer = _chat("idefics3")
    first = "SmolVLM" if kind == "smolvlm" else "Idefics3"
    config = getattr(t, f"{first}Config")(
        text_config={"model_type": "llama", **_language(tokenizer)},
        vision_config=_vision(),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )
    getattr(t, SEEING[kind])(config).save_pretrained(folder)
    eyes = getattr(t, f"{first}ImageProcessorPil")(
        size={"longest_edge": 64}, max_image_size={"longest_edge": 32}
    )
    t.Idefics3Processor(eyes, tokenizer, image_seq_len=4).save_pretrained(folder)
    eyes.save_pretrained(folder)


def _qwen(kind: str, folder: Path) -> None:
    import transformers as t

    tokenizer = _chat("qwen")
    number = tokenizer.convert_tokens_to_ids
    patch = 14 if kind == "qwen2_5_vl" else 16
    wide = 64 if kind == "qwen3_vl" else 32  # bitsandbytes packs 64 numbers together, in 4 bits
    vision: dict[str, Any] = {
        "depth": 2,
        "hidden_size": wide,
        "intermediate_size": wide,
        "num_heads": 4,
    }
    vision |= {"out_hidden_size": wide, "patch_size": patch, "spatial_merge_size": 2}
    vision |= {} if kind == "qwen2_5_vl" else {"num_position_embeddings": 64}
    vision |= {"fullatt_block_indexes": [1]} if kind == "qwen2_5_vl" else {}
    vision |= {"deepstack_visual_indexes": [0]} if kind == "qwen3_vl" else {}
    parts = [2, 1, 1] if wide == 32 else [4, 2, 2]
    rope = {"rope_type": "default", "mrope_section": parts, "rope_theta": 10000.0}
    text = _language(tokenizer, hidden_size=wide, head_dim=wide // 4, rope_parameters=rope)
    if kind == "qwen3_5":
        linear = {"linear_num_key_heads": 2, "linear_num_value_heads": 2}
        text |= {"linear_key_head_dim": 8, "linear_value_head_dim": 8, **linear}
        text |= {"num_hidden_layers": 4, "head_dim": 32}
    name = SEEING[kind].removesuffix("ForConditionalGeneration")
    config = getattr(t, f"{name}Config")(
        text_config=text,
        vision_config=vision,
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    getattr(t, SEEING[kind])(config).save_pretrained(folder)
    side = patch * 2
    eyes = t.Qwen2VLImageProcessorPil(
        patch_size=patch, merge_size=2, min_pixels=side**2, max_pixels=4 * side**2
    )
    eyes.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _llava(kind: str, folder: Path) -> None:
    import transformers as t

    tokenizer = _chat("llava")
    config = t.LlavaConfig(
        text_config={"model_type": "llama", **_language(tokenizer)},
        vision_config={"model_type": "clip_vision_model", **_vision()},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    t.LlavaForConditionalGeneration(config).save_pretrained(folder)
    eyes = t.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    rest = {"patch_size": 8, "vision_feature_select_strategy": "default"}
    t.LlavaProcessor(eyes, tokenizer, num_additional_image_tokens=1, **rest).save_pretrained(folder)


def _gemma3(kind: str, folder: Path) -> None:
    import transformers as t

    marks = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
    tokenizer = _chat("gemma3", extra_special_tokens={**marks, "image_token": "<image_soft_token>"})
    config = t.Gemma3Config(
        text_config=_language(tokenizer, head_dim=8, sliding_window=64),
        vision_config=_vision(),
        mm_tokens_per_image=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
    )
    model = t.Gemma3ForConditionalGeneration(config)
    model.model.multi_modal_projector.mm_input_projection_weight.data.normal_()  # else it is blind
    model.save_pretrained(folder)
    eyes = t.Gemma3ImageProcessorPil(size={"height": 32, "width": 32})
    t.Gemma3Processor(eyes, tokenizer, image_seq_length=4).save_pretrained(folder)


def _siglip2(kind: str, folder: Path) -> None:
    import transformers as t

    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁"]
    letters = [*marks, *"abcdefghijklmnopqrstuvwxyz0123456789.,"]
    tokenizer = t.Siglip2Tokenizer({letter: i for i, letter in enumerate(letters)}, [])
    text = _language(tokenizer, max_position_embeddings=64)
    vision = _vision(num_patches=16)
    config = t.Siglip2Config(text_config=text, vision_config=vision)
    t.Siglip2Model(config).save_pretrained(folder)
    t.Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _blip(kind: str, folder: Path) -> None:
    import transformers as t

    tokenizer = words()
    wild = {"initializer_range": 0.3}  # its own is so small that all pictures are alike
    text = _language(tokenizer, encoder_hidden_size=32, max_position_embeddings=64, **wild)
    vision = _vision(**wild)
    config = t.BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=16)
    t.BlipForImageTextRetrieval(config).save_pretrained(folder)
    eyes = t.BlipImageProcessorPil(size={"height": 32, "width": 32})
    t.BlipProcessor(eyes, tokenizer).save_pretrained(folder)
