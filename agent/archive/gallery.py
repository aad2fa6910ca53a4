"""Makes one page of a session that needs nothing else: pictures, claims, rounds and decisions."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from limner.agent.archive.archive import Archive
from limner.agent.archive.atomic_io import write_new
from limner.agent.archive.html import Bar, bar, filled
from limner.agent.archive.pictures import Pictures, slug
from limner.agent.archive.recipe import without_home
from limner.agent.archive.rows import (
    ArchivedSession,
    CandidateRow,
    DecisionRow,
    VersionRow,
    finishes_of,
)
from limner.agent.brief import patch
from limner.agent.brief.prompt import wording
from limner.agent.brief.verdict import left_open, verdict
from limner.agent.i18n import language_of
from limner.agent.records import Brief, Critique
from limner.configs import known
from limner.errors import BadInput
from limner.pipelines import finish
from limner.pipelines.finish import Finish

__all__ = [
    "Plot",
    "Tick",
    "page",
    "page_of",
    "plot",
]


_WIDTH, _HEIGHT = 360, 150  # of the drawing, in its own units
_LEFT, _RIGHT, _TOP, _BOTTOM = 24, 12, 12, 30  # margins
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and the number that stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Coordinates for SVG: `line` is the best so far as a path, `dots` are all candidates."""

    line: str
    dots: list[tuple[float, float]]
    across: list[Tick]
    up: list[Tick]
    caption: str
    width: int = _WIDTH
    height: int = _HEIGHT


def plot(candidates: Sequence[CandidateRow]) -> Plot | None:
    """Claims that hold over image-equivalents; None where there is nothing to follow."""
    most = max((len(candidate.critique.decisive) for candidate in candidates), default=0)
    spent = _spent(candidates)
    if not most or len(set(spent)) < 2:
        return None
    xs = [_x(value / spent[-1]) for value in spent]
    scores = [candidate.critique.score[0] for candidate in candidates]
    best = [max(scores[: i + 1]) for i in range(len(scores))]
    return Plot(
        line=_steps(xs, [_y(score / most) for score in best]),
        dots=[(x, _y(score / most)) for x, score in zip(xs, scores, strict=True)],
        across=[Tick(_x(v / spent[-1]), f"{v:g}") for v in _round_numbers(spent[-1])],
        up=[Tick(_y(v / most), f"{v:g}") for v in _round_numbers(most, least=1)],
        caption=f"{best[-1]} of {most} claims hold after {spent[-1]:.1f} pictures’ worth",
    )


def _spent(candidates: Iterable[CandidateRow]) -> list[float]:
    """What the version had cost by each candidate; every run on it counts from zero."""
    spent, before, earlier = [], 0.0, 0.0
    for candidate in candidates:
        if candidate.spent < before:
            earlier += before
        before = candidate.spent
        spent.append(earlier + before)
    return spent


def _steps(xs: list[float], ys: list[float]) -> str:
    """From nothing to the first candidate, then a step for each candidate."""
    path = f"M{_x(0)} {_y(0)}"
    for x, y in zip(xs, ys, strict=True):
        path += f"H{x}V{y}"
    return path


def _round_numbers(end: float, least: float = 0) -> list[float]:
    """Zero and up to six more numbers to `end`, by steps of 1, 2 or 5 and their tens."""
    steps = (digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5))
    step = next(s for s in steps if s >= least and end / s <= _MOST_TICKS)
    return [i * step for i in range(int(end / step + 1e-9) + 1)]


def _x(share: float) -> float:
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


_DECIDED = {
    "done": "Done",
    "revise": "To be reworded",
    "repaint": "To be painted anew",
    "repair": "To be painted over in one place",
    "aim": "Where",
    "drop": "Painted on",
    "reworded": "Reworded",
    "stop": "Stopped",
    "note": "Note",
}


@dataclass(frozen=True, slots=True)
class CandidateCard:
    """A candidate as it is shown; `source` is a data: URI, empty where the picture is lost.

    `verdict` is the sentence on what was asked; `bars` are of that, `invented` of the writer's own.
    `best` is the best candidate of its version; `finished` says what was done to it after painting.
    """

    candidate: CandidateRow
    source: Markup
    verdict: str
    bars: list[Bar]
    invented: list[Bar]
    score: str
    best: bool
    verdicts: list[str]
    finished: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """Candidates of one wording, what changed in it, and what was decided after it."""

    number: int
    wording: list[tuple[str, str]]
    cards: list[CandidateCard]
    decisions: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A version: the user's words, what they changed, its rounds, and how its score grew.

    `left_open` are lines on what was asked and nobody looks at, or this painter can't show.
    """

    version: VersionRow
    changes: list[tuple[str, str]]
    left_open: list[str]
    reply: str
    rounds: list[Round]
    plot: Plot | None


def page(archive: Archive, session: int) -> str:
    """The session as HTML that fetches nothing, runs nothing, and shows foreign text as text.

    Raises `BadInput` for a session that there is not. A picture that is lost or damaged is said to
    be, in its place.
    """
    kept = archive.load(session)
    best = _best_of_versions(kept)
    briefs = {version.number: _brief(version) for version in kept.versions}
    cards = {
        one.number: _card(one, kept, briefs, _inline(one, archive.pictures), one.number in best)
        for one in kept.candidates
    }
    return filled(
        "archive/gallery.html.j2",
        "archive/gallery.css",
        row=kept.row,
        profile=kept.row.profile if kept.row.profile in known() else "",  # others are paths
        best=cards.get(kept.row.best or 0),
        chapters=[_chapter(version, kept, briefs, cards) for version in kept.versions],
    )


def _best_of_versions(kept: ArchivedSession) -> set[int]:
    """The numbers of the best candidates; of equals, the earliest is."""
    best: dict[int, CandidateRow] = {}
    for one in kept.candidates:
        best[one.version] = max(best.get(one.version, one), one, key=lambda it: it.critique.score)
    return {one.number for one in best.values()}


def _chapter(
    version: VersionRow,
    kept: ArchivedSession,
    briefs: dict[int, Brief],
    cards: dict[int, CandidateCard],
) -> Chapter:
    candidates = [candidate for candidate in kept.candidates if candidate.version == version.number]
    brief = briefs[version.number]
    before = briefs.get(version.parent or 0, Brief("", ""))
    return Chapter(
        version=version,
        changes=list(_changes(before, brief)),
        left_open=left_open(brief, language_of(brief.request)),
        reply=brief.reply,
        rounds=list(_rounds(candidates, kept.decisions, cards)),
        plot=plot(candidates),
    )


def _brief(version: VersionRow) -> Brief:
    """The brief that a version has; one without claims where it is in no form that is known."""
    try:
        return version.read_brief()
    except ValueError:
        return Brief("", "")


def _changes(before: Brief, after: Brief) -> Iterator[tuple[str, str]]:
    """The claims that are gone from, and new in, a version."""
    for change in patch.apply_patch(before, after):
        match change:
            case patch.AddClaim(claim):
                yield "new", claim.text
            case patch.RemoveClaim(claim):
                yield "gone", claim.text
            case patch.ChangeClaim(old, new):
                yield from (("gone", old.text), ("new", new.text))


def _rounds(
    candidates: list[CandidateRow],
    decisions: Iterable[DecisionRow],
    cards: dict[int, CandidateCard],
) -> Iterator[Round]:
    before = ""
    for number, painted in groupby(candidates, key=lambda candidate: candidate.round):
        together = list(painted)
        first = together[0]
        said = [
            (_DECIDED.get(d.what, d.what), without_home(d.why))
            for d in decisions
            if (d.version, d.round) == (first.version, number) and d.why
        ]
        prompt = first.image_request.prompt
        told = list(wording(before, prompt)) if before else [("same", prompt)]
        yield Round(number + 1, told, [cards[candidate.number] for candidate in together], said)
        before = prompt


def _card(
    candidate: CandidateRow,
    kept: ArchivedSession,
    briefs: dict[int, Brief],
    source: Markup,
    best: bool,
) -> CandidateCard:
    critique, (holds, _) = candidate.critique, candidate.critique.score
    claims = len(critique.decisive)
    verdicts = [
        r.verdict if r.other is None else f"{r.verdict} than {r.other}"
        for r in kept.ratings
        if r.candidate == candidate.number
    ]
    own = [at for at, claim in enumerate(critique.claims) if claim.source == "invented"]
    return CandidateCard(
        candidate,
        source,
        verdict(briefs[candidate.version], critique).said,
        [_bar(critique, at) for at in critique.decisive],
        [_bar(critique, at) for at in own],
        f"{holds} of {claims}" if claims else "nothing to check",
        best,
        verdicts,
        ", ".join(map(str, finishes_of(candidate))),
    )


def _bar(critique: Critique, at: int) -> Bar:
    probability = critique.probabilities[at]
    holds = None if probability is None else probability >= critique.threshold
    return bar(critique.claims[at].text, probability, holds)


def _inline(candidate: CandidateRow, pictures: Pictures) -> Markup:
    try:
        content = pictures.read(candidate.picture)
    except BadInput:
        return Markup("")
    if finishes := finishes_of(candidate):
        content = _finished(content, finishes)
    return Markup("data:image/png;base64,") + base64.b64encode(content).decode()


def _finished(content: bytes, finishes: tuple[Finish, ...]) -> bytes:
    """The picture as it was left: painted, then finished."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(content), formats=["PNG"]) as painted:
        finish.apply(painted, finishes).save(buffer, "PNG")
    return buffer.getvalue()


def page_of(archive: Archive, session: int, out: Path) -> Path:
    """Write a session as one page, as `exported` does, and return its path."""
    row = archive.load(session).row
    content = page(archive, session)
    wanted = out
    if out.suffix.lower() != ".html":
        wanted = out / f"{slug(row.name or row.request)}.html"
    return write_new(wanted, content.encode())
