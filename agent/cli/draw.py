"""Draws one request for the command line: shows what happens, saves the picture, and keeps both."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from limner.agent.archive import pictures
from limner.agent.archive.recorder import SessionRecorder
from limner.agent.brief.verdict import verdict_of
from limner.agent.cli.gallery import kept_archive
from limner.agent.events import BriefReady, CandidateReady, Event, Finished
from limner.agent.i18n import language_of
from limner.agent.records import Candidate, Result
from limner.agent.terminal.screen import PREVIEW_EVERY, Screen
from limner.agent.terminal.terminal import console_for, kept_clean, say, undisturbed, warn
from limner.agent.tools.outputs import brief_json, result_json
from limner.errors import INTERRUPTED, LimnerError, ModelFailed

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "NOT_REACHED",
    "DrawRequest",
    "brief_only",
    "draw_and_save",
]


NOT_REACHED = 4
"""What a strict command returns where a picture was saved, and not all that was asked holds."""


class Interrupted(LimnerError):
    """The user stopped it before there was anything to keep."""

    exit_code = INTERRUPTED


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """A request with the options it was typed with.

    `models` replace those of the profile. `archive` is a folder, None for the user's own; nothing
    is kept there unless `archived`; where the models go is said first where it is `explained`,
    and of the profile auto on a screen. A `strict` one fails where the verdict is not reached.
    """

    request: str
    seed: int
    profile: str = "pocket"
    models: dict[str, str] = field(default_factory=dict)
    budget: float | None = None
    seconds: float | None = None
    images_per_round: int | None = None
    size: tuple[int, int] | None = None
    refine: bool = True
    out: Path = Path()
    archive: Path | None = None
    archived: bool = True
    explained: bool = False
    strict: bool = False
    form: Literal["screen", "quiet", "json"] = "screen"


def draw_and_save(asked: DrawRequest) -> int:
    """Draw, show and save; returns the exit code. Raises what a user can mend."""
    pictures.probe(asked.out)
    screen, ready = _screen(asked), list[BriefReady]()
    with kept_clean(asked.form != "screen"):
        studio = _open(asked)
        asked = replace(asked, profile=studio.profile)
        previews = PREVIEW_EVERY if screen and screen.graphics else 0
        events = studio.stream(
            asked.request,
            seed=asked.seed,
            budget=asked.budget,
            seconds=asked.seconds,
            images_per_round=asked.images_per_round,
            size=asked.size,
            refine=asked.refine,
            preview_every=previews,
        )
        result = _watch_and_record(asked, _remembered(events, ready), screen, studio)
    if not result.best:
        raise _nothing(result)
    with undisturbed():
        path = pictures.save(
            result, asked.request, studio, asked.out, seed=asked.seed, profile=asked.profile
        )
    if asked.form == "json":
        told = ready[-1] if ready else None
        say(result_json(result, asked.request, told, path, asked.seed, studio))
    elif screen:
        screen.saved(path, asked.seed)
    else:
        say(str(path))
    if result.ended == "cancelled":
        return INTERRUPTED
    return NOT_REACHED if asked.strict and not verdict_of(result.best).reached else 0


def brief_only(asked: DrawRequest) -> int:
    """Write the brief and show it; returns the exit code."""
    screen, ready = _screen(asked), None
    with kept_clean(asked.form != "screen"):
        studio = _open(asked)
        try:
            for event in studio.expand(asked.request, seed=asked.seed):
                if screen:
                    screen.show(event)
                ready = event if isinstance(event, BriefReady) else ready
        finally:
            if screen:
                screen.close()
    if ready is None:
        raise ModelFailed("the writer wrote no brief", "try again with another --seed")
    if screen:
        screen.claims(ready.claims)
    elif asked.form == "json":
        say(brief_json(ready, asked.seed, studio))
    else:
        say(ready.brief.prompt)
    return 0


def _open(asked: DrawRequest) -> Studio:
    from limner.agent.machine import AUTO
    from limner.agent.studio import Studio

    if asked.explained or (asked.profile == AUTO and asked.form == "screen"):
        from limner.agent.cli import doctor

        doctor.explain(asked.profile, asked.models)
    return Studio.open(asked.profile, **asked.models)


def _screen(asked: DrawRequest) -> Screen | None:
    if asked.form != "screen":
        return None
    return Screen(console_for(sys.stdout), language_of(asked.request))


def _remembered(
    events: Generator[Event, None, None], ready: list[BriefReady]
) -> Generator[Event, None, None]:
    """The events; how the brief came to be is added to the list."""
    with closing(events):
        for event in events:
            if isinstance(event, BriefReady):
                ready.append(event)
            yield event


def _watch_and_record(
    asked: DrawRequest, events: Generator[Event, None, None], screen: Screen | None, studio: Studio
) -> Result:
    """Run a request, with everything kept in the archive on the way, where that can be."""
    with kept_archive(asked.archive, asked.archived) as archive:
        if archive is None:
            return _watch(events, screen)
        recorder = SessionRecorder(archive, asked.profile)
        result = _watch(recorder.record(events, studio, asked.seed), screen)
    if recorder.problem:
        warn(f"not all is in the archive: {recorder.problem.message} — {recorder.problem.hint}")
    return result


def _watch(events: Iterator[Event], screen: Screen | None) -> Result:
    """Run a request to its end or to Ctrl-C, which keeps what there is."""
    candidates: list[Candidate] = []
    best: Candidate | None = None
    spent, started = 0.0, time.monotonic()
    try:
        for event in events:
            if screen:
                screen.show(event)
            if isinstance(event, CandidateReady):
                candidates.append(event.candidate)
                spent = event.spent
                best = event.candidate if event.best else best
            elif isinstance(event, Finished):
                return event.result
        ended = "failed"
    except KeyboardInterrupt:
        ended = "cancelled"
    finally:
        if screen:
            screen.close()
    result = Result(best, tuple(candidates), ended, spent, time.monotonic() - started)
    if screen:
        screen.finished(result)
    return result


def _nothing(result: Result) -> LimnerError:
    if result.ended == "cancelled":
        return Interrupted("interrupted", "nothing was saved")
    return ModelFailed("nothing was painted", "; ".join(result.notes))
