"""What a picture looks like in place of what was claimed of it: the likeliest contradiction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PIL.Image import Image

from limner.agent.looking.look import phrased
from limner.agent.records import Claim, Critique
from limner.pipelines.roles import Critic

__all__ = ["instead"]


def instead(critic: Critic, picture: Image, critique: Critique) -> dict[int, str]:
    """For each claim that is to blame, the one of its foils that the critic finds likeliest.

    A foil is weighed against the claim and the other foils, as the claim itself was; one that is no
    likelier than the claim is not told, nor one that another claim denies, which holds: where there
    is a tree, "there is no tree" explains nothing. Raises whatever the critic raises.
    """
    sure = [i for i, p in enumerate(critique.probabilities) if (p or 0) >= critique.threshold]
    told = [phrased(critic, critique.claims[i]) for i in sure]
    denied = {foil for claim in told if claim for foil in claim.foils}
    found = {}
    for index in critique.blamed or critique.failed:
        claim = phrased(critic, critique.claims[index])
        if claim is None:
            continue
        open_ = tuple(foil for foil in claim.foils if foil not in denied)
        likeliest = _likeliest(critic, picture, replace(claim, foils=open_)) if open_ else ""
        if likeliest:
            found[index] = likeliest
    return found


def _likeliest(critic: Critic, picture: Image, claim: Claim) -> str:
    said = [claim.text, *claim.foils]
    (row,) = critic.look([picture], said, [_others(said, text) for text in said])
    best = max(range(len(said)), key=row.__getitem__)
    return said[best] if best else ""


def _others(said: Sequence[str], text: str) -> list[str]:
    return [other for other in said if other != text]
