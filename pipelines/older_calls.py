"""Pipelines that tell of their steps in the older way, called as the newer ones are."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

__all__ = ["Older", "takes"]


class Older:
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
    if isinstance(pipe, Older):
        return takes(pipe.pipe)
    found: dict[str, inspect.Parameter] = {}
    for kind in reversed(type(pipe).__mro__):
        if "__call__" in vars(kind):
            found |= inspect.signature(kind.__call__).parameters
    return found
