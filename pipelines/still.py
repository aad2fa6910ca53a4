"""Readies still pictures and words for a model that sees, without what only films would need."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from limner.errors import ModelUnusable

__all__ = ["open_still", "sees", "template"]


def sees(folder: Path) -> bool:
    """Whether the model in that folder reads pictures with its words, by its config.json."""
    from transformers import PreTrainedConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    told, _ = PreTrainedConfig.get_config_dict(folder, local_files_only=True)
    return told.get("model_type") in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES


def template(folder: Path) -> str | None:
    """The chat template that lies beside the model's weights; None where there is none."""
    from transformers import ProcessorMixin

    told, _ = ProcessorMixin.get_processor_dict(folder, local_files_only=True)
    found: str | None = told.get("chat_template")
    return found


def open_still(folder: Path) -> Any:
    """The transformers processor of the model in that folder, for pictures alone.

    Pictures are read by PIL. The part that reads films is left out, since transformers opens it
    with torchvision only; so is the one of SmolVLM that spells out seconds: its pictures are told
    as Idefics3's are. Raises `ModelUnusable` for a model that takes no pictures with its words.
    """
    from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer

    local = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **local)
    kind = _kind(config)
    told, _ = kind.get_processor_dict(folder, **local)
    asked = inspect.signature(kind.__init__).parameters
    parts: dict[str, Any] = {part: None for part in asked if part.startswith("video_")}
    parts |= {key: told[key] for key in told if key in asked and key not in kind.get_attributes()}
    parts["image_processor"] = AutoImageProcessor.from_pretrained(folder, backend="pil", **local)
    parts["tokenizer"] = AutoTokenizer.from_pretrained(folder, padding_side="left", **local)
    made: Any = type(f"Still{kind.__name__}", (_Still, kind), {})(**parts)
    made.chat_template = made.chat_template or parts["tokenizer"].chat_template
    return made


class _Still:
    """Tells transformers that the part for films is not missed."""

    @classmethod
    def get_attributes(cls) -> list[str]:
        parts: list[str] = super().get_attributes()  # type: ignore[misc]
        return [part for part in parts if not part.startswith("video_")]


def _kind(config: Any) -> Any:
    """The processor's class, by the model's."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    if config.model_type == "smolvlm":
        return transformers.Idefics3Processor
    kind = PROCESSOR_MAPPING.get(type(config), None)
    if kind is None:
        raise ModelUnusable(
            f"A model of the kind {config.model_type!r} takes no pictures with its words.",
            "For instance: SmolVLM, Qwen3-VL, LLaVA, Gemma 3.",
        )
    return kind
