"""The nouns: request, brief, claim, take, critique. Frozen, plain, and free of any model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal, get_args

from PIL.Image import Image

from limner.pipelines.platt import Curve
from limner.pipelines.roles import ImageRequest
from limner.pipelines.safety import UNCHECKED, Safety

__all__ = [
    "KINDS",
    "Brief",
    "Candidate",
    "Claim",
    "Critique",
    "Expansion",
    "Kind",
    "Object",
    "Result",
    "Settings",
    "Source",
    "Verdict",
    "company",
]

Expansion = Literal["auto", "full", "light", "skip"]
"""How much a writer adds to a request: whatever it lacks, next to nothing, or nothing."""


Kind = Literal[
    "object",
    "count",
    "colour",
    "size",
    "attribute",
    "place",
    "relation",
    "action",
    "text",
    "scene",
    "light",
    "style",
    "absent",
    "other",
]
"""What a claim is about: that something is there, how many, how it looks, where it is, …"""

KINDS: tuple[str, ...] = get_args(Kind)

Source = Literal["asked", "style", "invented"]
"""Who a claim comes from: the user's words, a style that was chosen, or the writer."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement that a picture can be checked against, in plain English.

    `kind` is one of `KINDS`, `source` one of `Source`; of an asked claim, `quote` is the piece of
    the request that says it, as it was typed. The slots say it once more for code: `subject` in the
    singular ("cat"), `value` ("2", "red", "left of", "night"), and `object`, the other thing of a
    relation. `foils` are statements that contradict it. `needs` is the index of the claim that must
    hold before this one can be blamed (DSG, arXiv:2310.18235), or None; `things` are the indices of
    the claims that the subject, and the object, of a place or relation are there.
    """

    text: str
    kind: str = "other"
    source: str = "asked"
    quote: str = ""
    subject: str = ""
    value: str = ""
    object: str = ""
    foils: tuple[str, ...] = ()
    needs: int | None = None
    things: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    """One kind of thing in a brief, as its claims tell: `count` is 0 where no number was said."""

    name: str
    count: int
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """What was asked, as claims, and the description that a painter gets of it.

    `request` is what was typed. `unchecked` are words of it that no claim covers, `not_shown` those
    that the painter at hand can't show. `negative` is what must not be seen, for painters that heed
    it. `style_prompt` are the words of a style, which follow the prompt as far as the painter
    reads; `style_negative` is what the style is not: no claim is made of it. `dropped` names what
    was understood and isn't used ("--v 6").
    """

    request: str
    prompt: str
    claims: tuple[Claim, ...] = ()
    negative: tuple[str, ...] = ()
    reply: str = ""
    unchecked: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    style_prompt: str = ""
    style_negative: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Claim, ...]:
        """The claims that decide: all but those that the writer thought of."""
        return tuple(claim for claim in self.claims if claim.source != "invented")

    @property
    def objects(self) -> tuple[Object, ...]:
        """The things that the claims speak of, in their order."""
        names = dict.fromkeys(c.subject for c in self.claims if c.kind in _THINGS and c.subject)
        return tuple(_object(name, self.claims) for name in names)


_THINGS = ("object", "count")
_LOOKS = ("colour", "size", "attribute", "place")


def _object(name: str, claims: Sequence[Claim]) -> Object:
    about = [claim for claim in claims if claim.subject == name]
    counts = [int(c.value) for c in about if c.kind == "count" and c.value.isdecimal()]
    looks = dict.fromkeys(c.value for c in about if c.kind in _LOOKS and c.value)
    return Object(name, counts[0] if counts else 0, tuple(looks))


@dataclass(frozen=True, slots=True)
class Critique:
    """How true each claim is of one picture.

    `probabilities` runs parallel to `claims`, each in 0..1, or None where nobody could tell.
    A claim holds at `threshold` or above. Asked claims decide; invented ones only break ties.
    `sketch` are the probabilities of the sketch that became the picture, where it was looked at as
    one: they help to compare takes, and nothing else.
    """

    claims: tuple[Claim, ...]
    probabilities: tuple[float | None, ...]
    threshold: float = 0.5
    sketch: tuple[float | None, ...] = ()

    @property
    def decisive(self) -> tuple[int, ...]:
        """Indices of the claims that decide: all but the invented ones, or these where no other is.

        Who asks for nothing in particular gets the best of what the writer thought of.
        """
        asked = tuple(i for i, claim in enumerate(self.claims) if claim.source != "invented")
        return asked or tuple(range(len(self.claims)))

    @property
    def known(self) -> tuple[int, ...]:
        """Indices of the decisive claims that somebody could judge."""
        return tuple(i for i in self.decisive if self.probabilities[i] is not None)

    @property
    def verified(self) -> bool:
        """True when every decisive claim was judged."""
        return bool(self.known) and len(self.known) == len(self.decisive)

    @property
    def holds(self) -> bool:
        """True when every decisive claim that could be judged is true, and there is one."""
        return bool(self.known) and not self.failed

    @property
    def failed(self) -> tuple[int, ...]:
        """Indices of the decisive claims that were judged and do not hold."""
        return tuple(i for i in self.known if (self.probabilities[i] or 0.0) < self.threshold)

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
        """The probability that all that was judged is true, as if claims were independent."""
        return prod(self.probabilities[i] or 0.0 for i in self.known) if self.known else 0.0

    @property
    def score(self) -> tuple[int, float]:
        """For comparing takes: how many decisive claims hold, then the mean probability.

        That is the mean over both looks of what had two: what a critic overlooks in a finished
        picture it does not always overlook in its sketch. Invented claims weigh a quarter.
        """
        looks = (self._mean(self.probabilities), self._mean(self.sketch))
        means = [mean for mean in looks if mean is not None]
        return len(self.known) - len(self.failed), sum(means) / len(means) if means else 0.0

    def _mean(self, probabilities: tuple[float | None, ...]) -> float | None:
        pairs = zip(self.claims, probabilities, strict=False)
        rows = [(p, 0.25 if c.source == "invented" else 1.0) for c, p in pairs if p is not None]
        whole = sum(weight for _, weight in rows)
        return sum(p * weight for p, weight in rows) / whole if whole else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a picture, or of a brief before painting: the same through every door.

    `reached` is true only if every asked claim holds, and nothing that was asked is unchecked or
    can't be shown. `holds`, `fails` and `cannot_tell` are the asked claims, `invented_holds` and
    `invented_fails` those that the writer added. `said` is one sentence for people.
    """

    reached: bool
    holds: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    cannot_tell: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    said: str = ""
    invented_holds: tuple[str, ...] = ()
    invented_fails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One painting: its place in the run, the brief and order it came from, and its critique.

    `safety` is what the picture check found of it, where there is one.
    `beside` are the seeds of all pictures of its batch, where these are not just the run's takes of
    that round, and `gone` after which step each was dropped (see `roles.Painted`).
    """

    number: int
    round: int
    brief: Brief
    order: ImageRequest
    picture: Image
    critique: Critique
    safety: Safety = UNCHECKED
    beside: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()

    @property
    def blocked(self) -> bool:
        """True where the picture is withheld: what stands in its place is grey."""
        return self.safety.outcome == "blocked"


def company(take: Candidate, takes: Sequence[Candidate]) -> tuple[tuple[int, ...], tuple[int, ...]]:
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
    painter's own where None. `domain` tells the writer what the painter can show, where that has
    no world of its own (see `roles.World`), `styles` are the only ones that it knows (none: any);
    `expansion` is how much the writer may add to a request ("auto": see `gate`); `prompts` is a
    folder of templates and styles that win over ours.
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

    `ended` is "done" (every asked claim that could be judged holds; see `verdict` for what nobody
    looked at), "budget" (image-equivalents, seconds or rounds are spent), "blocked" (a picture was,
    and nothing is painted in its place), "cancelled" or "failed" (a model broke; `best` is what
    there was). A blocked take is never the best. `spent` counts image-equivalents, `seconds` the
    time it took. `notes` say in one line each what is unverified or went wrong.
    """

    best: Candidate | None
    takes: tuple[Candidate, ...]
    ended: str
    spent: float
    seconds: float
    notes: tuple[str, ...] = ()
