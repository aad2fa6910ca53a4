"""The nouns: request, brief, claim, take, critique. Frozen, plain, and free of any model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal

from PIL.Image import Image

from limner.pipelines.platt import Curve
from limner.pipelines.roles import Order
from limner.pipelines.safety import UNCHECKED, Safety

__all__ = [
    "Brief",
    "Claim",
    "Critique",
    "Expansion",
    "Relation",
    "Result",
    "Settings",
    "Take",
    "Thing",
    "company",
]

Expansion = Literal["auto", "full", "light", "skip"]
"""How much a writer adds to a request: whatever it lacks, next to nothing, or nothing."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One kind of thing in the picture; an empty string leaves the choice to the painter."""

    name: str
    count: int = 1
    colour: str = ""
    size: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """Where one thing is as seen from another: cat, left of, dog."""

    thing: str
    how: str
    other: str


@dataclass(frozen=True, slots=True)
class Brief:
    """The description of the picture: what was asked, and what the painter is told.

    `manner` are a style's words, which follow the prompt as far as the painter reads; `unlike` is
    what the style is not: it goes into the negative prompt, and no claim is made of it.
    """

    request: str
    prompt: str
    reply: str = ""
    things: tuple[Thing, ...] = ()
    relations: tuple[Relation, ...] = ()
    where: str = ""
    light: str = ""
    style: str = ""
    avoid: tuple[str, ...] = ()
    manner: str = ""
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement of the brief, and the statements that contradict it.

    `needs` is the index of the claim that must hold before this one can be blamed (DSG,
    arXiv:2310.18235), or None. Where the claim says where something stands, `how` is that ("left",
    "left of"), and `things` are the indices of the claims that the thing, and the other, are there;
    the first foil of such a claim is that it is not.
    """

    text: str
    foils: tuple[str, ...]
    kind: str
    needs: int | None = None
    how: str = ""
    things: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Critique:
    """How true each claim is of one picture.

    `probabilities` runs parallel to `claims`, each in 0..1, or None where nobody checked.
    A claim holds at `threshold` or above. `sketch` are the probabilities of the sketch that became
    the picture, where it was looked at as one: they help to compare takes, and nothing else.
    """

    claims: tuple[Claim, ...]
    probabilities: tuple[float | None, ...]
    threshold: float = 0.5
    sketch: tuple[float | None, ...] = ()

    @property
    def verified(self) -> bool:
        """True when every claim was checked."""
        return bool(self.claims) and None not in self.probabilities

    @property
    def holds(self) -> bool:
        """True when every claim was checked and is true."""
        return self.verified and not self.failed

    @property
    def failed(self) -> tuple[int, ...]:
        """Indices of the claims that were checked and do not hold."""
        return tuple(
            i for i, p in enumerate(self.probabilities) if p is not None and p < self.threshold
        )

    @property
    def blamed(self) -> tuple[int, ...]:
        """The failed claims whose parents hold, so that each is blamed for itself alone."""
        failed = set(self.failed)
        return tuple(i for i in self.failed if self.claims[i].needs not in failed)

    @property
    def worst(self) -> int | None:
        """The index of the claim to blame first: of those blamed, the least probable."""
        return min(self.blamed, key=lambda i: self.probabilities[i] or 0.0, default=None)

    @property
    def chance(self) -> float:
        """The probability that all is true, as if the claims were independent; 0 if unverified."""
        known = _known(self.probabilities)
        return prod(known) if self.verified else 0.0

    @property
    def score(self) -> tuple[int, float]:
        """For comparing takes: claims that hold, then the mean probability.

        That is the mean over both looks of what had two: what a critic overlooks in a finished
        picture it does not always overlook in its sketch.
        """
        known = _known(self.probabilities)
        means = [sum(seen) / len(seen) for seen in (known, _known(self.sketch)) if seen]
        return len(known) - len(self.failed), sum(means) / len(means) if means else 0.0


def _known(probabilities: tuple[float | None, ...]) -> list[float]:
    return [p for p in probabilities if p is not None]


@dataclass(frozen=True, slots=True)
class Take:
    """One painting: its place in the run, the brief and order it came from, and its critique.

    `safety` is what the picture check found of it, where there is one.
    `beside` are the seeds of all pictures of its batch, where these are not just the run's takes of
    that round, and `gone` after which step each was dropped (see `roles.Painted`).
    """

    number: int
    round: int
    brief: Brief
    order: Order
    picture: Image
    critique: Critique
    safety: Safety = UNCHECKED
    beside: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()

    @property
    def blocked(self) -> bool:
        """True where the picture is withheld: what stands in its place is grey."""
        return self.safety.outcome == "blocked"


def company(take: Take, takes: Sequence[Take]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The batch that one of a run's takes was painted in: all seeds, and when each was dropped."""
    own = (other.order.seed for other in takes if other.round == take.round)
    return (take.beside, take.gone) if take.beside else (tuple(own), ())


@dataclass(frozen=True, slots=True)
class Settings:
    """How the three work together on a request.

    `takes` is how many pictures a round paints at once, `budget` what a request may cost in
    image-equivalents, `seconds` how long it may take (None: no limit), `threshold` the probability
    from which a claim holds, `sure` the chance that all of them do from which no more is painted.
    `repairs` says whether what is wrong may be painted over, where the painter can do that, and
    `patience` how many rounds of fresh seeds a wording has before anything else is tried.
    With `sketches`, a round begins so many, looks at them after the share `rough` of all steps, and
    paints on the best, `takes` of them at most. `calibration` has, for kinds of claims, what the
    critic's own probabilities stand for; with `locate`, where things stand is found by covering
    places (see `whereabouts`). `steps`, `guidance` and `size` (width, height in pixels) are the
    painter's own where None. `domain` tells the writer what the painter can show, `styles` are the
    only ones that it knows (none: any); `expansion` is how much the writer may add to a request
    ("auto": see `gate`); `prompts` is a folder of templates and styles that win over ours.
    """

    takes: int = 4
    budget: float = 8.0
    seconds: float | None = None
    threshold: float = 0.5
    sure: float = 0.5
    repairs: bool = True
    patience: int = 1
    sketches: int = 0
    rough: float = 0.2
    calibration: Mapping[str, Curve] = field(default_factory=dict)
    locate: bool = False
    steps: int | None = None
    guidance: float | None = None
    size: tuple[int, int] | None = None
    domain: str = ""
    styles: tuple[str, ...] = ()
    expansion: Expansion = "auto"
    prompts: Path | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a request, however it ended.

    `ended` is "done" (every claim holds), "budget" (image-equivalents, seconds or rounds are
    spent), "blocked" (a picture was, and nothing is painted in its place), "cancelled" or "failed"
    (a model broke; `best` is what there was). A blocked take is never the best. `spent` counts
    image-equivalents, `seconds` the time it took. `notes` say in one line each what is unverified
    or went wrong.
    """

    best: Take | None
    takes: tuple[Take, ...]
    ended: str
    spent: float
    seconds: float
    notes: tuple[str, ...] = ()
