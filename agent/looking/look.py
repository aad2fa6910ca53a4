"""Asks the critic what is true of pictures; one that breaks leaves them unverified."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL.Image import Image

from limner.agent.looking.whereabouts import standing
from limner.agent.plain import first_line
from limner.agent.records import Claim, Critique, Settings
from limner.errors import ModelFailed
from limner.pipelines.roles import Critic

__all__ = ["look", "unseen", "weighed"]


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
    raw = critic.look(pictures, [c.text for c in claims], [c.foils for c in claims])
    if len(raw) != len(pictures):
        raise ModelFailed(f"it looked at {len(raw)} of {len(pictures)} pictures")
    found = [_calibrated(row, claims, settings) for row in raw]
    return standing(critic, pictures, claims, found, settings) if settings.locate else found


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
