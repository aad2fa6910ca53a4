"""What programs see instead of the terminal's view: one JSON object, in ASCII, per request."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from limner.agent.orders import written
from limner.agent.records import Brief, Claim, Critique, Result
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.agent.recipe import Recipe
    from limner.agent.studio import Studio

__all__ = ["again_json", "brief_json", "error_json", "recipe_json", "result_json"]


def result_json(result: Result, request: str, path: Path, seed: int, studio: Studio) -> str:
    """What came of a request; `picture` is where it was saved."""
    best = result.best
    return json.dumps(
        {
            "picture": str(path),
            "request": request,
            "brief": asdict(best.brief) if best else None,
            "prompt": best.order.prompt if best else None,
            "order": written(best.order) if best else None,
            "claims": _critique(best.critique) if best else [],
            "safety": asdict(best.safety) if best else None,
            "ended": result.ended,
            "spent": round(result.spent, 4),
            "seconds": round(result.seconds, 3),
            "takes": len(result.takes),
            "seed": seed,
            "models": studio.names,
            "notes": result.notes,
        }
    )


def brief_json(brief: Brief, claims: tuple[Claim, ...], seed: int, studio: Studio) -> str:
    """A brief for which nothing was painted."""
    return json.dumps(
        {
            "request": brief.request,
            "brief": asdict(brief),
            "prompt": brief.prompt,
            "claims": [asdict(claim) for claim in claims],
            "seed": seed,
            "models": studio.names,
        }
    )


def recipe_json(recipe: Recipe) -> str:
    """All that a kept picture says about itself."""
    return json.dumps(recipe.model_dump(mode="json"))


def again_json(path: Path, identical: bool, largest: int, now: str, then: str) -> str:
    """How a picture that was painted again compares; `largest` difference of any channel."""
    return json.dumps(
        {
            "picture": str(path),
            "identical": identical,
            "largest_difference": largest,
            "painter": now,
            "painted_by": then,
        }
    )


def error_json(error: LimnerError) -> str:
    """What went wrong, and what to type."""
    return json.dumps({"error": error.message, "hint": error.hint, "exit_code": error.exit_code})


def _critique(critique: Critique) -> list[dict[str, object]]:
    return [
        {
            "text": claim.text,
            "kind": claim.kind,
            "probability": probability,
            "holds": None if probability is None else probability >= critique.threshold,
        }
        for claim, probability in zip(critique.claims, critique.probabilities, strict=True)
    ]
