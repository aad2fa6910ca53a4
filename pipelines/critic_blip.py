"""A critic of the BLIP kind, which reads each statement while it looks at the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PIL.Image import Image

from limner.errors import BadInput
from limner.pipelines.contrast import contrasted
from limner.pipelines.oom import in_parts

if TYPE_CHECKING:
    import torch

__all__ = ["BlipCritic"]


class BlipCritic:
    """Weighs claims by BLIP's head for image-text matching (ITM, arXiv:2201.12086).

    The log odds of a match are weighed against those of the claim's foils; with `foils` False its
    probability is that of a match alone. `batch` is how many pictures, or texts, go together;
    fewer, where memory runs out.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        eyes: Any,
        name: str,
        *,
        batch: int = 32,
        foils: bool = True,
    ) -> None:
        if batch < 1:
            raise BadInput("A critic's batch must be 1 or more.", "For instance 32.")
        self.name = name
        self._model, self._tokenizer, self._eyes = model, tokenizer, eyes
        self._batch, self._foils = batch, foils

    def look(
        self,
        pictures: Sequence[Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        """How probable each claim is; see `roles.Critic`. Raises `BadInput` without foils."""
        return contrasted(self._odds, pictures, claims, foils, alone=not self._foils)

    def _odds(self, pictures: Sequence[Image], texts: list[str]) -> torch.Tensor:
        """The log odds of a match: [picture, text]. Each picture is seen once."""
        import torch

        seen = in_parts(self._seen, pictures, self._batch)
        return torch.stack([self._matched(one, texts) for few in seen for one in few])

    def _seen(self, pictures: Sequence[Image]) -> torch.Tensor:
        """What the model sees of each picture: [picture, patch, feature]."""
        few = [picture.convert("RGB") for picture in pictures]
        pixels = self._eyes(images=few, return_tensors="pt")["pixel_values"]
        pixels = pixels.to(self._model.device, self._model.dtype)
        states: torch.Tensor = self._model.vision_model(pixel_values=pixels).last_hidden_state
        return states

    def _matched(self, seen: torch.Tensor, texts: list[str]) -> torch.Tensor:
        """The log odds of each text for one picture."""
        import torch

        def odds(few: Sequence[str]) -> torch.Tensor:
            states = seen.expand(len(few), *seen.shape)
            read = self._model.text_encoder(
                **self._read(few),
                encoder_hidden_states=states,
                encoder_attention_mask=states.new_ones(states.shape[:2], dtype=torch.long),
            ).last_hidden_state
            score: torch.Tensor = self._model.itm_head(read[:, 0]).float()
            return score[:, 1] - score[:, 0]

        return torch.cat(list(in_parts(odds, texts, self._batch)))

    def _read(self, texts: Sequence[str]) -> Any:
        longest = self._model.config.text_config.max_position_embeddings
        read = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt"
        ).to(self._model.device)
        read.pop("token_type_ids", None)
        return read
