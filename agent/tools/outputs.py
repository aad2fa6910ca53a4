"""Briefs, verdicts, pictures and events as JSON: the same fields through every door."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # pydantic reads no other one before Python 3.12

from limner.agent.archive.recipe import written
from limner.agent.archive.rows import VersionRow
from limner.agent.brief.verdict import verdict, verdict_of
from limner.agent.events import (
    BriefReady,
    BriefToken,
    CandidateReady,
    Decided,
    Event,
    Finished,
    PaintingStep,
    PromptRevised,
    Replied,
    TurnHeard,
)
from limner.agent.plain import clean, one_line
from limner.agent.records import Brief, Candidate, Claim, Critique, Result, Verdict
from limner.agent.scoring.evaluate import described
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.agent.archive.recipe import Recipe
    from limner.agent.events import BriefReady
    from limner.agent.studio import Studio

__all__ = [
    "BriefJson",
    "ClaimJson",
    "DraftJson",
    "JobJson",
    "PictureJson",
    "ScoredClaimJson",
    "ScoresJson",
    "VerdictJson",
    "again_json",
    "brief_dict",
    "brief_json",
    "claim_dict",
    "cleaned",
    "drafted",
    "error_json",
    "event_dict",
    "judged",
    "past_brief",
    "recipe_json",
    "result_json",
    "scored",
    "scored_claims",
    "take_dict",
    "verdict_dict",
]


_closed = with_config(ConfigDict(extra="forbid"))


@_closed
class ClaimJson(TypedDict):
    """One statement that a picture is checked against; `source` is asked, style or invented."""

    text: str
    kind: str
    source: str
    quote: str
    subject: str
    value: str
    object: str


@_closed
class ScoredClaimJson(ClaimJson):
    """The same of a picture: how probable it is in 0..1, None where nobody could check it."""

    probability: float | None
    holds: bool | None


@_closed
class ObjectJson(TypedDict):
    """One kind of thing in a brief; `count` is 0 where no number was said."""

    name: str
    count: int
    attributes: list[str]


@_closed
class BriefJson(TypedDict):
    """What was asked, as claims, and the description that the painter gets of it."""

    request: str
    claims: list[ClaimJson]
    prompt: str
    negative: list[str]
    objects: list[ObjectJson]
    reply: str
    unchecked: list[str]
    not_shown: list[str]
    style_prompt: str
    style_negative: list[str]
    dropped: list[str]


@_closed
class InventedJson(TypedDict):
    """The claims that the writer added; they decide nothing."""

    holds: list[str]
    fails: list[str]


@_closed
class VerdictJson(TypedDict):
    """What is known of a picture; `reached` only if all that was asked was checked, and holds.

    `unchecked` are words of the request that nobody looked for, `not_shown` those that these models
    can't show. `said` is all of it in one sentence.
    """

    reached: bool
    holds: list[str]
    fails: list[str]
    cannot_tell: list[str]
    unchecked: list[str]
    not_shown: list[str]
    said: str
    invented: InventedJson


@_closed
class PictureJson(TypedDict):
    """A picture that a tool hands out: `take` is its name, `file` where it is saved.

    `seed` and the request paint it again; `sha256` is that of the file. `spent` counts pictures'
    worth of painting. `session`, `version` and `candidate` say where it stands in its conversation,
    0 where it is in none. `tool` is what a line was understood as, `reply` what limner says to it,
    and `choices` are the answers to a question. Where nothing was painted, `take` is the one that
    the line was about.
    """

    take: str
    file: str
    sha256: str
    tool: str
    reply: str
    choices: list[str]
    request: str
    prompt: str
    seed: int
    width: int
    height: int
    ended: str
    brief: BriefJson
    verdict: VerdictJson
    claims: list[ScoredClaimJson]
    candidates: int
    rounds: int
    spent: float
    session: int | None
    version: int
    candidate: int
    notes: list[str]


@_closed
class DraftJson(TypedDict):
    """A request as a brief; `verdict` says what of it can't be checked or shown."""

    request: str
    prompt: str
    seed: int
    notes: list[str]
    brief: BriefJson
    verdict: VerdictJson


@_closed
class ScoresJson(TypedDict):
    """How true each statement is of a picture; `score` is their mean."""

    claims: list[ScoredClaimJson]
    verdict: VerdictJson
    score: float


@_closed
class JobJson(TypedDict):
    """How a job stands: `state` is waiting, running, done, cancelled or failed.

    `round` counts from 1, 0 before the first; `verdict` is on the best take so far; `take` is the
    name of its picture, once it has ended.
    """

    job: str
    state: str
    seed: int | None
    round: int
    step: int
    steps: int
    candidates: int
    verdict: VerdictJson | None
    doing: str
    take: str | None
    error: str | None


def claim_dict(claim: Claim) -> ClaimJson:
    """A claim: what it says, who it comes from, and its slots."""
    return {
        "text": claim.text,
        "kind": claim.kind,
        "source": claim.source,
        "quote": claim.quote,
        "subject": claim.subject,
        "value": claim.value,
        "object": claim.object,
    }


def scored_claims(critique: Critique) -> list[ScoredClaimJson]:
    """The claims with how probable each is of a picture, None where nobody could tell."""
    pairs = zip(critique.claims, critique.probabilities, strict=True)
    return [
        {
            **claim_dict(claim),
            "probability": probability,
            "holds": None if probability is None else probability >= critique.threshold,
        }
        for claim, probability in pairs
    ]


def brief_dict(brief: Brief) -> BriefJson:
    """A brief: what was asked, as claims, and the description that the painter gets."""
    return {
        "request": brief.request,
        "claims": [claim_dict(claim) for claim in brief.claims],
        "prompt": brief.prompt,
        "negative": [*brief.negative],
        "objects": [
            {"name": one.name, "count": one.count, "attributes": [*one.attributes]}
            for one in brief.objects
        ],
        "reply": brief.reply,
        "unchecked": [*brief.unchecked],
        "not_shown": [*brief.not_shown],
        "style_prompt": brief.style_prompt,
        "style_negative": [*brief.style_negative],
        "dropped": [*brief.dropped],
    }


def verdict_dict(verdict: Verdict) -> VerdictJson:
    """A verdict; what the writer thought of is apart, for it decides nothing."""
    return {
        "reached": verdict.reached,
        "holds": [*verdict.holds],
        "fails": [*verdict.fails],
        "cannot_tell": [*verdict.cannot_tell],
        "unchecked": [*verdict.unchecked],
        "not_shown": [*verdict.not_shown],
        "said": verdict.said,
        "invented": {"holds": [*verdict.invented_holds], "fails": [*verdict.invented_fails]},
    }


def judged(brief: Brief, critique: Critique | None = None) -> dict[str, Any]:
    """A brief and what is known of it; with a critique, of a picture, and each claim's score."""
    fields = {"brief": brief_dict(brief), "verdict": verdict_dict(verdict(brief, critique))}
    scores = {"claims": scored_claims(critique)} if critique else {}
    made: dict[str, Any] = cleaned({**fields, **scores})
    return made


def take_dict(take: Candidate) -> dict[str, Any]:
    """A take, without its picture."""
    return {
        "round": take.round,
        "prompt": one_line(take.image_request.prompt),
        "seed": take.image_request.seed,
        "width": take.picture.width,
        "height": take.picture.height,
        "safety": take.safety.outcome,
        **judged(take.brief, take.critique),
    }


def drafted(ready: BriefReady, seed: int) -> tuple[str, dict[str, Any]]:
    """A brief for which nothing was painted: in a few lines for another model, and as fields."""
    brief, notes = ready.brief, ready.notes
    fields = judged(brief)
    lines = [f"prompt: {one_line(brief.prompt)}", f"{fields['verdict']['said']} (seed {seed})"]
    lines += [
        f"{claim['source']}: {one_line(claim['text'])}" for claim in fields["brief"]["claims"]
    ]
    lines += [f"must not be there: {one_line(name)}" for name in brief.negative]
    lines += [f"note: {note}" for note in notes]
    head = {"request": brief.request, "prompt": clean(brief.prompt), "seed": seed, "notes": notes}
    return "\n".join(lines), {**head, **fields}


def scored(critique: Critique) -> tuple[str, dict[str, Any]]:
    """How true statements are of a picture: in a few lines for another model, and as fields."""
    fields = judged(Brief("", "", critique.claims), critique)
    said = f"{fields['verdict']['said']}\n{described(critique)}"
    mean = round(critique.score[1], 4)
    return said, {"claims": fields["claims"], "verdict": fields["verdict"], "score": mean}


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
            fields = {**judged(event.brief), "spans": spans, "notes": event.notes}
            return {"kind": "brief", "why": one_line(event.why), **fields}
    return _painting(event)


def _painting(event: Event) -> dict[str, Any]:
    match event:
        case PaintingStep(number, step, of):
            return {"kind": "step", "round": number, "number": step, "of": of}
        case CandidateReady(take, best):
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
                "candidates": len(result.candidates),
                "spent": round(result.spent, 4),
                "seconds": round(result.seconds, 2),
                "notes": [one_line(note) for note in result.notes],
            }
    raise TypeError(f"no such event: {event!r}")


def past_brief(row: VersionRow) -> Brief:
    """The brief of an archived version; one that this limner can't read was not checked at all."""
    try:
        return row.read_brief()
    except ValueError:
        return Brief(row.words, "", unchecked=(row.words,))


def cleaned(value: Any) -> Any:
    """Values as JSON has them, with all text in them made safe to print."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(part) for part in value]
    if isinstance(value, dict):
        return {key: cleaned(part) for key, part in value.items()}
    return value


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
            "prompt": best.image_request.prompt if best else None,
            "image_request": written(best.image_request) if best else None,
            "claims": scored_claims(best.critique) if best else [],
            "safety": asdict(best.safety) if best else None,
            "ended": result.ended,
            "spent": round(result.spent, 4),
            "seconds": round(result.seconds, 3),
            "candidates": len(result.candidates),
            **_draft_notes(ready),
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
            **_draft_notes(ready),
            "seed": seed,
            "models": studio.names,
        }
    )


def recipe_json(recipe: Recipe) -> str:
    """All that a kept picture says about itself."""
    fields = {
        "brief": brief_dict(recipe.brief),
        "verdict": verdict_dict(verdict(recipe.brief, recipe.critique)),
    }
    return json.dumps(recipe.model_dump(mode="json") | fields)


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


def _draft_notes(ready: BriefReady | None) -> dict[str, object]:
    """What the writer failed at, "" for nothing, and what was mended."""
    return {
        "fallback": ready.fallback if ready else "",
        "repaired": list(ready.repaired) if ready else [],
    }
