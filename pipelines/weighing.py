"""Weighs words of a prompt, (cat)1.5 or cat++, and reads prompts longer than CLIP does."""

from __future__ import annotations

from typing import Any

from limner.errors import BadInput, MissingExtra

__all__ = ["Weighing"]

WINDOWS = 4
"""How many of CLIP's windows a prompt may fill; each repeats its start and end marks."""


class Weighing:
    """Turns prompts into embeddings with compel, which parses the weights and joins the windows.

    All prompts of a batch are padded to the longest, so a short one in the company of a long one
    gives a slightly different picture than alone.
    """

    def __init__(self, pipe: Any, compel: Any) -> None:
        self._compel = compel
        self.most = WINDOWS * int(pipe.tokenizer.model_max_length)

    @classmethod
    def of(cls, pipe: Any, name: str) -> Weighing:
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
