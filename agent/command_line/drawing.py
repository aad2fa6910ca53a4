"""What the commands do: draw and save, write a brief, tell of a kept picture, paint it again."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from limner.agent.archive import saving
from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import Recorder
from limner.agent.events import BriefReady, Event, Finished, TakeReady
from limner.agent.i18n import language_of
from limner.agent.pasted import with_pasted
from limner.agent.records import Result, Take
from limner.agent.verdict import verdict_of
from limner.agent.view.as_json import again_json, brief_json, recipe_json, result_json
from limner.agent.view.live import PREVIEW_EVERY
from limner.agent.view.recipe import show_recipe
from limner.agent.view.screen import Screen
from limner.agent.view.terminal import console_for, kept_clean, say, undisturbed, warn
from limner.agent.view.words import said
from limner.errors import INTERRUPTED, LimnerError, ModelFailed
from limner.pipelines import stamp

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = ["NOT_REACHED", "Wish", "brief_only", "draw_and_save", "paint_again", "tell"]

NOT_REACHED = 4
"""What a strict command returns where a picture was saved, and not all that was asked holds."""


class Interrupted(LimnerError):
    """The user stopped it before there was anything to keep."""

    exit_code = INTERRUPTED


@dataclass(frozen=True, slots=True)
class Wish:
    """A request with the options it was typed with.

    `models` replace those of the profile. `archive` is a folder, None for the user's own; nothing
    is kept there unless `archived`; where the models go is said first where it is `explained`,
    and of the profile auto on a screen. A `strict` one fails where the verdict is not reached.
    """

    request: str
    seed: int
    profile: str = "pocket"
    models: dict[str, str | None] = field(default_factory=dict)
    budget: float | None = None
    seconds: float | None = None
    takes: int | None = None
    size: tuple[int, int] | None = None
    refine: bool = True
    out: Path = Path()
    archive: Path | None = None
    archived: bool = True
    explained: bool = False
    strict: bool = False
    form: Literal["screen", "quiet", "json"] = "screen"


def draw_and_save(wish: Wish) -> int:
    """Draw, show and save; returns the exit code. Raises what a user can mend."""
    saving.probe(wish.out)
    screen, ready = _screen(wish), list[BriefReady]()
    with kept_clean(wish.form != "screen"):
        studio = _open(wish)
        wish = replace(wish, profile=studio.profile)
        studio.settings = with_pasted(studio.settings, wish.request)
        previews = PREVIEW_EVERY if screen and screen.moving.pictures else 0
        events = studio.takes(
            wish.request,
            seed=wish.seed,
            budget=wish.budget,
            seconds=wish.seconds,
            takes=wish.takes,
            size=wish.size,
            refine=wish.refine,
            preview_every=previews,
        )
        result = _watch_and_record(wish, _remembered(events, ready), screen, studio)
    if not result.best:
        raise _nothing(result)
    with undisturbed():
        path = saving.save(
            result, wish.request, studio, wish.out, seed=wish.seed, profile=wish.profile
        )
    if wish.form == "json":
        told = ready[-1] if ready else None
        say(result_json(result, wish.request, told, path, wish.seed, studio))
    elif screen:
        screen.saved(path, wish.seed)
    else:
        say(str(path))
    if result.ended == "cancelled":
        return INTERRUPTED
    return NOT_REACHED if wish.strict and not verdict_of(result.best).reached else 0


def brief_only(wish: Wish) -> int:
    """Write the brief and show it; returns the exit code."""
    screen, ready = _screen(wish), None
    with kept_clean(wish.form != "screen"):
        studio = _open(wish)
        try:
            for event in studio.expand(wish.request, seed=wish.seed):
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
    elif wish.form == "json":
        say(brief_json(ready, wish.seed, studio))
    else:
        say(ready.brief.prompt)
    return 0


def tell(file: Path, as_json: bool) -> int:
    """Show how the picture in a file came to be; returns the exit code."""
    recipe = saving.read_recipe(file)
    if as_json:
        say(recipe_json(recipe))
    else:
        show_recipe(recipe, console_for(sys.stdout))
    return 0


def paint_again(file: Path, profile: str | None, painter: str | None, as_json: bool) -> int:
    """Paint the picture in a file once more; returns 0 if every pixel is as it was, else 1."""
    recipe = saving.read_recipe(file)
    with kept_clean(True):
        studio = saving.studio_for(recipe, file, profile=profile, painter=painter)
        picture, identical = saving.again(file, studio)
    largest = 0 if identical else saving.difference(stamp.read(file).picture, picture)
    now, then = studio.names["painter"], recipe.models["painter"]
    if as_json:
        say(again_json(file, identical, largest, now, then))
        return 0 if identical else 1
    console = console_for(sys.stdout)
    if identical:
        console.print("identical: every pixel is the same")
        return 0
    console.print(f"not identical: pixels differ by up to {largest} of 255")
    if now != then:
        console.print(said(f"note: it was painted by {then}, and now by {now}", "yellow"))
    return 1


def _open(wish: Wish) -> Studio:
    from limner.agent.machine.planning import AUTO
    from limner.agent.studio import Studio

    given = {part: name for part, name in wish.models.items() if name}
    if wish.explained or (wish.profile == AUTO and wish.form == "screen"):
        from limner.agent.view import doctor

        doctor.explain(wish.profile, given)
    return Studio.open(wish.profile, **given)


def _screen(wish: Wish) -> Screen | None:
    if wish.form != "screen":
        return None
    return Screen(console_for(sys.stdout), language_of(wish.request))


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
    wish: Wish, events: Generator[Event, None, None], screen: Screen | None, studio: Studio
) -> Result:
    """Run a request, with everything kept in the archive on the way, where that can be."""
    if not wish.archived:
        return _watch(events, screen)
    try:
        archive = Archive.open(wish.archive)
    except LimnerError as problem:  # a picture matters more than its place in the archive
        warn(f"not kept in the archive: {problem.message} — {problem.hint}")
        return _watch(events, screen)
    with archive:
        recorder = Recorder(archive, studio, wish.seed, wish.profile)
        result = _watch(recorder.record(events), screen)
    if recorder.problem:
        warn(f"not all is in the archive: {recorder.problem.message} — {recorder.problem.hint}")
    return result


def _watch(events: Iterator[Event], screen: Screen | None) -> Result:
    """Run a request to its end or to Ctrl-C, which keeps what there is."""
    takes: list[Take] = []
    best: Take | None = None
    spent, started = 0.0, time.monotonic()
    try:
        for event in events:
            if screen:
                screen.show(event)
            if isinstance(event, TakeReady):
                takes.append(event.take)
                spent = event.spent
                best = event.take if event.best else best
            elif isinstance(event, Finished):
                return event.result
        ended = "failed"
    except KeyboardInterrupt:
        ended = "cancelled"
    finally:
        if screen:
            screen.close()
    result = Result(best, tuple(takes), ended, spent, time.monotonic() - started)
    if screen:
        screen.finished(result)
    return result


def _nothing(result: Result) -> LimnerError:
    if result.ended == "cancelled":
        return Interrupted("interrupted", "nothing was saved")
    return ModelFailed("nothing was painted", "; ".join(result.notes))
