"""Remembers what a painter's text encoders made of a prompt, for the next time it comes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

__all__ = ["remembering"]

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
        if not _plain((given, named)):
            return encode(*given, **named)
        key = repr((given, sorted(named.items())))
        if key not in known:
            known[key] = encode(*given, **named)
        known.move_to_end(key)
        while len(known) > REMEMBERED:
            known.popitem(last=False)
        return _in_new_lists(known[key])

    pipe.encode_prompt = encode_prompt


def _plain(value: Any) -> bool:
    """Whether a value is told by how it is written: text, numbers, devices, and lists of them."""
    import torch

    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(map(_plain, value.values()))
    return isinstance(value, str | int | float | torch.device | torch.dtype | None)


def _in_new_lists(value: Any) -> Any:
    """The same tensors, in lists that whoever gets them may change."""
    if isinstance(value, list | tuple):
        return type(value)(_in_new_lists(item) for item in value)
    return value
