"""What limner says to a writer and how it words claims: files that a person can read and change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from jinja2 import BaseLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from limner.errors import BadInput

__all__ = [
    "Hearing",
    "Stated",
    "Wording",
    "claims",
    "hearing",
    "known",
    "render",
    "stated",
]


@dataclass(frozen=True, slots=True)
class Wording:
    """How claims are worded, and the values that contradict one another; see `claims.yaml`."""

    numbers: list[str]
    count: str
    many: str
    colour: str
    own_colour: str
    natural: dict[str, list[str]]
    size: str
    place: str
    relation: str
    where: str
    nowhere: str
    light: str
    plain: str
    style: str
    colours: list[str]
    sizes: list[str]
    places: dict[str, str]
    relations: list[str]
    wheres: list[str]
    lights: list[str]
    styles: list[str]
    plurals: dict[str, str]


@dataclass(frozen=True, slots=True)
class Hearing:
    """What people say to a conversation instead of describing a picture; see `hearing.yaml`."""

    undo: list[str]
    redo: list[str]
    again: list[str]
    go: list[str]
    anew: list[str]
    called: list[str]
    ordinals: dict[int, list[str]]
    before: list[str]
    between: list[str]
    it: list[str]
    resolved: dict[str, str]
    which: dict[str, str]
    values: list[str]
    changes: list[str]
    begins: list[str]
    more: list[str]
    fewer: list[str]
    gone: list[str]
    simpler: list[str]
    polite: list[str]


@dataclass(frozen=True, slots=True)
class Stated:
    """The words by which people state what a picture must keep; see `stated.yaml`."""

    numbers: dict[str, int]
    digits: dict[str, int]
    measures: str
    pairs: str
    colours: dict[str, str]
    whole: list[str]
    scenery: str
    scenery_chinese: list[str]
    compounds: str
    compounds_chinese: str
    wearers: str
    ends: str
    ends_chinese: str
    verbs_chinese: str
    pronouns: list[str]
    ing: str
    uncounted: list[str]
    denials: list[str]
    denials_chinese: list[str]
    idle: str
    idle_chinese: list[str]
    negations: str
    negations_chinese: list[str]
    becomes_chinese: list[str]
    exchanges: str
    more: list[str]
    moving: list[str]
    sizing: list[str]
    alone: list[str]
    colouring: list[str]
    things: dict[str, str]
    settings: dict[str, str]
    scenes: dict[str, dict[str, str]]
    backdrops: list[str]
    sizes: dict[str, str]
    sides: dict[str, str]
    hows: dict[str, str]
    plurals: dict[str, str]
    instead: dict[str, str]


def known() -> list[str]:
    """The names of the templates that `render` takes."""
    return sorted(
        path.name[:-3] for path in files(__package__).iterdir() if path.name.endswith(".j2")
    )


def render(name: str, folder: Path | None = None, **values: str) -> tuple[str, str]:
    """The system text and the human text of one message to the writer.

    A file of the same name in `folder` wins over ours. Values are data: they are put in as they
    are and never read as template. Raises `BadInput` for an unknown name, a broken template or a
    value that the template needs and nobody gave.
    """
    try:
        template = _environment().from_string(_source(name, folder))
        return _block(template, "system", values), _block(template, "human", values)
    except TemplateError as problem:
        raise BadInput(
            f"The prompt template {name!r} cannot be used: {problem}",
            f"Mend {name}.j2, or remove it to use the one that ships with limner.",
        ) from None


@cache
def claims() -> Wording:
    """The wording of claims, from `claims.yaml`."""
    return Wording(**yaml.safe_load(_ours("claims.yaml")))


@cache
def hearing() -> Hearing:
    """What people say to a conversation, from `hearing.yaml`."""
    return Hearing(**yaml.safe_load(_ours("hearing.yaml")))


@cache
def stated() -> Stated:
    """The words of what is stated, from `stated.yaml`."""
    return Stated(**yaml.safe_load(_ours("stated.yaml")))


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=BaseLoader(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _source(name: str, folder: Path | None) -> str:
    if name not in known():
        raise BadInput(f"There is no prompt template {name!r}.", f"Known: {', '.join(known())}.")
    theirs = folder / f"{name}.j2" if folder else None
    if theirs and theirs.is_file():
        return theirs.read_text(encoding="utf-8")
    return _ours(f"{name}.j2")


def _ours(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _block(template: Template, block: str, values: dict[str, str]) -> str:
    if block not in template.blocks:
        raise TemplateError(f"it has no block {block!r}")
    context = template.new_context(dict(values))
    return "".join(template.blocks[block](context)).strip("\n")
