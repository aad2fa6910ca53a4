"""Gives a brief the words of a style, takes those of the former one away, and knows its shape."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from limner.agent.claims import complete
from limner.agent.fit import clauses
from limner.agent.records import Brief, Claim
from limner.pipelines.roles import Dialect
from limner.prompts.styles import Style, styles

__all__ = ["nearest", "restyled", "size_for", "sized", "styled"]


def styled(brief: Brief, style: Style, dialect: Dialect, known: Sequence[str] = ()) -> Brief:
    """The brief in that style and no other.

    The style's words become the brief's `style_prompt`, which follows the prompt as far as the
    painter reads; what it avoids becomes `style_negative`, where the painter heeds a negative
    prompt; and it is claimed that the picture has that style. Where the painter has only the
    `known` styles, the nearest of them is taken, and where none is near, the brief stays as it is.
    Doing it twice changes nothing.
    """
    name = nearest(style, known)
    if not name:
        return brief
    before = [claim.value for claim in brief.claims if claim.kind == "style"]
    other = [claim for claim in brief.claims if claim.kind != "style"]
    claim = Claim(f"The style is {name}.", "style", "style", value=name)
    named = {said for value in before for said in _names(value)}
    return replace(
        brief,
        prompt=_without(brief.prompt, {*named, *style.words, name}),
        claims=complete([*other, claim]),
        style_prompt=f"{name} style" if known else style.adds,
        style_negative=style.avoids if dialect.negative and not known else (),
    )


def nearest(style: Style, known: Sequence[str] = ()) -> str:
    """What a painter of the `known` styles has for this one, "" for nothing; () knows them all."""
    if not known:
        return style.name
    return next((name for name in (style.name, *style.near) if name in known), "")


def restyled(before: Brief, after: Brief) -> Brief:
    """The changed brief in the style of the one before it, unless the change was of the style."""
    own = {claim.value for claim in before.claims if claim.kind == "style"}
    now = {claim.value for claim in after.claims if claim.kind == "style"}
    if not before.style_prompt or now != own:
        return replace(after, style_prompt="", style_negative=()) if now != own else after
    named = {said for value in own for said in _names(value)}
    return replace(after, prompt=_without(after.prompt, named))


def size_for(style: Style, dialect: Dialect) -> tuple[int, int]:
    """Width and height in pixels: as many as the painter's own size has, in the style's shape."""
    return sized(*style.shape, dialect)


def sized(across: int, down: int, dialect: Dialect) -> tuple[int, int]:
    """The painter's own number of pixels, in a shape of so much width to so much height."""
    area = math.prod(dialect.size)
    width = math.sqrt(area * across / down)
    step, most = dialect.multiple, dialect.largest // dialect.multiple
    sides = (min(max(round(side / step), 1), most) * step for side in (width, area / width))
    return next(sides), next(sides)


def _names(name: str) -> set[str]:
    """All that a style goes by."""
    said = name.casefold()
    return {said, *(word for one in styles().values() if said in one.words for word in one.words)}


def _without(prompt: str, names: Iterable[str]) -> str:
    """The prompt without the clauses behind the first that only name one of these styles."""
    any_name = "|".join(re.escape(name) for name in sorted(names) if name)
    only = re.compile(
        rf"(?:in|as|done in)?\s*(?:an?|the)?\s*(?:{any_name})\s*(?:style|art|painting|drawing)?\W*",
        re.IGNORECASE,
    )
    first, *rest = clauses(prompt) or [""]
    kept = [first, *(clause for clause in rest if not only.fullmatch(clause.strip()))]
    return "".join(kept).rstrip(" ,;，；、") if len(kept) <= len(rest) else prompt
