"""Has the studio work on one row of a batch: its request, its style, its words and its limits."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from limner.agent.batch.queue import Asked
from limner.agent.batch.rows import Row
from limner.agent.batch.terms import Terms
from limner.agent.checking import said_in
from limner.agent.claims import complete
from limner.agent.events import BriefReady, Event
from limner.agent.extract import extract, phrases
from limner.agent.records import Brief, Claim
from limner.agent.run import Limits
from limner.agent.studio import Studio
from limner.agent.styling import size_for, styled
from limner.prompts.styles import style as style_called

__all__ = ["briefed", "painted"]


def painted(studio: Studio, asked: Asked, terms: Terms) -> Generator[Event, None, None]:
    """Works on a row until its claims hold or its budget is spent; ends with `Finished`.

    A row that says no more than its request is worked on exactly as `Studio.takes` does.
    """
    row, limits = asked.row, _limits(studio, asked.row, terms)
    if not (row.style or row.negative or row.locked):
        yield from studio.takes(row.request, seed=asked.seed, **limits)
        return
    brief = yield from briefed(studio, asked)
    yield from studio.paint(brief, seed=asked.seed, **limits)


def briefed(studio: Studio, asked: Asked) -> Generator[Event, None, Brief]:
    """Drafts the brief of a row, in its style and with its words; returns it."""
    brief = Brief(asked.row.request, asked.row.request)
    with closing(studio.expand(asked.row.request, seed=asked.seed)) as events:
        for event in events:
            if isinstance(event, BriefReady):
                brief = _as_asked(event.brief, studio, asked.row)
                event = replace(event, brief=brief, claims=brief.claims)
            yield event
    return brief


def _as_asked(brief: Brief, studio: Studio, row: Row) -> Brief:
    settings, dialect = studio.settings, studio.painter.dialect
    if row.style:
        style = style_called(row.style, settings.prompts)
        brief = styled(brief, style, dialect, settings.styles)
    if row.negative and dialect.negative:
        brief = replace(brief, style_negative=(*brief.style_negative, row.negative))
    for words in row.locked:
        brief = _locked(brief, words, studio)
    return brief


def _locked(brief: Brief, words: str, studio: Studio) -> Brief:
    """The brief with words of a row that must not be lost: claimed, and said to the painter."""
    world = studio.writer.world
    if not any(_says(claim, words) for claim in brief.asked):
        claims = extract(words) or phrases(words) or (Claim(words, quote=words),)
        brief = replace(brief, claims=complete([*brief.claims, *claims]))
        if world and not all(world.shows(claim) for claim in claims):
            return replace(brief, not_shown=(*brief.not_shown, words))
    if world or words.casefold() in brief.prompt.casefold():
        return brief
    return replace(brief, prompt=f"{brief.prompt.rstrip(' .,;')}, {words}")


def _says(claim: Claim, words: str) -> bool:
    """Whether a claim speaks for these words of a row already."""
    return words.casefold() in claim.quote.casefold() or said_in(words, claim.text)


def _limits(studio: Studio, row: Row, terms: Terms) -> Limits:
    return Limits(
        budget=row.budget or terms.budget,
        takes=terms.takes,
        size=row.size or terms.size or _shape(studio, row),
        refine=terms.refine,
    )


def _shape(studio: Studio, row: Row) -> tuple[int, int] | None:
    """The shape that a style suggests, where nobody asked for a size."""
    settings = studio.settings
    if not row.style or settings.styles or settings.size:
        return None
    return size_for(style_called(row.style, settings.prompts), studio.painter.dialect)
