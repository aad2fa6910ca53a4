"""The command `limner models`: which painters limner knows, which are here, and what would fit."""

from __future__ import annotations

from limner.agent.command_line.options import Json

__all__ = ["models"]


def models(as_json: Json = False) -> int:
    """List the families of painters that limner knows, the models on this machine, and what fits.

    Nothing is opened or fetched.
    """
    from limner.agent.view.models import listed

    return listed(as_json)
