"""Trains the critic: a CLIP that tells a true statement about a picture from its contradictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.pipelines.pocket.autoencoder import autocast, normalized
from limner.pipelines.pocket.dataset import Drawn, looks, tensor, tokenized
from limner.pipelines.pocket.scene import GRID, SIDE
from limner.pipelines.pocket.tokens import LENGTH, all_statements
from limner.pipelines.pocket.training import TrainingRun

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import CLIPModel, CLIPTokenizer

STATEMENT_LENGTH = 12
WORN = 0.2
EYES_FIRST = 1_000


@dataclass(frozen=True)
class CriticShape:
    """The size of a critic: widths and depths of its two towers, and of the space they share."""

    vision: int = 256
    vision_layers: int = 6
    text: int = 192
    text_layers: int = 3
    patch: int = 16
    shared: int = 384


def new_critic(tokenizer: CLIPTokenizer, shape: CriticShape) -> CLIPModel:
    """An untrained `CLIPModel` for 128 x 128 pictures."""
    from transformers import CLIPConfig, CLIPModel

    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.text,
        "intermediate_size": 4 * shape.text,
        "num_hidden_layers": shape.text_layers,
        "num_attention_heads": shape.text // 32,
        "max_position_embeddings": LENGTH,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "projection_dim": shape.shared,
    }
    vision = {
        "hidden_size": shape.vision,
        "intermediate_size": 4 * shape.vision,
        "num_hidden_layers": shape.vision_layers,
        "num_attention_heads": shape.vision // 32,
        "image_size": SIDE,
        "patch_size": shape.patch,
        "projection_dim": shape.shared,
    }
    return CLIPModel(
        CLIPConfig(text_config=text, vision_config=vision, projection_dim=shape.shared)
    )


def train(  # noqa: PLR0913, PLR0915
    drawn: Drawn,
    tokenizer: CLIPTokenizer,
    out: Path,
    *,
    worn: Callable[[Tensor], Tensor] | None = None,
    device: str = "cpu",
    minutes: float | None = None,
    steps: int = 40_000,
    batch: int = 64,
    rate: float = 5e-4,
    asked: int = 6,
    seed: int = 0,
    pictures: int = 200_000,
    eyes_only: bool = False,
    shape: CriticShape | None = None,
) -> CLIPModel:
    """Learn to answer questions about pictures, and to match pictures with captions.

    Each question is answered as it will be in use: softmax over the true statement and those that
    exclude it. Besides, a head that does not ship points out what stands in each patch, which
    teaches the eyes many times faster than questions alone; for the first steps they
    learn that and nothing else. With `eyes_only` the words are taken as they are by now: that
    halves the work, and `asked` may be all questions of a picture. `worn` puts pictures
    (N x 3 x 128 x 128 in -1..1) through the painter's autoencoder or worse; some are shown so.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from limner.pipelines.pocket.muon import Muon, sorted_parameters

    torch.manual_seed(seed)
    model = opened(out, tokenizer, shape or CriticShape()).to(device)
    table = statement_tokens(tokenizer).to(device)
    pixels = tensor(drawn.pictures[:pictures]).to(device)
    questions = tensor(drawn.questions[:pictures], "int64").to(device)
    captions = tensor(drawn.captions[:pictures], "int64").to(device)
    cells = coarse_cells(drawn.cells[:pictures], model.config.vision_config.patch_size).to(device)
    pointer = torch.nn.Linear(model.config.vision_config.hidden_size, looks()).to(device)
    learners = torch.nn.ModuleDict({"model": model, "pointer": pointer})
    optimizer = Muon(*sorted_parameters(learners), rate=rate, decay=0.02)
    run = TrainingRun(
        out, optimizer, _saver(model, tokenizer), steps=steps, minutes=minutes, warmup=100
    )
    known = _known(model, table) if eyes_only else None
    for step in run:
        pointing = run.step < EYES_FIRST
        rows = torch.randint(len(pixels), (batch // 2 if pointing else batch,), device=device)
        with autocast(device):
            seen, patches = embed_pictures(model, _shown(normalized(pixels[rows]), worn))
            loss = cross_entropy(pointer(patches).flatten(0, 1), cells[rows].flatten())
            figures = {"pointed": loss.detach()}
        if not pointing:
            put = _some(questions[rows], asked)
            wording = torch.randint(captions.shape[1], (batch,), device=device)
            with autocast(device):
                said = captions[rows, wording] if known is None else None
                told, more = _loss(model, table, seen, put, said, known)
            loss = told + 0.3 * loss
            figures |= more
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=4.6)
        if step % 50 == 0:
            run.log(**{name: float(value) for name, value in figures.items()})
    return model


def _some(questions: Tensor, count: int) -> Tensor:
    """So many of each scene's questions at random, N x count x C; blank ones come last."""
    import torch

    blank = (questions[..., 0] < 0).float()
    order = (torch.rand_like(blank) + blank).argsort(1)[:, :count]
    return questions.gather(1, order[..., None].expand(-1, -1, questions.shape[2]))


def opened(folder: Path, tokenizer: CLIPTokenizer, shape: CriticShape) -> CLIPModel:
    """The critic in a folder, or an untrained one."""
    from transformers import CLIPModel

    if (folder / "config.json").exists():
        return CLIPModel.from_pretrained(folder, dtype="float32")
    return new_critic(tokenizer, shape)


def statement_tokens(tokenizer: CLIPTokenizer) -> torch.Tensor:
    """The tokens of every statement, in the order of `all_statements`, S x 12."""
    import torch

    return torch.from_numpy(
        tokenized(tokenizer, list(all_statements()), STATEMENT_LENGTH).astype("int64")
    )


def coarse_cells(cells: NDArray[np.uint16], patch: int) -> torch.Tensor:
    """What stands in the middle of each of the critic's patches, N x patches, row by row."""
    step = max(1, patch // GRID)
    return tensor(cells[:, step // 2 :: step, step // 2 :: step], "int64").flatten(1)


def embed_pictures(model: CLIPModel, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors of pictures in -1..1, N x shared; and what each patch became, N x P x width."""
    found = model.vision_model(pixel_values=pictures)
    return _unit(model.visual_projection(found.pooler_output)), found.last_hidden_state[:, 1:]


def embed_texts(model: CLIPModel, tokens: Tensor) -> Tensor:
    """Unit vectors of token rows, N x shared."""
    found = model.text_model(input_ids=tokens).pooler_output
    return _unit(model.text_projection(found))


def _known(model: CLIPModel, table: Tensor) -> Tensor:
    """Unit vectors of all statements, S x shared, which nothing is learnt about any more."""
    import torch

    with torch.inference_mode():
        found = torch.cat([embed_texts(model, rows) for rows in torch.split(table, 512)])
    return found.clone()


def answers(
    model: CLIPModel, table: Tensor, seen: Tensor, questions: Tensor, known: Tensor | None = None
) -> Tensor:
    """Log probabilities of each question's statements: N x Q x C, `-inf` where there is none.

    `known` are the unit vectors of all statements, where they are not to be learnt.
    """
    import torch

    numbers, where = torch.unique(questions.clamp(min=0), return_inverse=True)
    said = embed_texts(model, table[numbers]) if known is None else known[numbers]
    near = seen @ said.T * model.logit_scale.exp()
    logits = near[:, None, :].expand(-1, questions.shape[1], -1).gather(2, where)
    missing = questions < 0
    missing[..., 0] = False  # a blank question keeps one finite answer, so that gradients are too
    found: Tensor = logits.float().masked_fill(missing, -torch.inf).log_softmax(-1)
    return found


def _loss(
    model: CLIPModel,
    table: Tensor,
    seen: Tensor,
    questions: Tensor,
    captions: Tensor | None,
    known: Tensor | None,
) -> tuple[Tensor, dict[str, Tensor]]:
    import torch
    import torch.nn.functional as nn

    said = answers(model, table, seen, questions, known)
    real = questions[..., 0] >= 0
    asked = -said[..., 0][real].mean()
    right = (said[..., 0] >= said.max(-1).values)[real].float().mean()
    figures = {"asked": asked.detach(), "wrong": 1 - right}
    if captions is None:
        return asked, figures
    near = (seen @ embed_texts(model, captions).T * model.logit_scale.exp()).float()
    own = torch.arange(len(near), device=near.device)
    matched = (nn.cross_entropy(near, own) + nn.cross_entropy(near.T, own)) / 2
    return asked + 0.1 * matched, figures | {"matched": matched.detach()}


def _shown(pictures: Tensor, worn: Callable[[Tensor], Tensor] | None) -> Tensor:
    import torch

    if worn is None:
        return pictures
    some = max(1, round(WORN * len(pictures)))
    with torch.no_grad():
        return torch.cat([worn(pictures[:some]).clamp(-1, 1).to(pictures.dtype), pictures[some:]])


def _saver(model: CLIPModel, tokenizer: CLIPTokenizer) -> Callable[[Path], None]:
    def save(out: Path) -> None:
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)

    return save


def _unit(vectors: Tensor) -> Tensor:
    import torch.nn.functional as nn

    return nn.normalize(vectors.float(), dim=-1)
