"""How a painter is told what must not be there: in its own way, or by not speaking of it."""

from __future__ import annotations

import re

from limner.agent.language.locks import stated as stated_in
from limner.agent.language.nouns import canonical
from limner.agent.language.wording import without
from limner.agent.records import Brief
from limner.pipelines.roles import Dialect
from limner.prompts import stated

__all__ = ["worded"]


def worded(brief: Brief, dialect: Dialect) -> tuple[str, str]:
    """The prompt and the negative prompt of an order.

    What must not be there stands in the negative prompt where the painter heeds one, and never in
    the prompt, where to name it would call for it. For another painter a few absences have a
    positive wording ("deserted"); the rest is left unsaid.
    """
    shown = {canonical(thing.name) for thing in brief.things}
    unwanted = [name for name in brief.avoid if canonical(name) not in shown]
    prompt = _unspoken(brief.prompt, tuple(map(canonical, unwanted)))
    if dialect.negative:
        return prompt, ", ".join(brief.avoid)
    instead = [stated().instead.get(canonical(name), "") for name in unwanted]
    fresh = [words for words in dict.fromkeys(instead) if words and words not in prompt]
    return ", ".join([prompt, *fresh]), ""


def _unspoken(prompt: str, names: tuple[str, ...]) -> str:
    """The prompt without `no dogs` and without `dogs`, as far as they can be cut out cleanly."""
    for lock in reversed(stated_in(prompt) if names else ()):
        if lock.kind == "absent" and lock.value in names:
            prompt = _tidy(prompt[: lock.start], prompt[lock.end :])
    for name in names:
        prompt = without(prompt, name) or prompt
    return prompt


def _tidy(before: str, after: str) -> str:
    """Both parts of a prompt, with no sign or small word left dangling between them."""
    before = re.sub(r"(?:[\s,;]|\b(?:and|but|with|or)\b)+$", "", before)
    after = after.lstrip(" ,;") if not before else after
    return (before + after).strip()
