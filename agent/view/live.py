"""What is shown only while it happens: the brief as it is written, the pictures as they form."""

from __future__ import annotations

import time

from PIL.Image import Image
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from limner.agent.events import BriefToken, PaintingStep
from limner.agent.i18n import Language
from limner.agent.records import Critique
from limner.agent.view.picture import HalfBlocks
from limner.agent.view.terminal import can_show_pictures
from limner.agent.view.words import Rows, claims_table, fields_so_far, sketch

__all__ = ["Moving"]

PREVIEW_EVERY = 4
"""Steps from one rough picture to the next, where somebody looks."""

_BETWEEN_DRAWINGS = 0.08  # seconds: an eye follows no faster, and drawing costs painting time


class Moving:
    """The part of the screen that moves; nothing at all where it is no terminal.

    `critique` is of the best take so far, shown while the next ones are painted, in `language`.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.pictures = can_show_pictures(console)
        self.critique: Critique | None = None
        self.language: Language = "english"
        self._lively = console.is_terminal and not console.is_dumb_terminal
        self._live: Live | None = None
        self._drawn = 0.0
        self._written = ""
        self._previews: dict[int, Image] = {}

    def follow(self, event: BriefToken | PaintingStep) -> None:
        """Take the event in, and draw if it is time."""
        if isinstance(event, BriefToken):
            self._written += event.text
        else:
            self._previews = event.previews or self._previews
        if self._lively and time.monotonic() - self._drawn > _BETWEEN_DRAWINGS:
            self._draw(self._brief() if isinstance(event, BriefToken) else self._step(event))

    def stop(self) -> None:
        """Take it off the screen. Stopping twice is harmless."""
        self._written = ""
        self._previews = {}
        if self._live:
            self._live.stop()
            self._live = None

    def _draw(self, what: RenderableType) -> None:
        if self._live is None:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(what, refresh=True)
        self._drawn = time.monotonic()

    def _brief(self) -> RenderableType:
        fields = fields_so_far(self._written)
        text = {key: value for key, value in fields.items() if isinstance(value, str)}
        rows: dict[str, Text | str] = {
            "brief": sketch(fields),
            "prompt": text.get("prompt", ""),
            "reply": text.get("reply", ""),
        }
        if not any(rows.values()):
            rows["brief"] = "…" if self._written.lstrip().startswith("{") else self._written[-400:]
        return Rows(rows)

    def _step(self, event: PaintingStep) -> RenderableType:
        parts: list[RenderableType] = [self._progress(event)]
        if self.pictures and self._previews:
            parts.append(self._forming())
        if self.critique and self.console.height >= 20:
            width = self.console.width
            parts.append(claims_table(self.critique, self.console, width, self.language))
        return Group(*parts)

    def _progress(self, event: PaintingStep) -> RenderableType:
        grid = Table.grid(padding=(0, 1))
        width = max(8, min(40, self.console.width - 20))
        bar = ProgressBar(total=event.of, completed=event.number, width=width)
        grid.add_row(Text(f"round {event.round + 1}", "cyan"), bar, f"{event.number}/{event.of}")
        return grid

    def _forming(self) -> RenderableType:
        across = min(len(self._previews), max(1, self.console.width // 18))
        columns = min(32, self.console.width // across - 2)
        rows = max(4, self.console.height // 3)
        first = sorted(self._previews)[:across]
        shown = [HalfBlocks(self._previews[i], columns, rows) for i in first]
        return Columns(shown, padding=(0, 1))
