"""What another model may ask of limner's tools: how long, how large, how many, and no more."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from limner.agent.plain import LONGEST_REQUEST
from limner.agent.search.run import Limits
from limner.errors import BadInput

__all__ = [
    "DescribeArguments",
    "ExpandArguments",
    "ImagineArguments",
    "RefineArguments",
    "ScoreArguments",
    "pixels",
]


Words = Annotated[str, Field(min_length=1, max_length=LONGEST_REQUEST)]
Name = Annotated[
    str,
    Field(
        pattern=r"^t[1-9][0-9]{0,8}$",
        description="The name of a take, as the tools gave it: t1, t2, …",
    ),
]
Seed = Annotated[
    int | None,
    Field(
        ge=0, lt=2**32, description="The same seed gives the same picture; by chance if left out."
    ),
]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Painting(_Arguments):
    seed: Seed = None
    budget: Annotated[
        float | None,
        Field(gt=0, le=64, description="How much may be painted, in pictures' worth of work."),
    ] = None
    takes: Annotated[int | None, Field(ge=1, le=16, description="Pictures per round.")] = None

    @property
    def limits(self) -> Limits:
        """These arguments as the studio wants them."""
        return Limits(budget=self.budget, takes=self.takes)


class ImagineArguments(_Painting):
    """The arguments of `imagine`; sizes are in pixels."""

    request: Annotated[Words, Field(description="What to paint, in plain words.")]
    width: Annotated[int | None, Field(ge=8, le=2048, multiple_of=8)] = None
    height: Annotated[int | None, Field(ge=8, le=2048, multiple_of=8)] = None

    @model_validator(mode="after")
    def _both_sides(self) -> ImagineArguments:
        if (self.width is None) != (self.height is None):
            raise ValueError("give both width and height, or neither")
        return self

    @property
    def limits(self) -> Limits:
        """These arguments as the studio wants them."""
        size = (self.width, self.height) if self.width and self.height else None
        return Limits(budget=self.budget, takes=self.takes, size=size)


class RefineArguments(_Painting):
    """The arguments of `refine_image`."""

    take: Name
    change: Annotated[
        Words, Field(description="One line: what should be different, or a question about it.")
    ]


class ScoreArguments(_Arguments):
    """The arguments of `score_image`."""

    take: Name
    claims: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=300)]],
        Field(
            min_length=1,
            max_length=16,
            description='Statements to check, each a short sentence: "the door is red".',
        ),
    ]


class ExpandArguments(_Arguments):
    """The arguments of `expand_prompt`."""

    request: Annotated[Words, Field(description="What a picture should show, in plain words.")]
    seed: Seed = None


class DescribeArguments(_Arguments):
    """The arguments of `describe_take`."""

    take: Name


def pixels(text: str | None, typed: str = "--size 128x128") -> tuple[int, int] | None:
    """Width and height in pixels; None for None.

    Raises `BadInput` for anything else than `WxH`, with `typed` as an example.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})[x×*](\d{1,5})", text.strip().lower())
    if not found:
        raise BadInput(f"{text!r} is no size", f"type {typed}: width x height in pixels")
    return int(found[1]), int(found[2])
