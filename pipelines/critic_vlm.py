"""A critic that is asked yes or no: a vision language model, one question for each statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from PIL.Image import Image

from limner.errors import BadInput
from limner.pipelines.chat_format import bounded, check_size
from limner.pipelines.contrast import contrasted
from limner.pipelines.oom import in_parts

if TYPE_CHECKING:
    import torch

__all__ = ["VlmCritic"]

QUESTION = 'Does this figure show "{}"? Please answer yes or no.'
"""As VQAScore asks (arXiv:2404.01291)."""

_YES = ("Yes", "yes", "YES", " Yes", " yes")
_NO = ("No", "no", "NO", " No", " no")


class VlmCritic:
    """Weighs claims by the logits of "yes" and "no" that begin a model's answer.

    A claim's log odds of yes are weighed against those of its foils, so that a model which likes
    to agree gains nothing by it; with `foils` False only claims are asked, and their probability is
    that of yes (VQAScore). `batch` is how many questions are asked at a time; fewer, where memory
    runs out. `reads` readies pictures and words for the `model`; see `still.open_still`.
    """

    def __init__(
        self, model: Any, reads: Any, name: str, *, batch: int = 8, foils: bool = True
    ) -> None:
        if batch < 1:
            raise BadInput("A critic's batch must be 1 or more.", "For instance 8.")
        check_size(f"critic {name!r}", reads.chat_template)
        self.name = name
        self._model, self._reads, self._batch, self._foils = model, reads, batch, foils
        thinks = "enable_thinking" in str(reads.chat_template)
        self._told = {"enable_thinking": False} if thinks else {}
        self._marks = sorted(reads.tokenizer.get_added_vocab(), key=len, reverse=True)
        self._yes, self._no = _answers(reads.tokenizer)

    @property
    def device(self) -> str:
        """Where it computes, as torch names it."""
        return str(self._model.device)

    def look(
        self,
        pictures: Sequence[Image],
        claims: Sequence[str],
        foils: Sequence[Sequence[str]],
    ) -> list[list[float]]:
        """How probable each claim is; see `roles.Critic`. Raises `BadInput` without foils."""
        return contrasted(self._odds, pictures, claims, foils, alone=not self._foils)

    def _odds(self, pictures: Sequence[Image], texts: list[str]) -> torch.Tensor:
        """The log odds of yes: [picture, text]."""
        import torch

        asked = [(picture.convert("RGB"), text) for picture in pictures for text in texts]
        rows = torch.cat(list(in_parts(self._answered, asked, self._batch)))
        return rows.reshape(len(pictures), len(texts))

    def _answered(self, asked: Sequence[tuple[Image, str]]) -> torch.Tensor:
        read = self._read(asked).to(self._model.device, self._model.dtype)
        try:
            logits = self._model(**read, logits_to_keep=1).logits[:, -1].float()
        finally:
            _forget(self._model)
        yes, no = logits[:, self._yes], logits[:, self._no]
        odds: torch.Tensor = yes.logsumexp(dim=1) - no.logsumexp(dim=1)
        return odds

    def _read(self, asked: Sequence[tuple[Image, str]]) -> Any:
        with bounded():
            return self._reads.apply_chat_template(
                [self._question(picture, text) for picture, text in asked],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},  # on the left, so that all answers come last
                **self._told,
            )

    def _question(self, picture: Image, text: str) -> list[dict[str, Any]]:
        for mark in self._marks:  # what steers the model must not come from a claim
            text = text.replace(mark, " ")
        asked = {"type": "text", "text": QUESTION.format(text)}
        return [{"role": "user", "content": [{"type": "image", "image": picture}, asked]}]


def _forget(model: Any) -> None:
    """Drops where the pictures stood, which Qwen's models keep and a writer would speak on from."""
    for part in model.modules():
        if getattr(part, "rope_deltas", None) is not None:
            part.rope_deltas = None


def _answers(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The tokens that begin a yes, and those that begin a no, however each is spelled."""

    def begins(spellings: Sequence[str]) -> set[int]:
        return {
            cast("int", tokenizer(word, add_special_tokens=False)["input_ids"][0])
            for word in spellings
        }

    yes, no = begins(_YES), begins(_NO)
    return sorted(yes - no), sorted(no - yes)  # both may begin with a token for the space
