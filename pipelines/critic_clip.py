"""A critic of the CLIP or SigLIP kind: how much likelier a claim is of a picture than its foils."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from limner.errors import BadInput
from limner.pipelines.device import place
from limner.pipelines.weights import named, opening, verify

if TYPE_CHECKING:
    import torch

__all__ = ["ClipCritic"]

REMEMBERED = 4096
"""Texts whose features are kept; claims repeat from round to round."""


class ClipCritic:
    """Weighs claims with any CLIP or SigLIP folder of safetensors.

    `temperature`, where given, replaces the model's own logit scale by its inverse: 0.01 is
    CLIP's usual scale of 100. `batch` is how many pictures or texts are encoded at a time.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        device: str = "auto",
        temperature: float | None = None,
        batch: int = 32,
    ) -> None:
        if temperature is not None and not temperature > 0:
            raise BadInput("The critic's temperature must be above 0.", "For instance 0.01.")
        verify(folder)
        self._device, dtype = place(device)
        with opening(name, "critic"):
            from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

            local = {"local_files_only": True}
            self._tokenizer = AutoTokenizer.from_pretrained(folder, **local)
            self._eyes = AutoImageProcessor.from_pretrained(folder, backend="pil", **local)
            model = AutoModel.from_pretrained(folder, dtype=dtype, use_safetensors=True, **local)
            self._longest = int(model.config.text_config.max_position_embeddings)
            scale = float(model.logit_scale.detach().float().exp())
        self._model: Any = model.to(self._device).eval()
        self._padding = "max_length" if "siglip" in model.config.model_type else True
        self._batch = batch
        self._texts: OrderedDict[str, torch.Tensor] = OrderedDict()
        self.scale = scale if temperature is None else 1 / temperature
        self.name = named(folder, name)

    def look(
        self,
        pictures: Sequence[Image.Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        """How probable each claim is against its own foils: softmax over (claim, *foils).

        The logits are the scaled cosine similarities (TextNorm, arXiv:2404.01863). Raises
        `BadInput` for a claim without foils.
        """
        import torch

        if not all(foils):
            raise BadInput("A claim without foils cannot be weighed.", "Give it at least one foil.")
        if not pictures or not claims:
            return [[] for _ in pictures]
        groups = [[claim, *others] for claim, others in zip(claims, foils, strict=True)]
        texts = list(dict.fromkeys(text for group in groups for text in group))
        row = {text: i for i, text in enumerate(texts)}
        with torch.inference_mode():
            logits = self.scale * self._seen(pictures) @ self._read(texts).T
            columns = [
                torch.softmax(logits[:, [row[text] for text in group]], dim=1)[:, 0]
                for group in groups
            ]
        return cast("list[list[float]]", torch.stack(columns, dim=1).tolist())

    def _seen(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """One unit vector for each picture."""
        import torch

        rows = []
        for start in range(0, len(pictures), self._batch):
            few = [picture.convert("RGB") for picture in pictures[start : start + self._batch]]
            pixels = self._eyes(images=few, return_tensors="pt")["pixel_values"]
            pixels = pixels.to(self._device, self._model.dtype)
            rows.append(_unit(self._model.get_image_features(pixel_values=pixels)))
        return torch.cat(rows)

    def _read(self, texts: list[str]) -> torch.Tensor:
        """One unit vector for each text, from memory where it was read before."""
        import torch

        new = [text for text in texts if text not in self._texts]
        for start in range(0, len(new), self._batch):
            few = new[start : start + self._batch]
            self._texts.update(zip(few, self._encoded(few), strict=True))
        rows = []
        for text in texts:
            self._texts.move_to_end(text)
            rows.append(self._texts[text])
        while len(self._texts) > REMEMBERED:
            self._texts.popitem(last=False)
        return torch.stack(rows)

    def _encoded(self, texts: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(
            texts,
            padding=self._padding,
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        ).to(self._device)
        tokens.pop("token_type_ids", None)
        return _unit(self._model.get_text_features(**tokens))


def _unit(features: Any) -> torch.Tensor:
    """Rows of length 1, in float32, from what either major version of transformers returns."""
    import torch

    rows = cast("torch.Tensor", getattr(features, "pooler_output", features))
    return torch.nn.functional.normalize(rows.float(), dim=-1)
