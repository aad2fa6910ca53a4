"""Holds a language model to a JSON schema: at each step, which tokens may come next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from limner.errors import ModelUnusable

if TYPE_CHECKING:
    import torch

__all__ = ["JsonMask", "vocabulary"]


def vocabulary(tokenizer: Any, size: int, ends: set[int]) -> Any:
    """The tokenizer as the grammar engine wants it; made once for each model.

    `size` is the number of rows of the model's output layer, `ends` the tokens that end a reply.
    """
    import llguidance.hf

    try:
        return llguidance.hf.from_tokenizer(tokenizer, n_vocab=size, eos_token=sorted(ends))
    except (ValueError, TypeError, AttributeError) as problem:
        raise ModelUnusable(
            f"The writer's tokenizer cannot be held to JSON: {problem}", "Use a fast tokenizer."
        ) from problem


class JsonMask:
    """The grammar's state after the tokens so far (llguidance, arXiv:2502.05111 surveys the field).

    White space between JSON tokens is forbidden: small models get lost in it.
    """

    def __init__(self, words: Any, schema: dict[str, Any]) -> None:
        import torch
        from llguidance import LLMatcher
        from llguidance.numpy import allocate_token_bitmask

        grammar = LLMatcher.grammar_from_json_schema(
            json.dumps(schema), defaults={"whitespace_flexible": False}
        )
        self._matcher = LLMatcher(words, grammar)
        if self._matcher.is_error():
            raise ModelUnusable(f"The reply's schema cannot be held: {self._matcher.get_error()}")
        self._bits = allocate_token_bitmask(1, words.vocab_size)
        self._shifts = torch.arange(32, dtype=torch.int32)

    @property
    def complete(self) -> bool:
        """True when the JSON is whole and nothing may follow."""
        return bool(self._matcher.is_stopped())

    def allow(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits (one row) with every token that may not come next at minus infinity."""
        import torch
        from llguidance.numpy import fill_next_token_bitmask

        fill_next_token_bitmask(self._matcher, self._bits, 0)
        bits = (torch.from_numpy(self._bits)[0, :, None] >> self._shifts) & 1
        allowed = bits.flatten()[: logits.shape[-1]].bool().to(logits.device)
        return logits.masked_fill(~allowed, float("-inf"))

    def take(self, token: int) -> None:
        """Goes on to the state after that token."""
        self._matcher.consume_token(token)
