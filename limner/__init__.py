"""Say what you want to see: a local agent paints it, looks at it, and paints it better."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from limner.agent.functions import critic, painter
    from limner.agent.jobs import Job, Jobs
    from limner.agent.records import Brief, Candidate, Claim, Critique, Result, Settings, Verdict
    from limner.agent.studio import Studio
    from limner.errors import LimnerError
    from limner.pipelines.roles import (
        Critic,
        GeneratedImage,
        ImageRequest,
        Painter,
        PainterSpec,
        TaskWriter,
        Writer,
    )

    __version__: str

__all__ = [
    "Brief",
    "BriefReady",
    "BriefToken",
    "Candidate",
    "CandidateReady",
    "Claim",
    "Critic",
    "Critique",
    "Decided",
    "Event",
    "Finished",
    "GeneratedImage",
    "ImageRequest",
    "Job",
    "Jobs",
    "LimnerError",
    "Painter",
    "PainterSpec",
    "PaintingStep",
    "PromptRevised",
    "Replied",
    "Result",
    "Settings",
    "Studio",
    "TaskWriter",
    "TurnHeard",
    "Verdict",
    "Writer",
    "__version__",
    "critic",
    "painter",
]

_MODULES = {
    "agent.events": (
        *("BriefReady", "BriefToken", "CandidateReady", "Decided", "Event", "Finished"),
        *("PaintingStep", "PromptRevised", "Replied", "TurnHeard"),
    ),
    "agent.functions": ("critic", "painter"),
    "agent.jobs": ("Job", "Jobs"),
    "agent.records": ("Brief", "Candidate", "Claim", "Critique", "Result", "Settings", "Verdict"),
    "agent.studio": ("Studio",),
    "errors": ("LimnerError",),
    "pipelines.roles": (
        *("Critic", "GeneratedImage", "ImageRequest", "Painter", "PainterSpec", "TaskWriter"),
        "Writer",
    ),
}
_HOMES = {name: f"limner.{module}" for module, names in _MODULES.items() for name in names}
_OLDER = {"Take": "Candidate", "TakeReady": "CandidateReady"}  # names of version 0.1


def __getattr__(name: str) -> object:
    """Import the module of a public name when the name is first used, and not before."""
    if name == "__version__":
        from importlib.metadata import version

        return version("limner")
    if name in _OLDER:
        from warnings import warn

        warn(f"limner.{name} is limner.{_OLDER[name]} now", DeprecationWarning, stacklevel=2)
        name = _OLDER[name]
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
