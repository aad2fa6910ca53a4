"""What holds for all rows of a batch: which models, how much painting, what is required."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from limner import configs
from limner.agent.batch.requiring import Required, required

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a batch; the rows' own words come before them.

    `models` is a digest of the profile, so that nobody changes it half-way unseen. `budget` in
    image-equivalents, `size` in pixels; None: the profile's. `seed` is that of the whole batch.
    `group` rows share batches of at most `most` pictures. `threads` are torch's on a CPU: with
    another number, sums are made in another order, and pictures differ in their last bits.
    """

    profile: str = "pocket"
    models: str = ""
    seed: int = 0
    budget: float | None = None
    takes: int | None = None
    size: tuple[int, int] | None = None
    refine: bool = True
    expand_only: bool = False
    require: str = ""
    least: float | None = None
    group: int = 4
    most: int = 8
    threads: int = 1
    reading: str = ""

    @property
    def required(self) -> Required:
        """What every row must keep. Raises `BadInput` for a word that can't be required."""
        return required(self.require, self.least)

    @property
    def company(self) -> int:
        """How many rows are worked on together; a brief needs no company."""
        return 1 if self.expand_only else self.group

    def as_json(self) -> str:
        """The terms as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Terms:
        """The terms in one line of JSON, as this limner wrote it."""
        said = json.loads(text)
        said["size"] = tuple(said["size"]) if said["size"] else None
        return cls(**said)

    def unlike(self, other: Terms) -> list[str]:
        """The names of the terms that would give other pictures."""
        later = {"require", "least"}  # these can be judged anew
        names = [field.name for field in fields(self) if field.name not in later]
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    @staticmethod
    def digest(profile: str) -> str:
        """The digest of a profile. Raises `BadInput` for one that is not usable."""
        return hashlib.sha256(configs.load(profile).model_dump_json().encode()).hexdigest()[:16]
