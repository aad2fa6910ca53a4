"""A brief as text that a person can change: a short YAML page, and back again."""

from __future__ import annotations

import json
from dataclasses import replace

import yaml
from pydantic import ValidationError

from limner.agent.draft import Draft
from limner.agent.records import Brief
from limner.errors import BadInput

__all__ = ["read", "written"]

_TOP = """\
# Change what you like; save and close to go on. An empty page changes nothing.
# things: name, count, colour, size, place; relations: thing, how, other; "": as the painter likes.
"""
LONGEST = 20_000  # characters


def written(brief: Brief) -> str:
    """The brief as YAML, without the writer's reply."""
    fields = json.loads(Draft.of(brief).model_dump_json(exclude={"reply"}))
    return _TOP + yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=90)


def read(text: str, before: Brief) -> Brief:
    """The brief that the text describes; `before` for an empty text.

    Raises `BadInput` for a text that is no brief; what is too long or too many is cut, as it is
    for a writer.
    """
    try:
        fields = yaml.safe_load(text[:LONGEST])
        if fields is None:
            return before
        after = Draft.model_validate(fields)
    except (yaml.YAMLError, ValidationError, RecursionError) as problem:
        where = _where(problem)
        raise BadInput(f"that is no brief: {where}", "type /brief edit and mend it") from None
    if not after.prompt:
        raise BadInput("a brief needs a prompt", "type /brief edit and write one")
    brief = replace(after.brief(before.request), reply=before.reply)
    same = brief.style == before.style
    return replace(brief, manner=before.manner, unlike=before.unlike) if same else brief


def _where(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the page'}: {first['msg']}"
    return " ".join(str(problem).split())[:200]
