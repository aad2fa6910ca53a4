"""Holds a language model to a JSON schema: at each step, which tokens may come next."""

from __future__ import annotations

import inspect
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from limner.errors import BadInput, ModelFailed, ModelUnusable

if TYPE_CHECKING:
    import torch

__all__ = [
    "JsonMask",
    "Spelling",
    "TokenSampler",
    "decode",
    "endings",
    "until",
    "vocabulary",
]


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


SMALL = 50_000_000
"""Parameters below which one thread is enough for one token."""


def decode(
    model: Any,
    prompt: torch.Tensor,
    *,
    most: int,
    ends: set[int],
    choose: TokenSampler,
    mask: JsonMask | None = None,
) -> Generator[int, None, str]:
    """The tokens after the prompt (a row of ids), as they are chosen, without the one that ends.

    Returns "stop" when the model (or the mask) was done and "length" when it was cut off after
    `most` tokens or at the end of its window. A loop of our own costs no more than the model's
    forward passes, and needs neither thread nor queue to be streamed and cancelled.
    """
    import torch

    window = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 1 << 30
    room = min(most, window - prompt.shape[1])
    if room < 1:
        raise BadInput(
            f"The request is too long for the writer: {prompt.shape[1]} tokens of {window}.",
            "Say it in fewer words.",
        )
    tokens, small = prompt.to(model.device), _is_small(model)
    word, cache = _cache_word(model), None
    for _ in range(room):
        with torch.inference_mode(), _one_thread(small):  # not across the yield, where others are
            seen = model(tokens, use_cache=True, logits_to_keep=1, **{word: cache})
            logits = seen.logits[0, -1].float().cpu()
        token = choose(mask.allow(logits) if mask else logits)
        if token in ends:
            return "stop"
        if mask:
            mask.take(token)
        yield token
        if mask and mask.complete:
            return "stop"
        tokens, cache = tokens.new_tensor([[token]]), seen[word]
    return "length"


def _cache_word(model: Any) -> str:
    """What the model calls what it has read so far: transformers renamed it in 5.24."""
    newer = "cache" in inspect.signature(model.forward).parameters
    return "cache" if newer else "past_key_values"


def _is_small(model: Any) -> bool:
    """Whether one thread is enough: a single token has too little work to share on a CPU.

    Measured at 5 million parameters: no slower on an idle machine, five times as fast on a busy
    one, where the second thread is waited for.
    """
    return bool(model.device.type == "cpu" and model.num_parameters() < SMALL)


@contextmanager
def _one_thread(wanted: bool) -> Iterator[None]:
    """One thread, where that is wanted; afterwards as many as before."""
    import torch

    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if wanted:
            torch.set_num_threads(before)


class TokenSampler:
    """Picks a token: the likeliest at temperature 0, else by chance from a seed of its own."""

    def __init__(self, temperature: float, seed: int) -> None:
        import torch

        self._temperature = temperature
        self._chance = torch.Generator("cpu").manual_seed(seed)

    def __call__(self, logits: torch.Tensor) -> int:
        import torch

        if not bool(torch.isfinite(logits).any()) or bool(torch.isnan(logits).any()):
            raise ModelFailed("The writer computes nothing but NaN.", "Its weights are damaged.")
        if self._temperature <= 0:
            return int(logits.argmax())
        chances = torch.softmax(logits / self._temperature, dim=-1)
        return int(torch.multinomial(chances, 1, generator=self._chance))


class Spelling:
    """Turns tokens into text as they come, holding back characters that are not whole yet."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._said: list[int] = []
        self._new: list[int] = []

    def add(self, token: int) -> str:
        """The text that this token completes; "" while a character is unfinished."""
        self._new.append(token)
        return self._flush()

    def rest(self) -> str:
        """What was held back, finished or not."""
        return self._flush(even_broken=True)

    def _flush(self, even_broken: bool = False) -> str:
        # With the tokens before it, since some tokenizers drop the space that starts a text.
        before = self._read(self._said)
        text = self._read(self._said + self._new)[len(before) :]
        if text.endswith("\ufffd") and not even_broken:
            return ""
        self._said, self._new = (self._said + self._new)[-8:], []
        return text

    def _read(self, tokens: list[int]) -> str:
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


def endings(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end a reply, as the model's and the tokenizer's own settings name them."""
    told = getattr(model.generation_config, "eos_token_id", None)
    listed = told if isinstance(told, list) else [told]
    return {int(token) for token in [*listed, tokenizer.eos_token_id] if token is not None}


def until(pieces: Generator[str, None, str], stops: list[str]) -> Generator[str, None, str]:
    """The pieces up to the first of the stop texts, without it.

    Returns what the pieces return, or "stop". Holds back as much as could begin a stop text.
    """
    held, keep = "", max(map(len, stops), default=1) - 1
    while True:
        try:
            held += next(pieces)
        except StopIteration as end:
            if held:
                yield held
            return str(end.value)
        found = [held.index(stop) for stop in stops if stop in held]
        if found:
            pieces.close()
            yield held[: min(found)]
            return "stop"
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
