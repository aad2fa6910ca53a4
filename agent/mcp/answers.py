"""What limner tells an assistant: the fields of each tool's answer, and the same as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from limner.agent.plain import clean
from limner.agent.records import Claim, Critique

if TYPE_CHECKING:
    from limner.agent.desk.handed_out import Kept

__all__ = [
    "ADDRESS",
    "Answer",
    "Briefed",
    "Checked",
    "Described",
    "Fetched",
    "JobState",
    "Pictured",
    "Scored",
    "checked",
    "pictured",
    "texts",
    "uri_of",
]

ADDRESS = "limner://"


class Answer(BaseModel):
    """Fields of an answer, which its schema names one by one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Checked(Answer):
    """One claim: how probable it is in 0..1, None where nobody could check it."""

    text: str
    probability: float | None
    holds: bool | None


class Pictured(Answer):
    """A picture that was painted: `take` is its id, `uri` its resource, `file` where it is saved.

    `seed` and the request paint it again; `sha256` is that of the file. `spent` counts pictures'
    worth of painting. `session` is its number in the gallery.
    """

    take: str
    uri: str
    file: str
    sha256: str
    request: str
    prompt: str
    seed: int
    width: int
    height: int
    ended: str
    claims: list[Checked]
    takes: int
    rounds: int
    spent: float
    session: int | None = None
    notes: list[str]


class Briefed(Answer):
    """A request as a prompt, and what it claims of the picture."""

    request: str
    prompt: str
    seed: int
    claims: list[str]
    avoid: list[str]
    reply: str
    notes: list[str]


class Scored(Answer):
    """How true each statement is of a picture; `score` is their mean."""

    claims: list[Checked]
    holds: int
    score: float


class Described(Answer):
    """What a take shows, as far as the critic sees it, and how it was made."""

    take: str
    description: str
    request: str
    prompt: str
    claims: list[Checked]
    width: int
    height: int


class JobState(Answer):
    """How a job stands: `state` is waiting, working, done, cancelled or failed.

    `round` counts from 1, 0 before the first; `take` is the id of its picture, once it has ended.
    """

    job: str
    state: str
    seed: int
    round: int
    step: int
    steps: int
    takes: int
    holds: int
    claims: int
    doing: str
    take: str | None = None
    error: str | None = None


class Fetched(Answer):
    """A job, and its picture if it has one."""

    job: JobState
    picture: Pictured | None


def checked(critique: Critique) -> list[Checked]:
    """A critique, claim by claim."""
    return [
        Checked(
            text=clean(claim.text),
            probability=None if p is None else round(p, 4),
            holds=None if p is None else p >= critique.threshold,
        )
        for claim, p in zip(critique.claims, critique.probabilities, strict=True)
    ]


def pictured(kept: Kept) -> Pictured:
    """A picture that was painted here, as an answer."""
    take = kept.take
    return Pictured(
        take=kept.name,
        uri=uri_of(kept),
        file=str(kept.path),
        sha256=kept.sha256,
        request=clean(kept.words),
        prompt=clean(take.order.prompt),
        seed=kept.seed,
        width=take.picture.width,
        height=take.picture.height,
        ended=kept.ended,
        claims=checked(take.critique),
        takes=kept.takes,
        rounds=kept.rounds,
        spent=round(kept.spent, 4),
        session=kept.session,
        notes=[clean(note) for note in kept.notes],
    )


def uri_of(kept: Kept) -> str:
    """Where a client finds the whole picture."""
    return f"{ADDRESS}takes/{kept.name}"


def texts(claims: Sequence[Claim]) -> list[str]:
    """The claims in words."""
    return [clean(claim.text) for claim in claims]
