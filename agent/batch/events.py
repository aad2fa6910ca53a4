"""What happens in a batch, as plain objects that fit in one line of JSON each."""

from __future__ import annotations

from typing import Any

from limner.agent.batch.queue import Lease
from limner.agent.batch.rows import Outcome
from limner.agent.events import (
    BriefReady,
    BriefToken,
    CandidateReady,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
)
from limner.agent.tools.outputs import brief_dict

__all__ = [
    "Happening",
    "began",
    "ended",
    "told",
]


Happening = dict[str, Any]
"""`event` says which: began, progress, rows-began, brief, step, take, decided, reworded, finished,
row-ended, paused, resumed, worker-lost, ended. What is about one row has its `number`."""


def began(claim: Lease) -> Happening:
    """Somebody works on these rows."""
    rows = [{"number": asked.row.number, "id": asked.row.id} for asked in claim.asked]
    return {"event": "rows-began", "rows": rows, "how": claim.how}


def ended(outcome: Outcome) -> Happening:
    """A row is done, its picture is on the disk, and the queue knows."""
    return {"event": "row-ended", **outcome.as_mapping()}


def told(number: int, event: Event) -> Happening:
    """An event of one row in short: texts and numbers, no pictures."""
    return {"event": _NAMES[type(event)], "number": number, **_details(event)}


_NAMES: dict[type[Event], str] = {
    BriefToken: "writing",  # no worker tells these
    BriefReady: "brief",
    PaintingStep: "step",
    CandidateReady: "take",
    Decided: "decided",
    PromptRevised: "reworded",
    Finished: "finished",
}


def _details(event: Event) -> Happening:
    match event:
        case BriefReady():
            texts = [claim.text for claim in event.claims]
            told = {"brief": brief_dict(event.brief), "fallback": event.fallback}
            return {"prompt": event.brief.prompt, "claims": texts, **told}
        case PaintingStep():
            return {"round": event.round, "step": event.number, "of": event.of}
        case CandidateReady(take, best):
            holds, _ = take.critique.score
            claims = len(take.critique.decisive)
            return {"take": take.number, "holds": holds, "claims": claims, "best": best}
        case Decided():
            return {"round": event.round, "what": event.what, "why": event.why}
        case PromptRevised():
            return {"round": event.round, "prompt": event.after, "reply": event.reply}
        case Finished(result):
            return {"ended": result.ended, "spent": round(result.spent, 4)}
        case _:
            return {}
