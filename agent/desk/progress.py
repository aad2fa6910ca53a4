"""What happens while a request is worked on, as plain words and numbers for other programs."""

from __future__ import annotations

from typing import Any

from limner.agent.events import (
    BriefReady,
    BriefToken,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
    TakeReady,
)
from limner.agent.records import Critique

__all__ = ["plainly", "tally"]


def plainly(event: Event) -> dict[str, Any] | None:
    """The event as JSON would have it, without pictures; None for a slice of a brief's text."""
    said = _of(event)
    return None if said is None else {"event": type(event).__name__, **said}


def tally(critique: Critique) -> str:
    """How many claims hold, in words: `3 of 4 claims hold`."""
    holding, _ = critique.score
    return f"{holding} of {len(critique.claims)} claims hold"


def _of(event: Event) -> dict[str, Any] | None:
    match event:
        case BriefToken():
            return None
        case BriefReady():
            return {"prompt": event.brief.prompt, "claims": [c.text for c in event.claims]}
        case PaintingStep():
            return {"round": event.round, "number": event.number, "of": event.of}
        case TakeReady():
            take = event.take
            holding, mean = take.critique.score
            claims = {"holding": holding, "claims": len(take.critique.claims), "mean": mean}
            return {"round": take.round, "number": take.number, "best": event.best, **claims} | (
                {"safety": take.safety.outcome} if take.safety.why else {}
            )
        case Decided():
            return {"round": event.round, "what": event.what, "why": event.why}
        case PromptRevised():
            return {"round": event.round, "prompt": event.after, "reply": event.reply}
        case Finished():
            result = event.result
            return {"ended": result.ended, "spent": result.spent, "takes": len(result.takes)}
