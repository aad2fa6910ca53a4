"""Styles: what each adds to a picture's prompt, and the words that people call it by."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from limner.errors import BadInput

__all__ = ["Style", "style", "styles"]

_Word = Annotated[str, Field(min_length=1, max_length=60)]
_Side = Annotated[int, Field(ge=1, le=32)]


class Style(BaseModel):
    """One way to make a picture; see `styles.yaml` for what its parts mean.

    `shape` is width to height, `near` the styles that stand in for it in a world of few.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Word
    called: tuple[_Word, ...] = ()
    chinese: tuple[_Word, ...] = ()
    adds: Annotated[str, Field(max_length=300)]
    avoids: tuple[_Word, ...] = ()
    shape: tuple[_Side, _Side] = (1, 1)
    near: tuple[_Word, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Everything that it goes by, in small letters."""
        return tuple(word.casefold() for word in (self.name, *self.called, *self.chinese))


def style(words: str, folder: Path | None = None) -> Style:
    """The style that goes by these words, in English or Chinese.

    Raises `BadInput` with the nearest that there are.
    """
    found = {word: one for one in reversed(styles(folder).values()) for word in one.words}
    said = " ".join(words.split()).casefold()
    if said in found:
        return found[said]
    near = get_close_matches(said, found, n=3) or list(styles(folder))
    raise BadInput(f"There is no style {said[:60]!r}.", f"There are: {', '.join(near)}.")


def styles(folder: Path | None = None) -> dict[str, Style]:
    """All styles by name; those of a `styles.yaml` in `folder` come first and win over ours.

    Raises `BadInput` when that file is not made of styles.
    """
    theirs = folder / "styles.yaml" if folder else None
    if theirs is None or not theirs.is_file():
        return _ours()
    try:
        mine = _read(theirs.read_text(encoding="utf-8"))
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as problem:
        raise BadInput(
            f"{theirs} cannot be used: {_why(problem)}.",
            f"A style has: {', '.join(f for f in Style.model_fields if f != 'name')}.",
        ) from None
    return {**mine, **{name: one for name, one in _ours().items() if name not in mine}}


@cache
def _ours() -> dict[str, Style]:
    return _read(files(__package__).joinpath("styles.yaml").read_text(encoding="utf-8"))


def _read(text: str) -> dict[str, Style]:
    tables = TypeAdapter(dict[str, dict[str, object]]).validate_python(yaml.safe_load(text) or {})
    return {name: Style.model_validate({**table, "name": name}) for name, table in tables.items()}


def _why(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(problem).splitlines()[0]
