"""Makes one page of a batch that needs nothing else: every row with its picture and its claims."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup
from PIL import Image

from limner.agent.archive.atomic_io import write_slowly
from limner.agent.archive.html import Bar, bar, filled
from limner.agent.archive.recipe import without_home
from limner.agent.batch.rows import BadRow, CheckedClaim, Outcome
from limner.errors import BadInput
from limner.pipelines import stamp

__all__ = ["MOST", "page", "write_page"]

MOST = 500
"""The rows that a page shows: more would be too much for a browser."""

_SIDE, _QUALITY = 256, 85  # of a thumbnail: pixels, JPEG
_MOST_BAD = 100
_WORDS = {"done": "done", "short": "falls short", "failed": "failed", "set aside": "set aside"}


@dataclass(frozen=True, slots=True)
class RowCard:
    """A row as it is shown: `source` is a data: URI, "" for no picture; `link` a file beside it.

    `verdict` is the sentence on what was asked; `bars` are of that, `invented` of the writer's own.
    """

    outcome: Outcome
    state: str
    words: str
    told: str
    source: Markup
    link: str
    size: tuple[int, int]
    verdict: str
    bars: list[Bar]
    invented: list[Bar]
    lost: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """How many claims of a kind hold, of those that were made."""

    kind: str
    holds: int
    claims: int

    @property
    def percent(self) -> int:
        """Of a hundred claims, how many hold."""
        return round(100 * self.holds / self.claims)


def write_page(
    outcomes: Iterable[Outcome], path: Path, bad: Sequence[BadRow] = (), title: str = ""
) -> Path:
    """Write the page and return its path; pictures are looked for beside it.

    Raises `BadInput` when it can't be saved.
    """
    content = page(outcomes, path.parent, bad, title).encode()
    with write_slowly(path) as file:
        file.write(content)
    return path


def page(
    outcomes: Iterable[Outcome], folder: Path, bad: Sequence[BadRow] = (), title: str = ""
) -> str:
    """The batch as HTML that fetches nothing, runs nothing, and shows foreign text as text.

    `folder` is where the pictures are; one that is lost is said to be. Of more than `MOST` rows
    those are shown that didn't end well, then the first. The outcomes are gone through twice.
    """
    counts, tallies, shown = _counted(outcomes)
    cards = [_card(outcome, folder) for outcome in outcomes if outcome.number in shown]
    rows = counts.total()
    return filled(
        "batch/page.html.j2",
        "archive/gallery.css",
        "batch/page.css",
        title=title or f"A batch of {rows:,} row{'' if rows == 1 else 's'}",
        rows=rows,
        filters=[(_class(name), _WORDS[name], counts[name]) for name in _WORDS if counts[name]],
        tallies=tallies,
        cards=cards,
        bad=bad[:_MOST_BAD],
        worse=len(bad),
    )


def _counted(outcomes: Iterable[Outcome]) -> tuple[Counter[str], list[Tally], set[int]]:
    """How rows ended, how claims held, and the numbers of the rows to show."""
    counts: Counter[str] = Counter()
    made: Counter[str] = Counter()
    held: Counter[str] = Counter()
    first: list[int] = []
    poor: list[int] = []
    for outcome in outcomes:
        counts[outcome.status] += 1
        made.update(claim.kind for claim in outcome.asked)
        held.update(claim.kind for claim in outcome.asked if claim.holds)
        of = first if outcome.status == "done" else poor
        if len(of) < MOST:
            of.append(outcome.number)
    tallies = [Tally(kind, held[kind], made[kind]) for kind in made]
    return counts, sorted(tallies, key=lambda t: t.percent), set([*poor, *first][:MOST])


def _card(outcome: Outcome, folder: Path) -> RowCard:
    source, size = _thumbnail(outcome, folder)
    return RowCard(
        outcome=outcome,
        state=_class(outcome.status),
        words=_WORDS[outcome.status],
        told=_told(outcome),
        source=source,
        link=f"./{quote(outcome.picture)}" if source else "",
        size=size,
        verdict=_verdict(outcome),
        bars=[_bar(claim) for claim in outcome.asked],
        invented=[_bar(claim) for claim in outcome.claims if not claim.decides],
        lost=bool(outcome.picture and not source),
    )


def _bar(claim: CheckedClaim) -> Bar:
    return bar(claim.text, claim.probability, claim.holds)


def _verdict(outcome: Outcome) -> str:
    """The sentence that every door has; a manifest is anyone's file."""
    said = outcome.verdict.get("said", "")
    return said if isinstance(said, str) else ""


def _class(status: str) -> str:
    return status.replace(" ", "-")


def _told(outcome: Outcome) -> str:
    if outcome.error:
        return without_home(outcome.error)
    if outcome.short:
        return "Required: " + "; ".join(outcome.short)
    return ""


def _thumbnail(outcome: Outcome, folder: Path) -> tuple[Markup, tuple[int, int]]:
    """The picture, small, as a data: URI; nothing outside the folder is opened."""
    if not _is_within(outcome.picture, folder):
        return Markup(""), (1, 1)
    try:
        picture = stamp.read(folder / outcome.picture).picture
    except BadInput:
        return Markup(""), (1, 1)
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    coded = base64.b64encode(buffer.getvalue()).decode()
    return Markup("data:image/jpeg;base64,") + coded, picture.size


def _is_within(name: str, folder: Path) -> bool:
    """Whether a manifest's name for a file leads to one below its folder, and to no hidden one."""
    parts = name.split("/")
    if any(not part or part.startswith(".") or set(part) & set("\\\0:") for part in parts):
        return False
    try:
        return (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links that lead to themselves
        return False
