"""Loads models through the libraries that define them, in silence, and whole or not at all."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from limner.errors import BadInput, LimnerError, ModelUnusable, OutOfMemory
from limner.pipelines.oom import is_full
from limner.pipelines.weights import read_json

if TYPE_CHECKING:
    import torch

__all__ = [
    "check_bits",
    "check_numbers",
    "hushed",
    "load",
    "load_quantized",
    "opening",
    "painter_in",
    "put_off",
    "read_parts",
]


_AGAIN = "Fetch or make the model again."


@contextmanager
def opening(name: str, part: str, *libraries: str) -> Iterator[None]:
    """Silences the loaders, and turns what they raise into `ModelUnusable` or `OutOfMemory`.

    `libraries` besides transformers are those that the loading goes through.
    """
    put_off("bitsandbytes")
    try:
        with hushed("transformers", *libraries), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except LimnerError:
        raise
    except Exception as problem:  # loaders raise anything, from KeyError to those of their parsers
        if is_full(problem):
            raise OutOfMemory(
                f"There is no memory to open the {part} {name!r}.", "limner doctor says what fits."
            ) from None
        line = (str(problem).strip() or type(problem).__name__).splitlines()[0][:200]
        raise ModelUnusable(
            f"{name!r} cannot be opened as a {part}: {line}", f"Check that it is a {part}."
        ) from problem


def put_off(name: str) -> None:
    """Lets `import name` do nothing until something of that package is used.

    diffusers imports bitsandbytes, and that a second's worth of torch's compiler, whether or not
    anything is to be opened in few bits.
    """
    spec = None if name in sys.modules else find_spec(name)
    if spec is None:
        return
    stand_in = ModuleType(name)
    stand_in.__spec__, stand_in.__file__ = spec, spec.origin

    def used(attribute: str) -> Any:
        if attribute.startswith("__") and attribute != "__path__":
            raise AttributeError(attribute)  # what is asked of every module, by `inspect` for one
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    stand_in.__dict__["__getattr__"] = used
    sys.modules[name] = stand_in


@contextmanager
def hushed(*libraries: str) -> Iterator[None]:
    """Without the progress bars and remarks of those libraries, which are for their developers."""
    voices = [import_module(f"{library}.utils.logging") for library in libraries]
    before = [(voice.get_verbosity(), voice.is_progress_bar_enabled()) for voice in voices]
    for voice in voices:
        voice.set_verbosity_error()
        voice.disable_progress_bar()
    packer = logging.getLogger("bitsandbytes")  # transformers imports it, needed or not
    level = packer.level
    packer.setLevel(logging.ERROR)
    try:
        yield
    finally:
        packer.setLevel(level)
        for voice, (verbosity, shown) in zip(voices, before, strict=True):
            voice.set_verbosity(verbosity)
            (voice.enable_progress_bar if shown else voice.disable_progress_bar)()


def load(kind: Any, folder: Path, dtype: Any, **how: Any) -> Any:
    """A model of transformers, of a class or an automatic one, with all of its weights.

    `how` goes to the loader too. transformers itself makes up what a file lacks. Raises
    `ModelUnusable` for weights that are missing, do not fit the configuration, or are no numbers,
    and for an adapter, which names a model elsewhere; and whatever the loader raises.
    """
    if (folder / "adapter_config.json").exists():
        raise ModelUnusable(
            f"{folder.name!r} is an adapter of another model.", "Merge it into that model first."
        )
    model, told = kind.from_pretrained(
        folder,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        ignore_mismatched_sizes=True,  # so that they are told
        output_loading_info=True,
        **how,
    )
    for name, found, wanted in sorted(told["mismatched_keys"])[:1]:
        said = f"{name} is {_sides(found)} instead of {_sides(wanted)}"
        raise ModelUnusable(f"The weights in {folder.name!r} do not fit: {said}.", _AGAIN)
    _none_missing(folder.name, sorted(told["missing_keys"]))
    check_numbers(folder.name, model)
    return model


def read_parts(folder: Path, dtype: Any) -> dict[str, Any]:
    """The parts of a pipeline that transformers defines, loaded by `load`, by their names.

    The pipeline would load them itself, and not tell what is missing. A safety checker is left out:
    a pipeline's own paints over what it finds, in black, and calls that a picture; see `safety`.
    """
    import transformers

    parts: dict[str, Any] = {}
    for name, told in read_json(folder / "model_index.json").items():
        if name == "safety_checker":
            parts[name] = None
        elif isinstance(told, list) and told[0] == "transformers":
            kind = getattr(transformers, told[1])  # of an allowed name: it was verified
            if isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel):
                parts[name] = load(kind, folder / name, dtype)
    return parts


def check_numbers(name: str, model: torch.nn.Module) -> None:
    """Raises `ModelUnusable` unless every weight is there, and a finite number."""
    import torch

    _none_missing(name, [key for key, weight in model.named_parameters() if weight.is_meta])
    for key, weight in model.named_parameters():
        if weight.is_floating_point() and weight.element_size() > 1:  # float8 has no such test
            ends = torch.stack(torch.aminmax(weight.detach())) if weight.numel() else weight
            if not bool(torch.isfinite(ends).all()):
                raise ModelUnusable(
                    f"The weights in {name!r} are damaged: {key} has what is not a number.", _AGAIN
                )


def _none_missing(name: str, missing: list[str]) -> None:
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelUnusable(f"The weights in {name!r} lack {missing[0]}{more}.", _AGAIN)


def _sides(shape: Any) -> str:
    return " x ".join(map(str, shape)) or "one number"


def check_bits(bits: int | None) -> None:
    """Raises `BadInput` for a number of bits that nothing is opened in."""
    if bits not in (None, 4, 8):
        raise BadInput(f"A model cannot be opened in {bits} bits.", "Type 4 or 8, or leave it out.")


def load_quantized(
    kind: Any, folder: Path, device: torch.device, dtype: torch.dtype, bits: int | None = None
) -> Any:
    """The model of a transformers class in that folder, on that device, ready to be asked.

    `bits` 8 (LLM.int8, arXiv:2208.07339) or 4 (NF4, arXiv:2305.14314) packs the matrices of its
    layers by bitsandbytes, on a GPU and on a CPU; the rest keeps the dtype. None packs nothing.
    Raises `BadInput` for any other number, and what `loading.load` raises.
    """
    packed = _packed(bits, device, dtype)
    model = load(kind, folder, dtype, **packed)
    return (model if packed else model.to(device)).eval()


def painter_in(bits: int, folder: Path, where: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """What diffusers is to open a pipeline with: its denoiser and its text encoders in few bits.

    Raises `BadInput` where there is no CUDA: diffusers refuses it elsewhere.
    """
    if where.type != "cuda":
        raise BadInput(
            "A painter can be opened in fewer bits on a CUDA GPU alone.", "Leave `bits` out."
        )
    from diffusers import PipelineQuantizationConfig

    names = ("unet", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3")
    return {
        "quantization_config": PipelineQuantizationConfig(
            quant_backend=f"bitsandbytes_{bits}bit",
            quant_kwargs=_how(bits, dtype),
            components_to_quantize=[name for name in names if (folder / name).is_dir()],
        )
    }


def _packed(bits: int | None, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    check_bits(bits)
    if bits is None:
        return {}
    from transformers import BitsAndBytesConfig

    # It says before every product that it rounds to float16, which int8 always does.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    how = BitsAndBytesConfig(**_how(bits, dtype))
    return {"quantization_config": how, "device_map": {"": str(device)}}


def _how(bits: int, dtype: torch.dtype) -> dict[str, Any]:
    if bits == 8:
        return {"load_in_8bit": True}
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_compute_dtype": dtype,
    }
