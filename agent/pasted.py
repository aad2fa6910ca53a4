"""The seed, steps and guidance that a prompt of another tool brings with it."""

from __future__ import annotations

from dataclasses import replace

from limner.agent.prompt_syntax import parse
from limner.agent.records import Settings

__all__ = ["pasted_seed", "with_pasted"]

_SEEDS = 2**32


def pasted_seed(request: str) -> int | None:
    """The seed that was pasted with a request; None where there is none that limner could use."""
    seed = parse(request).seed
    return seed if seed is not None and 0 <= seed < _SEEDS else None


def with_pasted(settings: Settings, request: str) -> Settings:
    """The settings with the steps and the guidance that were pasted with a request."""
    found = parse(request)
    return replace(
        settings,
        steps=settings.steps if found.steps is None else found.steps,
        guidance=settings.guidance if found.guidance is None else found.guidance,
    )
