"""What can be done where memory runs out: doing less at a time, in tiles, or from elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from limner.errors import OutOfMemory

if TYPE_CHECKING:
    import torch

__all__ = [
    "free",
    "in_parts",
    "is_full",
    "offload",
    "spared_decoding",
    "telling",
]


Item = TypeVar("Item")
Made = TypeVar("Made")

SIGNS = (
    *("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory"),
    "could not create a primitive",  # oneDNN, where a CPU's memory is full
)


def is_full(problem: BaseException) -> bool:
    """Whether a problem is that memory ran out: Python's, torch's own, or its allocator's."""
    if isinstance(problem, MemoryError):
        return True
    return isinstance(problem, RuntimeError) and any(s in str(problem).lower() for s in SIGNS)


def free() -> None:
    """Gives back what nothing refers to any more, on the accelerator, too."""
    import torch

    gc.collect()
    if torch.accelerator.is_available():
        torch.get_device_module().empty_cache()


@contextmanager
def telling(who: str, cure: str) -> Iterator[None]:
    """Turns what is raised where memory runs out into `OutOfMemory`, with its cure."""
    try:
        yield
    except (MemoryError, RuntimeError) as problem:
        if not is_full(problem):
            raise
        raise OutOfMemory(f"{who} ran out of memory.", cure) from None


def in_parts(
    work: Callable[[Sequence[Item]], Made], items: Sequence[Item], most: int
) -> Iterator[Made]:
    """The work on some items at a time, at most so many; fewer where memory runs out.

    Raises what the work raises where not even one fits.
    """
    start = 0
    while start < len(items):
        few = items[start : start + most]
        made = _tried(work, few)
        if made:
            yield made[0]
            start += len(few)
        else:
            most = max(1, len(few) // 2)


def _tried(work: Callable[[Sequence[Item]], Made], few: Sequence[Item]) -> list[Made]:
    """What came of it, as the only item; none where memory ran out and fewer can be tried."""
    try:
        return [work(few)]
    except (MemoryError, RuntimeError) as problem:
        if len(few) == 1 or not is_full(problem):
            raise
    free()  # only here has the problem let go of what it holds
    return []


@contextmanager
def spared_decoding(eyes: Any, tiled: bool) -> Iterator[None]:
    """Within it, an autoencoder decodes one picture at a time, then in tiles, where it must.

    So what was denoised is not lost. `tiled` begins with tiles. None is left as it is, and so is
    an autoencoder that can do neither.
    """
    if not hasattr(eyes, "enable_tiling"):
        yield
        return
    own, whole = vars(eyes).get("decode"), eyes.decode
    if tiled:
        eyes.enable_slicing()
        eyes.enable_tiling()
    eyes.decode = lambda *given, **named: _decoded(eyes, lambda: whole(*given, **named))
    try:
        yield
    finally:
        del eyes.decode
        if own:
            eyes.decode = own
        eyes.disable_slicing()
        eyes.disable_tiling()


def _decoded(eyes: Any, decode: Callable[[], Any]) -> Any:
    for ease in (eyes.enable_slicing, eyes.enable_tiling):
        if made := _tried(lambda _: decode(), (0, 0)):
            return made[0]
        ease()
    return decode()


def offload(pipe: Any, where: torch.device, how: str) -> None:
    """Keeps a pipeline's weights in the machine's own memory, and brings them up when needed.

    `how` is "model", a part at a time, or "group", a layer at a time; "" puts all of it there.
    """
    for each in getattr(pipe, "pipes", [pipe]):
        if not how:
            each.to(where)
        elif how == "model":
            each.enable_model_cpu_offload(device=where)
        else:
            each.remove_all_hooks()
            each.to("cpu")
            each.enable_group_offload(
                onload_device=where, offload_type="leaf_level", use_stream=where.type == "cuda"
            )
