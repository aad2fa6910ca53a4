"""Makes probabilities mean what they say: a curve fitted to what turned out to be true."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Curve", "fit", "from_null"]

_EDGE = 1e-6
_ROUNDS = 50


class Curve(NamedTuple):
    """p becomes 1 / (1 + exp(-(scale * logit(p) + shift))): Platt scaling (Platt 1999)."""

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, probability: float) -> float:
        """The probability, 0..1, that one of 0..1 stands for; what is no number stays none."""
        if not math.isfinite(probability):
            return probability
        return 1 / (1 + math.exp(-(self.scale * _logit(probability) + self.shift)))


def fit(probabilities: Sequence[float], truths: Sequence[bool], prior: float = 1.0) -> Curve:
    """The curve that makes the truths likeliest, by Newton's method with shortened steps.

    `prior` draws the scale towards 1 and the shift towards 0, so that few examples change little.
    """
    import numpy as np

    x = np.array([(_logit(p), 1.0) for p in probabilities])
    y, start = np.asarray(truths, float), np.array([1.0, 0.0])
    found = start.copy()

    def loss(at: np.ndarray) -> float:
        unlike = np.logaddexp(0, np.where(y > 0, -x @ at, x @ at)).sum()
        return float(unlike + prior / 2 * ((at - start) ** 2).sum())

    for _ in range(_ROUNDS):
        said = 1 / (1 + np.exp(-np.clip(x @ found, -30, 30)))
        slope = x.T @ (said - y) + prior * (found - start)
        bend = (x * (said * (1 - said))[:, None]).T @ x + prior * np.eye(2)
        step = np.linalg.solve(bend, slope)
        while loss(found - step) > loss(found) and np.abs(step).max() > _EDGE:
            step = step / 2
        found = found - step
    return Curve(max(0.05, float(found[0])), float(found[1]))


def from_null(probabilities: Sequence[float], passing: float = 0.05) -> Curve:
    """The shift that lets only a share `passing` of claims, all known to be false, hold."""
    levels = sorted(_logit(p) for p in probabilities)
    return Curve(1.0, -levels[min(len(levels) - 1, int((1 - passing) * len(levels)))])


def _logit(probability: float) -> float:
    clipped = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(clipped / (1 - clipped))
