"""How a terminal shows pictures: as real pixels where it can, else drawn with block characters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
from PIL import Image
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from limner.agent.terminal.terminal import can_show_pictures
from limner.errors import BadInput, MissingExtra

__all__ = [
    "BlockPicture",
    "Graphics",
    "graphics_for",
]

# The characters of a cell of 2 x 2 or 2 x 3 dots, by the dots that are set; the upper left is 1.
# What is left out is another with its two colours exchanged.
# Of two patterns that fit as well, the first is taken: "▀", which every font has.
_QUADRANTS = {3: "▀", 5: "▌", 6: "▞", 7: "▛", 11: "▜", 13: "▙", 14: "▟", 15: "█"}
_SEXTANTS = {**{n: chr(0x1FB00 + n - 1 - (n > 21)) for n in range(1, 32)}, 63: "█"}
_SEXTANTS[21] = "▌"


class BlockPicture:
    """A picture of at most `columns` × `rows` cells, its shape kept, never wider than its pixels.

    A cell is 2 dots wide and `dots` high, 2 or 3. It has two colours only: of all characters the
    one that leaves the least squared error, as in chafa, with the mean of the dots on either side.
    """

    def __init__(self, picture: Image.Image, columns: int, rows: int, dots: int = 2) -> None:
        width, height = picture.size
        scale = min(1.0, max(columns, 1) / width, max(rows, 1) * 2 / height)
        self.columns = max(1, round(width * scale))
        self.rows = max(1, round(height * scale / 2))
        size = (self.columns * 2, self.rows * dots)
        small = picture.convert("RGB").resize(size, Image.Resampling.BOX)
        self._cells = _fitted(np.asarray(small, dtype=np.float32), dots)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in self._cells:
            for colours, cells in groupby(row, key=lambda cell: cell[1]):
                yield Segment("".join(character for character, _ in cells), _style(*colours))
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.columns, self.columns)


_Cell = tuple[str, tuple[tuple[int, ...], tuple[int, ...]]]


def _fitted(pixels: Any, dots: int) -> list[list[_Cell]]:
    """Each cell's character, its colour and that of its ground."""
    characters = _QUADRANTS if dots == 2 else _SEXTANTS
    numbers = np.array(list(characters))
    on = ((numbers[:, None] >> np.arange(2 * dots)) & 1).astype(np.float32)
    height, width = pixels.shape[:2]
    cells = pixels.reshape(height // dots, dots, width // 2, 2, 3).swapaxes(1, 2)
    cells = cells.reshape(height // dots, width // 2, dots * 2, 3)
    lit = np.einsum("pk,hwkc->phwc", on, cells)
    unlit = cells.sum(axis=2)[None] - lit
    count = on.sum(axis=1)[:, None, None, None]
    ahead, behind = lit / count, unlit / np.maximum(2 * dots - count, 1)
    kept = (lit * ahead + unlit * behind).sum(axis=3)  # what the two means explain of the squares
    best = np.argmax(np.round(kept), axis=0)
    rows, columns = np.indices(best.shape)
    fore, back = (np.rint(one[best, rows, columns]).astype(int).tolist() for one in (ahead, behind))
    names = [characters[number] for number in numbers[best.ravel()].tolist()]
    across = best.shape[1]
    return [
        [(names[y * across + x], (tuple(fore[y][x]), tuple(back[y][x]))) for x in range(across)]
        for y in range(best.shape[0])
    ]


@cache
def _colour(red: int, green: int, blue: int) -> Color:
    return Color.from_rgb(red, green, blue)


def _style(fore: tuple[int, ...], back: tuple[int, ...]) -> Style:
    return Style(color=_colour(*fore), bgcolor=_colour(*back))


_WAYS = ("auto", "kitty", "sixel", "sextants", "blocks", "none")
_THUMB = 16  # columns: four of them fit into 72
_SMALLEST = 72  # columns of a screen on which words stand beside a picture

Draw = Callable[[Image.Image, int, int], RenderableType]


class Graphics:
    """Shows pictures on one terminal; `way` is one of kitty, sixel, sextants, blocks or none.

    Blocks and kitty's placeholders are character cells, so that words can stand beside them;
    sixels are not.
    """

    def __init__(self, way: str, draw: Draw = BlockPicture) -> None:
        self.way = way
        self.beside = way in {"blocks", "sextants", "kitty"}
        self._draw = draw

    def __bool__(self) -> bool:
        return self.way != "none"

    def large(self, picture: Image.Image, console: Console) -> tuple[RenderableType, int]:
        """The picture at half the width of the screen, and how many columns it takes.

        Never higher than the screen, of which five rows are left for words.
        """
        width, height = console.size
        columns = width if width < _SMALLEST or not self.beside else width // 2
        return self._fitted(picture, min(80, columns), max(6, height - 6))

    def room(self, console: Console) -> bool:
        """Whether words can stand beside a large picture."""
        return self.beside and console.width >= _SMALLEST

    def sheet(
        self, takes: Sequence[tuple[Image.Image, Text]], console: Console
    ) -> list[RenderableType]:
        """Small pictures side by side, each above its label, in rows of about equal length."""
        fitting = max(1, min(4, console.width // (_THUMB + 2)))
        across = math.ceil(len(takes) / math.ceil(len(takes) / fitting)) if takes else 1
        rows = [takes[i : i + across] for i in range(0, len(takes), across)]
        return [line for row in rows for line in self._row(row)]

    def _row(self, row: Sequence[tuple[Image.Image, Text]]) -> list[RenderableType]:
        labels = [label for _, label in row]
        if self.beside:
            thumbs = [self._fitted(picture, _THUMB, _THUMB // 2)[0] for picture, _ in row]
            return [_side_by_side(thumbs, 2), _side_by_side(labels, 2)]
        strip = _strip([picture for picture, _ in row])
        shown = self._fitted(strip, _THUMB * len(row), _THUMB // 2)[0]
        return [shown, _side_by_side(labels, 0)]

    def _fitted(self, picture: Image.Image, columns: int, rows: int) -> tuple[RenderableType, int]:
        """The picture in at most so many cells, each twice as high as wide; its shape is kept."""
        width, height = picture.size
        scale = min(columns / width, rows * 2 / height)
        across, down = max(1, round(width * scale)), max(1, round(height * scale / 2))
        return self._draw(picture, across, down), across


def graphics_for(console: Console, way: str = "auto") -> Graphics:
    """How this terminal shows pictures; `way` is auto, kitty, sixel, sextants, blocks or none.

    To find out, a terminal is asked, and its answer read, before anyone types. Sextants are finer
    than blocks, but not in every font. Raises `BadInput` for an unknown way, `MissingExtra` where
    kitty or sixel is wanted and textual-image isn't there.
    """
    if way not in _WAYS:
        raise BadInput(f"there is no way {way!r} to show pictures", f"type {', '.join(_WAYS)}")
    if way == "none" or not can_show_pictures(console):
        return Graphics("none")
    if way == "sextants":
        return Graphics(way, lambda picture, columns, rows: BlockPicture(picture, columns, rows, 3))
    if way == "blocks":
        return Graphics(way)
    try:
        # Opening this asks the terminal what it can show.
        from textual_image import renderable
    except ImportError as missing:
        if way == "auto":
            return Graphics("blocks")
        hint = "type pip install 'limner[pictures]', or --pictures blocks"
        raise MissingExtra(f"{way} needs the package textual-image", hint) from missing
    found = {renderable.TGPImage: "kitty", renderable.SixelImage: "sixel"}
    chosen = found.get(renderable.Image, "blocks") if way == "auto" else way
    draw: dict[str, Draw] = {"kitty": renderable.TGPImage, "sixel": renderable.SixelImage}
    return Graphics(chosen, draw.get(chosen, BlockPicture))


def _side_by_side(cells: Sequence[RenderableType], gap: int) -> Table:
    table = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    for _ in cells:
        table.add_column(width=_THUMB, no_wrap=True, overflow="crop")
    table.add_row(*cells)
    return table


def _strip(pictures: Sequence[Image.Image]) -> Image.Image:
    """The pictures as one, each in a square of the same side."""
    side = max(max(picture.size) for picture in pictures)
    strip = Image.new("RGB", (side * len(pictures), side))
    for number, picture in enumerate(pictures):
        strip.paste(picture.convert("RGB"), (side * number, 0))
    return strip
