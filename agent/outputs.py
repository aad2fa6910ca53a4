"""Briefs, claims and verdicts as JSON: the same words through every door."""

from __future__ import annotations

from typing import Any

from limner.agent.records import Brief, Claim, Critique, Verdict

__all__ = ["brief_dict", "claim_dict", "scored_claims", "verdict_dict"]


def claim_dict(claim: Claim) -> dict[str, Any]:
    """A claim: what it says, who it comes from, and its slots."""
    keys = ("text", "kind", "source", "quote", "subject", "value", "object")
    return {key: getattr(claim, key) for key in keys}


def scored_claims(critique: Critique) -> list[dict[str, Any]]:
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


def brief_dict(brief: Brief) -> dict[str, Any]:
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


def verdict_dict(verdict: Verdict) -> dict[str, Any]:
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
