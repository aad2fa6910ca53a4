"""The records that everything passes on: claim, brief, critique, candidate, result."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal, get_args

from PIL.Image import Image

from limner.configs import Expansion, Settings
from limner.errors import BadInput
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
    "batch_of",
]

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
    `draft` are the probabilities of the draft that became the picture, where the critic saw one:
    they help to compare candidates, and nothing else.
    """

    claims: tuple[Claim, ...]
    probabilities: tuple[float | None, ...]
    threshold: float = 0.5
    draft: tuple[float | None, ...] = ()

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
        """For comparing candidates: how many decisive claims hold, then the mean probability.

        That is the mean over both looks of what had two: what a critic overlooks in a finished
        picture it does not always overlook in its draft. Invented claims weigh a quarter.
        """
        looks = (self._mean(self.probabilities), self._mean(self.draft))
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
    """One painting: its place in the run, the brief and image request it came from, its critique.

    `safety` is what the picture check found of it, where there is one. `batch_seeds` are the seeds
    of all pictures of its batch, where these are not just the candidates of that round, and
    `dropped_at` after which step each was dropped (see `GeneratedImage`).
    """

    number: int
    round: int
    brief: Brief
    image_request: ImageRequest
    picture: Image
    critique: Critique
    safety: Safety = UNCHECKED
    batch_seeds: tuple[int, ...] = ()
    dropped_at: tuple[int, ...] = ()

    @property
    def blocked(self) -> bool:
        """True where the picture is withheld: what stands in its place is grey."""
        return self.safety.outcome == "blocked"


def batch_of(
    candidate: Candidate, candidates: Sequence[Candidate]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The batch that one of a run's candidates was painted in: all seeds, when each was dropped."""
    own = (other.image_request.seed for other in candidates if other.round == candidate.round)
    return (
        (candidate.batch_seeds, candidate.dropped_at) if candidate.batch_seeds else (tuple(own), ())
    )


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What came of a request, however it ended.

    `ended` is "done" (every asked claim that could be judged holds; see `verdict` for what nobody
    looked at), "budget" (image-equivalents, seconds or rounds are spent), "blocked" (a picture was,
    and nothing is painted in its place), "cancelled" or "failed" (a model broke; `best` is what
    there was). A blocked candidate is never the best. `spent` counts image-equivalents, `seconds`
    the time it took. `notes` say in one line each what is unverified or went wrong. `request` and
    `seed` are what it was painted from. A notebook shows the best picture.
    """

    best: Candidate | None
    candidates: tuple[Candidate, ...]
    ended: str
    spent: float
    seconds: float
    notes: tuple[str, ...] = ()
    request: str = ""
    seed: int = 0
    saver: Callable[[Result, Path | str], Path] | None = field(default=None, compare=False)

    def save(self, path: Path | str = "") -> Path:
        """Writes the best picture with its recipe, and returns its path; see `Studio.save`."""
        if self.saver is None:
            raise BadInput("This result does not know its studio.", "Type studio.save(result, …).")
        return self.saver(self, path)

    def __repr__(self) -> str:
        spent = f"spent {self.spent:g}, seed {self.seed}"
        if self.best is None:
            return f"<Result {self.ended}: nothing was painted, {spent}>"
        holds, critique = self.best.critique.score[0], self.best.critique
        claims = f"{holds} of {len(critique.decisive)} claims hold"
        return f"<Result {self.ended}: #{self.best.number + 1}, {claims}, {spent}>"

    def _repr_png_(self) -> bytes | None:
        if self.best is None:
            return None
        self.best.picture.save(file := io.BytesIO(), "PNG")
        return file.getvalue()
