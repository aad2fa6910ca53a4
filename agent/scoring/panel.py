"""Several critics as one: each claim goes to who can tell, and where nobody can, it is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL.Image import Image

from limner.pipelines.roles import Critic, Judge, Statement

__all__ = ["Panel"]


@dataclass(slots=True)
class Panel:
    """A critic that compares pictures with sentences, and a judge that sees where things are.

    CLIP and its kin hardly count, and hardly tell left from right; a detector does, but knows no
    style, weather or action (GenEval, arXiv:2310.11513, judges by a detector for this reason). So
    the detector judges what it can, and the critic the rest.
    """

    critic: Critic
    detector: Judge
    name: str = field(init=False)
    """Both names, as recipes keep them."""
    world: Any = field(init=False)
    """The critic's small world; None where it has none."""

    def __post_init__(self) -> None:
        self.name = f"{self.critic.name} + {self.detector.name}"
        self.world = getattr(self.critic, "world", None)

    def look(
        self, pictures: Sequence[Image], claims: Sequence[str], foils: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """What the critic says: see `Critic.look`."""
        return self.critic.look(pictures, claims, foils)

    def judge(
        self, pictures: Sequence[Image], claims: Sequence[Statement]
    ) -> list[list[float | None]]:
        """What the detector says: see `Judge.judge`."""
        return self.detector.judge(pictures, claims)
