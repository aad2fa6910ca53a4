"""A small network that says what stands where in a picture: the eyes of the second judge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from limner.pipelines.pocket.world import world

__all__ = ["CELLS", "Eyes", "places"]

CELLS = 16
WIDTHS = (24, 48, 96)


class Eyes(nn.Module):
    """Pictures, N x 3 x 128 x 128 in -1..1, to what stands in the middle of each 8 x 8 cell.

    In this world the middle of every thing is that of a cell, so a thing is one cell's answer, as
    in CenterNet (arXiv:1904.07850). Three strided filters, then four residual blocks, two of them
    dilated so that a cell sees all of the largest thing.
    """

    def __init__(self) -> None:
        super().__init__()
        one, two, three = WIDTHS
        self.conv_in = nn.Conv2d(3, one, 4, 2, 1)
        self.halved = _halved(one, two)
        self.fine = _Block(two, 1)
        self.cells = _halved(two, three)
        self.wide = nn.Sequential(*(_Block(three, by) for by in (1, 2, 2)))
        kinds = {name: len(values) for name, values in places().items()}
        self.conv_out = nn.Conv2d(three, sum(kinds[n] for n in ("thing", "colour", "size")), 1)
        self.embed_scene = nn.Linear(4 * three, sum(kinds[n] for n in ("where", "light", "style")))
        self.kinds = kinds

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Logits: thing, colour and size, N x kinds x 16 x 16; where, light and style, N x kinds.

        The first kind of each is none: no thing, its own colour, nothing at all.
        """
        found = self.wide(self.cells(self.fine(self.halved(self.conv_in(pictures)))))
        here = torch.split(self.conv_out(found), self._sizes("thing", "colour", "size"), 1)
        top, bottom = found[:, :, :8], found[:, :, 8:]
        seen = [part.mean((2, 3)) for part in (top, bottom)]
        seen += [part.std((2, 3)) for part in (top, bottom)]
        whole = self.embed_scene(torch.cat(seen, 1))
        around = torch.split(whole, self._sizes("where", "light", "style"), 1)
        return dict(
            zip(
                ("thing", "colour", "size", "where", "light", "style"),
                (*here, *around),
                strict=True,
            )
        )

    def _sizes(self, *names: str) -> list[int]:
        return [self.kinds[name] for name in names]


class _Block(nn.Module):
    def __init__(self, width: int, apart: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, 1, apart, apart)
        self.second = nn.Conv2d(width, width, 3, 1, apart, apart)
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(2))

    def forward(self, found: Tensor) -> Tensor:
        """The same, with what two filters find added to it."""
        once = self.first(nn.functional.silu(self.norms[0](found)))
        more: Tensor = self.second(nn.functional.silu(self.norms[1](once)))
        return found + more


def _halved(width: int, to: int) -> nn.Sequential:
    return nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, to, 4, 2, 1))


def places() -> dict[str, list[str]]:
    """The names that each answer can have; "" is none."""
    known = world()
    return {
        "thing": ["", *known.things],
        "colour": ["", *known.colours],
        "size": ["", *known.sizes],
        "where": ["", *known.where],
        "light": ["", *known.light],
        "style": ["", *known.styles],
    }
