"""A brief as text that a person can change: a short YAML page, and back again."""

from __future__ import annotations

from dataclasses import replace

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from limner.agent.brief.claims import MOST, complete
from limner.agent.plain import LONGEST_REQUEST, one_line
from limner.agent.records import Brief, Claim
from limner.errors import BadInput

__all__ = [
    "read",
    "written",
]


_TOP = """\
# Change what you like; save and close to go on. An empty page changes nothing.
# claims: what should be true of the picture, a sentence each; prompt: what the painter is told.
"""
LONGEST = 20_000  # characters
_LONGEST_LINE = 300


class _Page(BaseModel):
    """What a page may say."""

    model_config = ConfigDict(extra="forbid")

    claims: list[str] = []
    prompt: str = ""
    negative: list[str] = []


def written(brief: Brief) -> str:
    """The brief as YAML: its claims in sentences, its prompt, and what must not be seen."""
    fields = {
        "claims": [claim.text for claim in brief.claims],
        "prompt": brief.prompt,
        "negative": [*brief.negative],
    }
    return _TOP + yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=90)


def read(text: str, before: Brief) -> Brief:
    """The brief that the text describes; `before` for an empty text.

    Claims that are as they were keep all that is known of them; another sentence is one that was
    asked for. Raises `BadInput` for a text that is no brief; what is too long or too many is cut.
    """
    try:
        fields = yaml.safe_load(text[:LONGEST])
        if fields is None:
            return before
        page = _Page.model_validate(fields)
    except (yaml.YAMLError, ValidationError, RecursionError) as problem:
        where = _where(problem)
        raise BadInput(f"that is no brief: {where}", "type /brief edit and mend it") from None
    prompt = one_line(page.prompt, LONGEST_REQUEST)
    if not prompt:
        raise BadInput("a brief needs a prompt", "type /brief edit and write one")
    lines = [line for text in page.claims[:MOST] if (line := one_line(text, _LONGEST_LINE))]
    known = {one_line(claim.text, _LONGEST_LINE): claim for claim in before.claims}
    claims = [known.get(line) or Claim(line, quote=line) for line in lines]
    negative = tuple(filter(None, (one_line(text, _LONGEST_LINE) for text in page.negative[:MOST])))
    same = lines == list(known)
    return replace(
        before,
        prompt=before.prompt if prompt == one_line(before.prompt) else prompt,
        claims=before.claims if same else complete(claims),
        negative=negative,
    )


def _where(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the page'}: {first['msg']}"
    return " ".join(str(problem).split())[:200]
