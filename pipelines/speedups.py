"""Makes a painter faster: by compiling it, by leaving out steps, and by how its numbers lie."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from limner.errors import BadInput
from limner.pipelines.active_rows import denoisers

if TYPE_CHECKING:
    import torch

    from limner.pipelines.families import Family

__all__ = ["Speedups", "forgetful"]

CACHELESS = {"Flux2Transformer2DModel"}
"""Denoisers that diffusers 0.42 gives a cache and then fails in: the first of their blocks gives
text and picture apart, the last as one."""


@dataclass(frozen=True, slots=True)
class Speedups:
    """What is done to a painter's pipeline so that it paints faster.

    With `compile`, torch compiles the blocks that its denoiser repeats, when it first paints.
    `cache` is the threshold of a first-block cache (TeaCache, arXiv:2411.19108, made simpler by
    ParaAttention): where the first block changes relatively less than that between two steps, the
    others are not run. `attention` names a backend of diffusers. `channels_last` lays convolutions
    out as tensor cores and oneDNN read them; None is the family's own way.

    All but the cache change the last bits of pictures alone. The cache changes pictures.
    """

    compile: bool = False
    cache: float | None = None
    attention: str = ""
    channels_last: bool | None = None

    def check(self, offload: str) -> None:
        """Raises `BadInput` for what is no threshold, or does not go together."""
        number = isinstance(self.cache, int | float) and not isinstance(self.cache, bool)
        if self.cache is not None and not (number and 0 < self.cache < 1):
            raise BadInput(
                f"A painter's cache can't have the threshold {self.cache}.",
                "For instance: cache: 0.1; or leave it out.",
            )
        if self.attention.endswith("_hub"):
            raise BadInput(
                f"The attention {self.attention!r} is code from a hub, which is not run here.",
                "Install its package, and leave out _hub.",
            )
        if self.compile and offload == "group":  # its layers come and go within what is compiled
            raise BadInput(
                "A painter that is offloaded by layers is not compiled.", "Leave `compile` out."
            )

    def settled(self, family: Family | None, where: torch.device) -> Speedups:
        """The same with the family's own way where nothing was said; on a CPU, it has none."""
        if self.channels_last is not None:
            return self
        usual = family is not None and family.channels_last and where.type == "cuda"
        return replace(self, channels_last=usual)

    @property
    def marks(self) -> str:
        """What a recipe has to keep: all of this changes pictures, if only their last bits."""
        made = [
            "compiled" if self.compile else "",
            f"cache{self.cache:g}" if self.cache is not None else "",
            self.attention,
            "channels-last" if self.channels_last else "",
        ]
        return "".join(f":{one}" for one in made if one)

    def apply(self, pipe: Any, where: torch.device, dtype: torch.dtype) -> None:
        """Does it to a pipeline, and so to all that share its parts.

        Raises `BadInput` for what this pipeline or this machine can't.
        """
        if self.channels_last:
            _lay_out(pipe)
        for part in denoisers(pipe):
            if self.attention:
                _attend(part, self.attention, where, dtype)
            if self.cache is not None:
                _cache(part, self.cache)
            if self.compile:
                _compile(part, where)

    def hush(self) -> None:
        """Silences what compilers tell developers while it paints: which operations are slow."""
        if self.compile:
            warnings.filterwarnings("ignore", module=r"torch\._(dynamo|inductor)")


@contextmanager
def forgetful(parts: Sequence[Any]) -> Iterator[None]:
    """Within it, first-block caches know only what is painted there; others are left alone.

    A painting that was left half-way would leave its own behind. What is remembered goes by a name,
    which not every pipeline that paints over a picture gives.
    """
    caching = [part for part in parts if getattr(part, "is_cache_enabled", False)]
    with ExitStack() as names:
        for part in caching:
            part._reset_stateful_cache()
            names.callback(part._reset_stateful_cache)
            names.enter_context(part.cache_context("painting"))
        yield


def _lay_out(pipe: Any) -> None:
    """Only convolutions in two dimensions: there is no such layout for others."""
    import torch

    owners = getattr(pipe, "pipes", [pipe])
    parts = [getattr(owner, name, None) for owner in owners for name in ("unet", "vae", "movq")]
    layers = [layer for part in parts if part is not None for layer in part.modules()]
    flat = [layer for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    if not flat or any(isinstance(layer, torch.nn.Conv3d) for layer in layers):
        raise BadInput(
            "This painter can't be laid out with channels last.", "Leave `channels_last` out."
        )
    for layer in flat:
        layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _attend(part: Any, name: str, where: torch.device, dtype: torch.dtype) -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName, attention_backend

    doers = [getattr(layer, "processor", None) for layer in part.modules()]
    if not any(hasattr(doer, "_attention_backend") for doer in doers):
        raise BadInput("This painter has its own attention alone.", "Leave `attention` out.")
    try:
        with attention_backend():  # for other painters of the process, all stays as it is
            part.set_attention_backend(name)
        _try(name, where, dtype)
    except (ValueError, RuntimeError, ImportError, AssertionError) as problem:
        known = sorted(one.value for one in AttentionBackendName if not one.value.endswith("_hub"))
        raise BadInput(
            f"The attention {name!r} does not work here: {_line(problem)}",
            f"Leave `attention` out, or try one of: {', '.join(known)}.",
        ) from problem


def _try(name: str, where: torch.device, dtype: torch.dtype) -> None:
    """Attends once: that a backend is installed does not mean that it runs on this device."""
    import torch
    from diffusers.models.attention_dispatch import dispatch_attention_fn

    some = torch.zeros(1, 128, 2, 64, device=where, dtype=dtype)
    with torch.inference_mode():
        dispatch_attention_fn(some, some, some, backend=name)


def _cache(part: Any, threshold: float) -> None:
    from diffusers import FirstBlockCacheConfig

    none = BadInput("This painter takes no first-block cache.", "Leave `cache` out.")
    if not hasattr(part, "enable_cache") or type(part).__name__ in CACHELESS:
        raise none
    try:
        part.enable_cache(FirstBlockCacheConfig(threshold=threshold))
    except (ValueError, IndexError) as problem:  # blocks that it does not know, or too few
        raise none from problem


def _compile(part: Any, where: torch.device) -> None:
    """For batches of any size at once: pictures leave them half-way, and compiling takes long."""
    import torch

    if not getattr(part, "_repeated_blocks", None):
        raise BadInput("This painter names no blocks to compile.", "Leave `compile` out.")
    try:
        torch.compile(torch.nn.SiLU())(torch.zeros(8, device=where))
    except Exception as problem:  # compilers raise anything
        raise BadInput(
            f"Nothing can be compiled here: {_line(problem)}",
            "Install a C++ compiler (on CUDA: Triton), or leave `compile` out.",
        ) from problem
    part.compile_repeated_blocks(dynamic=True)


def _line(problem: BaseException) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0][:200]
