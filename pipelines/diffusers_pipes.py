"""Opens a folder as diffusers pipelines, with LoRA, prompt weights and prompt cache."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from limner.errors import BadInput, MissingExtra
from limner.pipelines.cascades import Kandinsky, Stages
from limner.pipelines.device import place
from limner.pipelines.families import Family
from limner.pipelines.loading import check_numbers, opening, painter_in, read_parts
from limner.pipelines.oom import free, offload
from limner.pipelines.preview import small_decoder
from limner.pipelines.speedups import Speedups

__all__ = [
    "OFFLOADS",
    "PARTS",
    "OlderCallback",
    "PainterPipelines",
    "PipelineOptions",
    "PromptWeights",
    "blend",
    "file_of",
    "native",
    "open_over",
    "open_pipe",
    "remembering",
    "takes",
    "tokens",
    "wordwise",
]


class OlderCallback:
    """A pipeline whose `callback` hears of each step and can change nothing; see `Sparing`."""

    _callback_tensor_inputs = ("latents",)

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pipe, name)

    @property
    def num_timesteps(self) -> int:
        """Steps of the call in hand."""
        return len(self.pipe.scheduler.timesteps)

    def __call__(
        self, *, callback_on_step_end: Any, callback_on_step_end_tensor_inputs: Any, **how: Any
    ) -> Any:
        """The pipeline's own call."""

        def after(step: int, time: Any, latents: Any) -> None:
            callback_on_step_end(self, step, time, {"latents": latents})

        return self.pipe(callback=after, **how)


def takes(pipe: Any) -> Mapping[str, inspect.Parameter]:
    """The arguments that a pipeline can be called with."""
    if isinstance(pipe, OlderCallback):
        return takes(pipe.pipe)
    found: dict[str, inspect.Parameter] = {}
    for kind in reversed(type(pipe).__mro__):
        if "__call__" in vars(kind):
            found |= inspect.signature(kind.__call__).parameters
    return found


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

    if (family and family.over == "nothing") or isinstance(pipe, Stages | OlderCallback):
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
        return OlderCallback(pipe)
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


def file_of(lora: Path) -> Path:
    """The LoRA itself: the only safetensors file of a folder, or the file that was named.

    Raises `MissingExtra` without peft, and `BadInput` for a folder of several files or none.
    """
    try:
        import peft  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "A LoRA needs the package peft.", "Type: pip install 'limner[lora]'"
        ) from None
    found = [lora] if lora.is_file() else sorted(lora.glob("*.safetensors"))
    if len(found) != 1:
        raise BadInput(
            f"There are {len(found)} files in {lora.name!r} that could be the LoRA.",
            "Name the .safetensors file itself.",
        )
    return found[0]


def blend(pipe: Any, lora: Path, scale: float) -> None:
    """Fuses a LoRA's file into the pipeline's weights at that scale; painting costs no more then.

    Raises `BadInput` for a painter that takes none.
    """
    if not hasattr(pipe, "load_lora_weights"):
        raise BadInput("This painter takes no LoRA.", "Open it without.")
    pipe.load_lora_weights(
        lora.parent, weight_name=lora.name, use_safetensors=True, local_files_only=True
    )
    pipe.fuse_lora(lora_scale=scale)
    pipe.unload_lora_weights()


WINDOWS = 4
"""How many of CLIP's windows a prompt may fill; each repeats its start and end marks."""


class PromptWeights:
    """Turns prompts into embeddings with compel, which parses the weights and joins the windows.

    All prompts of a batch are padded to the longest, so a short one in the company of a long one
    gives a slightly different picture than alone.
    """

    def __init__(self, pipe: Any, compel: Any) -> None:
        self._compel = compel
        self.most = WINDOWS * int(pipe.tokenizer.model_max_length)

    @classmethod
    def of(cls, pipe: Any, name: str) -> PromptWeights:
        """For a Stable Diffusion 1 or XL pipeline.

        Raises `MissingExtra` without compel, `BadInput` for another pipeline.
        """
        kinds = {
            "StableDiffusionPipeline": "CompelForSD",
            "StableDiffusionXLPipeline": "CompelForSDXL",
        }
        kind = kinds.get(type(pipe).__name__)
        if kind is None:
            raise BadInput(f"Words cannot be weighed for {name!r}.", "Leave `weigh` out.")
        try:
            import compel
        except ImportError:
            raise MissingExtra(
                "Weighing words needs the package compel.", "Type: pip install 'limner[compel]'"
            ) from None
        return cls(pipe, getattr(compel, kind)(pipe))

    def embedded(self, prompts: list[str], unlike: list[str]) -> dict[str, Any]:
        """The arguments of a call that stand for those prompts and negative prompts."""
        made = self._compel(prompts, negative_prompt=unlike)
        said = {
            "prompt_embeds": made.embeds,
            "negative_prompt_embeds": made.negative_embeds,
            "pooled_prompt_embeds": made.pooled_embeds,
            "negative_pooled_prompt_embeds": made.negative_pooled_embeds,
        }
        return {key: value for key, value in said.items() if value is not None}


REMEMBERED = 16
"""Batches of prompts: what a large encoder makes of one is some megabytes."""


def remembering(pipe: Any) -> None:
    """Has a pipeline of diffusers encode the same prompts once only.

    What comes as pictures or embeddings is encoded as ever. The tensors handed out are the same
    each time: pipelines read them, and write into none.
    """
    encode = getattr(pipe, "encode_prompt", None)
    if encode is None:
        return
    known: OrderedDict[str, Any] = OrderedDict()

    def encode_prompt(*given: Any, **named: Any) -> Any:
        if not _plain_recall((given, named)):
            return encode(*given, **named)
        key = repr((given, sorted(named.items())))
        if key not in known:
            known[key] = encode(*given, **named)
        known.move_to_end(key)
        while len(known) > REMEMBERED:
            known.popitem(last=False)
        return _in_new_lists(known[key])

    pipe.encode_prompt = encode_prompt


def _plain_recall(value: Any) -> bool:
    """Whether a value is told by how it is written: text, numbers, devices, and lists of them."""
    import torch

    if isinstance(value, list | tuple):
        return all(map(_plain_recall, value))
    if isinstance(value, dict):
        return all(map(_plain_recall, value.values()))
    return isinstance(value, str | int | float | torch.device | torch.dtype | None)


def _in_new_lists(value: Any) -> Any:
    """The same tensors, in lists that whoever gets them may change."""
    if isinstance(value, list | tuple):
        return type(value)(_in_new_lists(item) for item in value)
    return value


OFFLOADS = ("", "model", "group")
"""How little of a painter is on the accelerator at a time: all, a part, a layer."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """What a painter is opened from, once or again: folders and settings of `DiffusersPainter`."""

    folder: Path
    name: str
    family: Family | None
    others: Mapping[str, Path]
    scale: float
    weigh: bool
    device: str
    bits: int | None
    offload: str
    speedups: Speedups

    def check(self) -> None:
        """Raises `BadInput` for settings that don't go together."""
        if self.offload not in OFFLOADS:
            raise BadInput(
                f"A painter can't be offloaded by {self.offload!r}.", "Say model, or group."
            )
        if self.bits and {"lora", "prior", "second"} & set(self.others):
            raise BadInput(
                "A painter with a LoRA, or one made of two, is not opened in fewer bits.",
                "Leave `bits` out.",
            )
        self.speedups.check(self.offload)


class PainterPipelines:
    """A painter's pipelines in memory: `pipe` paints from nothing, `over` over a picture (or None).

    `eyes` is the small decoder of previews, `weighing` weighs words; None where there is none.
    `speedups` are those that it paints with.
    """

    def __init__(self, recipe: PipelineOptions) -> None:
        family, others = recipe.family, recipe.others
        changes = file_of(others["lora"]) if "lora" in others else None
        self.where, dtype = place(recipe.device, family.dtypes if family else ())
        bits, folder = recipe.bits, recipe.folder
        self.speedups = recipe.speedups.settled(family, self.where)
        how = painter_in(bits, folder, self.where, dtype) if bits else {}
        with opening(recipe.name, "painter", "diffusers"):
            second = others.get(PARTS.get(family.key, "") if family else "")
            self.pipe = open_pipe(folder, family, dtype, second, how)
            if changes:
                blend(self.pipe, changes, recipe.scale)
            self.speedups.apply(self.pipe, self.where, dtype)
            self.over = open_over(self.pipe, family)
            self.eyes = small_decoder(others.get("preview"), family, self.where, dtype)
            self.offload = recipe.offload if self.where.type != "cpu" else ""
            offload(self.pipe, self.where, self.offload)
        self.speedups.hush()  # out here, since opening leaves warnings as they were
        for pipe in filter(None, (self.pipe, self.over)):
            pipe.set_progress_bar_config(disable=True)
            remembering(pipe)
        self.weighing = PromptWeights.of(self.pipe, recipe.name) if recipe.weigh else None

    def ease(self) -> bool:
        """Offloads it a degree further, for good; False where that can't be."""
        ways = OFFLOADS[:2] if self.speedups.compile else OFFLOADS
        further = ways[ways.index(self.offload) + 1 :]
        if not further or self.where.type == "cpu":
            return False
        self.offload = further[0]
        offload(self.pipe, self.where, self.offload)
        free()
        return True
