"""What limner says to a writer: templates that a person can read and change."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from limner.errors import BadInput

__all__ = ["known", "render"]


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
        template = _compiled(_source(name, folder))
        return _block(template, "system", values), _block(template, "human", values)
    except TemplateError as problem:
        raise BadInput(
            f"The prompt template {name!r} cannot be used: {problem}",
            f"Mend {name}.j2, or remove it to use the one that ships with limner.",
        ) from None


@lru_cache(maxsize=32)
def _compiled(source: str) -> Template:
    """Compiled once: that takes longer than all else that is done for a brief."""
    return _environment().from_string(source)


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
