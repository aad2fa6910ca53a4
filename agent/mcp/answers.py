"""What limner tells an assistant: the fields of each tool's answer, as their schema names them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = [
    "ADDRESS",
    "Answer",
    "Briefed",
    "Fetched",
    "JobState",
    "Pictured",
    "Scored",
    "VerdictFields",
]

ADDRESS = "limner://"


class Answer(BaseModel):
    """Fields of an answer, which its schema names one by one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClaimFields(Answer):
    """One statement that a picture is checked against; `source` is asked, style or invented."""

    text: str
    kind: str
    source: str
    quote: str
    subject: str
    value: str
    object: str


class Checked(ClaimFields):
    """The same of a picture: how probable it is in 0..1, None where nobody could check it."""

    probability: float | None
    holds: bool | None


class ObjectFields(Answer):
    """One kind of thing in a brief; `count` is 0 where no number was said."""

    name: str
    count: int
    attributes: list[str]


class BriefFields(Answer):
    """What was asked, as claims, and the description that the painter gets of it."""

    request: str
    claims: list[ClaimFields]
    prompt: str
    negative: list[str]
    objects: list[ObjectFields]
    reply: str
    unchecked: list[str]
    not_shown: list[str]
    style_prompt: str
    style_negative: list[str]
    dropped: list[str]


class Invented(Answer):
    """The claims that the writer added; they decide nothing."""

    holds: list[str]
    fails: list[str]


class VerdictFields(Answer):
    """What is known of a picture; `reached` only if all that was asked was checked, and holds.

    `unchecked` are words of the request that nobody looked for, `not_shown` those that these models
    can't show. `said` is all of it in one sentence.
    """

    reached: bool
    holds: list[str]
    fails: list[str]
    cannot_tell: list[str]
    unchecked: list[str]
    not_shown: list[str]
    said: str
    invented: Invented


class Pictured(Answer):
    """A picture that was painted: `take` is its id, `uri` its resource, `file` where it is saved.

    `seed` and the request paint it again; `sha256` is that of the file. `spent` counts pictures'
    worth of painting. `session` is its number in the gallery. `tool` is what a line was understood
    as, `reply` what limner says to it, and `choices` are the answers to a question. Where nothing
    was painted, `take` is the one that the line was about.
    """

    take: str
    uri: str
    file: str
    sha256: str
    tool: str
    reply: str
    choices: list[str]
    request: str
    prompt: str
    seed: int
    width: int
    height: int
    ended: str
    brief: BriefFields
    verdict: VerdictFields
    claims: list[Checked]
    takes: int
    rounds: int
    spent: float
    session: int | None = None
    notes: list[str]


class Briefed(Answer):
    """A request as a brief; `verdict` says what of it can't be checked or shown."""

    request: str
    prompt: str
    seed: int
    brief: BriefFields
    verdict: VerdictFields
    notes: list[str]


class Scored(Answer):
    """How true each statement is of a picture; `score` is their mean."""

    claims: list[Checked]
    verdict: VerdictFields
    score: float


class JobState(Answer):
    """How a job stands: `state` is waiting, running, done, cancelled or failed.

    `round` counts from 1, 0 before the first; `verdict` is on the best take so far; `take` is the
    id of its picture, once it has ended.
    """

    job: str
    state: str
    seed: int
    round: int
    step: int
    steps: int
    takes: int
    verdict: VerdictFields | None = None
    doing: str
    take: str | None = None
    error: str | None = None


class Fetched(Answer):
    """A job, and its picture if it has one."""

    job: JobState
    picture: Pictured | None
