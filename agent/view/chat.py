"""What a person sees of a conversation: versions of the brief, numbered takes, and what holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from PIL.Image import Image
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from limner.agent.events import BriefReady, Decided, PromptRevised, TakeReady
from limner.agent.language.telling import described, verdict
from limner.agent.language.tongues import Tongue, in_tongue, noted, noun_in, phrase
from limner.agent.language.wanted import left_out
from limner.agent.origins import Span
from limner.agent.plain import one_line, uncapped
from limner.agent.records import Brief, Claim, Critique, Result, Take
from limner.agent.view.graphics import Graphics
from limner.agent.view.screen import Screen
from limner.agent.view.words import Rows, by_origin, changed, claims_table, marks, said, scene_lines
from limner.errors import LimnerError

__all__ = ["ChatScreen"]

_NARROW = 60  # columns, below which a table of many cells can't be read


class ChatScreen(Screen):
    """Shows one conversation on one terminal; what can't be done is told on `complaints`.

    What is known of a picture is told in `tongue`, the language of who asked.
    """

    def __init__(
        self, console: Console, graphics: Graphics, complaints: Console | None = None
    ) -> None:
        super().__init__(console)
        self.complaints = complaints or console
        self.graphics = graphics
        self.moving.pictures = bool(graphics)
        self.tongue: Tongue = "english"
        self._waiting: list[Take] = []
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

    def tell(self, *lines: str, style: str = "") -> None:
        """Lines of our own or anyone's words, made safe."""
        for line in lines:
            self.console.print(said(self.words(line), style))

    def words(self, line: str) -> str:
        """A line of ours in the language of who asked."""
        return noted(line, self.tongue)

    def refuse(self, error: LimnerError) -> None:
        """What went wrong, and what to type."""
        hint = f" — {uncapped(one_line(error.hint, 400))}" if error.hint else ""
        message = uncapped(one_line(error.message, 400))
        self.complaints.print(Text.assemble((message, "red"), hint))

    def version(self, number: int, brief: Brief, before: Brief | None, what: Sequence[str]) -> None:
        """A version of the brief: whole at first, then what changed and how the prompt did."""
        self.console.print(Text(self.words(f"brief {number}"), "cyan"))
        self.changes(what if before else scene_lines(asdict(brief)))
        if before and not what:
            self.tell("  nothing in it changed but the words", style="yellow")
        coloured = self.console.is_terminal and not self.console.no_color
        prompt = said(brief.prompt)
        if before:
            prompt = changed(before.prompt, brief.prompt, coloured)
        elif "".join(span.text for span in self._spans) == brief.prompt:
            prompt = by_origin(self._spans)
        self.console.print(Rows({"prompt": prompt, "style": brief.manner, "reply": brief.reply}))

    def changes(self, lines: Iterable[str]) -> None:
        """Parts of a brief, a line each: what is new in green, gone in red, changed in yellow."""
        for line in lines:
            self.console.print(Text("  ").append_text(_marked(self.words(line))))

    def begin(self, claims: tuple[Claim, ...]) -> None:
        """Before painting: nothing is seen yet of what is claimed."""
        self.best, self._round, self._waiting = None, -1, []
        self.moving.critique = Critique(claims, (None,) * len(claims))

    def look(self, take: Take, picture: Image, number: int, finished: bool = False) -> None:
        """One take as it stands, with its claims; those were weighed before it was `finished`."""
        self.large(picture, take.critique)
        self.console.print()
        self.console.print(said(self._verdict(number, take), "bold"))
        if finished:
            self.console.print(Text(phrase(self.tongue, "finished"), "dim"))

    def described(self, take: Take, number: int, instead: Mapping[int, str]) -> None:
        """All that is known of a take, in words."""
        self.tell(self._verdict(number, take), style="bold")
        for line in described(take.critique, instead, self.tongue):
            self.console.print(said(line))

    def instead(self, take: Take, seen: Mapping[int, str]) -> None:
        """What a take looks like in place of what was claimed of it."""
        for index, foil in seen.items():
            texts = take.critique.claims[index].text, foil
            claim, other = (in_tongue(text, self.tongue) for text in texts)
            told = phrase(self.tongue, "instead", claim=claim, foil=other)
            self.console.print(Rows({" ": said(told.strip(), "yellow")}))

    def drafted(self, event: BriefReady) -> None:
        """What the writer left alone, or did wrong; the version itself is shown by `version`."""
        self._spans = event.spans
        if event.why:
            self.tell(event.why, style="dim")
        if event.repaired:
            self.tell(f"put back into the brief: {', '.join(event.repaired)}", style="dim")
        if left := self._left(event.brief):
            told = phrase(self.tongue, "lacking", texts=left)
            self.console.print(said(told.strip(), "yellow"))
        if event.fallback:
            self.tell(f"note: {event.fallback}", style="yellow")

    def take(self, event: TakeReady) -> None:
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
            sentence = self._verdict(result.best.number + 1, result.best)
            self.console.print(said(sentence + phrase(self.tongue, result.ended), "bold"))
            self.spent(result)
        else:
            self.tell("stopped before anything was painted", style="yellow")
        self.notes(result)

    def large(self, picture: Image, critique: Critique) -> None:
        """A picture, and its claims beside it where there is room."""
        self.console.print()
        width = self.console.width
        if not self.graphics:
            self.console.print(self._claims(critique, width))
            return
        shown, columns = self.graphics.large(picture, self.console)
        if self.graphics.beside and width >= 72:
            grid = Table.grid(padding=(0, 2))
            grid.add_row(shown, self._claims(critique, width - columns - 3))
            self.console.print(grid)
        else:
            self.console.print(Group(shown, self._claims(critique, width)))

    def _claims(self, critique: Critique, width: int) -> Table:
        return claims_table(critique, self.console, width, self.words)

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Rows of words, in columns as wide as needed, or each on its own where that is narrow."""
        rows = [*rows]
        if self.console.width < _NARROW and any(len(row) > 2 for row in rows):
            for first, *rest in rows:
                self.console.print(Rows({first: " · ".join(filter(None, rest))}))
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(style="cyan", no_wrap=True)
        for row in rows:
            table.add_row(*map(said, row))
        self.console.print(table)

    def named(self, take: Take) -> str:
        """A take's number, as people say it."""
        return f"#{take.number + 1}"

    def told(self, path: Path) -> None:
        """Where a page was written."""
        self._line("page", str(path), "bold")

    def _revised(self, event: PromptRevised) -> None:
        """How the wording changed; what the writer thinks of it nobody has seen."""
        super()._revised(replace(event, reply=""))

    def _verdict(self, number: int, take: Take) -> str:
        return verdict(number, take.critique, self.tongue, self._left(take.brief))

    def _left(self, brief: Brief) -> str:
        comma = phrase(self.tongue, "comma")
        return comma.join(noun_in(name, self.tongue) for name in left_out(brief))

    def _label(self, take: Take) -> Text:
        holds, _ = take.critique.score
        name = (f"{self.named(take)} ", "bold" if take is self.best else "")
        line = Text.assemble(name, marks(take.critique, self.console))
        return line.append(f" {holds}/{len(take.critique.claims)}", "dim")


def _marked(line: str) -> Text:
    style = {"+": "green", "-": "red", "−": "red"}.get(line.lstrip()[:1], "")
    return said(line, style or ("yellow" if "→" in line else ""))
