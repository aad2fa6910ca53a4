"""Fills in the pages that limner writes: foreign text is shown as text, and nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from limner.agent.plain import one_line

__all__ = ["Bar", "bar", "filled"]

_MARKS = {True: ("holds", "✓"), False: ("fails", "✗"), None: ("unknown", "?")}


@dataclass(frozen=True, slots=True)
class Bar:
    """A claim as it is drawn: "holds", "fails" or "unknown", and how probable in percent."""

    text: str
    state: str
    mark: str
    percent: int | None


def bar(text: str, probability: float | None, holds: bool | None) -> Bar:
    """A claim as a bar; `probability` is within 0..1, or None where nobody looked."""
    percent = None if probability is None else round(100 * probability)
    return Bar(text, *_MARKS[None if probability is None else bool(holds)], percent)


def filled(page: str, *styles: str, **values: Any) -> str:
    """The page of that template, styled by these sheets; all are files below `agent/`.

    The template gets the sheets as `css`, and as `css_hash` what a policy has to allow.
    """
    css = "".join(map(_file, styles))
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return _room().get_template(page).render(css=Markup(css), css_hash=digest, **values)


@cache
def _room() -> Environment:
    return Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )


def _plain(value: Any) -> Any:
    """All text that is not ours goes through here: nothing in it turns or hides what is read."""
    return one_line(value) if type(value) is str else value


def _file(name: str) -> str:
    return files("limner.agent").joinpath(name).read_text(encoding="utf-8")
