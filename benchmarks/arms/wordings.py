"""How a writer is asked for other wordings of a prompt, by each rival in its own way.

A general writer is given the rival's own instructions (the .j2 files beside this one) and answers
with numbered or marked prompts. A small writer that was taught limner's messages and no others is
sampled: what comes nearest to a paraphrase is the prompt of another draft of the same request, and
to a rewording that heeds scores, limner's own message about what came out wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from limner import Brief
from limner.agent.draft import Draft, Revision, first_object, schema_of
from limner.agent.plain import one_line
from limner.benchmarks.arms.room import Attempt
from limner.prompts import render

__all__ = ["distinct", "instructed", "redrafted", "reworded"]

WARMTH = 0.8  # the temperature of other drafts
CALM = 0.5  # of rewordings: a small writer talks nonsense above it
PATIENCE = 4  # samples in a row that bring nothing new, after which no more are asked for
LONGEST = 600  # characters of a prompt


def redrafted(work: Attempt, brief: Brief, count: int, turn: int) -> list[Brief]:
    """So many other drafts of a brief's prompt by a writer that knows limner's messages."""

    def ask(seed: int) -> Brief | None:
        draft = _asked(work, "expand", Draft, (seed, WARMTH), request=brief.prompt, light="")
        if draft is None or not draft.prompt:
            return None
        return replace(brief, prompt=draft.prompt, avoid=tuple(filter(None, draft.avoid)))

    return _sampled(ask, brief, count, work.seed + 1_000 * turn)


def reworded(
    work: Attempt, brief: Brief, claims: tuple[str, str], count: int, turn: int
) -> list[Brief]:
    """So many rewordings of a prompt, told which `claims` came out wrong and which right."""
    wrong, right = claims

    def ask(seed: int) -> Brief | None:
        told = {"prompt": brief.prompt, "wrong": wrong, "right": right}
        revision = _asked(work, "revise", Revision, (seed, CALM), **told)
        return replace(brief, prompt=revision.prompt) if revision and revision.prompt else None

    return _sampled(ask, brief, count, work.seed + 1_000 * turn)


def instructed(work: Attempt, name: str, count: int, **values: Any) -> list[Brief]:
    """So many prompts by a general writer, given a rival's own instructions."""
    text = _templates().from_string(_source(name)).render(count=count, **values)
    said = work.room.writer.invoke([("human", text)]).text
    return [replace(work.brief, prompt=prompt, avoid=()) for prompt in _listed(said)[:count]]


def distinct(briefs: Iterable[Brief], known: Iterable[Brief]) -> list[Brief]:
    """The briefs whose prompts are new."""
    seen = {brief.prompt.casefold() for brief in known}
    new: dict[str, Brief] = {}
    for brief in briefs:
        if brief.prompt.casefold() not in seen:
            new.setdefault(brief.prompt.casefold(), brief)
    return list(new.values())


def _sampled(
    ask: Callable[[int], Brief | None], known: Brief, count: int, seed: int
) -> list[Brief]:
    found: list[Brief] = []
    idle = number = 0
    while len(found) < count and idle < PATIENCE:
        number += 1
        brief = ask(seed + number)
        new = distinct([brief] if brief else [], [known, *found])
        found, idle = [*found, *new], 0 if new else idle + 1
    return found


def _asked(work: Attempt, name: str, reply: Any, how: tuple[int, float], **values: str) -> Any:
    """One sampled reply to one of limner's own messages; None where it is none."""
    scribe, (seed, warmth) = work.room.studio.scribe, how
    lines = {key: one_line(value) for key, value in values.items()}
    system, human = render(name, scribe.prompts, domain=scribe.domain, **lines)
    bound = work.room.writer.bind(json_schema=schema_of(reply), seed=seed, temperature=warmth)
    said = bound.invoke([("system", system), ("human", human)]).text
    return first_object(said, reply)


def _listed(said: str) -> list[str]:
    """The prompts in an answer: between <PROMPT> marks, or else its numbered lines."""
    found: Sequence[str] = re.findall(r"<PROMPT>(.*?)</PROMPT>", said, re.DOTALL | re.IGNORECASE)
    if not found:
        found = re.findall(r"^\s*\d+\s*[.):]\s*(.+)$", said, re.MULTILINE)
    lines = [one_line(text).strip(' "*')[:LONGEST] for text in found]
    return list(dict.fromkeys(line for line in lines if line))


@cache
def _templates() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _source(name: str) -> str:
    return (Path(__file__).parent / f"{name}.j2").read_text(encoding="utf-8")
