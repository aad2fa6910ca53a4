"""What is told of briefs, pictures and events: the same fields for every program that asks."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from limner.agent.archive.rows import VersionRow
from limner.agent.events import (
    BriefReady,
    BriefToken,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
    Replied,
    TakeReady,
    TurnHeard,
)
from limner.agent.looking.described import described
from limner.agent.older_records import brief_now
from limner.agent.outputs import brief_dict, scored_claims, verdict_dict
from limner.agent.plain import clean, one_line
from limner.agent.records import Brief, Critique, Take
from limner.agent.verdict import verdict

__all__ = [
    "cleaned",
    "drafted",
    "event_dict",
    "judged",
    "past_brief",
    "scored",
    "take_dict",
]


def judged(brief: Brief, critique: Critique | None = None) -> dict[str, Any]:
    """A brief and what is known of it; with a critique, of a picture, and each claim's score."""
    told = {"brief": brief_dict(brief), "verdict": verdict_dict(verdict(brief, critique))}
    scores = {"claims": scored_claims(critique)} if critique else {}
    made: dict[str, Any] = cleaned({**told, **scores})
    return made


def take_dict(take: Take) -> dict[str, Any]:
    """A take, without its picture."""
    return {
        "round": take.round,
        "prompt": one_line(take.order.prompt),
        "seed": take.order.seed,
        "width": take.picture.width,
        "height": take.picture.height,
        "safety": take.safety.outcome,
        **judged(take.brief, take.critique),
    }


def drafted(ready: BriefReady, seed: int) -> tuple[str, dict[str, Any]]:
    """A brief for which nothing was painted: in a few lines for another model, and as fields."""
    brief, notes = ready.brief, ready.notes
    told = judged(brief)
    lines = [f"prompt: {one_line(brief.prompt)}", f"{told['verdict']['said']} (seed {seed})"]
    lines += [f"{claim['source']}: {one_line(claim['text'])}" for claim in told["brief"]["claims"]]
    lines += [f"must not be there: {one_line(name)}" for name in brief.negative]
    lines += [f"note: {note}" for note in notes]
    head = {"request": brief.request, "prompt": clean(brief.prompt), "seed": seed, "notes": notes}
    return "\n".join(lines), {**head, **told}


def scored(critique: Critique) -> tuple[str, dict[str, Any]]:
    """How true statements are of a picture: in a few lines for another model, and as fields."""
    told = judged(Brief("", "", critique.claims), critique)
    said = f"{told['verdict']['said']}\n{described(critique)}"
    mean = round(critique.score[1], 4)
    return said, {"claims": told["claims"], "verdict": told["verdict"], "score": mean}


def event_dict(event: Event) -> dict[str, Any]:
    """What has just happened, without pictures; `kind` says what it is."""
    match event:
        case BriefToken(text):
            return {"kind": "token", "text": text}
        case TurnHeard(call):
            return {"kind": "heard", "call": call.tool}
        case Replied(text, choices):
            return {"kind": "reply", "text": one_line(text), "choices": cleaned([*choices])}
        case BriefReady():
            spans = [asdict(span) for span in event.spans]
            told = {**judged(event.brief), "spans": spans, "notes": event.notes}
            return {"kind": "brief", "why": one_line(event.why), **told}
    return _painting(event)


def _painting(event: Event) -> dict[str, Any]:
    match event:
        case PaintingStep(number, step, of):
            return {"kind": "step", "round": number, "number": step, "of": of}
        case TakeReady(take, best):
            return {"kind": "take", **take_dict(take), "number": take.number + 1, "best": best}
        case Decided(number, what, why):
            return {"kind": "decided", "round": number, "what": what, "why": one_line(why)}
        case PromptRevised(number, before, after, reply):
            said = {"before": before, "after": after, "reply": one_line(reply)}
            return {"kind": "revised", "round": number, **said}
        case Finished(result):
            return {
                "kind": "finished",
                "ended": result.ended,
                "best": result.best.number + 1 if result.best else None,
                "verdict": judged(result.best.brief, result.best.critique)["verdict"]
                if result.best
                else None,
                "takes": len(result.takes),
                "spent": round(result.spent, 4),
                "seconds": round(result.seconds, 2),
                "notes": [one_line(note) for note in result.notes],
            }
    raise TypeError(f"no such event: {event!r}")


def past_brief(row: VersionRow) -> Brief:
    """The brief of an archived version; one that this limner can't read was not checked at all."""
    try:
        return _form().validate_python(brief_now(row.brief))
    except ValueError:
        return Brief(row.words, "", unchecked=(row.words,))


@cache
def _form() -> TypeAdapter[Brief]:
    return TypeAdapter(Brief)


def cleaned(value: Any) -> Any:
    """Values as JSON has them, with all text in them made safe to print."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(part) for part in value]
    if isinstance(value, dict):
        return {key: cleaned(part) for key, part in value.items()}
    return value
