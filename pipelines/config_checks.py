"""Looks into a model's configurations for code of its own, and for classes that no model needs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from limner.errors import ModelUnusable
from limner.pipelines.file_checks import read_json, unusable

__all__ = ["check_configuration"]

_PARTS = (
    r"\w+(Model|ModelWithProjection|ForCausalLM|ForConditionalGeneration|ForImageTextRetrieval"
    r"|Tokenizer|TokenizerFast|TokenizersBackend|Processor|ProcessorFast|ProcessorPil"
    r"|FeatureExtractor)"
)
ALLOWED: dict[str | None, re.Pattern[str]] = {
    None: re.compile(r""),  # a part that is not there
    "diffusers": re.compile(
        r"(?!Flax|Onnx)(Autoencoder\w+|AsymmetricAutoencoderKL|VQModel|PriorTransformer"
        r"|\w+Scheduler|\w+Model|\w+Adapter|\w+Pipeline)"
    ),
    "transformers": re.compile(rf"(?!Flax|TF){_PARTS}|TokenizersBackend"),
    "stable_diffusion": re.compile(r"StableDiffusionSafetyChecker"),
    "deepfloyd_if": re.compile(r"IFSafetyChecker|IFWatermarker"),
}
"""The classes that a folder may name, by the library that they are taken from; nothing else is
ever looked up by a name that came with a model. The last two are modules of diffusers."""

_CODE = {"auto_map", "custom_pipeline", "custom_pipelines", "custom_generate", "_target_"}
_NAMES = (
    "feature_extractor_type",
    "image_processor_type",
    "processor_class",
    "tokenizer_class",
    "video_processor_type",
)
_ANOTHER = "Use another model."


def check_configuration(path: Path) -> None:
    """Refuses what could make a loader run code that came with the model, or fetch some.

    Raises `ModelUnusable` for remote code (CVE-2026-4372), for kernels of a hub, and for classes
    that are not allowed (`ALLOWED`).
    """
    read = read_json(path)
    for key, value in _pairs(read):
        if key in _CODE or key.startswith("_attn_implementation_internal"):
            raise unusable(path, f"asks for code of its own: {key}", _ANOTHER)
        if key.endswith(("attn_implementation", "experts_implementation")) and "/" in str(value):
            raise unusable(path, f"asks for code of a hub: {key}", _ANOTHER)
    if path.name == "model_index.json":
        _check_parts(path, read)
    else:
        _check_names(path, read)


def _check_parts(path: Path, read: dict[str, Any]) -> None:
    """The pipeline's class, and library and class of each part."""
    for key, value in read.items():
        if key == "_class_name":
            _check_class(path, key, "diffusers", value)
        elif isinstance(value, list) and not key.startswith("_") and len(value) == 2:
            _check_class(path, key, *value)


def _check_names(path: Path, read: dict[str, Any]) -> None:
    """The classes that one part's own configuration names."""
    for key in _NAMES:
        if read.get(key) is not None:
            _check_class(path, key, "transformers", read[key])
    if read.get("_class_name") is not None:
        _check_class(path, "_class_name", "diffusers", read["_class_name"])
    architectures = read.get("architectures") or []
    for name in architectures if isinstance(architectures, list) else [architectures]:
        if not (isinstance(name, str) and name.isidentifier()):
            raise _foreign(path, "architectures", name)


def _check_class(path: Path, key: str, library: Any, name: Any) -> None:
    known = ALLOWED.get(library) if library is None or isinstance(library, str) else None
    fits = known and (name is None or (isinstance(name, str) and known.fullmatch(name)))
    if not fits or (library is None) != (name is None):
        raise _foreign(path, key, name)


def _foreign(path: Path, key: str, name: Any) -> ModelUnusable:
    return unusable(path, f"names a class that is not allowed: {key}: {str(name)[:60]!r}", _ANOTHER)


def _pairs(value: Any) -> list[tuple[str, Any]]:
    """Every key of a JSON value with what is under it, however deep."""
    found: list[tuple[str, Any]] = []
    rest = [value]
    while rest:
        here = rest.pop()
        if isinstance(here, dict):
            found += here.items()
            rest += here.values()
        elif isinstance(here, list):
            rest += here
    return found
