"""Where a conversation stands, beyond what was said and painted: what going on with it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["Standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Versions by id, from 0, and takes by number, from 1.

    `forward` is where redo leads from a version, `picked` the take that was picked of one, `starts`
    the take that one goes on from until it is painted. `seed` is the conversation's (None: that of
    its first version), set anew after so many runs as `since` says; `style` is a style's name.
    """

    forward: Mapping[int, int] = field(default_factory=dict)
    picked: Mapping[int, int] = field(default_factory=dict)
    starts: Mapping[int, int] = field(default_factory=dict)
    seed: int | None = None
    since: int = 0
    style: str = ""

    @classmethod
    def of(cls, kept: Any, versions: int, takes: int) -> Standing:
        """What an archive has kept, as far as it speaks of versions and takes that there are.

        An archive from before there was such a record has None.
        """
        try:
            told = _form().validate_python(kept or {})
        except ValueError:  # another program's: the versions and takes are sound without it
            return cls()
        ids, numbers = range(versions), range(1, takes + 1)
        return cls(
            {a: b for a, b in told.forward.items() if a in ids and b in ids},
            {a: b for a, b in told.picked.items() if a in ids and b in numbers},
            {a: b for a, b in told.starts.items() if a in ids and b in numbers},
            told.seed,
            told.since,
            told.style,
        )


@cache
def _form() -> TypeAdapter[Standing]:
    from pydantic import TypeAdapter

    return TypeAdapter(Standing)
