"""Asks the critic what is true of pictures; one that breaks leaves them unverified."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL.Image import Image

from limner.agent.plain import first_line
from limner.agent.records import Claim, Critique, Settings
from limner.errors import ModelFailed
from limner.pipelines.roles import Critic

__all__ = ["calibrated", "look", "unseen"]


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
            raw = _probabilities(critic, pictures, claims)
            found = [calibrated(row, claims, settings) for row in raw]
        except Exception as problem:  # a critic is anyone's code; an unverified picture is one too
            failed = f"unverified: the critic failed: {first_line(problem)}"
    return [Critique(claims, tuple(row), settings.threshold) for row in found], failed


def unseen(claims: tuple[Claim, ...], settings: Settings) -> Critique:
    """The critique of a picture that the critic is not shown."""
    return Critique(claims, (None,) * len(claims), settings.threshold)


def calibrated(
    row: Sequence[float], claims: Sequence[Claim], settings: Settings
) -> list[float | None]:
    """What the critic's own probabilities stand for, each by the curve of its kind of claim."""
    curves = settings.calibration
    return [curves[c.kind](p) if c.kind in curves else p for p, c in zip(row, claims, strict=True)]


def _probabilities(
    critic: Critic, pictures: Sequence[Image], claims: tuple[Claim, ...]
) -> list[list[float]]:
    rows = critic.look(pictures, [c.text for c in claims], [c.foils for c in claims])
    if not all(math.isfinite(p) for row in rows for p in row):
        raise ModelFailed("it gave something that is not a number")
    if len(rows) != len(pictures):
        raise ModelFailed(f"it looked at {len(rows)} of {len(pictures)} pictures")
    return [list(row) for row in rows]
