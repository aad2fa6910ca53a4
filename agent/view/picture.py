"""Shows a picture in a terminal: each character cell is two pixels, one above the other."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

__all__ = ["HalfBlocks"]


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
