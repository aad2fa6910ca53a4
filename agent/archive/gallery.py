"""Makes one page of a session that needs nothing else: pictures, claims, rounds and decisions."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup
from PIL import Image

from limner.agent.archive.archive import Archive
from limner.agent.archive.html import Bar, bar, filled
from limner.agent.archive.pictures import Pictures
from limner.agent.archive.plot import Plot, plot
from limner.agent.archive.rows import ArchivedSession, DecisionRow, TakeRow, VersionRow
from limner.agent.archive.texts import finishes_of
from limner.agent.recipe import without_home
from limner.agent.records import Critique
from limner.agent.view.words import sketch, wording
from limner.configs import known
from limner.errors import BadInput
from limner.pipelines import finish
from limner.pipelines.finish import Finish

__all__ = ["page"]

_DECIDED = {
    "done": "Done",
    "revise": "To be reworded",
    "repaint": "To be painted anew",
    "repair": "To be painted over in one place",
    "aim": "Where",
    "sketch": "Sketched first",
    "reworded": "Reworded",
    "stop": "Stopped",
    "note": "Note",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A take as it is shown; `source` is a data: URI, empty where the picture is lost.

    `best` is the best take of its version; `finished` says what was done to it after painting.
    """

    take: TakeRow
    source: Markup
    bars: list[Bar]
    score: str
    best: bool
    verdicts: list[str]
    finished: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """Takes of one wording, what changed in it, and what was decided after it."""

    number: int
    wording: list[tuple[str, str]]
    cards: list[Card]
    decisions: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A version: the user's words, what they changed, its rounds, and how its score grew."""

    version: VersionRow
    changes: list[tuple[str, str]]
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
    cards = {
        take.number: _card(take, kept, _inline(take, archive.pictures), take.number in best)
        for take in kept.takes
    }
    return filled(
        "archive/gallery.html.j2",
        "archive/gallery.css",
        row=kept.row,
        profile=kept.row.profile if kept.row.profile in known() else "",  # others are paths
        best=cards.get(kept.row.best or 0),
        chapters=[_chapter(version, kept, cards) for version in kept.versions],
    )


def _best_of_versions(kept: ArchivedSession) -> set[int]:
    """The numbers of the best takes; of equals, the earliest is."""
    best: dict[int, TakeRow] = {}
    for take in kept.takes:
        other = best.get(take.version)
        if other is None or take.critique.score > other.critique.score:
            best[take.version] = take
    return {take.number for take in best.values()}


def _chapter(version: VersionRow, kept: ArchivedSession, cards: dict[int, Card]) -> Chapter:
    parents = [other for other in kept.versions if other.number == version.parent]
    takes = [take for take in kept.takes if take.version == version.number]
    reply = version.brief.get("reply") if isinstance(version.brief, dict) else ""
    return Chapter(
        version=version,
        changes=list(_changes(parents[0] if parents else None, version)),
        reply=reply if isinstance(reply, str) else "",
        rounds=list(_rounds(takes, kept.decisions, cards)),
        plot=plot(takes),
    )


def _changes(before: VersionRow | None, after: VersionRow) -> Iterator[tuple[str, str]]:
    """The parts of the brief that are gone from, and new in, a version."""
    old, new = _parts(before.brief) if before else [], _parts(after.brief)
    yield from (("gone", part) for part in old if part not in new)
    yield from (("new", part) for part in new if part not in old)


def _parts(brief: Any) -> list[str]:
    return [part for part in sketch(brief).split(" · ") if part] if isinstance(brief, dict) else []


def _rounds(
    takes: list[TakeRow], decisions: Iterable[DecisionRow], cards: dict[int, Card]
) -> Iterator[Round]:
    before = ""
    for number, painted in groupby(takes, key=lambda take: take.round):
        together = list(painted)
        first = together[0]
        said = [
            (_DECIDED.get(d.what, d.what), without_home(d.why))
            for d in decisions
            if (d.version, d.round) == (first.version, number) and d.why
        ]
        prompt = first.order.prompt
        told = list(wording(before, prompt)) if before else [("same", prompt)]
        yield Round(number + 1, told, [cards[take.number] for take in together], said)
        before = prompt


def _card(take: TakeRow, kept: ArchivedSession, source: Markup, best: bool) -> Card:
    holds, _ = take.critique.score
    claims = len(take.critique.claims)
    verdicts = [
        r.verdict if r.other is None else f"{r.verdict} than {r.other}"
        for r in kept.ratings
        if r.take == take.number
    ]
    score = f"{holds} of {claims}" if claims else "nothing to check"
    finished = ", ".join(map(str, finishes_of(take)))
    return Card(take, source, [*_bars(take.critique)], score, best, verdicts, finished)


def _bars(critique: Critique) -> Iterator[Bar]:
    for claim, probability in zip(critique.claims, critique.probabilities, strict=True):
        holds = None if probability is None else probability >= critique.threshold
        yield bar(claim.text, probability, holds)


def _inline(take: TakeRow, pictures: Pictures) -> Markup:
    try:
        content = pictures.read(take.picture)
    except BadInput:
        return Markup("")
    if finishes := finishes_of(take):
        content = _finished(content, finishes)
    return Markup("data:image/png;base64,") + base64.b64encode(content).decode()


def _finished(content: bytes, finishes: tuple[Finish, ...]) -> bytes:
    """The picture as it was left: painted, then finished."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(content), formats=["PNG"]) as painted:
        finish.apply(painted, finishes).save(buffer, "PNG")
    return buffer.getvalue()
