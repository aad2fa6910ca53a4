"""MicroGenEval's frozen prompts, and each as a case: a request, its claims, and who decides them.

Figures compare only over the same prompts, so prompts/test.jsonl and prompts/development.jsonl are
never written again. Requests and truths were drawn by chance, in the categories of GenEval
(arXiv:2310.11513) and ConceptMix (arXiv:2408.14339); those of "wild" are worded as people type, in
English and Chinese.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from PIL.Image import Image

from limner import Brief
from limner.agent.brief.claims import complete
from limner.agent.brief.english import NUMBERS, plural
from limner.agent.records import Claim
from limner.benchmarks.arms.harness import Case
from limner.benchmarks.judge import (
    BESIDE,
    OPEN,
    BenchClaim,
    PromptSpec,
    claims_of,
    loaded,
    verdict,
)
from limner.benchmarks.scene_graph import parsed
from limner.errors import BadInput
from limner.pipelines.pocket.captions import canonical
from limner.pipelines.pocket.spec import Spec

__all__ = [
    "SHARES",
    "SIZES",
    "EvalPrompt",
    "eval_prompts",
    "exact_brief",
    "quick_prompts",
    "said",
    "world_cases",
]

FOLDER = Path(__file__).with_name("prompts")
SHARES = {"test": 1.0, "development": 0.25}
SIZES = {
    **dict.fromkeys(
        ("one thing", "two things", "counting", "colour", "position", "colour attribution"), 100
    ),
    **{f"k={k}": 80 for k in range(1, 6)},
    "out of distribution": 100,
    "wild": 100,
}
"""How many prompts of each category `test` has; `k` counts the claims beside the first."""

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
_PLACES = {"left": "on the left", "centre": "in the centre", "right": "on the right"}


@dataclass(frozen=True, slots=True)
class EvalPrompt:
    """One frozen prompt: its id ("test/counting/007"), category, request and what must be true."""

    id: str
    category: str
    request: str
    asked: PromptSpec


def eval_prompts(split: str) -> list[EvalPrompt]:
    """The frozen prompts of `test` or `development`, in the order of their categories.

    Raises `BadInput` when the file is not the frozen one.
    """
    text = (FOLDER / f"{split}.jsonl").read_bytes()
    sums = (FOLDER / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    if f"{sha256(text).hexdigest()}  {split}.jsonl" not in sums:
        raise BadInput(
            f"The {split} prompts are not those that were frozen.",
            f"git checkout -- benchmarks/prompts/{split}.jsonl",
        )
    rows = [json.loads(line) for line in text.decode().splitlines()]
    return [EvalPrompt(row["id"], row["category"], row["request"], loaded(row)) for row in rows]


def quick_prompts() -> list[EvalPrompt]:
    """Every fifth development prompt, the same 60 each time: five of each kind of a hundred."""
    return eval_prompts("development")[::5]


def world_cases(split: str) -> list[Case]:
    """The cases of `quick`, `development` or `test`."""
    found = []
    for prompt in quick_prompts() if split == "quick" else eval_prompts(split):
        claims, brief = claims_of(prompt.asked), exact_brief(prompt.asked, prompt.request)
        texts, judges = (
            tuple(map(said, claims)),
            (partial(_exact, claims), partial(_second, claims)),
        )
        case = Case(prompt.id, prompt.category, prompt.request, texts, judges[0], brief, judges[1])
        found.append(case)
    return found


def said(claim: BenchClaim) -> str:
    """A claim in a few words."""
    value = "several" if claim.value == OPEN else claim.value
    wording = _WORDED.get(claim.sort, "{sort}: {value}")
    return wording.format(sort=claim.sort, thing=claim.thing, value=value, other=claim.other)


def _exact(claims: tuple[BenchClaim, ...], picture: Image) -> tuple[bool, ...]:
    return verdict(parsed(picture), claims)


def _second(claims: tuple[BenchClaim, ...], picture: Image) -> tuple[bool, ...]:
    from limner.benchmarks.second_judge import read

    return verdict(read([picture])[0], claims)


def exact_brief(asked: PromptSpec, request: str) -> Brief | None:
    """The brief that says just what was asked; None where nothing in particular was.

    Where the request leaves a number or a side open, the brief takes the first that fits.
    """
    if not asked.spec.groups:
        return None
    groups = tuple(replace(g, count=2) if g.count == OPEN else g for g in asked.spec.groups)
    links = tuple(replace(k, how="left of") if k.how == BESIDE else k for k in asked.spec.links)
    spec = Spec(groups, links, asked.spec.where, asked.spec.light, asked.spec.style)
    absent = [Claim(f"There is no {name}.", "absent", subject=name) for name in asked.absent]
    return Brief(
        request, canonical(spec), complete([*_stated(spec), *absent]), negative=asked.absent
    )


def _stated(spec: Spec) -> list[Claim]:
    """What a scene is asked to be, as the agent's claims."""
    made: list[Claim] = []
    for group in spec.groups:
        noun, be = (plural(group.name), "are") if group.count > 1 else (group.name, "is")
        count = f"There {be} {NUMBERS[group.count]} {noun}."
        made.append(Claim(count, "count", subject=group.name, value=str(group.count)))
        place = _PLACES.get(group.place, "")
        for kind, value, words in (
            ("colour", group.colour, group.colour),
            ("size", group.size, group.size),
            ("place", group.place, place),
        ):
            if value:
                text = f"The {noun} {be} {words}."
                made.append(Claim(text, kind, subject=group.name, value=value))
    for link in spec.links:
        text = f"The {link.thing} is {link.how} the {link.other}."
        made.append(Claim(text, "relation", "asked", "", link.thing, link.how, link.other))
    light = "backdrop is" if spec.light.startswith("plain") else "sky shows"
    for kind, words, value in (
        ("scene", "ground is", spec.where),
        ("light", light, spec.light),
        ("style", "style is", spec.style),
    ):
        if value:
            made.append(Claim(f"The {words} {value}.", kind, value=value))
    return made
