"""How a terminal shows pictures: as real pixels where it can, else as coloured half blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

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
    "Graphics",
    "HalfBlocks",
    "graphics_for",
]


class HalfBlocks:
    """A picture of at most `columns` × `rows` cells, its shape kept, never enlarged."""

    def __init__(self, picture: Image.Image, columns: int, rows: int) -> None:
        width, height = picture.size
        scale = min(1.0, max(columns, 1) / width, max(rows, 1) * 2 / height)
        self.columns = max(1, round(width * scale))
        self.rows = max(1, round(height * scale / 2))
        size = (self.columns, self.rows * 2)
        self._pixels = picture.convert("RGB").resize(size, Image.Resampling.BOX)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for row in range(self.rows):
            yield from self._line(row)
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.columns, self.columns)

    def _line(self, row: int) -> Iterator[Segment]:
        """One row of cells; neighbours of the same colours become one segment."""
        start, style = 0, self._style(0, row)
        for column in range(1, self.columns):
            following = self._style(column, row)
            if following != style:
                yield Segment("▀" * (column - start), style)
                start, style = column, following
        yield Segment("▀" * (self.columns - start), style)

    def _style(self, column: int, row: int) -> Style:
        return Style(color=self._colour(column, row * 2), bgcolor=self._colour(column, row * 2 + 1))

    def _colour(self, x: int, y: int) -> Color:
        pixel = self._pixels.getpixel((x, y))
        red, green, blue = pixel if isinstance(pixel, tuple) else (0, 0, 0)
        return Color.from_rgb(red, green, blue)


_WAYS = ("auto", "kitty", "sixel", "blocks", "none")
_THUMB = 16  # columns: four of them fit into 72

Draw = Callable[[Image.Image, int, int], RenderableType]


class Graphics:
    """Shows pictures on one terminal; `way` is "kitty", "sixel", "blocks" or "none".

    Half blocks and kitty's placeholders are character cells, so that words can stand beside them;
    sixels are not.
    """

    def __init__(self, way: str, draw: Draw = HalfBlocks) -> None:
        self.way = way
        self.beside = way in {"blocks", "kitty"}
        self._draw = draw

    def __bool__(self) -> bool:
        return self.way != "none"

    def large(self, picture: Image.Image, console: Console) -> tuple[RenderableType, int]:
        """The picture at about half the screen, and how many columns it takes."""
        width, height = console.size
        columns = min(48, width if width < 72 else width // 2 - 2)
        return self._fitted(picture, columns, max(6, min(24, height // 2 - 2)))

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
    """How this terminal shows pictures; `way` is one of auto, kitty, sixel, blocks or none.

    To find out, a terminal is asked, and its answer read, before anyone types. Raises `BadInput`
    for an unknown way, `MissingExtra` where kitty or sixel is wanted and textual-image isn't there.
    """
    if way not in _WAYS:
        raise BadInput(f"there is no way {way!r} to show pictures", f"type {', '.join(_WAYS)}")
    if way == "none" or not can_show_pictures(console):
        return Graphics("none")
    if way == "blocks":
        return Graphics("blocks")
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
    return Graphics(chosen, draw.get(chosen, HalfBlocks))


def _side_by_side(cells: Iterable[RenderableType], gap: int) -> Table:
    row = list(cells)
    table = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    for _ in row:
        table.add_column(width=_THUMB, no_wrap=True, overflow="crop")
    table.add_row(*row)
    return table


def _strip(pictures: Sequence[Image.Image]) -> Image.Image:
    """The pictures as one, each in a square of the same side."""
    side = max(max(picture.size) for picture in pictures)
    strip = Image.new("RGB", (side * len(pictures), side))
    for number, picture in enumerate(pictures):
        strip.paste(picture.convert("RGB"), (side * number, 0))
    return strip
