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
from limner.agent.plain import one_line
from limner.benchmarks.arms.room import Attempt
from limner.errors import LimnerError

__all__ = ["distinct", "instructed", "redrafted", "reworded"]

PATIENCE = 4  # samples in a row that bring nothing new, after which no more are asked for
LONGEST = 600  # characters of a prompt


def redrafted(work: Attempt, brief: Brief, count: int, turn: int) -> list[Brief]:
    """So many other drafts of a brief's prompt by a writer that knows limner's messages."""

    def ask(seed: int) -> Brief | None:
        return _worded(work, brief, ("", ""), seed)

    return _sampled(ask, brief, count, work.seed + 1_000 * turn)


def reworded(
    work: Attempt, brief: Brief, claims: tuple[str, str], count: int, turn: int
) -> list[Brief]:
    """So many rewordings of a prompt, told which `claims` came out wrong and which right."""

    def ask(seed: int) -> Brief | None:
        return _worded(work, brief, claims, seed)

    return _sampled(ask, brief, count, work.seed + 1_000 * turn)


def instructed(work: Attempt, name: str, count: int, **values: Any) -> list[Brief]:
    """So many prompts by a general writer, given a rival's own instructions."""
    text = _templates().from_string(_source(name)).render(count=count, **values)
    said = work.room.writer.invoke([("human", text)]).text
    return [replace(work.brief, prompt=prompt, negative=()) for prompt in _listed(said)[:count]]


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


def _worded(work: Attempt, brief: Brief, claims: tuple[str, str], seed: int) -> Brief | None:
    """One rewording by limner's own task, told what came out wrong; None where it is none."""
    try:
        prompt = work.room.studio.writer.worded(brief, *claims, seed)
    except LimnerError:
        return None
    return replace(brief, prompt=prompt)


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
