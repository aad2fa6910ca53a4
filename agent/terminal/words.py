"""Puts briefs, claims and changes into words for a terminal; all foreign text is made safe here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from pydantic_core import from_json
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from limner.agent.archive.rows import SessionRow
from limner.agent.brief.prompt import Span, wording
from limner.agent.i18n import Language, claim_in, noted, phrase
from limner.agent.plain import clean, one_line
from limner.agent.records import Brief, Critique
from limner.pipelines.roles import World

__all__ = [
    "LABEL",
    "NOTE",
    "ClaimRows",
    "Row",
    "as_rows",
    "brief_lines",
    "by_origin",
    "changed",
    "claims_table",
    "columns",
    "fields_so_far",
    "marks",
    "said",
    "seen_colours",
    "short_name",
    "sketch",
    "work",
    "world_rows",
]

# Colours that can be read on light and on dark: no yellow, and nothing bright.
LABEL = "cyan"
NOTE = "magenta"
_MARKS = {True: ("✓", "+", "green"), False: ("✗", "-", "red"), None: ("?", "?", NOTE)}
_ORIGINS = {"user": "", "translated": LABEL, "inferred": "dim", "style": NOTE, "fix": "green"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LONGEST = 100  # characters of a request

Row = Text | str


def said(text: str, style: str = "") -> Text:
    """Foreign text as one safe line, never read as markup."""
    return Text(one_line(text), style=style)


def by_origin(spans: Iterable[Span]) -> Text:
    """A prompt with its parts in the colour of where they came from; the user's own words plain."""
    return Text.assemble(*((clean(span.text), _ORIGINS[span.origin]) for span in spans))


class ClaimRows:
    """Labels and what they label, side by side; empty ones are left out."""

    def __init__(self, rows: Mapping[str, Row], language: Language = "english") -> None:
        safe = {label: said(t) if isinstance(t, str) else t for label, t in rows.items()}
        self._rows = {noted(label, language): text for label, text in safe.items() if text.plain}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        indent = max(map(cell_len, self._rows), default=0) + 1
        width = max(options.max_width - indent, 8)
        for label, text in self._rows.items():
            start = Text(label + " " * (indent - cell_len(label)), LABEL)
            for line in text.wrap(console, width):
                line.rstrip()
                yield Text.assemble(start, line, overflow="ignore", no_wrap=True)
                start = Text(" " * indent)


def fields_so_far(written: str) -> dict[str, object]:
    """What can be read already of a JSON object that is still being written; maybe nothing yet."""
    try:
        found = from_json(written, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def sketch(fields: Mapping[str, object]) -> str:
    """What a brief, or the draft of one, says so far: `There are two cats · The cats are red`."""
    rows = [row for key in ("claims", "asked", "add") for row in _list(fields, key)]
    texts = [row.get("text") for row in rows if isinstance(row, Mapping)]
    return " · ".join(text.rstrip(".") for text in texts if isinstance(text, str) and text)


def brief_lines(brief: Brief, language: Language = "english") -> list[str]:
    """What a brief claims, a line for each asked claim and one for all that the writer added."""
    own = [claim_in(claim, language) for claim in brief.claims if claim.source == "invented"]
    added = phrase(language, "invented", texts=phrase(language, "comma").join(own))
    return [*(claim_in(claim, language) for claim in brief.asked), *([added] if own else [])]


def marks(critique: Critique, console: Console) -> Text:
    """One mark for each claim that decides: ✓ holds, ✗ fails, ? unchecked."""
    line = Text()
    for at in critique.decisive:
        line.append_text(_mark(critique.probabilities[at], critique.threshold, console))
    return line


def claims_table(
    critique: Critique, console: Console, width: int, language: Language = "english"
) -> Table:
    """The claims with how probable each is, in at most `width` columns; the writer's own apart."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=max(width - 8, 8))
    table.add_column(justify="right", no_wrap=True)
    longest = max((cell_len(claim_in(claim, language)) for claim in critique.claims), default=0)
    bar = 10 if console.is_terminal and width >= longest + 19 else 0
    if bar:
        table.add_column(no_wrap=True)
    rows = zip(critique.claims, critique.probabilities, strict=True)
    shown = sorted(rows, key=lambda row: row[0].source == "invented")
    apart = len(critique.decisive)
    for at, (claim, probability) in enumerate(shown):
        if at == apart:
            title = phrase(language, "invented", texts="").rstrip(" :：")
            table.add_row("", Text(title, "dim"))
        mark = _mark(probability, critique.threshold, console)
        percent = Text(noted(_percent(probability), language))
        cells = [mark, said(claim_in(claim, language)), percent]
        table.add_row(*cells, *([_bar(probability, bar, mark.style, console)] if bar else []))
    return table


def changed(before: str, after: str, coloured: bool) -> Text:
    """What changed between two wordings: what is gone in red, what is new in green.

    Where no colour is seen, it is [-gone-] and {+new+}.
    """
    line = Text()
    for kind, words in wording(before, after):
        if kind == "same":
            line.append(f"{words} ", "dim")
        elif kind == "gone":
            line.append(words if coloured else f"[-{words}-]", "red strike").append(" ")
        else:
            line.append(words if coloured else f"{{+{words}+}}", "green").append(" ")
    line.rstrip()
    return line


def _mark(probability: float | None, threshold: float, console: Console) -> Text:
    drawn, plain, colour = _MARKS[None if probability is None else probability >= threshold]
    return Text(drawn if _unicode(console) else plain, style=colour)


def _bar(probability: float | None, width: int, style: object, console: Console) -> Text:
    if not _unicode(console):
        return Text("#" * round((probability or 0) * width), style=str(style))
    full, rest = divmod(round((probability or 0) * width * 8), 8)
    return Text("█" * full + (_EIGHTHS[rest] if rest else ""), style=str(style))


def _percent(probability: float | None) -> str:
    return "not seen" if probability is None else f"{probability:.0%}"


def _unicode(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")


def _list(fields: Mapping[str, object], key: str) -> list[object]:
    value = fields.get(key)
    return list(value) if isinstance(value, list | tuple) else []


def columns(*names: str, right: Collection[str] = ()) -> Table:
    """A table without lines; what is measured in GiB, or named in `right`, is set to the right."""
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    for name in names:
        number = "GiB" in name or name in right
        table.add_column(said(name), justify="right" if number else "left", overflow="fold")
    return table


def seen_colours(console: Console) -> bool:
    """Whether who looks at it sees colours."""
    return console.is_terminal and not console.no_color


def short_name(name: str) -> str:
    """A model's name for people, without the digest of its weights."""
    return name.partition("@")[0]


def work(pictures: int, spent: float, seconds: float) -> str:
    """What a request cost: so many pictures, in what time, and the work of how many whole ones."""
    parts = [f"{pictures} picture{'' if pictures == 1 else 's'}"]
    parts += [f"the work of {spent:.3g}"] if abs(spent - pictures) > 0.05 else []
    parts += [f"{seconds:.1f} s"] if seconds else []
    return ", ".join(parts)


def world_rows(world: World | None) -> dict[str, Row]:
    """What a painter can show, by label, from what its world says of itself."""
    if world is None:
        return {"things": "whatever you can say"}
    rows: dict[str, Row] = {}
    for part in world.description.split("; "):
        label, colon, words = part.partition(": ")
        rows[label if colon else f"also {len(rows)}"] = words if colon else part
    also = "; ".join(str(rows.pop(label)) for label in [*rows] if label.startswith("also "))
    return {**rows, "also": also, "try": " · ".join(world.examples[:3]), "more": world.larger}


def as_rows(found: Sequence[SessionRow]) -> list[tuple[str, str, str, str, str]]:
    """Each session's number, pictures, best, time and request, as a list shows them."""
    return [
        (
            str(row.id),
            str(row.candidates),
            f"{row.holds} of {row.claims}" if row.best is not None and row.claims else "",
            _local(row.changed),
            one_line(row.name or row.request, _LONGEST),
        )
        for row in found
    ]


def _local(moment: str) -> str:
    """The user's own clock: the one place where it matters when something was painted."""
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
