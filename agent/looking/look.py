"""Asks the critic what is true of pictures; one that breaks leaves them unverified."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from PIL.Image import Image

from limner.agent.extract import is_english
from limner.agent.looking.whereabouts import standing
from limner.agent.plain import first_line
from limner.agent.records import Claim, Critique, Settings
from limner.errors import ModelFailed
from limner.pipelines.roles import Critic

__all__ = ["look", "phrased", "unseen", "weighed"]


def look(
    critic: Critic, pictures: Sequence[Image], claims: tuple[Claim, ...], settings: Settings
) -> tuple[list[Critique], str]:
    """A critique of each picture; and "", or one line on why nothing could be checked."""
    unknown: list[list[float | None]] = [[None] * len(claims) for _ in pictures]
    found, failed = unknown, ""
    if not claims:
        failed = "unverified: the brief makes no claim that could be checked"
    else:
        try:
            found = _finite(weighed(critic, pictures, claims, settings))
        except Exception as problem:  # a critic is anyone's code; an unverified picture is one too
            failed = f"unverified: the critic failed: {first_line(problem)}"
    return [Critique(claims, tuple(row), settings.threshold) for row in found], failed


def unseen(claims: tuple[Claim, ...], settings: Settings) -> Critique:
    """The critique of a picture that the critic is not shown."""
    return Critique(claims, (None,) * len(claims), settings.threshold)


def weighed(
    critic: Critic, pictures: Sequence[Image], claims: tuple[Claim, ...], settings: Settings
) -> list[list[float | None]]:
    """How probable each claim is of each picture, calibrated: pictures x claims.

    What is no number stays none. Raises whatever the critic raises, and `ModelFailed` for too few
    answers.
    """
    worded = [phrased(critic, claim) for claim in claims]
    told = [claim for claim in worded if claim is not None]
    if not told:
        return [[None] * len(claims) for _ in pictures]
    raw = critic.look(pictures, [c.text for c in told], [c.foils for c in told])
    if len(raw) != len(pictures):
        raise ModelFailed(f"it looked at {len(raw)} of {len(pictures)} pictures")
    rows = [iter(_calibrated(row, told, settings)) for row in raw]
    found = [[None if c is None else next(row) for c in worded] for row in rows]
    if not settings.locate:
        return found
    asked = [now or claim for now, claim in zip(worded, claims, strict=True)]
    return standing(critic, pictures, asked, found, settings)


def phrased(critic: Critic, claim: Claim) -> Claim | None:
    """The claim in the words that the critic was taught; None where it can't judge that.

    A critic without a small world of its own takes plain English: what is in another script it
    can't tell.
    """
    world = getattr(critic, "world", None)
    if world is None:
        return claim if claim.text.isascii() or is_english(claim.text) else None
    words = world.phrased(claim)
    return None if words is None else replace(claim, text=words[0], foils=words[1])


def _calibrated(
    row: Sequence[float], claims: Sequence[Claim], settings: Settings
) -> list[float | None]:
    """What the critic's own probabilities stand for, each by the curve of its kind of claim."""
    curves = settings.calibration
    return [curves[c.kind](p) if c.kind in curves else p for p, c in zip(row, claims, strict=True)]


def _finite(rows: list[list[float | None]]) -> list[list[float | None]]:
    if not all(p is None or math.isfinite(p) for row in rows for p in row):
        raise ModelFailed("it gave something that is not a number")
    return rows
