"""What programs see instead of the terminal's view: one JSON object, in ASCII, per request."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from limner.agent.orders import written
from limner.agent.outputs import brief_dict, scored_claims, verdict_dict
from limner.agent.records import Result
from limner.agent.verdict import verdict, verdict_of
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.agent.events import BriefReady
    from limner.agent.recipe import Recipe
    from limner.agent.studio import Studio

__all__ = ["again_json", "brief_json", "error_json", "recipe_json", "result_json"]


def result_json(
    result: Result,
    request: str,
    ready: BriefReady | None,
    path: Path,
    seed: int,
    studio: Studio,
) -> str:
    """What came of a request; `picture` is where it was saved, `ready` how its brief came to be."""
    best = result.best
    return json.dumps(
        {
            "picture": str(path),
            "request": request,
            "brief": brief_dict(best.brief) if best else None,
            "verdict": verdict_dict(verdict_of(best)) if best else None,
            "prompt": best.order.prompt if best else None,
            "order": written(best.order) if best else None,
            "claims": scored_claims(best.critique) if best else [],
            "safety": asdict(best.safety) if best else None,
            "ended": result.ended,
            "spent": round(result.spent, 4),
            "seconds": round(result.seconds, 3),
            "takes": len(result.takes),
            **_told(ready),
            "seed": seed,
            "models": studio.names,
            "notes": result.notes,
        }
    )


def brief_json(ready: BriefReady, seed: int, studio: Studio) -> str:
    """A brief for which nothing was painted, and what can be said of it before."""
    brief = ready.brief
    return json.dumps(
        {
            "request": brief.request,
            "brief": brief_dict(brief),
            "verdict": verdict_dict(verdict(brief)),
            "prompt": brief.prompt,
            "claims": brief_dict(brief)["claims"],
            **_told(ready),
            "seed": seed,
            "models": studio.names,
        }
    )


def recipe_json(recipe: Recipe) -> str:
    """All that a kept picture says about itself."""
    told = {
        "brief": brief_dict(recipe.brief),
        "verdict": verdict_dict(verdict(recipe.brief, recipe.critique)),
    }
    return json.dumps(recipe.model_dump(mode="json") | told)


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


def _told(ready: BriefReady | None) -> dict[str, object]:
    """What the writer failed at, "" for nothing, and what was mended."""
    return {
        "fallback": ready.fallback if ready else "",
        "repaired": list(ready.repaired) if ready else [],
    }
