"""What a painter learns from: latents of drawn scenes with their captions, dealt out in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.pipelines.pocket.dataset import tensor
from limner.pipelines.pocket.tokens import all_statements

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import CLIPTokenizer

    from limner.pipelines.pocket.dataset import Drawn

DROPPED = 0.1


class Lessons:
    """Latents with their captions, dealt out in batches: easy scenes first, some without a word."""

    def __init__(self, latents: Tensor, drawn: Drawn, tokenizer: CLIPTokenizer) -> None:
        import torch

        device = latents.device
        captions = tensor(drawn.captions[:]).to(device)
        self.latents, self.captions = latents, captions
        self.cells = tensor(drawn.cells[:], "int16").to(device)
        self.parts = tensor(drawn.parts[:]).to(device)
        self.easy = easy_rows(tensor(drawn.questions[:])).to(device)
        self.empty = torch.full_like(captions[0, 0], tokenizer.pad_token_id)
        self.empty[0] = tokenizer.bos_token_id

    def deal(self, count: int, easy: float) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """So many latents, one wording of each, and what stands in each of their cells: look, part.

        A share `easy` shows one kind of thing only.
        """
        import torch

        device = self.latents.device
        rows = torch.randint(len(self.latents), (count,), device=device)
        some = round(easy * count)
        rows[:some] = self.easy[torch.randint(len(self.easy), (some,), device=device)]
        wording = torch.randint(self.captions.shape[1], (count,), device=device)
        said = self.captions[rows, wording].long()
        said[torch.rand(count, device=device) < DROPPED] = self.empty.long()
        there = self.cells[rows].long(), self.parts[rows].long()
        return self.latents[rows].float(), said, there


def easy_rows(questions: Tensor) -> Tensor:
    """The numbers of the scenes with one kind of thing in them, from what is true of them."""
    import torch

    said = list(enumerate(all_statements()))
    counted = [n for n, text in said if text.startswith("there") and " no " not in text]
    table = torch.zeros(len(all_statements()) + 1, dtype=torch.bool)
    table[counted] = True
    kinds = table[questions[:, :, 0].long()].sum(1)
    return (kinds == 1).nonzero()[:, 0]
