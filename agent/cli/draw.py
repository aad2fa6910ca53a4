"""Tells how a kept picture came to be, from what its file says about itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.text import Text

from limner.agent.archive import pictures
from limner.agent.archive.archive import Archive
from limner.agent.archive.recipe import Recipe
from limner.agent.archive.recorder import RequestRecorder
from limner.agent.brief.verdict import verdict, verdict_of
from limner.agent.events import BriefReady, CandidateReady, Event, Finished
from limner.agent.i18n import language_of
from limner.agent.records import Candidate, Result
from limner.agent.syntax.reader import with_pasted
from limner.agent.terminal.screen import PREVIEW_EVERY, Screen
from limner.agent.terminal.terminal import console_for, kept_clean, say, undisturbed, warn
from limner.agent.terminal.words import ClaimRows, brief_lines, changed, claims_table, said
from limner.agent.tools.outputs import again_json, brief_json, recipe_json, result_json
from limner.errors import INTERRUPTED, LimnerError, ModelFailed
from limner.pipelines import stamp
from limner.pipelines.roles import InitImage

if TYPE_CHECKING:
    from limner.agent.studio import Studio

__all__ = [
    "NOT_REACHED",
    "DrawRequest",
    "brief_only",
    "draw_and_save",
    "paint_again",
    "show_recipe",
    "tell",
]


def show_recipe(recipe: Recipe, console: Console) -> None:
    """Request, brief, prompt, seed, claims, rounds and models, top to bottom."""
    order = recipe.order
    rows: dict[str, Text | str] = {
        "request": recipe.request,
        "brief": " · ".join(brief_lines(recipe.brief)),
        "prompt": order.prompt,
        "negative": order.negative,
        "reply": recipe.brief.reply,
        "seed": f"{order.seed} (of the run: {recipe.seed})",
        "size": f"{order.width} × {order.height} pixels, {order.steps} steps, "
        f"guidance {order.guidance:g}",
        "over": _over(order.start),
        "models": " · ".join(name for name in recipe.models.values() if name),
        "with": " · ".join(f"{name} {number}" for name, number in recipe.software.items()),
        "ended": f"{recipe.ended}, {len(recipe.takes)} takes, {recipe.spent:.1f} pictures' worth "
        f"of painting{f', {recipe.seconds:.1f} s' if recipe.seconds else ''}",
    }
    console.print(ClaimRows(rows))
    console.print()
    console.print(claims_table(recipe.critique, console, console.width))
    console.print()
    console.print(said(verdict(recipe.brief, recipe.critique).said, "bold"))
    _rounds(recipe, console)
    for note in recipe.notes:
        console.print(said(f"note: {note}", "yellow"))


def _over(start: InitImage | None) -> str:
    """What was painted over, and how much of it; "" for a picture that began from nothing."""
    if start is None:
        return ""
    where = "all" if start.box is None else f"the box {', '.join(map(str, start.box))}"
    before = f" of: {start.order.prompt}" if start.order else " of another picture"
    return f"{where}{before} (strength {start.strength:g})"


def _rounds(recipe: Recipe, console: Console) -> None:
    """One line of what failed in each round, and what was reworded after it."""
    before, coloured = "", console.is_terminal and not console.no_color
    for past in recipe.rounds:
        console.print()
        scores = [f"{t.holds}/{t.claims}" for t in recipe.takes if t.round == past.number]
        wording = changed(before, past.prompt, coloured) if before else said(past.prompt)
        rows: dict[str, Text | str] = {
            f"round {past.number + 1}": wording,
            "takes": "  ".join(scores),
            "failed": "; ".join(past.failed),
        }
        console.print(ClaimRows(rows))
        before = past.prompt


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


def draw_and_save(wish: DrawRequest) -> int:
    """Draw, show and save; returns the exit code. Raises what a user can mend."""
    pictures.probe(wish.out)
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
        path = pictures.save(
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


def brief_only(wish: DrawRequest) -> int:
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
    recipe = pictures.read_recipe(file)
    if as_json:
        say(recipe_json(recipe))
    else:
        show_recipe(recipe, console_for(sys.stdout))
    return 0


def paint_again(file: Path, profile: str | None, painter: str | None, as_json: bool) -> int:
    """Paint the picture in a file once more; returns 0 if every pixel is as it was, else 1."""
    recipe = pictures.read_recipe(file)
    with kept_clean(True):
        studio = pictures.studio_for(recipe, file, profile=profile, painter=painter)
        picture, identical = pictures.again(file, studio)
    largest = 0 if identical else pictures.difference(stamp.read(file).picture, picture)
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


def _open(wish: DrawRequest) -> Studio:
    from limner.agent.machine import AUTO
    from limner.agent.studio import Studio

    given = {part: name for part, name in wish.models.items() if name}
    if wish.explained or (wish.profile == AUTO and wish.form == "screen"):
        from limner.agent.cli import doctor

        doctor.explain(wish.profile, given)
    return Studio.open(wish.profile, **given)


def _screen(wish: DrawRequest) -> Screen | None:
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
    wish: DrawRequest, events: Generator[Event, None, None], screen: Screen | None, studio: Studio
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
        recorder = RequestRecorder(archive, studio, wish.seed, wish.profile)
        result = _watch(recorder.record(events), screen)
    if recorder.problem:
        warn(f"not all is in the archive: {recorder.problem.message} — {recorder.problem.hint}")
    return result


def _watch(events: Iterator[Event], screen: Screen | None) -> Result:
    """Run a request to its end or to Ctrl-C, which keeps what there is."""
    takes: list[Candidate] = []
    best: Candidate | None = None
    spent, started = 0.0, time.monotonic()
    try:
        for event in events:
            if screen:
                screen.show(event)
            if isinstance(event, CandidateReady):
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
