"""Lets a language model speak one token at a time; whoever stops listening stops it."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from limner.errors import BadInput, ModelFailed
from limner.pipelines.json_mask import JsonMask

if TYPE_CHECKING:
    import torch

__all__ = ["Choice", "Spelling", "decode", "endings", "until"]

SMALL = 50_000_000
"""Parameters below which one thread is enough for one token."""


def decode(
    model: Any,
    prompt: torch.Tensor,
    *,
    most: int,
    ends: set[int],
    choose: Choice,
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


class Choice:
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
