"""The command `limner models`: which painters limner knows, which are here, and what would fit."""

from __future__ import annotations

from limner.agent.cli_options import Json

__all__ = ["models"]


def models(as_json: Json = False) -> int:
    """List the families of painters that limner knows, the models on this machine, and what fits.

    Nothing is opened or fetched.
    """
    from limner.agent import view_models

    return view_models.listed(as_json)
