"""Tells how a kept picture came to be, from what its file says about itself."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from limner.agent.recipe import Recipe
from limner.agent.verdict import verdict
from limner.agent.view.words import Rows, brief_lines, changed, claims_table, said
from limner.pipelines.roles import Start

__all__ = ["show_recipe"]


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
    console.print(Rows(rows))
    console.print()
    console.print(claims_table(recipe.critique, console, console.width))
    console.print()
    console.print(said(verdict(recipe.brief, recipe.critique).said, "bold"))
    _rounds(recipe, console)
    for note in recipe.notes:
        console.print(said(f"note: {note}", "yellow"))


def _over(start: Start | None) -> str:
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
        console.print(Rows(rows))
        before = past.prompt
