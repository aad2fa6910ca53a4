"""Say what you want to see: a local agent paints it, looks at it, and paints it better."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from limner.agent.jobs import Job, Jobs
    from limner.agent.records import Brief, Claim, Critique, Result, Settings, Take, Verdict
    from limner.agent.studio import Studio
    from limner.errors import LimnerError

    __version__: str

__all__ = [
    "Brief",
    "BriefReady",
    "BriefToken",
    "Claim",
    "Critique",
    "Decided",
    "Event",
    "Finished",
    "Job",
    "Jobs",
    "LimnerError",
    "PaintingStep",
    "PromptRevised",
    "Replied",
    "Result",
    "Settings",
    "Studio",
    "Take",
    "TakeReady",
    "TurnHeard",
    "Verdict",
    "__version__",
]

_ROOMS = {
    "agent.events": (
        *("BriefReady", "BriefToken", "Decided", "Event", "Finished"),
        *("PaintingStep", "PromptRevised", "Replied", "TakeReady", "TurnHeard"),
    ),
    "agent.jobs": ("Job", "Jobs"),
    "agent.records": ("Brief", "Claim", "Critique", "Result", "Settings", "Take", "Verdict"),
    "agent.studio": ("Studio",),
    "errors": ("LimnerError",),
}
_HOMES = {name: f"limner.{room}" for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> object:
    """Open the room a public name lives in when it is first asked for, and not before."""
    if name == "__version__":
        from importlib.metadata import version

        return version("limner")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
