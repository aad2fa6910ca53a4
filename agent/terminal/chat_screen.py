"""What a person sees of a conversation: versions of the brief, numbered takes, and what holds."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PIL.Image import Image
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from limner.agent.brief.prompt import Span
from limner.agent.brief.verdict import verdict_of
from limner.agent.events import BriefReady, CandidateReady, Decided, PromptRevised
from limner.agent.i18n import claim_in, phrase
from limner.agent.plain import one_line, uncapped
from limner.agent.records import Brief, Candidate, Claim, Critique, Result
from limner.agent.scoring.evaluate import verdicts
from limner.agent.terminal.pictures import Graphics
from limner.agent.terminal.screen import Screen
from limner.agent.terminal.words import ClaimRows, brief_lines, by_origin, changed, marks, said
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
        super().__init__(console)
        self.complaints = complaints or console
        self.graphics = graphics
        self.moving.pictures = bool(graphics)
        self._waiting: list[Candidate] = []
        self._spans: tuple[Span, ...] = ()

    def greet(self) -> None:
        """What this is, and what to type."""
        what = "  say what you want to see, in your own words; /help shows what else there is"
        self.console.print(Text.assemble(("limner", "bold"), (what, "dim")))

    def models(self, profile: str, names: Mapping[str, str]) -> None:
        """Which models are at work."""
        parts = (f"{part} {name}" for part, name in names.items())
        self.console.print(said(f"{profile}: {' · '.join(parts)}", "dim"))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say that something takes its time, for as long as it does."""
        if not self.console.is_terminal or self.console.is_dumb_terminal:
            yield
            return
        with self.console.status(said(f"{what} …", "dim")):
            yield

    def taken(self) -> str:
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
        self.console.print(Text(self.words(f"brief {number}"), "cyan"))
        self.changes(what if before else brief_lines(brief, self.language))
        prompt, reply, negative = said(brief.prompt), brief.reply, ", ".join(brief.negative)
        if before:
            coloured = self.console.is_terminal and not self.console.no_color
            prompt, reply = changed(before.prompt, brief.prompt, coloured), ""
            negative = negative if brief.negative != before.negative else ""
        elif "".join(span.text for span in self._spans) == brief.prompt:
            prompt = by_origin(self._spans)
        rows = {"style": brief.style_prompt, "negative": negative, "reply": reply}
        self.console.print(ClaimRows({"prompt": prompt, **rows}))

    def changes(self, lines: Iterable[str]) -> None:
        """Parts of a brief, a line each: what is new in green, gone in red, changed in yellow."""
        for line in lines:
            self.console.print(Text("  ").append_text(_marked(line)))

    def begin(self, claims: tuple[Claim, ...]) -> None:
        """Before painting: nothing is seen yet of what is claimed."""
        self.best, self._round, self._waiting = None, -1, []
        self.moving.critique = Critique(claims, (None,) * len(claims))

    def look(self, take: Candidate, picture: Image, number: int, finished: bool = False) -> None:
        """One take as it stands, with its claims; those were weighed before it was `finished`."""
        self.large(picture, take.critique)
        self.console.print()
        self.console.print(said(self.verdict(take, number), "bold"))
        if finished:
            self.console.print(Text(phrase(self.language, "finished"), "dim"))

    def described(self, take: Candidate, number: int, instead: Mapping[int, str]) -> None:
        """All that is known of a take, in words."""
        self.console.print(said(self.verdict(take, number), "bold"))
        critique, told = take.critique, verdicts(take.critique)
        self._group("holds", (critique.claims[i] for i in critique.decisive if told[i] == "holds"))
        self._group("invented", (c for c in critique.claims if c.source == "invented"))
        self.instead(take, instead)

    def _group(self, name: str, claims: Iterable[Claim]) -> None:
        texts = [claim_in(claim, self.language) for claim in claims]
        if texts:
            comma = phrase(self.language, "comma")
            self.console.print(said(phrase(self.language, name, texts=comma.join(texts))))

    def instead(self, take: Candidate, seen: Mapping[int, str]) -> None:
        """What a take looks like in place of what was claimed of it."""
        for index, foil in seen.items():
            claim = claim_in(take.critique.claims[index], self.language)
            told = phrase(self.language, "instead", claim=claim, foil=foil.rstrip("."))
            self.console.print(ClaimRows({" ": said(told.strip(), "yellow")}))

    def drafted(self, event: BriefReady) -> None:
        """What the writer left alone, or did wrong; the version itself is shown by `version`."""
        self._spans = event.spans
        if event.why:
            self.tell(event.why, style="dim")
        if event.repaired:
            self.tell(f"the writer was corrected: {'; '.join(event.repaired)}", style="dim")
        self.caveats(event)
        if event.brief.dropped:
            self.tell(f"not used: {', '.join(event.brief.dropped)}", style="yellow")

    def take(self, event: CandidateReady) -> None:
        """A take; where pictures can be shown it waits for the others of its round."""
        if not self.graphics:
            super().take(event)
            return
        self.keep_best(event)
        self._waiting.append(event.take)

    def decided(self, event: Decided) -> None:
        """The round's takes, then what the best of them gets wrong and what is done about it."""
        self.flush()
        if event.what in ("aim", "sketch"):  # of one thing going on, which was told before
            self.tell(f"  {event.why}", style="dim")
        elif event.what != "stop":
            super().decided(event)

    def flush(self) -> None:
        """Show the takes that wait."""
        labelled = [(take.picture, self._label(take)) for take in self._waiting]
        self._waiting = []
        if labelled:
            self.console.print()
            self.console.print(*self.graphics.sheet(labelled, self.console), sep="\n")

    def finished(self, result: Result) -> None:
        """The best take beside its claims, and one sentence that claims no more than was seen."""
        self.close()
        self.flush()
        if result.best:
            self.large(result.best.picture, result.best.critique)
            self.console.print()
            self.end(result, result.best)
        else:
            self.tell("stopped before anything was painted", style="yellow")
        self.notes(result)

    def verdict(self, take: Candidate, number: int | None = None) -> str:
        """What may be said of a take, by its number."""
        return verdict_of(take, self.language, number or take.number + 1).said

    def large(self, picture: Image, critique: Critique) -> None:
        """A picture, and its claims beside it where there is room."""
        self.console.print()
        width = self.console.width
        if not self.graphics:
            self.console.print(self.table_of(critique, width))
            return
        shown, columns = self.graphics.large(picture, self.console)
        if self.graphics.beside and width >= 72:
            grid = Table.grid(padding=(0, 2))
            grid.add_row(shown, self.table_of(critique, width - columns - 3))
            self.console.print(grid)
        else:
            self.console.print(Group(shown, self.table_of(critique, width)))

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Rows of words, in columns as wide as needed, or each on its own where that is narrow."""
        rows = [*rows]
        if self.console.width < _NARROW and any(len(row) > 2 for row in rows):
            for first, *rest in rows:
                self.console.print(ClaimRows({first: " · ".join(filter(None, rest))}))
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(style="cyan", no_wrap=True)
        for row in rows:
            table.add_row(*map(said, row))
        self.console.print(table)

    def named(self, take: Candidate) -> str:
        """A take's number, as people say it."""
        return f"#{take.number + 1}"

    def told(self, path: Path) -> None:
        """Where a page was written."""
        self._line("page", str(path), "bold")

    def _revised(self, event: PromptRevised) -> None:
        """How the wording changed; what the writer thinks of it nobody has seen."""
        super()._revised(replace(event, reply=""))

    def _label(self, take: Candidate) -> Text:
        holds, _ = take.critique.score
        name = (f"{self.named(take)} ", "bold" if take is self.best else "")
        line = Text.assemble(name, marks(take.critique, self.console))
        return line.append(f" {holds}/{len(take.critique.decisive)}", "dim")


def _marked(line: str) -> Text:
    style = {"+": "green", "-": "red", "−": "red"}.get(line.lstrip()[:1], "")
    return said(line, style or ("yellow" if "→" in line else ""))
