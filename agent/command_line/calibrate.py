"""The command `limner calibrate`: fits what a profile's critic says to what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limner.agent.command_line.options import Profile, Seed

__all__ = ["calibrate"]


def calibrate(
    profile: Profile = "pocket",
    requests: Annotated[
        Path | None,
        typer.Option("--requests", metavar="FILE", help="Requests of your own, one a line."),
    ] = None,
    passing: Annotated[
        float,
        typer.Option(min=0.001, max=0.5, help="The share of false claims that may still hold."),
    ] = 0.05,
    seed: Seed = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The profile that is written, with the curves.")
    ] = Path("calibrated.yaml"),
) -> int:
    """Paint some requests, ask the critic what is false of them, and write a profile that knows."""
    from limner.agent.view.calibrate import calibrated

    return calibrated(profile, requests, passing, seed or 0, out)
