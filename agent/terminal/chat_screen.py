"""What a person sees of a conversation: versions of the brief, and what was done to them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from PIL.Image import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from limner.agent.brief.prompt import Span
from limner.agent.events import BriefReady, Decided, PromptRevised
from limner.agent.i18n import claim_in, phrase
from limner.agent.plain import one_line, uncapped
from limner.agent.records import Brief, Candidate, Claim, Critique
from limner.agent.scoring.evaluate import verdicts
from limner.agent.terminal.pictures import Graphics
from limner.agent.terminal.screen import Screen
from limner.agent.terminal.words import (
    LABEL,
    NOTE,
    ClaimRows,
    Row,
    brief_lines,
    by_origin,
    changed,
    said,
    seen_colours,
    short_name,
)
from limner.errors import LimnerError

__all__ = [
    "ChatScreen",
]


_NARROW = 60  # columns, below which a table of many cells can't be read


class ChatScreen(Screen):
    """Shows one conversation on one terminal; what can't be done is told on `complaints`."""

    def __init__(
        self, console: Console, graphics: Graphics, complaints: Console | None = None
    ) -> None:
        super().__init__(console, graphics=graphics)
        self.complaints = complaints or console
        self._spans: tuple[Span, ...] = ()

    def greet(self) -> None:
        """What this is, and what to type."""
        what = "  say what you want to see; help shows what else can be typed"
        self.console.print(Text.assemble(("limner", "bold"), (what, "dim")))

    def models(self, profile: str, names: Mapping[str, str]) -> None:
        """Which models are at work."""
        parts = (f"{part} {short_name(name)}" for part, name in names.items())
        self.console.print(said(f"{profile}: {' · '.join(parts)}", "dim"))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say that something takes its time, for as long as it does."""
        if not self.console.is_terminal or self.console.is_dumb_terminal:
            yield
            return
        with self.console.status(said(f"{what} …", "dim")):
            yield

    def clear(self) -> None:
        """An empty screen, where there is one."""
        self.console.clear()

    def remembered(self) -> str:
        """What was shown since this was asked last, on a screen that only remembers; else ""."""
        kept = self.console.file
        if not isinstance(kept, io.StringIO):
            return ""
        shown = kept.getvalue()
        kept.seek(0)
        kept.truncate()
        return shown

    def refuse(self, error: LimnerError) -> None:
        """What went wrong, and what to type."""
        hint = f" — {uncapped(one_line(error.hint, 400))}" if error.hint else ""
        message = uncapped(one_line(error.message, 400))
        self.complaints.print(Text.assemble((message, "red"), hint))

    def version(self, number: int, brief: Brief, before: Brief | None, what: Sequence[str]) -> None:
        """A version of the brief: whole at first, then what changed and how the prompt did."""
        self.console.print(Text(self.words(f"brief {number}"), LABEL))
        self.changes(what if before else brief_lines(brief, self.language))
        prompt: Row = said(brief.prompt)
        reply, negative = brief.reply, ", ".join(brief.negative)
        if before:
            prompt, reply = changed(before.prompt, brief.prompt, seen_colours(self.console)), ""
            negative = negative if brief.negative != before.negative else ""
        elif "".join(span.text for span in self._spans) == brief.prompt:
            prompt = by_origin(self._spans)
        self.rows(prompt=prompt, style=brief.style_prompt, negative=negative, reply=reply)

    def changes(self, lines: Iterable[str]) -> None:
        """Parts of a brief, a line each: what is new in green, gone in red, changed in its own."""
        for line in lines:
            style = {"+": "green", "-": "red", "−": "red"}.get(line.lstrip()[:1], "")
            style = style or (NOTE if "→" in line else "")
            self.console.print(Text("  ").append_text(said(line, style)))

    def begin(self, claims: tuple[Claim, ...]) -> None:
        """Before painting: nothing is seen yet of what is claimed."""
        self.best, self._round, self._waiting = None, -1, []
        self.moving.critique = Critique(claims, (None,) * len(claims))

    def look(self, one: Candidate, picture: Image, number: int, finished: bool = False) -> None:
        """A candidate as it stands; its claims were weighed before it was `finished`."""
        self.large(picture, one.critique)
        self.console.print()
        self.console.print(said(self.verdict(one, number), "bold"))
        if finished:
            self.console.print(Text(phrase(self.language, "finished"), "dim"))

    def described(self, one: Candidate, number: int, instead: Mapping[int, str]) -> None:
        """All that is known of a candidate, in words."""
        self.console.print(said(self.verdict(one, number), "bold"))
        critique, known = one.critique, verdicts(one.critique)
        self._group("holds", (critique.claims[i] for i in critique.decisive if known[i] == "holds"))
        self._group("invented", (c for c in critique.claims if c.source == "invented"))
        self.instead(one, instead)

    def _group(self, name: str, claims: Iterable[Claim]) -> None:
        texts = [claim_in(claim, self.language) for claim in claims]
        if texts:
            comma = phrase(self.language, "comma")
            self.console.print(said(phrase(self.language, name, texts=comma.join(texts))))

    def instead(self, one: Candidate, seen: Mapping[int, str]) -> None:
        """What a candidate looks like in place of what was claimed of it."""
        for index, foil in seen.items():
            claim = claim_in(one.critique.claims[index], self.language)
            line = phrase(self.language, "instead", claim=claim, foil=foil.rstrip("."))
            self.console.print(ClaimRows({" ": said(line.strip(), NOTE)}))

    def drafted(self, event: BriefReady) -> None:
        """What the writer left alone, or did wrong; the version itself is shown by `version`."""
        self._spans = event.spans
        if event.why:
            self.tell(event.why, style="dim")
        if event.repaired:
            self.tell(f"the writer was corrected: {'; '.join(event.repaired)}", style="dim")
        self.caveats(event)
        if event.brief.dropped:
            self.tell(f"not used: {', '.join(event.brief.dropped)}", style=NOTE)

    def decided(self, event: Decided) -> None:
        """As on any screen; that nothing more is done shows in the verdict."""
        self.flush()
        if event.what != "stop":
            super().decided(event)

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Rows of words, in columns as wide as needed, or each on its own where that is narrow."""
        rows = [*rows]
        if self.console.width < _NARROW and any(len(row) > 2 for row in rows):
            for first, *rest in rows:
                self.console.print(ClaimRows({first: " · ".join(filter(None, rest))}))
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(style=LABEL, no_wrap=True)
        for row in rows:
            table.add_row(*map(said, row))
        self.console.print(table)

    def _revised(self, event: PromptRevised) -> None:
        """How the wording changed; what the writer thinks of it nobody has seen."""
        super()._revised(replace(event, reply=""))
