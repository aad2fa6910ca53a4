"""What an assistant may ask of limner: the arguments of each tool, with lengths and ranges."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limner.agent.plain import LONGEST_REQUEST

__all__ = [
    "Ask",
    "AskBrief",
    "AskJob",
    "AskPicture",
    "AskRefined",
    "AskResult",
    "AskScore",
    "AskStart",
    "AskTake",
]

LARGEST_PICTURE = 4_000_000  # characters of base64: an HTTP request may have 4 MiB in all
TAKE = r"^(?:[0-9a-f]{16}|[1-9][0-9]{0,11}-[1-9][0-9]{0,5})$"

_Request = Annotated[str, Field(min_length=1, max_length=LONGEST_REQUEST)]
_Claim = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Seed = Annotated[
    int | None,
    Field(ge=0, le=2**32 - 1, description="Same request and seed, same picture; left out: drawn."),
]
_Take = Annotated[
    str,
    Field(pattern=TAKE, description="A take's id, as a result or the gallery gives it."),
]
_Job = Annotated[str, Field(pattern=r"^[\w-]{1,64}$", description="The job's id, from start.")]
_Budget = Annotated[
    float | None,
    Field(gt=0, le=256, description="What it may cost, in pictures' worth of painting."),
]


class Ask(BaseModel):
    """Arguments of a tool; anything that is not foreseen is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class AskPicture(Ask):
    """A wish for a picture; what is left out is the profile's, or the style's."""

    request: Annotated[_Request, Field(description="What to see, in any language.")]
    seed: _Seed = None
    budget: _Budget = None
    style: Annotated[
        str | None,
        Field(min_length=1, max_length=60, description="A style's name, such as poster or logo."),
    ] = None
    size: Annotated[
        str | None,
        Field(pattern=r"^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$", description="In pixels: 128x128."),
    ] = None


class AskRefined(Ask):
    """One line about a take."""

    take: _Take
    change: Annotated[
        _Request, Field(description="What should be different, or a question about it.")
    ]
    seed: _Seed = None
    budget: _Budget = None


class AskStart(AskPicture):
    """A wish that is worked on in the background: a new picture, or a change to a take."""

    take: Annotated[
        str | None,
        Field(pattern=TAKE, description="Refine this take; request then says what to change."),
    ] = None


class AskScore(Ask):
    """Statements to be checked of a picture: of a take, or of one that is sent."""

    claims: Annotated[
        list[_Claim],
        Field(min_length=1, max_length=16, description="Statements such as: the door is red."),
    ]
    take: Annotated[str | None, Field(pattern=TAKE, description="The take to look at.")] = None
    picture: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=LARGEST_PICTURE,
            description="Instead of a take: a PNG, JPEG or WebP file in base64.",
        ),
    ] = None


class AskBrief(Ask):
    """A request to be made into a prompt, without painting."""

    request: Annotated[_Request, Field(description="What to see, in any language.")]
    seed: _Seed = None


class AskTake(Ask):
    """Which take is meant."""

    take: _Take


class AskJob(Ask):
    """Which job is meant."""

    job: _Job


class AskResult(AskJob):
    """Which job is meant, and how long to wait for it."""

    seconds: Annotated[
        float, Field(ge=0, le=45, description="Wait so long for the end, at most.")
    ] = 20.0
