"""What holds for all rows of a batch, and which claims a row must keep to pass."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace

from limner import configs
from limner.agent.batch.rows import BatchRow
from limner.agent.plain import one_line
from limner.agent.records import KINDS, Brief, Critique
from limner.errors import BadInput

__all__ = [
    "BatchConfig",
    "Required",
    "falls_short",
    "probability",
    "required",
    "requirement",
]

_EVERYTHING = ("all claims", "all", "everything")
_SYNONYMS = {"color": "colour", "number": "count", "where": "scene", "avoid": "absent"}


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
    parts = (part.strip() for part in re.split(r"[,;，；、]", one_line(words).casefold()))
    named = {_SYNONYMS.get(part, part) for part in parts if part}
    reached = "reached" in named
    everything = reached or not named.isdisjoint(_EVERYTHING)
    kinds = frozenset(named - {"reached", *_EVERYTHING})
    for word in sorted(kinds - set(KINDS)):
        raise BadInput(
            f"{one_line(word, 40)!r} is no kind of claim",
            f"require reached, all claims, or any of: {', '.join(KINDS)}",
        )
    return Required(everything, reached, kinds, least)


def requirement(words: str) -> str:
    """The words as one line, if they require what can be required; else raises `BadInput`."""
    required(words)
    return one_line(words)


def probability(text: str) -> float:
    """A probability, written 0.8 or 80%. Raises `BadInput` for anything else."""
    given = text.strip()
    try:
        number = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise BadInput(
            f"{one_line(text, 40)!r} is no probability", "write a number from 0 to 1, as 0.8 or 80%"
        )
    return number


def falls_short(
    row: BatchRow, critique: Critique, brief: Brief, default: Required = Required()
) -> tuple[str, ...]:
    """What is missing from the picture of a row, one line each; nothing where it passes.

    `default` is what the batch requires of every row: the row's own `require` and `least` come in
    its place. A claim that nobody could check does not hold. Where a kind is required of which
    there is no claim, nothing is missing; where all claims are and there is none, that is.
    """
    asked = required(row.require) if row.require else default
    least = default.least if row.least is None else row.least
    return tuple(_missing(replace(asked, least=least), critique, brief))


def _missing(asked: Required, critique: Critique, brief: Brief) -> Iterator[str]:
    claims = [(at, c) for at, c in enumerate(critique.claims) if c.source != "invented"]
    if not claims and (asked.everything or asked.least is not None):
        yield "there is no claim that could hold"
    for at, claim in claims:
        bars = [asked.least] if asked.least is not None else []
        if asked.everything or claim.kind in asked.kinds:
            bars.append(critique.threshold)
        known, text = critique.probabilities[at], one_line(claim.text, 200).rstrip(".")
        if bars and known is None:
            yield f"{text}: not checked"
        elif bars and known is not None and known < max(bars):
            yield f"{text}: {_percent(known)}, needs {_percent(max(bars))}"
    if asked.reached:
        yield from (f"{one_line(words, 200)}: not checked" for words in brief.unchecked)
        yield from (f"{one_line(words, 200)}: can't be shown" for words in brief.not_shown)


def _percent(probability: float) -> str:
    """As percent, never rounded up to what it misses."""
    return f"{math.floor(1000 * probability + 1e-6) / 10:g} %"


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """What holds for all rows of a batch; what a row says itself comes first.

    `models` is a digest of the profile, so that nobody changes it half-way unseen. `budget` in
    image-equivalents, `size` in pixels; None: the profile's. `seed` is that of the whole batch.
    `group` rows share batches of at most `most` pictures. `threads` are torch's on a CPU: with
    another number, sums are made in another order, and pictures differ in their last bits.
    `reading` says how the input is read.
    """

    profile: str = "pocket"
    models: str = ""
    seed: int = 0
    budget: float | None = None
    images_per_round: int | None = None
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
    def rows_together(self) -> int:
        """How many rows are worked on together; briefs alone share nothing."""
        return 1 if self.expand_only else self.group

    def as_json(self) -> str:
        """The config as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> BatchConfig:
        """The config in one line of JSON, as `as_json` wrote it."""
        kept = json.loads(text)
        return cls(**{**kept, "size": tuple(kept["size"]) if kept["size"] else None})

    def differences(self, other: BatchConfig) -> list[str]:
        """The names of the fields that would give other pictures."""
        names = [field.name for field in fields(self) if field.name not in ("require", "least")]
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    @staticmethod
    def digest(profile: str) -> str:
        """The digest of a profile. Raises `BadInput` for one that is not usable."""
        return hashlib.sha256(json.dumps(configs.load(profile).as_json).encode()).hexdigest()[:16]
