"""The command `limner pull`: fetches a model from the hub, after saying what that takes."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["pull"]


def pull(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="owner/model, or one .safetensors file in it.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Fetch it without asking.")] = False,
) -> int:
    """Fetch MODEL from the hub: its safetensors and what belongs to them, nothing else.

    Licence, size and files are shown first. What was fetched before is not fetched again.
    """
    from limner.agent.view.pull import pulled

    return pulled(model, yes)
