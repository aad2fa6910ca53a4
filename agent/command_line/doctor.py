"""The command `limner doctor`: what this machine has, what is on it, and what fits where."""

from __future__ import annotations

from typing import Annotated

import typer

from limner.agent.command_line.options import Json, Model, Profile

__all__ = ["doctor"]


def doctor(
    profile: Profile = "pocket",
    writer: Model = None,
    painter: Model = None,
    critic: Model = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Paint once, and put the peak beside the estimate.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Tell what this machine has, which models are on it, and where those of a profile would go.

    The exit code is 1 where one of them is not here, or they don't fit. Nothing is fetched, and
    nothing opened but by --measure.
    """
    from limner.agent.view.doctor import examined

    given = {"writer": writer, "painter": painter, "critic": critic}
    return examined(profile, given, measure, as_json)
