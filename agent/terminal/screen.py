"""What a person sees while limner works: the brief, the candidates, and the picture."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from PIL.Image import Image
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from limner.agent.brief.verdict import left_open, verdict_of
from limner.agent.events import (
    BriefReady,
    BriefToken,
    CandidateReady,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
    Replied,
)
from limner.agent.i18n import Language, claim_in, noted, phrase
from limner.agent.plain import one_line
from limner.agent.records import Candidate, Claim, Critique, Result
from limner.agent.terminal.pictures import HalfBlocks
from limner.agent.terminal.terminal import can_show_pictures
from limner.agent.terminal.words import (
    ClaimRows,
    brief_lines,
    changed,
    claims_table,
    fields_so_far,
    marks,
    said,
    sketch,
)

__all__ = [
    "LiveView",
    "Screen",
]


PREVIEW_EVERY = 4
"""Steps from one rough picture to the next, where somebody looks."""

_BETWEEN_DRAWINGS = 0.08  # seconds: an eye follows no faster, and drawing costs painting time


class LiveView:
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
        return ClaimRows(rows)

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


_NEXT = {
    "revise": "wording it anew",
    "repaint": "painting it anew",
    "repair": "painting over what is wrong",
    "stop": "stopping here",
}


class Screen:
    """Shows the events of a request as they come; `best` is the best take so far.

    What is known of a picture is told in `language`, that of who asked.
    """

    def __init__(self, console: Console, language: Language = "english") -> None:
        self.console = console
        self.moving = LiveView(console)
        self.language = language
        self.best: Candidate | None = None
        self._round = -1

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, BriefToken | PaintingStep):
            self.moving.follow(event)
            return
        self.moving.stop()
        match event:
            case BriefReady():
                self.moving.critique = Critique(event.claims, (None,) * len(event.claims))
                self.drafted(event)
            case CandidateReady():
                self.take(event)
            case Decided():
                self.decided(event)
            case PromptRevised():
                self._revised(event)
            case Replied():
                self.replied(event)
            case Finished():
                self.finished(event.result)

    @property
    def language(self) -> Language:
        """The language of who looks on."""
        return self.moving.language

    @language.setter
    def language(self, language: Language) -> None:
        self.moving.language = language

    def words(self, line: str) -> str:
        """A line of ours in the language of who looks on."""
        return noted(line, self.language)

    def tell(self, *lines: str, style: str = "") -> None:
        """Lines of our own or anyone's words, made safe."""
        for line in lines:
            self.console.print(said(self.words(line), style))

    def close(self) -> None:
        """Take away what is only shown while something happens."""
        self.moving.stop()

    def drafted(self, event: BriefReady) -> None:
        """A whole brief, why so much or so little was added, and what nobody will look at."""
        brief = event.brief
        rows: dict[str, Text | str] = {
            "brief": " · ".join(brief_lines(brief, self.language)),
            "prompt": brief.prompt,
            "style": brief.style_prompt,
            "reply": brief.reply,
            "gate": event.why,
        }
        self.console.print(ClaimRows(rows))
        self.caveats(event)

    def caveats(self, event: BriefReady) -> None:
        """Where the writer failed, and what of the request will not be looked at or shown."""
        if event.fallback:
            self.tell(f"note: {event.fallback}", style="yellow")
        self.tell(*left_open(event.brief, self.language), style="yellow")

    def replied(self, event: Replied) -> None:
        """What is said in answer to a line, where nothing is painted."""
        self.tell(event.text, style="bold" if event.choices else "")
        self.tell(*(f"{n}. {choice}" for n, choice in enumerate(event.choices, 1)))

    def claims(self, claims: tuple[Claim, ...]) -> None:
        """Claims that nobody has checked yet."""
        for claim in claims:
            self.console.print(said(claim_in(claim, self.language)))

    def finished(self, result: Result) -> None:
        """The best take beside its claims, and how it came to an end."""
        if result.best:
            if self.moving.pictures or result.best.critique.claims:
                self.console.print()
                self.console.print(self._beside(result.best.picture, result.best.critique))
            self.console.print()
            self.end(result, result.best)
        self.notes(result)

    def end(self, result: Result, best: Candidate) -> None:
        """One sentence that claims no more than was seen, and what it cost."""
        ending = self.verdict(best) + phrase(self.language, result.ended)
        self.console.print(said(ending, "bold"))
        self.spent(result)

    def verdict(self, take: Candidate) -> str:
        """What may be said of a take."""
        return verdict_of(take, self.language).said

    def notes(self, result: Result) -> None:
        """What went wrong on the way, a line each."""
        for note in result.notes:
            self.console.print(said(self.words(f"note: {note}"), "yellow"))

    def spent(self, result: Result) -> None:
        """What the request cost."""
        spent = f"{len(result.takes)} takes, {result.spent:.1f} pictures' worth of painting"
        self.console.print(ClaimRows({"spent": self.words(f"{spent}, {result.seconds:.1f} s")}))

    def saved(self, path: Path, seed: int) -> None:
        """Where the picture is, and what to type to paint it again."""
        self._line("saved", str(path), "bold")
        self._line("again", f"limner again {shlex.quote(str(path))} (seed {seed})")

    def _line(self, label: str, text: str, style: str = "default") -> None:
        line = Text(f"{label} ", "cyan").append(one_line(text), style)
        self.console.print(line, soft_wrap=True)

    def take(self, event: CandidateReady) -> None:
        """A take, with a mark for each claim, under the round that it is of."""
        self.keep_best(event)
        take = event.take
        if take.round != self._round:
            self._round = take.round
            self.console.print(Text(self.words(f"round {take.round + 1}"), style="cyan"))
        holds, _ = take.critique.score
        line = Text(f"  {self.named(take):<8} ").append_text(marks(take.critique, self.console))
        of = len(take.critique.decisive)
        line.append(self.words(f"  {holds} of {of}" if of else ""))
        line.append(self.words("  best so far") if event.best else "", "bold green")
        line.append(f"  {take.safety.outcome}: {take.safety.why}" if take.safety.why else "", "red")
        line.rstrip()
        self.console.print(line)

    def named(self, take: Candidate) -> str:
        """What people call the take."""
        return f"take {take.number + 1}"

    def keep_best(self, event: CandidateReady) -> None:
        """Remember the best take, whose claims are shown while the next ones are painted."""
        if event.best:
            self.best = event.take
            self.moving.critique = event.take.critique

    def decided(self, event: Decided) -> None:
        """What the best take still gets wrong, and what is done about it."""
        if event.what == "done":
            return
        if event.what in ("aim", "sketch"):  # of what goes on, which was told before
            self.console.print(Text("  ").append_text(said(self.words(event.why), "yellow")))
            return
        blamed = self._blamed(self.best.critique) if self.best else []
        for claim in blamed:
            self.console.print(Text("  ").append_text(self._not_yet(claim)))
        next_step = _NEXT.get(event.what, event.what)
        why = "" if blamed and event.what != "stop" else f": {one_line(event.why)}"
        self.console.print(Text("  ").append_text(said(self.words(next_step + why), "yellow")))

    def _not_yet(self, claim: str) -> Text:
        told = said(self.words(f"not yet: {one_line(claim)}"))
        told.highlight_regex("^[^:：]+[:：]", "red")
        return told

    def _revised(self, event: PromptRevised) -> None:
        drawn = self.console.is_terminal and not self.console.no_color
        wording = changed(event.before, event.after, drawn)
        self.console.print(ClaimRows({"prompt": wording, "reply": event.reply}))

    def _beside(self, picture: Image, critique: Critique) -> RenderableType:
        width, height = self.console.size
        if not self.moving.pictures:
            return self.table_of(critique, width)
        rows = max(4, min(32, height - 8))
        if width < 72:
            shown = HalfBlocks(picture, width, rows)
            return Group(shown, self.table_of(critique, width))
        shown = HalfBlocks(picture, width // 2 - 2, rows)
        grid = Table.grid(padding=(0, 2))
        grid.add_row(shown, self.table_of(critique, width - shown.columns - 3))
        return grid

    def table_of(self, critique: Critique, width: int) -> Table:
        """The claims of a picture with how probable each is."""
        return claims_table(critique, self.console, width, self.language)

    def _blamed(self, critique: Critique) -> list[str]:
        rows = [(critique.claims[i], critique.probabilities[i] or 0.0) for i in critique.blamed]
        return [f"{claim_in(claim, self.language)} ({known:.0%})" for claim, known in rows]
