"""A critic of the CLIP or SigLIP kind: how near a claim and its foils are to a picture."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from limner.errors import BadInput
from limner.pipelines.contrast import contrasted
from limner.pipelines.device import place
from limner.pipelines.loading import load, opening
from limner.pipelines.oom import in_parts
from limner.pipelines.roles import World
from limner.pipelines.weights import named, verify

if TYPE_CHECKING:
    import torch

__all__ = ["ClipCritic"]

REMEMBERED = 64
"""Lists of texts whose features are kept; claims repeat from round to round."""


class ClipCritic:
    """Weighs claims with any folder of safetensors of the CLIP, SigLIP or SigLIP 2 kind.

    What was trained to tell which picture people prefer, on CLIP's plan (PickScore), is one of
    them. Its tokenizer and image settings are read from the folder `reads`, where it has none.
    `temperature`, where given, replaces the model's own logit scale by its inverse: 0.01 is
    CLIP's usual scale of 100. `batch` is how many pictures or texts are encoded at a time; fewer,
    where memory runs out.
    """

    world: World | None = None

    def __init__(
        self,
        folder: Path,
        name: str,
        device: str = "auto",
        temperature: float | None = None,
        batch: int = 32,
        reads: Path | None = None,
    ) -> None:
        if temperature is not None and not temperature > 0:
            raise BadInput("The critic's temperature must be above 0.", "For instance 0.01.")
        for home in filter(None, (folder, reads)):
            verify(home)
        self._device, dtype = place(device)
        with opening(name, "critic"):
            from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

            local = {"local_files_only": True, "trust_remote_code": False}
            self._tokenizer = AutoTokenizer.from_pretrained(reads or folder, **local)
            self._eyes = AutoImageProcessor.from_pretrained(reads or folder, backend="pil", **local)
            model = load(AutoModel, folder, dtype)
            self._longest = int(model.config.text_config.max_position_embeddings)
            scale = float(model.logit_scale.detach().float().exp())
        self._model: Any = model.to(self._device).eval()
        self._padding = "max_length" if "siglip" in model.config.model_type else True
        self._batch = batch
        self._texts: OrderedDict[tuple[str, ...], torch.Tensor] = OrderedDict()
        self.scale = scale if temperature is None else 1 / temperature
        self.name = named(folder, name)

    def look(
        self,
        pictures: Sequence[Image.Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        """How probable each claim is against its own foils, by the scaled cosine similarities.

        See `roles.Critic`. Raises `BadInput` for a claim without foils.
        """
        return contrasted(self._logits, pictures, claims, foils)

    def _logits(self, pictures: Sequence[Image.Image], texts: list[str]) -> torch.Tensor:
        return self.scale * self._seen(pictures) @ self._read(texts).T

    def _seen(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """One unit vector for each picture."""
        import torch

        return torch.cat(list(in_parts(self._glanced, pictures, self._batch)))

    def _glanced(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """The same, all of them together."""
        few = [picture.convert("RGB") for picture in pictures]
        seen = self._eyes(images=few, return_tensors="pt")  # of SigLIP 2: patches and a mask
        seen = seen.to(self._device, self._model.dtype)
        return _unit(self._model.get_image_features(**seen))

    def _read(self, texts: list[str]) -> torch.Tensor:
        """One unit vector for each text, from memory where this very list was read before.

        The last bits of a text's features depend on those that are encoded with it: a memory of
        single texts would have what is seen now depend on what was asked before.
        """
        import torch

        key = tuple(texts)
        if key not in self._texts:
            self._texts[key] = torch.cat(list(in_parts(self._encoded, texts, self._batch)))
        self._texts.move_to_end(key)
        if len(self._texts) > REMEMBERED:
            self._texts.popitem(last=False)
        return self._texts[key]

    def _encoded(self, texts: Sequence[str]) -> torch.Tensor:
        tokens = self._tokenizer(
            list(texts),
            padding=self._padding,
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        ).to(self._device)
        tokens.pop("token_type_ids", None)
        if self._padding == "max_length":  # SigLIP was trained to read its padding, too
            tokens.pop("attention_mask", None)
        return _unit(self._model.get_text_features(**tokens))


def _unit(features: Any) -> torch.Tensor:
    """Rows of length 1, in float32, from what either major version of transformers returns."""
    import torch

    rows = cast("torch.Tensor", getattr(features, "pooler_output", features))
    return torch.nn.functional.normalize(rows.float(), dim=-1)
