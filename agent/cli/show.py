"""The commands `limner show` and `limner reproduce`: how a picture came to be, and once more."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limner.agent.archive import pictures
from limner.agent.archive.recipe import Recipe
from limner.agent.brief.verdict import verdict
from limner.agent.cli.options import Json, Model
from limner.agent.reproduce import again, studio_for
from limner.agent.terminal.terminal import console_for, kept_clean, say
from limner.agent.terminal.words import (
    ClaimRows,
    Row,
    brief_lines,
    changed,
    claims_table,
    said,
    seen_colours,
    work,
)
from limner.agent.tools.outputs import again_json, recipe_json
from limner.pipelines import stamp
from limner.pipelines.roles import InitImage

__all__ = ["reproduce", "show"]


File = Annotated[Path, typer.Argument(metavar="FILE", help="A PNG that limner saved.")]


def show(file: File, as_json: Json = False) -> int:
    """Tell how the picture in FILE came to be."""
    recipe = pictures.read_recipe(file)
    if as_json:
        say(recipe_json(recipe))
    else:
        _show(recipe, console_for(sys.stdout))
    return 0


def reproduce(
    file: File,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which models, if not those it names.")
    ] = None,
    painter: Model = None,
    as_json: Json = False,
) -> int:
    """Paint the picture in FILE once more and say whether every pixel is the same."""
    recipe = pictures.read_recipe(file)
    with kept_clean(True):
        studio = studio_for(recipe, file, profile=profile, painter=painter)
        picture, identical = again(file, studio)
    largest = 0 if identical else pictures.difference(stamp.read(file).picture, picture)
    now, then = studio.names["painter"], recipe.models["painter"]
    code = 0 if identical else 1
    if as_json:
        say(again_json(file, identical, largest, now, then))
        return code
    console = console_for(sys.stdout)
    if identical:
        console.print("identical: every pixel is the same")
        return code
    console.print(f"not identical: pixels differ by up to {largest} of 255")
    if now != then:
        console.print(said(f"note: it was painted by {then}, and now by {now}", "magenta"))
    return code


def _show(recipe: Recipe, console: Console) -> None:
    """Request, brief, prompt, seed, claims, rounds and models, top to bottom."""
    order = recipe.image_request
    rows: dict[str, Row] = {
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
        "ended": f"{recipe.ended}: {work(len(recipe.candidates), recipe.spent, recipe.seconds)}",
    }
    console.print(ClaimRows(rows))
    console.print()
    console.print(claims_table(recipe.critique, console, console.width))
    console.print()
    console.print(said(verdict(recipe.brief, recipe.critique).said, "bold"))
    _rounds(recipe, console)
    for note in recipe.notes:
        console.print(said(f"note: {note}", "magenta"))


def _over(start: InitImage | None) -> str:
    """What was painted over, and how much of it; "" for a picture that began from nothing."""
    if start is None:
        return ""
    where = "all" if start.box is None else f"the box {', '.join(map(str, start.box))}"
    before = f" of: {start.image_request.prompt}" if start.image_request else " of another picture"
    return f"{where}{before} (strength {start.strength:g})"


def _rounds(recipe: Recipe, console: Console) -> None:
    """One line of what failed in each round, and what was reworded after it."""
    before = ""
    for past in recipe.rounds:
        console.print()
        scores = [f"{t.holds}/{t.claims}" for t in recipe.candidates if t.round == past.number]
        wording = changed(before, past.prompt, seen_colours(console)) if before else past.prompt
        rows: dict[str, Row] = {
            f"round {past.number + 1}": wording,
            "pictures": "  ".join(scores),
            "failed": "; ".join(past.failed),
        }
        console.print(ClaimRows(rows))
        before = past.prompt
