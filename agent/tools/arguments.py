"""Describes every argument once: its type, range and help, for all doors, and the tools' own."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from limner.agent.plain import LONGEST_REQUEST
from limner.agent.search.run import LONGEST_SIDE, Limits, pixels
from limner.agent.tools.field_errors import field_error
from limner.errors import BadInput

__all__ = [
    "ARGUMENTS",
    "AdjustArguments",
    "Arguments",
    "Budget",
    "CandidateNumber",
    "ClaimNumber",
    "ClaimText",
    "Claims",
    "DescribeArguments",
    "ExpandArguments",
    "FinishWords",
    "ImagesPerRound",
    "ImagineArguments",
    "JobArguments",
    "JobName",
    "Negative",
    "QuestionArguments",
    "RefineArguments",
    "RequestText",
    "ResultArguments",
    "ScoreArguments",
    "Seconds",
    "Seed",
    "SelectArguments",
    "SessionArguments",
    "SessionNumber",
    "Size",
    "StartArguments",
    "StyleName",
    "TakeName",
    "VersionArguments",
    "VersionNumber",
    "WhereArguments",
    "argument_adapter",
    "argument_value",
]

_LARGEST_PICTURE = 4_000_000  # characters of base64: an HTTP request may have 4 MiB in all
_MOST_CLAIMS = 16


def _number(value: Any) -> Any:
    """A number that came as text, as forms and some models send it; no truth value is one."""
    if isinstance(value, bool):
        raise ValueError("send a number")
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,20}(\.\d{1,9})?", value.strip()):
        return float(value) if "." in value.rstrip("0").rstrip(".") else int(float(value))
    return value


def _sized(text: str) -> str:
    try:
        pixels(text)
    except BadInput as error:
        raise ValueError(f"each side may have 1 to {LONGEST_SIDE:,} pixels") from error
    return text


_Number = BeforeValidator(_number)

RequestText = Annotated[
    str,
    Field(
        min_length=1, max_length=LONGEST_REQUEST, description="What to see, in the user's words."
    ),
]
Seed = Annotated[
    int,
    Field(
        ge=0, le=2**32 - 1, description="Same seed, same picture; one is drawn if it is left out."
    ),
    _Number,
]
Budget = Annotated[
    float,
    Field(
        gt=0,
        le=1_000,
        allow_inf_nan=False,
        description="What it may cost at most, in pictures' worth of painting.",
    ),
    _Number,
]
Seconds = Annotated[
    float,
    Field(gt=0, le=86_400, allow_inf_nan=False, description="How long it may take, in seconds."),
    _Number,
]
ImagesPerRound = Annotated[
    int, Field(ge=1, le=64, description="Pictures painted at once, in each round."), _Number
]
Size = Annotated[
    str,
    Field(
        pattern=r"^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$", description="Width x height in pixels: 128x96"
    ),
    AfterValidator(_sized),
]
StyleName = Annotated[
    str, Field(min_length=1, max_length=60, description="A style's name, such as poster or logo.")
]
Negative = Annotated[
    str, Field(min_length=1, max_length=1_000, description="What the picture must not look like.")
]
ClaimText = Annotated[str, Field(min_length=1, max_length=300)]
Claims = Annotated[
    list[ClaimText],
    Field(
        min_length=1,
        max_length=_MOST_CLAIMS,
        description='Statements, each a short sentence: "The door is red."',
    ),
]
ClaimNumber = Annotated[int, Field(ge=1, le=64), _Number]
FinishWords = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="What to do to the finished picture: brighter, more contrast, 1024 by 768.",
    ),
]
TakeName = Annotated[
    str,
    Field(
        pattern=r"^(?:t[1-9][0-9]{0,8}|[0-9a-f]{16}|[1-9][0-9]{0,11}-[1-9][0-9]{0,5})$",
        description="The name of a take, as an answer or the gallery gives it.",
    ),
]
SessionNumber = Annotated[
    int,
    Field(ge=1, le=10**12 - 1, description="The number of a session, as an answer gives it."),
    _Number,
]
CandidateNumber = Annotated[
    int, Field(ge=1, le=10**6 - 1, description="A picture of the session: 2 for #2."), _Number
]
VersionNumber = Annotated[
    int, Field(ge=1, le=10**6 - 1, description="A version of the session's brief."), _Number
]
JobName = Annotated[
    str, Field(pattern=r"^[\w-]{1,64}$", description="The job's id, as start gives it.")
]
PictureText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_LARGEST_PICTURE,
        description="A PNG, JPEG or WebP file in base64.",
    ),
]

ARGUMENTS: dict[str, Any] = {
    "request": RequestText,
    "seed": Seed,
    "budget": Budget,
    "seconds": Seconds,
    "images_per_round": ImagesPerRound,
    "size": Size,
    "style": StyleName,
    "negative": Negative,
    "claims": Claims,
    "finish": FinishWords,
    "take": TakeName,
    "session": SessionNumber,
    "candidate": CandidateNumber,
    "version": VersionNumber,
    "job": JobName,
}
"""What each argument may be, by the name that it has at every door."""


def argument_value(name: str, value: object, typed: str = "") -> Any:
    """The value of an argument of `ARGUMENTS`, as every door takes it; None stays None.

    Raises `BadInput`; `typed` is what the user calls it, such as "--budget".
    """
    if value is None:
        return None
    try:
        return argument_adapter(name).validate_python(value)
    except ValidationError as error:
        said = field_error({**error.errors()[0], "loc": (typed or name,)})
        raise BadInput(said, f"give {typed or name} another value") from None


@cache
def argument_adapter(name: str) -> TypeAdapter[Any]:
    """Reads an argument of `ARGUMENTS`, and has its JSON schema."""
    return TypeAdapter(ARGUMENTS[name])


class Arguments(BaseModel):
    """The arguments of a tool; one that nobody knows is an error.

    `older` names what an argument was called before: both names are understood.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    older: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _by_older_names(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {cls.older.get(name, name): value for name, value in given.items()}


class PaintArguments(Arguments):
    """How much may be painted; what is left out is the profile's."""

    older: ClassVar[dict[str, str]] = {"takes": "images_per_round"}

    seed: Seed | None = None
    budget: Budget | None = None
    seconds: Seconds | None = None
    images_per_round: ImagesPerRound | None = None

    @property
    def limits(self) -> Limits:
        """These arguments as the studio wants them."""
        return Limits(
            budget=self.budget, seconds=self.seconds, images_per_round=self.images_per_round
        )


class ImagineArguments(PaintArguments):
    """A new picture; what is left out is the style's or the profile's."""

    request: RequestText
    size: Size | None = None
    style: StyleName | None = None
    session: SessionNumber | None = None

    @model_validator(mode="before")
    @classmethod
    def _both_sides(cls, given: Any) -> Any:
        """Version 0.1 took width and height in place of a size."""
        if not isinstance(given, dict) or not {"width", "height"} & given.keys():
            return given
        width, height = (given.get(side) for side in ("width", "height"))
        if (width is None) != (height is None):
            raise ValueError("give both width and height, or a size")
        rest = {name: value for name, value in given.items() if name not in ("width", "height")}
        return rest if width is None else {"size": f"{width}x{height}", **rest}

    @property
    def limits(self) -> Limits:
        """These arguments as the studio wants them."""
        return Limits(**super().limits, size=pixels(self.size))


class StartArguments(ImagineArguments):
    """A picture that is painted in the background: a new one, or a change to a take."""

    take: Annotated[
        TakeName | None, Field(description="Refine this take; request then says what to change.")
    ] = None


class WhereArguments(Arguments):
    """A take to go on from alone, or a session to go on with as it stands."""

    take: TakeName | None = None
    session: SessionNumber | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.take is None) == (self.session is None):
            raise ValueError("give either a take or a session")
        return self


class RefineArguments(PaintArguments, WhereArguments):
    """A change, in words or claim by claim."""

    change: Annotated[
        RequestText | None,
        Field(description="One line: what should be different, or a question about it."),
    ] = None
    add: Annotated[Claims | None, Field(description="Claims to add.")] = None
    remove: Annotated[
        list[ClaimNumber] | None,
        Field(max_length=_MOST_CLAIMS, description="Claims to take out, by their numbers from 1."),
    ] = None
    replace: Annotated[
        dict[ClaimNumber, ClaimText] | None,
        Field(max_length=_MOST_CLAIMS, description='Claims to change: {"2": "The cat is blue."}'),
    ] = None

    @model_validator(mode="after")
    def _one_way(self) -> RefineArguments:
        if bool(self.change) == bool(self.add or self.remove or self.replace):
            raise ValueError("say the change in words, or name claims to add, remove or replace")
        return self


class AdjustArguments(WhereArguments):
    """What to do to a picture after painting."""

    finish: FinishWords


class SessionArguments(Arguments):
    """Which session is meant."""

    session: SessionNumber


class SelectArguments(SessionArguments):
    """Which picture of a session is meant from now on."""

    candidate: CandidateNumber


class VersionArguments(SessionArguments):
    """Which version of a session to go on from."""

    version: VersionNumber


class QuestionArguments(SessionArguments):
    """A question about what was done or seen."""

    question: Annotated[RequestText, Field(description="What you want to know.")]


class ScoreArguments(Arguments):
    """Statements to be checked of a picture: of a take, or of one that is sent."""

    claims: Claims
    take: TakeName | None = None
    picture: Annotated[
        PictureText | None, Field(description="In place of a take: a picture's file in base64.")
    ] = None

    @model_validator(mode="after")
    def _one_picture(self) -> ScoreArguments:
        if (self.take is None) == (self.picture is None):
            raise ValueError("give either a take or a picture")
        return self


class ExpandArguments(Arguments):
    """A request to be made into a brief, without painting."""

    request: RequestText
    seed: Seed | None = None


class DescribeArguments(Arguments):
    """Which take is meant."""

    take: TakeName


class JobArguments(Arguments):
    """Which job is meant."""

    job: JobName


class ResultArguments(JobArguments):
    """Which job is meant, and how long to wait for it."""

    older: ClassVar[dict[str, str]] = {"seconds": "wait"}

    wait: Annotated[
        float, Field(ge=0, le=45, description="Wait so many seconds for its end, at most."), _Number
    ] = 20.0
