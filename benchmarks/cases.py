"""MicroGenEval's prompts as cases: a request, its claims in words, and who decides them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PIL.Image import Image

from limner import Brief
from limner.agent.brief.claims import complete
from limner.agent.brief.english import NUMBERS, plural
from limner.agent.records import Claim as Stated
from limner.benchmarks.arms.records import Case
from limner.benchmarks.asked import BESIDE, OPEN, Asked, Claim, claims_of
from limner.benchmarks.judge import verdict
from limner.benchmarks.parse import parsed
from limner.benchmarks.prompts import Prompt, prompts, quick
from limner.benchmarks.second_judge import read
from limner.pipelines.pocket.captions import canonical
from limner.pipelines.pocket.spec import Spec

__all__ = ["SPLITS", "exact", "said", "stated", "world_cases"]

_PLACES = {"left": "on the left", "centre": "in the centre", "right": "on the right"}
SPLITS = ("quick", "development", "test")

_WORDED = {
    "count": "{value} {thing}",
    "colour": "{thing} is {value}",
    "size": "{thing} is {value}",
    "place": "{thing} at {value}",
    "relation": "{thing} {value} {other}",
    "absent": "no {thing}",
    "exactly": "these kinds, no other",
    "something": "something is there",
}


def world_cases(split: str) -> list[Case]:
    """The cases of `quick`, `development` or `test`."""
    rows = quick() if split == "quick" else prompts(split)
    return [_case(row) for row in rows]


def exact(asked: Asked, request: str) -> Brief | None:
    """The brief that says just what was asked; None where nothing in particular was.

    Where the request leaves a number or a side open, the brief takes the first that fits.
    """
    if not asked.spec.groups:
        return None
    groups = tuple(replace(g, count=2) if g.count == OPEN else g for g in asked.spec.groups)
    links = tuple(replace(k, how="left of") if k.how == BESIDE else k for k in asked.spec.links)
    spec = Spec(groups, links, asked.spec.where, asked.spec.light, asked.spec.style)
    claims = complete([*stated(spec), *(_absence(name) for name in asked.absent)])
    return Brief(request, canonical(spec), claims, negative=asked.absent)


def stated(spec: Spec) -> list[Stated]:
    """What a scene is asked to be, as claims."""
    made: list[Stated] = []
    for group in spec.groups:
        noun = plural(group.name) if group.count > 1 else group.name
        be = "are" if group.count > 1 else "is"
        count = f"There {be} {NUMBERS[group.count]} {noun}."
        made.append(Stated(count, "count", subject=group.name, value=str(group.count)))
        looks = ("colour", group.colour), ("size", group.size), ("place", group.place)
        for kind, value in looks:
            if value:
                at = _PLACES[value] if kind == "place" else value
                text = f"The {noun} {be} {at}."
                made.append(Stated(text, kind, subject=group.name, value=value))
    for link in spec.links:
        text = f"The {link.thing} is {link.how} the {link.other}."
        made.append(Stated(text, "relation", "asked", "", link.thing, link.how, link.other))
    scene = ("scene", spec.where), ("light", spec.light), ("style", spec.style)
    texts = {
        "scene": "The ground is {}.",
        "light": "The sky shows {}.",
        "style": "The style is {}.",
    }
    for kind, value in scene:
        if value:
            plain = kind == "light" and value.startswith("plain")
            text = "The backdrop is {}." if plain else texts[kind]
            made.append(Stated(text.format(value), kind, value=value))
    return made


def _absence(name: str) -> Stated:
    return Stated(f"There is no {name}.", "absent", subject=name)


def said(claim: Claim) -> str:
    """A claim in a few words."""
    value = "several" if claim.value == OPEN else claim.value
    wording = _WORDED.get(claim.sort, "{sort}: {value}")
    return wording.format(sort=claim.sort, thing=claim.thing, value=value, other=claim.other)


def _case(prompt: Prompt) -> Case:
    claims = claims_of(prompt.asked)
    return Case(
        prompt.id,
        prompt.category,
        prompt.request,
        tuple(map(said, claims)),
        partial(_decided, claims),
        exact(prompt.asked, prompt.request),
        partial(_decided_second, claims),
    )


def _decided_second(claims: tuple[Claim, ...], picture: Image) -> tuple[bool, ...]:
    return verdict(read([picture])[0], claims)


def _decided(claims: tuple[Claim, ...], picture: Image) -> tuple[bool, ...]:
    return verdict(parsed(picture), claims)
