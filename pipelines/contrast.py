"""Weighs each claim about a picture against the statements that contradict it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from PIL.Image import Image

from limner.errors import BadInput
from limner.pipelines.oom import telling

if TYPE_CHECKING:
    import torch

__all__ = ["Logits", "contrasted"]

CURE = "Name a smaller --critic, or say device: cpu in its settings; limner doctor says what fits."

Logits = Callable[[Sequence[Image], list[str]], "torch.Tensor"]
"""How well each text fits each picture: [picture, text], any real number, more is better."""


def contrasted(
    logits: Logits,
    pictures: Sequence[Image],
    claims: Sequence[str],
    foils: Sequence[Sequence[str]],
    *,
    alone: bool = False,
) -> list[list[float]]:
    """How probable each claim is against its own foils: softmax over (claim, *foils).

    As TextNorm does (arXiv:2404.01863). A text that several claims share is asked once. Where the
    logits are log odds, `alone` leaves the foils unasked and the odds as they are. Raises
    `BadInput` for a claim without foils, and `OutOfMemory` where even a little is too much.
    """
    import torch

    if not all(foils):
        raise BadInput("A claim without foils cannot be weighed.", "Give it at least one foil.")
    if not pictures or not claims:
        return [[] for _ in pictures]
    groups = [[claim, *others] for claim, others in zip(claims, foils, strict=True)]
    groups = [group[:1] for group in groups] if alone else groups
    texts = list(dict.fromkeys(text for group in groups for text in group))
    row = {text: i for i, text in enumerate(texts)}
    with torch.inference_mode(), telling("The critic", CURE):
        seen = logits(pictures, texts).float()
        columns = [_first(seen[:, [row[text] for text in group]]) for group in groups]
    return cast("list[list[float]]", torch.stack(columns, dim=1).tolist())


def _first(logits: torch.Tensor) -> torch.Tensor:
    """The chance of the first of each row: among the others, or of itself where it is alone."""
    import torch

    return torch.softmax(logits, dim=1)[:, 0] if logits.shape[1] > 1 else logits[:, 0].sigmoid()
