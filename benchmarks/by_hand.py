"""What someone writes who needs no agent: a diffusers pipeline, and CLIP to rank what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL.Image import Image

from limner.pipelines import pocket
from limner.pipelines.roles import ImageRequest

__all__ = ["ByHand", "weights"]


class ByHand:
    """The painter's and the critic's folders, opened by their libraries alone, on a CPU."""

    def __init__(self, painter: Path, critic: Path) -> None:
        import torch
        from diffusers import DiffusionPipeline
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        self.pipe: Any = DiffusionPipeline.from_pretrained(
            painter, use_safetensors=True, dtype=torch.float32, safety_checker=None
        )
        self.pipe.set_progress_bar_config(disable=True)
        self.clip: Any = AutoModel.from_pretrained(critic, use_safetensors=True).eval()
        self.eyes: Any = AutoImageProcessor.from_pretrained(critic, backend="pil")
        self.words: Any = AutoTokenizer.from_pretrained(critic)

    def paint(self, orders: Sequence[ImageRequest]) -> list[Image]:
        """The pictures of some orders, in one call, as the pipeline's documentation says."""
        import torch

        first = orders[0]
        painted = self.pipe(
            prompt=[order.prompt for order in orders],
            negative_prompt=[order.negative for order in orders],
            num_inference_steps=first.steps,
            guidance_scale=first.guidance,
            width=first.width,
            height=first.height,
            generator=[torch.Generator("cpu").manual_seed(order.seed) for order in orders],
        )
        return list(painted.images)

    def look(
        self, pictures: Sequence[Image], texts: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """The probability of each text of each picture against its foils, without any memory."""
        import torch

        every = list(dict.fromkeys([*texts, *(text for others in foils for text in others)]))
        with torch.inference_mode():
            tokens = self.words(every, padding=True, truncation=True, return_tensors="pt")
            tokens.pop("token_type_ids", None)
            pixels = self.eyes(images=list(pictures), return_tensors="pt")["pixel_values"]
            logits = self.clip(pixel_values=pixels, **tokens).logits_per_image
        columns = []
        for text, others in zip(texts, foils, strict=True):
            group = [every.index(one) for one in (text, *others)]
            columns.append(torch.softmax(logits[:, group], dim=1)[:, 0])
        return [list(row) for row in torch.stack(columns, dim=1).tolist()]


def weights(part: str, given: str | None) -> Path:
    """The folder of a painter or a critic; the pocket one where none is given."""
    from limner.pipelines.registry import resolve

    if given:
        return resolve(given, part)
    return Path(str(pocket.__file__)).parent / "weights" / part
