"""Puts briefs, claims and changes into words for a terminal; all foreign text is made safe here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import SequenceMatcher

from pydantic_core import from_json
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from limner.agent.origins import Span
from limner.agent.plain import clean, one_line
from limner.agent.records import Critique

__all__ = [
    "Rows",
    "by_origin",
    "changed",
    "claims_table",
    "fields_so_far",
    "marks",
    "said",
    "scene_lines",
    "sketch",
    "wording",
]

_MARKS = {True: ("✓", "+", "green"), False: ("✗", "-", "red"), None: ("?", "?", "yellow")}
_ORIGINS = {
    "user": "",
    "translated": "cyan",
    "inferred": "dim",
    "style": "magenta",
    "fix": "yellow",
}
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def said(text: str, style: str = "") -> Text:
    """Foreign text as one safe line, never read as markup."""
    return Text(one_line(text), style=style)


def by_origin(spans: Iterable[Span]) -> Text:
    """A prompt with its parts in the colour of where they came from; the user's own words plain."""
    return Text.assemble(*((clean(span.text), _ORIGINS[span.origin]) for span in spans))


class Rows:
    """Labels and what they label, side by side; empty ones are left out."""

    def __init__(self, rows: Mapping[str, Text | str]) -> None:
        safe = {label: said(t) if isinstance(t, str) else t for label, t in rows.items()}
        self._rows = {label: text for label, text in safe.items() if text.plain}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        indent = max(map(len, self._rows), default=0) + 1
        width = max(options.max_width - indent, 8)
        for label, text in self._rows.items():
            start = Text(label.ljust(indent), "cyan")
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
    """The parts of a brief in a few words: `2 small orange cats left · grass · day · no dog`."""
    return " · ".join(scene_lines(fields))


def scene_lines(fields: Mapping[str, object]) -> list[str]:
    """The parts of a brief, a line each for things and relations, one for the scene."""
    things = [_thing(t) for t in _list(fields, "things") if isinstance(t, Mapping)]
    links = [
        " ".join(filter(None, (_text(r, "thing"), _text(r, "how"), _text(r, "other"))))
        for r in _list(fields, "relations")
        if isinstance(r, Mapping)
    ]
    scene = [_text(fields, key) for key in ("where", "light", "style")]
    avoid = [f"no {name}" for name in _list(fields, "avoid") if isinstance(name, str) and name]
    parts = [*things, *links, " · ".join(filter(None, scene)), " · ".join(avoid)]
    return [part for part in parts if part]


def marks(critique: Critique, console: Console) -> Text:
    """One mark for each claim: ✓ holds, ✗ fails, ? unchecked."""
    line = Text()
    for probability in critique.probabilities:
        line.append_text(_mark(probability, critique.threshold, console))
    return line


def claims_table(
    critique: Critique, console: Console, width: int, words: Callable[[str], str] = str
) -> Table:
    """The claims, in these words, with how probable each is, in at most `width` columns."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=max(width - 8, 8))
    table.add_column(justify="right", no_wrap=True)
    texts = [words(claim.text) for claim in critique.claims]
    longest = max(map(cell_len, texts), default=0)
    bar = 10 if console.is_terminal and width >= longest + 19 else 0
    if bar:
        table.add_column(no_wrap=True)
    for text, probability in zip(texts, critique.probabilities, strict=True):
        mark = _mark(probability, critique.threshold, console)
        cells = [mark, said(text), Text(words(_percent(probability)))]
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


def wording(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The words of both wordings in order, each run of them "same", "gone" or "new"."""
    old, new = one_line(before).split(), one_line(after).split()
    for what, i, j, k, n in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield "same", " ".join(old[i:j])
            continue
        if old[i:j]:
            yield "gone", " ".join(old[i:j])
        if new[k:n]:
            yield "new", " ".join(new[k:n])


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


def _thing(thing: Mapping[str, object]) -> str:
    count = thing.get("count")
    number = f"{count} ×" if isinstance(count, int) and count > 1 else ""
    words = [number, *(_text(thing, key) for key in ("size", "colour", "name", "place"))]
    return " ".join(filter(None, words))


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _list(fields: Mapping[str, object], key: str) -> list[object]:
    value = fields.get(key)
    return list(value) if isinstance(value, list | tuple) else []
