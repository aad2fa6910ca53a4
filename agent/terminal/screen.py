"""What a person sees while limner works: the brief, the candidates, and the picture."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
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
from limner.agent.terminal.pictures import BlockPicture, Graphics
from limner.agent.terminal.terminal import can_show_pictures
from limner.agent.terminal.words import (
    LABEL,
    NOTE,
    ClaimRows,
    Row,
    brief_lines,
    changed,
    claims_table,
    fields_so_far,
    marks,
    said,
    seen_colours,
    sketch,
    work,
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

    `critique` is of the best candidate so far, shown in `language` while the next are painted.
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
        shown = {key: text.get(key, "") for key in ("prompt", "reply")}
        rows: dict[str, Row] = {"brief": sketch(fields), **shown}
        if not any(rows.values()):
            rows["brief"] = "…" if self._written.lstrip().startswith("{") else self._written[-400:]
        return ClaimRows(rows, self.language)

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
        label = Text(noted(f"round {event.round + 1}", self.language), LABEL)
        grid.add_row(label, bar, f"{event.number}/{event.of}")
        return grid

    def _forming(self) -> RenderableType:
        across = min(len(self._previews), max(1, self.console.width // 18))
        columns = min(32, self.console.width // across - 2)
        rows = max(4, self.console.height // 3)
        first = sorted(self._previews)[:across]
        shown = [BlockPicture(self._previews[i], columns, rows) for i in first]
        return Columns(shown, padding=(0, 1))


_NEXT = {
    "revise": "wording it anew",
    "repaint": "painting it anew",
    "repair": "painting over what is wrong",
    "stop": "stopping here",
}


class Screen:
    """Shows the events of a request as they come; `best` is the best candidate so far.

    What is known of a picture is told in `language`, that of who asked. Without `graphics` pictures
    are shown with block characters, where the terminal can.
    """

    def __init__(
        self, console: Console, language: Language = "english", graphics: Graphics | None = None
    ) -> None:
        self.console = console
        shows = "blocks" if can_show_pictures(console) else "none"
        self.graphics = graphics or Graphics(shows)
        self.moving = LiveView(console)
        self.moving.pictures = bool(self.graphics)
        self.language = language
        self.best: Candidate | None = None
        self._round = -1
        self._waiting: list[Candidate] = []

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
                self.candidate(event)
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

    def rows(self, **rows: Row) -> None:
        """Labels of ours and what they label, each in its line or lines."""
        self.console.print(ClaimRows(rows, self.language))

    def close(self) -> None:
        """Take away what is only shown while something happens."""
        self.moving.stop()

    def drafted(self, event: BriefReady) -> None:
        """A whole brief, why so much or so little was added, and what nobody will look at."""
        brief = event.brief
        self.rows(
            brief=" · ".join(brief_lines(brief, self.language)),
            prompt=brief.prompt,
            style=brief.style_prompt,
            reply=brief.reply,
            added=self.words(event.why),
        )
        self.caveats(event)

    def caveats(self, event: BriefReady) -> None:
        """Where the writer failed, and what of the request will not be looked at or shown."""
        if event.fallback:
            self.tell(f"note: {event.fallback}", style=NOTE)
        self.tell(*left_open(event.brief, self.language), style=NOTE)

    def replied(self, event: Replied) -> None:
        """What is said in answer to a line, where nothing is painted."""
        self.tell(event.text, style="bold" if event.choices else "")
        self.tell(*(f"{n}. {choice}" for n, choice in enumerate(event.choices, 1)))

    def claims(self, claims: tuple[Claim, ...]) -> None:
        """Claims that nobody has checked yet."""
        for claim in claims:
            self.console.print(said(claim_in(claim, self.language)))

    def candidate(self, event: CandidateReady) -> None:
        """A candidate; where pictures can be shown it waits for the others of its round."""
        if event.best:
            self.best, self.moving.critique = event.candidate, event.candidate.critique
        self._waiting.append(event.candidate)
        if not self.graphics:
            self.flush()

    def flush(self) -> None:
        """Show the candidates that wait: small, side by side, or a line each."""
        waiting, self._waiting = self._waiting, []
        labelled = [(one.picture, self._label(one)) for one in waiting]
        if labelled and self.graphics:
            self.console.print()
            self.console.print(*self.graphics.sheet(labelled, self.console), sep="\n")
            unsafe = [one for one in waiting if one.safety.why]
            self.console.print(*map(self._row, unsafe), sep="\n", end="\n" * bool(unsafe))
            return
        for one in waiting:
            if one.round != self._round:
                self._round = one.round
                self.console.print(Text(self.words(f"round {one.round + 1}"), LABEL))
            self.console.print(self._row(one))

    def _label(self, one: Candidate) -> Text:
        """A candidate's number, a star for the best so far, and a mark for each claim; short."""
        holds, _ = one.critique.score
        star = "★" if self.console.encoding.lower().startswith("utf") else "*"
        line = Text.assemble((f"#{one.number + 1}", "bold"), (star * (one is self.best), "green"))
        line.append(f" {holds}/{len(one.critique.decisive)} ", "dim")
        return line.append_text(marks(one.critique, self.console))

    def _row(self, one: Candidate) -> Text:
        """A candidate in a line of words."""
        holds, _ = one.critique.score
        line = Text(f"  {f'#{one.number + 1}':<4}").append_text(marks(one.critique, self.console))
        if of := len(one.critique.decisive):
            line.append(self.words(f"  {holds} of {of}"))
        if one is self.best:
            line.append(self.words("  best so far"), "bold green")
        if one.safety.why:
            line.append(f"  {one.safety.outcome}: {one.safety.why}", "red")
        line.rstrip()
        return line

    def decided(self, event: Decided) -> None:
        """What the best candidate still gets wrong, and what is done about it."""
        self.flush()
        why = one_line(event.why).rstrip(".")
        if event.what in ("aim", "drop"):  # of what goes on, which was told before
            self.tell(f"  {why}", style="dim")
        elif event.what != "done":
            blamed = self._blamed(self.best.critique) if self.best else []
            for claim in blamed:
                self.console.print(Text("  ").append_text(self._not_yet(claim)))
            next_step = _NEXT.get(event.what, event.what)
            why = "" if blamed and event.what != "stop" else f": {why}"
            self.tell(f"  {next_step}{why}", style=NOTE)

    def finished(self, result: Result) -> None:
        """The best candidate beside its claims, and how it came to an end."""
        self.close()
        self.flush()
        if result.best:
            self.large(result.best.picture, result.best.critique)
            self.console.print()
            ending = self.verdict(result.best) + phrase(self.language, result.ended)
            self.console.print(said(ending, "bold"))
            self.rows(spent=self.words(work(len(result.candidates), result.spent, result.seconds)))
        else:
            self.tell("stopped before anything was painted", style=NOTE)
        self.tell(*(f"note: {note}" for note in result.notes), style=NOTE)

    def large(self, picture: Image, critique: Critique) -> None:
        """A picture, and its claims beside it where there is room."""
        width = self.console.width
        if not self.graphics:
            if critique.claims:
                self.console.print()
                self.console.print(self._claims(critique, width))
            return
        self.console.print()
        shown, columns = self.graphics.large(picture, self.console)
        if self.graphics.room(self.console):
            grid = Table.grid(padding=(0, 2))
            grid.add_row(shown, self._claims(critique, width - columns - 3))
            self.console.print(grid)
        else:
            self.console.print(Group(shown, self._claims(critique, width)))

    def verdict(self, one: Candidate, number: int | None = None) -> str:
        """What may be said of a candidate, by its number."""
        return verdict_of(one, self.language, number or one.number + 1).said

    def saved(self, path: Path, seed: int) -> None:
        """Where the picture is, and what to type to paint it again."""
        self.line("saved", str(path), "bold")
        self.line("again", f"limner reproduce {shlex.quote(str(path))} (seed {seed})")

    def line(self, label: str, text: str, style: str = "") -> None:
        """A label and a text that stays one line, such as a path, whatever its length."""
        line = Text.assemble((f"{self.words(label)} ", LABEL), (one_line(text), style))
        self.console.print(line, soft_wrap=True)

    def _not_yet(self, claim: str) -> Text:
        told = said(self.words(f"not yet: {one_line(claim)}"))
        told.highlight_regex("^[^:：]+[:：]", "red")
        return told

    def _revised(self, event: PromptRevised) -> None:
        wording = changed(event.before, event.after, seen_colours(self.console))
        self.rows(prompt=wording, reply=event.reply)

    def _claims(self, critique: Critique, width: int) -> Table:
        """The claims of a picture with how probable each is."""
        return claims_table(critique, self.console, width, self.language)

    def _blamed(self, critique: Critique) -> Sequence[str]:
        rows = [(critique.claims[i], critique.probabilities[i] or 0.0) for i in critique.blamed]
        return [f"{claim_in(claim, self.language)} ({known:.0%})" for claim, known in rows]
