"""What holds for all rows of a batch: models, budget, and which claims must hold, how surely."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from limner import configs
from limner.agent.batch.rows import BatchRow
from limner.agent.plain import one_line
from limner.agent.records import KINDS, Brief, Claim, Critique
from limner.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BatchConfig",
    "Required",
    "checked",
    "falls_short",
    "required",
    "share",
]


_WHOLE = {"all claims": "all claims", "all": "all claims", "everything": "all claims"}
_WHOLE |= {"reached": "reached"}
_ALSO = {"color": "colour", "number": "count", "where": "scene", "avoid": "absent"}


@dataclass(frozen=True, slots=True)
class Required:
    """What has to hold: asked claims of these kinds (`everything`: of any), and how surely.

    With `reached`, nothing that was asked may be unchecked, or beyond what the painter can show,
    either. `least` is a probability, 0..1, that every asked claim has to reach, required or not.
    """

    everything: bool = False
    reached: bool = False
    kinds: frozenset[str] = frozenset()
    least: float | None = None


def required(words: str, least: float | None = None) -> Required:
    """What the words require: "reached", "all claims", or kinds as in "count, colour"; "": nothing.

    Raises `BadInput` for a word that names no kind.
    """
    parts = [_known(part) for part in re.split(r"[,;，；、]", one_line(words).casefold())]
    named = frozenset(part for part in parts if part)
    reached = "reached" in named
    everything = reached or "all claims" in named
    return Required(everything, reached, named - {*_WHOLE.values()}, least)


def checked(words: str) -> str:
    """The words as one line, if they require what can be required; else raises `BadInput`."""
    required(words)
    return one_line(words)


def share(text: str) -> float:
    """A probability, written 0.8 or 80%. Raises `ValueError` for anything else."""
    said = text.strip()
    number = float(said.removesuffix("%")) / 100 if said.endswith("%") else float(said)
    if not 0 <= number <= 1:
        raise ValueError(f"{said} is not within 0 and 1")
    return number


def falls_short(
    row: BatchRow, critique: Critique, brief: Brief, whole: Required = Required()
) -> tuple[str, ...]:
    """What is missing from the picture of a row, one line each; nothing where it passes.

    `whole` is what the batch requires of every row: the row's own words and its own `least` come
    in its place. A claim that nobody could check does not hold. Where a kind is required of which
    there is no claim, nothing is missing; where all claims are and there is none, that is.
    """
    own = required(row.require, row.least)
    asked = own if row.require else whole
    least = whole.least if row.least is None else row.least
    return tuple(_missing(replace(asked, least=least), critique, brief))


def _missing(asked: Required, critique: Critique, brief: Brief) -> Iterator[str]:
    claims = [(at, c) for at, c in enumerate(critique.claims) if c.source != "invented"]
    if not claims and (asked.everything or asked.least is not None):
        yield "there is no claim that could hold"
    for at, claim in claims:
        named = asked.everything or claim.kind in asked.kinds
        bar = critique.threshold if named else None
        if why := _why(critique.probabilities[at], bar, asked.least):
            yield f"{_told(claim)}: {why}"
    if asked.reached:
        yield from (f"{one_line(words, 200)}: not checked" for words in brief.unchecked)
        yield from (f"{one_line(words, 200)}: can't be shown" for words in brief.not_shown)


def _why(probability: float | None, threshold: float | None, least: float | None) -> str:
    bars = [bar for bar in (threshold, least) if bar is not None]
    if not bars:
        return ""
    if probability is None:
        return "not checked"
    bar = max(bars)
    return f"{_percent(probability)}, needs {_percent(bar)}" if probability < bar else ""


def _percent(probability: float) -> str:
    """As percent, never rounded up to what it misses."""
    return f"{math.floor(1000 * probability + 1e-6) / 10:g} %"


def _told(claim: Claim) -> str:
    return one_line(claim.text, 200).rstrip(".")


def _known(part: str) -> str:
    word = part.strip()
    word = _ALSO.get(word, word)
    if word in _WHOLE:
        return _WHOLE[word]
    if word and word not in KINDS:
        raise BadInput(
            f"{one_line(word, 40)!r} is no kind of claim",
            f"require reached, all claims, or any of: {', '.join(KINDS)}",
        )
    return word


@dataclass(frozen=True, slots=True)
class BatchConfig:
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
    def parse(cls, text: str) -> BatchConfig:
        """The terms in one line of JSON, as this limner wrote it."""
        said = json.loads(text)
        said["size"] = tuple(said["size"]) if said["size"] else None
        return cls(**said)

    def unlike(self, other: BatchConfig) -> list[str]:
        """The names of the terms that would give other pictures."""
        later = {"require", "least"}  # these can be judged anew
        names = [field.name for field in fields(self) if field.name not in later]
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    @staticmethod
    def digest(profile: str) -> str:
        """The digest of a profile. Raises `BadInput` for one that is not usable."""
        return hashlib.sha256(configs.load(profile).model_dump_json().encode()).hexdigest()[:16]
