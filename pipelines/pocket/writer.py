"""Trains the pocket writer: a small Llama that turns wishes into briefs, in English and Chinese."""

from __future__ import annotations

import argparse
import os
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.pipelines.pocket.training import Run
from limner.pipelines.pocket.writer_corpus import Corpus, corpus, texts
from limner.pipelines.pocket.writer_tokens import END, PAD, USER, known_tokens, learn_tokens

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class Settings:
    """The size of the writer and of its lessons; `dialogues` are drawn once, `rows` are a batch."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 4
    inner: int = 704
    vocabulary: int = 4096
    dialogues: int = 1_200_000
    rows: int = 128
    rate: float = 2e-3
    decay: float = 0.05
    warmup: int = 100
    every: float = 2.0
    workers: int = 0


def train(
    out: Path, device: str, minutes: float | None, steps: int, seed: int, settings: Settings
) -> Path:
    """Train for so many minutes or steps, whichever is over first, and return the model's folder.

    Goes on from the last checkpoint in `out`. The minutes are those of training alone: drawing the
    corpus comes before.
    """
    import torch

    torch.manual_seed(seed)
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(out, settings, seed)
    workers = settings.workers or len(os.sched_getaffinity(0))
    rows = corpus(out, settings.dialogues, seed, workers)
    model = _model(out, len(tokenizer), tokenizer, settings).to(device)
    optimizer = _optimizer(model, settings)

    def save(folder: Path) -> None:
        keep(model, tokenizer, folder)

    run = Run(
        out,
        optimizer,
        save,
        steps=steps,
        minutes=minutes,
        warmup=settings.warmup,
        every=settings.every,
    )
    _lessons(run, model, optimizer, rows, device, settings)
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
    from torch.nn.functional import cross_entropy

    same = (parts + 1).div(2, rounding_mode="floor")
    seen = (same[:, :, None] == same[:, None, :]).tril()[:, None]
    hidden = model.model(input_ids=tokens, attention_mask=seen, use_cache=False).last_hidden_state
    said = (parts[:, 1:] > 0) & (parts[:, 1:] % 2 == 0)
    logits = model.lm_head(hidden[:, :-1][said])
    return cross_entropy(logits.float(), tokens[:, 1:][said])


def _lessons(
    run: Run, model: Any, optimizer: Any, rows: Corpus, device: str, settings: Settings
) -> None:
    import numpy as np
    import torch

    order = np.random.default_rng(run.step)
    cuda = device.startswith("cuda")
    total = torch.zeros((), device=device)
    for step in run:
        at = np.sort(
            order.choice(len(rows.tokens), min(settings.rows, len(rows.tokens)), replace=False)
        )
        tokens = torch.from_numpy(rows.tokens[at].astype(np.int64)).to(device, non_blocking=True)
        parts = torch.from_numpy(rows.parts[at].astype(np.int64)).to(device, non_blocking=True)
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=cuda):
            loss = loss_of(model, tokens, parts)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.detach()
        if (step + 1) % 50 == 0:
            run.log(loss=float(total) / 50)
            total.zero_()


def _tokenizer(out: Path, settings: Settings, seed: int) -> PreTrainedTokenizerFast:
    """The tokenizer beside the corpus, which is the one that the model learns; learned if new."""
    path = out / "tokenizer.json"
    if not path.exists():
        count = min(40_000, max(2_000, settings.dialogues // 10))
        learned = learn_tokens(texts(seed, count), settings.vocabulary)
        learned.backend_tokenizer.save(str(path))
    return known_tokens(path)


def _model(out: Path, tokens: int, tokenizer: Any, settings: Settings) -> LlamaForCausalLM:
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


def _optimizer(model: Any, settings: Settings) -> torch.optim.Optimizer:
    from limner.pipelines.pocket.muon import Muon, sorted_parameters

    return Muon(*sorted_parameters(model), rate=settings.rate, decay=settings.decay)


def main() -> None:
    """Train, examine, or both."""
    usual = Settings()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dialogues", type=int, default=usual.dialogues)
    parser.add_argument("--rows", type=int, default=usual.rows)
    parser.add_argument("--rate", type=float, default=usual.rate)
    parser.add_argument("--width", type=int, default=usual.width)
    parser.add_argument("--layers", type=int, default=usual.layers)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument(
        "--exam", type=int, default=0, help="dialogues per examined kind, afterwards"
    )
    parser.add_argument("--held", type=int, default=0, help="dialogues examined under the grammar")
    parser.add_argument("--evaluate", action="store_true", help="examine OUT/model, train nothing")
    asked = parser.parse_args()
    if not asked.evaluate:
        settings = Settings(
            width=asked.width,
            layers=asked.layers,
            inner=asked.width * 11 // 4,
            dialogues=asked.dialogues,
            rows=asked.rows,
            rate=asked.rate,
            workers=asked.workers,
        )
        train(asked.out, asked.device, asked.minutes, asked.steps, asked.seed, settings)
    if asked.evaluate or asked.exam:
        from limner.pipelines.pocket.writer_exam import examine, table

        results = examine(asked.out / "model", asked.exam or 100, asked.device, held=asked.held)
        (asked.out / "exam.json").write_text(results.dumps(), encoding="utf-8")
        sys.stdout.write(table(results) + "\n")


if __name__ == "__main__":
    main()
