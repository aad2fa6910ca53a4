"""Opens a folder of weights as the pipeline that its family needs, ready to be called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from limner.errors import BadInput
from limner.pipelines.cascade_if import Stages
from limner.pipelines.cascade_kandinsky import Kandinsky
from limner.pipelines.families import Family
from limner.pipelines.loading import check_numbers, read_parts
from limner.pipelines.older_calls import Older, takes

__all__ = ["PARTS", "native", "open_over", "open_pipe", "tokens", "wordwise"]

PARTS = {"kandinsky22": "prior", "deepfloyd-if": "second"}
"""The setting that names the other folder of a family of two."""


def open_pipe(
    folder: Path,
    family: Family | None,
    dtype: Any,
    other: Path | None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """The pipeline in a folder, with its scheduler changed where the family's row says so.

    `other` is the second folder of a family of two, `more` what the loaders are to heed besides.
    Raises whatever the loaders raise.
    """
    from diffusers import ModelMixin

    how = {"dtype": dtype, "use_safetensors": True, "local_files_only": True, **more}
    pipe = _cascade(folder, family, other, how) or _plain(folder, how)
    for one in getattr(pipe, "pipes", [pipe]):
        for name, part in one.components.items():
            if isinstance(part, ModelMixin):  # those of transformers were checked as they came
                check_numbers(f"{folder.name}/{name}", part)
    if family and family.scheduler:
        _reschedule(pipe, family.scheduler)
    return pipe


def open_over(pipe: Any, family: Family | None) -> Any:
    """The pipeline that paints over a picture with the same weights; None where there is none."""
    from diffusers import AutoPipelineForImage2Image

    if (family and family.over == "nothing") or isinstance(pipe, Stages | Older):
        return None
    if isinstance(pipe, Kandinsky):
        return pipe.over()
    try:
        over = AutoPipelineForImage2Image.from_pipe(pipe)
    except ValueError:  # a family that has none
        return None
    return over if {"strength", "callback_on_step_end"} <= set(takes(over)) else None


def native(pipe: Any, family: Family | None) -> tuple[int, int]:
    """The size that the weights were made for, as (width, height) in pixels."""
    core = getattr(pipe, "unet", None) or pipe.transformer
    sample = core.config.get("sample_size")
    if not sample and family:
        return family.size
    sample = sample or getattr(pipe, "default_sample_size", None) or 64
    height, width = sample if isinstance(sample, list | tuple) else (sample, sample)
    return int(width) * grid(pipe), int(height) * grid(pipe)


def grid(pipe: Any) -> int:
    """How many pixels wide a latent is."""
    pixels = not any(getattr(pipe, name, None) for name in ("vae", "movq"))
    return int(getattr(pipe, "vae_scale_factor", 1 if pixels else 8))


def tokens(pipe: Any, family: Family | None) -> int:
    """The tokens of the longest prompt that the pipeline reads."""
    length = _length(wordwise(pipe))
    most = family.tokens if family else 512
    return min(length, most) if length else most


def wordwise(pipe: Any) -> Any:
    """The tokenizer of the text encoder that reads furthest."""
    names = ("tokenizer", "tokenizer_2", "tokenizer_3")
    known = [found for name in names if (found := getattr(pipe, name, None)) is not None]
    return max(known, key=_length)


def _length(tokenizer: Any) -> int:
    """What a tokenizer says is its model's limit, 0 where that is no limit."""
    length = int(getattr(tokenizer, "model_max_length", 0))
    return length if length < 100_000 else 0


def _plain(folder: Path, how: dict[str, Any]) -> Any:
    from diffusers import AutoPipelineForText2Image, DiffusionPipeline

    how = {**how, **read_parts(folder, how["dtype"])}
    try:
        pipe = AutoPipelineForText2Image.from_pretrained(folder, **how)
    except ValueError:  # a family that the automatic class does not list
        pipe = DiffusionPipeline.from_pretrained(folder, **how)
    known = takes(pipe)
    if "callback_on_step_end" in known:
        return pipe
    if "callback" in known:
        return Older(pipe)
    raise BadInput("The pipeline does not tell of its steps.", "Use another model.")


def _cascade(folder: Path, family: Family | None, other: Path | None, how: dict[str, Any]) -> Any:
    """The family's own opener, where it is made of two models."""
    if family and family.key == "kandinsky22":
        return Kandinsky.open(folder, other, how)
    if family and family.key == "deepfloyd-if" and other:
        return Stages.open(folder, other, how)
    return None


def _reschedule(pipe: Any, wanted: dict[str, Any]) -> None:
    import diffusers

    changes = {key: value for key, value in wanted.items() if key != "class"}
    kind = getattr(diffusers, wanted["class"]) if "class" in wanted else type(pipe.scheduler)
    pipe.scheduler = kind.from_config(pipe.scheduler.config, **changes)
