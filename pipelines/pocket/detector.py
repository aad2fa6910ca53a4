"""Trains the detector: an OWL-ViT that finds the small world's things, but no half-formed ones.

It begins with the critic's two towers, which know the words and the pictures already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from limner.pipelines.detector import with_article
from limner.pipelines.pocket.autoencoder import normalized
from limner.pipelines.pocket.detector_lessons import Marked
from limner.pipelines.pocket.scene import SIDE
from limner.pipelines.pocket.sheets import sheet
from limner.pipelines.pocket.training import TrainingRun, fast_autocast
from limner.pipelines.pocket.world import world

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import CLIPTokenizer, OwlViTForObjectDetection

__all__ = ["LONGEST", "new_detector", "new_tokenizer", "queries", "sheet_of", "targets", "train"]

LONGEST = 16
"""Tokens of the longest query; OWL-ViT's own."""
PAD = "<|padding|>"
BORDER = 3
"""Pixels: where a centre is so near to the border of its patch, the next one may have it, too."""
SHIFT, NOISE = 3, 0.04
"""How far pictures are moved, in pixels, and the most noise on them, of a range of 2."""
HELD = 0.04
"""The share of the painted pictures that nothing is learned from: they tell how it goes."""


class Targets(NamedTuple):
    """What a batch of B pictures teaches, on P patches and Q queries.

    scores: B x P x Q, 1 where a query's thing has its centre. weights: the same, 0 where nothing
    is taught. rows, patches: where things are, T numbers each; boxes: T x 4, their centres, widths
    and heights as fractions.
    """

    scores: Tensor
    weights: Tensor
    rows: Tensor
    patches: Tensor
    boxes: Tensor


class _Lessons:
    """Batches of drawn and painted pictures; the last of the painted ones are held back."""

    def __init__(
        self, drawn: Marked, painted: Marked, share: float, chance: np.random.Generator
    ) -> None:
        self.drawn, self.painted, self.share, self.chance = drawn, painted, share, chance
        self.learned = len(painted.pictures) - round(HELD * len(painted.pictures))

    def batch(self, size: int, grid: int) -> tuple[Tensor, Targets]:
        """Pictures in -1..1, moved and noisy, and what is true of them."""
        import torch
        from torch.nn.functional import pad

        painted = round(self.share * size) if self.learned else 0
        parts = [(self.drawn, len(self.drawn.pictures), size - painted)]
        parts.append((self.painted, self.learned, painted))
        chosen = [(m, self.chance.integers(n, size=k)) for m, n, k in parts if n and k]
        pixels = np.concatenate([m.pictures[rows] for m, rows in chosen])
        things = np.concatenate([m.things[rows] for m, rows in chosen])
        down, across = self.chance.integers(-SHIFT, SHIFT + 1, 2)
        shown = pad(normalized(torch.from_numpy(pixels)), (SHIFT,) * 4, mode="replicate")
        top, left = SHIFT + down, SHIFT + across
        shown = shown[..., top : top + SIDE, left : left + SIDE].contiguous()
        shown += NOISE * torch.rand(len(shown), 1, 1, 1) * torch.randn_like(shown)
        return shown, targets(things, grid, (int(across), int(down)))

    def held(self) -> tuple[Tensor, NDArray[np.int16]]:
        """The pictures that are held back, and what they show."""
        import torch

        marked = self.painted if len(self.painted.pictures) > self.learned else self.drawn
        rows = slice(self.learned if marked is self.painted else 0, None)
        pixels = np.array(marked.pictures[rows][:256])
        return normalized(torch.from_numpy(pixels)), np.array(marked.things[rows][:256])


@cache
def queries() -> tuple[str, ...]:
    """Everything that the detector is taught to find: each thing in any colour, then in each."""
    colours = ["", *world().colours]
    return tuple(with_article(f"{c} {name}".strip()) for name in world().things for c in colours)


def new_tokenizer(critic: CLIPTokenizer) -> CLIPTokenizer:
    """The critic's tokenizer with its ids moved as OWL-ViT needs them.

    That masks a query that begins with id 0 and pools at the highest id of each, so 0 is for
    padding, and the end of a text is the last id.
    """
    from transformers import CLIPTokenizer

    told = json.loads(critic.backend_tokenizer.to_str())["model"]
    moved = {token: _moved(number, len(told["vocab"])) for token, number in told["vocab"].items()}
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in told["merges"]]
    return CLIPTokenizer(
        vocab={PAD: 0} | moved, merges=merges, model_max_length=LONGEST, pad_token=PAD
    )


def _moved(number: int, size: int) -> int:
    """A token's new id: start (0) and end (1) come last, all others one earlier."""
    return size - 1 + number if number < 2 else number - 1


def new_detector(critic: Path) -> tuple[OwlViTForObjectDetection, CLIPTokenizer]:
    """An untrained detector for 128 x 128 pictures with the towers of the critic in a folder.

    Its heads begin at the usual scale for their width, boxes near the patches that they belong to,
    and every score low; as they are drawn by default, boxes and scores saturate at once.
    """
    import torch
    from transformers import CLIPModel, CLIPTokenizer, OwlViTForObjectDetection

    clip = CLIPModel.from_pretrained(critic, dtype=torch.float32)
    tokenizer = new_tokenizer(CLIPTokenizer.from_pretrained(critic))
    model = OwlViTForObjectDetection(_configuration(clip.config, len(tokenizer)))
    own = model.state_dict()
    for name, value in clip.state_dict().items():
        there = "owlvit." + name.replace("pre_layrnorm", "pre_layernorm")
        if name.endswith("token_embedding.weight"):
            size = len(value)
            own[there][[_moved(number, size) for number in range(size)]] = value
        elif name.endswith("text_model.embeddings.position_embedding.weight"):
            own[there].copy_(value[:LONGEST])
        elif there in own and own[there].shape == value.shape:
            own[there].copy_(value)
    own["owlvit.text_projection.weight"].copy_(torch.eye(clip.config.text_config.hidden_size))
    for name in own:
        if "_head.dense" in name and name.endswith("weight"):
            spread = own[name].shape[1] ** -0.5 * (0.02 if "box_head.dense2" in name else 1)
            own[name].normal_(0, spread)
    for part, start in (("shift", -0.6), ("scale", 15.0)):
        own[f"class_head.logit_{part}.weight"].zero_()
        own[f"class_head.logit_{part}.bias"].fill_(start)
    model.load_state_dict(own)
    return model, tokenizer


def _configuration(clip: Any, words: int) -> Any:
    """OWL-ViT's configuration for towers of CLIP's."""
    from transformers import OwlViTConfig

    shape = (
        *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
        "hidden_act",
    )
    text, vision = clip.text_config, clip.vision_config
    return OwlViTConfig(
        text_config={name: getattr(text, name) for name in shape}
        | {"vocab_size": words, "max_position_embeddings": LONGEST, "pad_token_id": 0}
        | {"bos_token_id": words - 2, "eos_token_id": words - 1},
        vision_config={
            name: getattr(vision, name) for name in (*shape, "image_size", "patch_size")
        },
        projection_dim=text.hidden_size,
    )


def train(  # noqa: PLR0913
    drawn: Marked,
    painted: Marked,
    critic: Path,
    out: Path,
    *,
    device: str = "cpu",
    minutes: float | None = None,
    steps: int = 5_000,
    batch: int = 48,
    rate: float = 1.0e-3,
    share: float = 0.6,
    seed: int = 0,
) -> OwlViTForObjectDetection:
    """Learn to find every query's thing in its patch, and nothing else; `share` is of the painted.

    Scores are learned by a sigmoid's cross-entropy. Until half-time what is right already counts
    less (focal loss, arXiv:1708.02002) and so does what is not there; from then on all counts the
    same, so that a score is a probability. Boxes are learned where things are, by L1.
    """
    import torch

    from limner.pipelines.pocket.muon import Muon

    torch.manual_seed(seed)
    model, tokenizer = opened(out, critic)
    model.set_attn_implementation("eager")  # the other one's bfloat16 is slow on a CPU
    model.to(device).train()
    ids = torch.tensor(tokenizer(list(queries()), padding=True)["input_ids"], device=device)
    lessons = _Lessons(drawn, painted, share, np.random.default_rng(seed))
    optimizer = Muon(*_parameters(model), rate=rate, decay=0.02)

    def save(folder: Path) -> None:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        sheet_of(model, ids, lessons, folder / "sheet.png")

    run = TrainingRun(out, optimizer, save, steps=steps, minutes=minutes, warmup=100)
    grid = model.num_patches_width
    for step in run:
        shown, truth = lessons.batch(batch, grid)
        truth = Targets(*(part.to(device) for part in truth))
        with fast_autocast(device):
            scores, boxes = found(model, shown.to(device), embed_queries(model, ids))
        loss, figures = _loss(scores, boxes, truth, max(0.0, 1 - 2 * run.done))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            held = _held(model, ids, lessons) if step % 200 == 0 else {}
            run.log(**{name: float(value) for name, value in figures.items()}, **held)
    return model


def opened(folder: Path, critic: Path) -> tuple[OwlViTForObjectDetection, CLIPTokenizer]:
    """The detector in a folder with its tokenizer, or an untrained one from the critic."""
    from transformers import CLIPTokenizer, OwlViTForObjectDetection

    if not (folder / "config.json").exists():
        return new_detector(critic)
    model = OwlViTForObjectDetection.from_pretrained(folder, dtype="float32")
    return model, CLIPTokenizer.from_pretrained(folder)


def embed_queries(model: OwlViTForObjectDetection, ids: Tensor) -> Tensor:
    """The vectors of queries as token rows: Q x width."""
    heard = model.owlvit.text_model(input_ids=ids).pooler_output
    vectors: Tensor = model.owlvit.text_projection(heard)
    return vectors


def found(model: OwlViTForObjectDetection, pictures: Tensor, said: Tensor) -> tuple[Tensor, Tensor]:
    """Logits of each query in each patch, N x P x Q, and the patches' boxes, N x P x 4.

    Boxes are centres, widths and heights as fractions of the picture's sides.
    """
    grid, _ = model.image_embedder(pictures)
    flat = grid.flatten(1, 2)
    scores, _ = model.class_predictor(flat, said[None].expand(len(flat), -1, -1))
    return scores.float(), model.box_predictor(flat.float(), grid).float()


def targets(things: NDArray[np.int16], grid: int, moved: tuple[int, int] = (0, 0)) -> Targets:
    """What N pictures with these things teach (see `Marked`), cut so many pixels right and down.

    What is unclear is left out, with all of its colours, wherever it might have its centre.
    """
    import torch

    colours = 1 + len(world().colours)
    shape = (len(things), grid, grid, len(world().things), colours)
    scores, weights = torch.zeros(shape), torch.ones(shape)
    places: list[tuple[int, int, tuple[float, ...]]] = []
    for row, name, x, y, span, there in _each(things, moved):
        if there is None:
            weights[row, _patches(y, span / 2, grid), _patches(x, span / 2, grid), name] = 0
    for row, name, x, y, span, there in _each(things, moved):
        if there is None:
            continue
        true, unsure = there
        down, across = (min(max(int(v * grid / SIDE), 0), grid - 1) for v in (y, x))
        weights[row, _patches(y, BORDER, grid), _patches(x, BORDER, grid), name] *= scores[
            row, _patches(y, BORDER, grid), _patches(x, BORDER, grid), name
        ]
        bits = [1.0, *(float(true >> n & 1) for n in range(colours - 1))]
        open_ = [1.0, *(float(not unsure >> n & 1) for n in range(colours - 1))]
        scores[row, down, across, name] = torch.tensor(bits)
        weights[row, down, across, name] = torch.tensor(open_)
        places.append((row, down * grid + across, (x / SIDE, y / SIDE, span / SIDE, span / SIDE)))
    rows, patches = (torch.tensor([p[n] for p in places], dtype=torch.long) for n in (0, 1))
    boxes = torch.tensor([p[2] for p in places]).reshape(-1, 4)
    flat = (len(things), grid * grid, -1)
    return Targets(scores.reshape(flat), weights.reshape(flat), rows, patches, boxes)


def _each(
    things: NDArray[np.int16], moved: tuple[int, int]
) -> Iterator[tuple[int, int, float, float, float, tuple[int, int] | None]]:
    """Picture, name, centre, width, and the colours that each thing has and may have, or None."""
    for row, number in zip(*np.nonzero(things[..., 0] >= 0), strict=True):
        name, x, y, span, true, unsure, there = map(int, things[row, number])
        yield int(row), name, x - moved[0], y - moved[1], span, (true, unsure) if there else None


def _patches(middle: float, reach: float, grid: int) -> slice:
    """The patches that come within reach of a place, along one side; pixels in, patches out."""
    first, last = ((middle + way * reach) * grid / SIDE for way in (-1, 1))
    return slice(min(max(int(first), 0), grid - 1), min(max(int(last), 0), grid - 1) + 1)


def _loss(
    scores: Tensor, boxes: Tensor, truth: Targets, focus: float
) -> tuple[Tensor, dict[str, Tensor]]:
    from torch.nn.functional import binary_cross_entropy_with_logits

    chance = scores.detach().sigmoid()
    missed = (1 - chance) ** focus
    false = (1 - 0.5 * focus) * chance**focus
    heavy = truth.weights * (truth.scores * missed + (1 - truth.scores) * false)
    error = binary_cross_entropy_with_logits(scores, truth.scores, reduction="none")
    number = max(1, len(truth.rows))
    named = (heavy * error).sum() / (2 * number)
    off = (boxes[truth.rows, truth.patches] - truth.boxes).abs().sum() / number
    return named + 2 * off, {"named": named.detach(), "boxes": off.detach()}


def _held(model: OwlViTForObjectDetection, ids: Tensor, lessons: _Lessons) -> dict[str, float]:
    """Of the pictures held back: the shares of things missed, and of false finds to true ones."""
    import torch

    shown, things = lessons.held()
    truth = targets(things, model.num_patches_width)
    model.eval()
    with torch.inference_mode(), fast_autocast(str(ids.device)):
        scores, _ = found(model, shown.to(ids.device), embed_queries(model, ids))
    model.train()
    there, sure = scores.cpu() > 0, truth.weights > 0
    true = (truth.scores > 0) & sure
    number = max(1, int(true.sum()))
    missed, false = (true & ~there).sum(), (there & sure & ~true).sum()
    return {"missed": float(missed) / number, "false": float(false) / number}


def sheet_of(model: OwlViTForObjectDetection, ids: Tensor, lessons: _Lessons, path: Path) -> None:
    """Pictures that were held back with the boxes of what is found in them, as a PNG."""
    import torch

    shown, _ = lessons.held()
    shown = shown[:24]
    model.eval()
    with torch.inference_mode():
        scores, boxes = found(model, shown.to(ids.device), embed_queries(model, ids))
    model.train()
    pictures = ((shown + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    drawn = [
        _framed(Image.fromarray(pixels), chances.cpu(), corners.cpu())
        for pixels, chances, corners in zip(pictures, scores.sigmoid(), boxes, strict=True)
    ]
    sheet([one for one, _ in drawn], [said for _, said in drawn]).save(path)


def _framed(picture: Image.Image, chances: Tensor, boxes: Tensor) -> tuple[Image.Image, str]:
    """A picture with a frame around each find, and what these are."""
    colours, said = 1 + len(world().colours), []
    pen = ImageDraw.Draw(picture)
    for patch, name in (chances[:, ::colours] > 0.5).nonzero().tolist():
        x, y, wide, tall = (boxes[patch] * SIDE).tolist()
        pen.rectangle(
            (x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2), outline=(255, 0, 255)
        )
        look = int(chances[patch, name * colours + 1 : (name + 1) * colours].argmax()) + 1
        coloured = chances[patch, name * colours + look] > 0.5
        said.append(queries()[name * colours + (look if coloured else 0)].split(" ", 1)[1])
    return picture, ", ".join(said) or "nothing"


def _parameters(
    model: torch.nn.Module,
) -> tuple[Sequence[torch.nn.Parameter], Sequence[torch.nn.Parameter]]:
    """Matrices for even steps, and all else: the last layers have one row or four."""
    from limner.pipelines.pocket.muon import sorted_parameters

    matrices, others = sorted_parameters(model)
    last = [p for p in matrices if min(p.shape[0], p.flatten(1).shape[1]) <= 4]
    return [p for p in matrices if all(p is not o for o in last)], [*others, *last]
