"""Makes one page of a batch that needs nothing else: every row with its picture and its claims."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from PIL import Image

from limner.agent.archive.atomic_io import write_slowly
from limner.agent.archive.html import bar, filled
from limner.agent.archive.recipe import without_home
from limner.agent.batch.rows import STATUSES, Outcome
from limner.errors import BadInput
from limner.pipelines import stamp

__all__ = ["MOST", "batch_page", "write_page"]

MOST = 500
"""The rows that a page shows: more would be too much for a browser."""

_SIDE, _QUALITY = 256, 85  # of a thumbnail: pixels, JPEG
_WORDS = {"short": "falls short", "bad": "can't be used"}


def write_page(outcomes: Iterable[Outcome], path: Path, title: str = "") -> Path:
    """Write the page and return its path; pictures are looked for beside it.

    Raises `BadInput` when it can't be saved.
    """
    content = batch_page(outcomes, path.parent, title).encode()
    with write_slowly(path) as file:
        file.write(content)
    return path


def batch_page(outcomes: Iterable[Outcome], folder: Path, title: str = "") -> str:
    """The batch as HTML that fetches nothing, runs nothing, and shows foreign text as text.

    `folder` is where the pictures are; one that is lost is said to be. Of more than `MOST` rows
    those are shown that didn't end well, then the first. The outcomes are gone through twice.
    """
    counts: Counter[str] = Counter()
    made: Counter[str] = Counter()
    held: Counter[str] = Counter()
    good: list[int] = []
    poor: list[int] = []
    for outcome in outcomes:
        counts[outcome.status] += 1
        made.update(claim.kind for claim in outcome.asked)
        held.update(claim.kind for claim in outcome.asked if claim.holds)
        of = good if outcome.status == "done" else poor
        if len(of) < MOST:
            of.append(outcome.number)
    shown, rows = {*[*poor, *good][:MOST]}, counts.total()
    tallies = [
        {"kind": kind, "holds": held[kind], "claims": n, "percent": round(100 * held[kind] / n)}
        for kind, n in made.items()
    ]
    return filled(
        "batch/page.html.j2",
        "archive/gallery.css",
        "batch/page.css",
        title=title or f"A batch of {rows:,} row{'' if rows == 1 else 's'}",
        rows=rows,
        filters=[(_class(s), _WORDS.get(s, s), counts[s]) for s in STATUSES if counts[s]],
        tallies=sorted(tallies, key=lambda tally: tally["percent"]),
        cards=[_card(outcome, folder) for outcome in outcomes if outcome.number in shown],
    )


def _card(outcome: Outcome, folder: Path) -> dict[str, Any]:
    """A row as the template shows it: `source` is a data: URI, "" for no picture.

    `bars` are of what was asked, `invented` of what the writer added.
    """
    source, size = _thumbnail(outcome, folder)
    said = outcome.verdict.get("said", "")  # a manifest is anyone's file
    required = "Required: " if outcome.short and not outcome.error else ""
    bars = [(c.decides, bar(c.text, c.probability, c.holds)) for c in outcome.claims]
    why = [*([required + "; ".join(outcome.reasons)] if outcome.reasons else []), *outcome.notes]
    return {
        "outcome": outcome,
        "state": _class(outcome.status),
        "words": _WORDS.get(outcome.status, outcome.status),
        "why": without_home("; ".join(why)),
        "source": source,
        "link": f"./{quote(outcome.picture)}" if source else "",
        "size": size,
        "verdict": said if isinstance(said, str) else "",
        "bars": [one for decides, one in bars if decides],
        "invented": [one for decides, one in bars if not decides],
        "lost": bool(outcome.picture and not source),
    }


def _class(status: str) -> str:
    return status.replace(" ", "-")


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
