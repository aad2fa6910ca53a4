"""Trains the pocket writer: a small Llama that says what was asked, in English and Chinese."""

from __future__ import annotations

import argparse
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.pipelines.pocket.training import TrainingRun
from limner.pipelines.pocket.writer_corpus import batches, texts
from limner.pipelines.pocket.writer_tokens import END, PAD, USER, known_tokens, learn_tokens

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """The size of the writer and of its lessons; `rows` are a batch, `workers` draw dialogues."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 4
    inner: int = 704
    vocabulary: int = 3072
    rows: int = 64
    rate: float = 2e-3
    decay: float = 0.05
    warmup: int = 100
    every: float = 2.0
    workers: int = 1


def train(
    out: Path, device: str, minutes: float | None, steps: int, seed: int, settings: WriterSettings
) -> Path:
    """Train for so many minutes or steps, whichever is over first, and return the model's folder.

    Goes on from the last checkpoint in `out`, with dialogues that it has not seen.
    """
    import torch

    torch.manual_seed(seed)
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(out, settings, seed)
    model = _model(out, len(tokenizer), tokenizer, settings).to(device)
    optimizer = _optimizer(model, settings)

    def save(folder: Path) -> None:
        keep(model, tokenizer, folder)

    run = TrainingRun(
        out,
        optimizer,
        save,
        steps=steps,
        minutes=minutes,
        warmup=settings.warmup,
        every=settings.every,
    )
    _lessons(run, model, optimizer, device, seed, settings)
    return out / "model"


def keep(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the weights to go on from, and `model`, an ordinary folder in half precision."""
    import torch
    from safetensors.torch import save_model

    save_model(model, str(folder / "weights.safetensors"))
    shipped = deepcopy(model).to("cpu", torch.float16)
    shipped.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")


def loss_of(model: Any, tokens: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """The mean surprise at the writer's own words; dialogues of one row do not see each other."""
    import torch
    from torch.nn.functional import cross_entropy

    same = (parts + 1).div(2, rounding_mode="floor")
    apart = ~(same[:, :, None] == same[:, None, :]).tril()[:, None]
    seen = torch.zeros(apart.shape, device=apart.device).masked_fill(apart, -1e9)
    hidden = model.model(input_ids=tokens, attention_mask=seen, use_cache=False).last_hidden_state
    said = (parts[:, 1:] > 0) & (parts[:, 1:] % 2 == 0)
    logits = model.lm_head(hidden[:, :-1][said])
    return cross_entropy(logits.float(), tokens[:, 1:][said])


def _lessons(
    run: TrainingRun, model: Any, optimizer: Any, device: str, seed: int, settings: WriterSettings
) -> None:
    import numpy as np
    import torch

    kind = torch.device(device).type
    half = kind == "cuda" or bool(torch.cpu._is_avx512_bf16_supported())
    seen = run.step * settings.rows // 440  # a chunk of dialogues makes some 440 rows
    lessons = batches(run.out / "tokenizer.json", seed, seen, settings.rows, settings.workers)
    total = torch.zeros((), device=device)
    for step, rows in zip(run, lessons, strict=False):
        tokens = torch.from_numpy(rows.tokens.astype(np.int64)).to(device, non_blocking=True)
        parts = torch.from_numpy(rows.parts.astype(np.int64)).to(device, non_blocking=True)
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=half):
            loss = loss_of(model, tokens, parts)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.detach()
        if (step + 1) % 50 == 0:
            run.log(loss=float(total) / 50)
            total.zero_()


def _tokenizer(out: Path, settings: WriterSettings, seed: int) -> PreTrainedTokenizerFast:
    """The tokenizer that the model in `out` learns; learned itself if there is none."""
    path = out / "tokenizer.json"
    if not path.exists():
        learned = learn_tokens(texts(seed, 20 * settings.vocabulary), settings.vocabulary)
        learned.backend_tokenizer.save(str(path))
    return known_tokens(path)


def _model(out: Path, tokens: int, tokenizer: Any, settings: WriterSettings) -> LlamaForCausalLM:
    from safetensors.torch import load_model
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    pad, end, user = (tokenizer.convert_tokens_to_ids(t) for t in (PAD, END, USER))
    config = LlamaConfig(
        vocab_size=-(-tokens // 64) * 64,
        hidden_size=settings.width,
        intermediate_size=settings.inner,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.kv_heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        attn_implementation="eager",  # the other's half-precision gradients are slow on a CPU
        bos_token_id=user,
        eos_token_id=end,
        pad_token_id=pad,
    )
    model: LlamaForCausalLM = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=end, pad_token_id=pad, bos_token_id=user, max_new_tokens=320, do_sample=False
    )
    weights = out / "weights.safetensors"
    if weights.exists():
        load_model(model, str(weights))
    return model


def _optimizer(model: Any, settings: WriterSettings) -> torch.optim.Optimizer:
    from limner.pipelines.pocket.muon import Muon, sorted_parameters

    return Muon(*sorted_parameters(model), rate=settings.rate, decay=settings.decay)


def main() -> None:
    """Examine the writer in a folder, and print its marks."""
    from limner.pipelines.pocket.writer_exam import examine, table

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=100, help="dialogues of each paper")
    parser.add_argument("--held", type=int, default=100, help="dialogues under the grammar")
    asked = parser.parse_args()
    sys.stdout.write(table(examine(asked.model, asked.count, "cpu", held=asked.held)) + "\n")


if __name__ == "__main__":
    main()
