"""Profiles: one file names a writer, a painter and a critic, and how they work together."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from limner.errors import BadInput
from limner.pipelines.platt import Curve

__all__ = ["Expansion", "Profile", "Role", "Settings", "known", "load"]

Expansion = Literal["auto", "full", "light", "skip"]
"""How much a writer adds to a request: whatever it lacks, next to nothing, or nothing."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the three work together on a request: what a profile says beside its models.

    `images_per_round` is how many pictures a round paints at once, `budget` what a request may cost
    in image-equivalents, `seconds` how long it may take (None: no limit), `threshold` the
    probability from which a claim holds, `stop_confidence` the chance that all of them do from
    which no more is painted. `repairs` says whether what is wrong may be painted over, where the
    painter can do that, and `patience` how many rounds of fresh seeds a wording has before anything
    else is tried. With `drafts`, a round begins so many, looks at them after the share `drop_at` of
    all steps, and paints on the best, `images_per_round` of them at most. `calibration` has, for
    kinds of claims, what the critic's own probabilities stand for, as `limner calibrate` found it;
    with `locate`, where things stand is found by covering places, at ten looks a picture. `steps`,
    `guidance` and `size` (width, height in pixels) are the painter's own where None. `domain` tells
    a general writer what the painter can show, `styles` are the only ones that it knows (none:
    any); `expansion` is how much the writer may add to a request ("auto": by how much it says
    already); `prompts` is a folder of templates and styles that win over ours.
    """

    images_per_round: Annotated[int, Field(ge=1, le=64)] = 4
    budget: Annotated[float, Field(gt=0)] = 8.0
    seconds: Annotated[float, Field(gt=0)] | None = None
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    stop_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    repairs: bool = True
    patience: Annotated[int, Field(ge=1, le=1000)] = 1
    drafts: Annotated[int, Field(ge=0, le=64)] = 0
    drop_at: Annotated[float, Field(gt=0, le=1)] = 0.2
    calibration: Mapping[str, Curve] = field(default_factory=dict)
    locate: bool = False
    guidance: Annotated[float, Field(ge=0, le=100)] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    size: tuple[int, int] | None = None
    domain: str = ""
    styles: tuple[str, ...] = ()
    expansion: Expansion = "auto"
    prompts: Path | None = None


class Role(BaseModel):
    """Which model plays a part: a registered name, a folder or a hub id, and its own settings.

    In a file, the name alone is enough: `critic: google/siglip2-base-patch16-224`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1)
    settings: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, said: object) -> object:
        return {"name": said} if isinstance(said, str) else said


def _spelled(mode: object) -> object:
    return "off" if mode is False else mode  # YAML reads a bare off so


@dataclass(frozen=True, kw_only=True)
class Profile(Settings):
    """A writer, a painter and a critic, and how they work together: see `Settings`.

    With a `detector`, what boxes can tell (things, numbers, colours, sizes, places, relations) is
    its to judge, and the rest the critic's.
    `safety` is what is done about what the policy and the `checker` (a folder or hub id) find:
    "off", "flag" or "block"; where not given, "block" for every painter that can paint anything.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    writer: Role
    painter: Role
    critic: Role
    detector: Role | None = None
    safety: Annotated[Literal["off", "flag", "block"] | None, BeforeValidator(_spelled)] = None
    checker: str = ""

    @property
    def as_json(self) -> dict[str, Any]:
        """What it says, as plain JSON values, without what is the default anyway."""
        said: dict[str, Any] = _form().dump_python(self, mode="json", exclude_defaults=True)
        return said


_OLDER = {
    "takes": "images_per_round",
    "sure": "stop_confidence",
    "sketches": "drafts",
    "rough": "drop_at",
}  # keys of version 0.1


def known() -> list[str]:
    """The names of the profiles that ship with limner."""
    return sorted(p.name[:-5] for p in files(__package__).iterdir() if p.name.endswith(".yaml"))


def load(name: str | Path) -> Profile:
    """The profile of that name, or in the YAML file at that path.

    Raises `BadInput` for a name that nobody knows and for a file that is not a profile.
    """
    try:
        said = yaml.safe_load(_text(name))
        if isinstance(said, dict):
            for old in _OLDER.keys() & said.keys():
                _note(f"limner: profile {name}: {old} is called {_OLDER[old]} now")
            said = {_OLDER.get(key, key): value for key, value in said.items()}
        return _form().validate_python(said)
    except ValidationError as problem:
        raise BadInput(
            f"The profile {str(name)!r} is not usable: {_said(problem)}.",
            f"A profile has: {', '.join(Profile.__dataclass_fields__)}.",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        line = str(problem).splitlines()[0]
        raise BadInput(f"The profile {str(name)!r} is not YAML: {line}", "Mend the file.") from None


def _said(problem: ValidationError) -> str:
    """What is wrong with a profile, in plain words; a word that nobody reads comes first."""
    strange = ("unexpected_keyword_argument", "extra_forbidden")
    first = min(problem.errors(), key=lambda error: error["type"] not in strange)
    where = ".".join(map(str, first["loc"])) or "the file"
    if first["type"] in strange:
        near = get_close_matches(where, Profile.__dataclass_fields__, 1)
        return f"there is no setting {where}" + (f", did you mean {near[0]}" if near else "")
    if first["type"].startswith("missing"):
        return f"{where} is missing; a profile names a writer, a painter and a critic"
    if first["type"].startswith(("dataclass", "dict", "model")):
        return f"{where} is no list of settings"
    return f"{where}: {first['msg'].removeprefix('Input ')}"


@cache
def _form() -> TypeAdapter[Profile]:
    return TypeAdapter(Profile)


@cache
def _note(line: str) -> None:
    """One line on standard error, once, unless the program has set up logging otherwise."""
    logging.getLogger("limner").warning(line)


def _text(name: str | Path) -> str:
    if str(name) in known():
        return files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path.read_text(encoding="utf-8")
    raise BadInput(
        f"There is no profile {str(name)!r}.",
        f"Known: auto, {', '.join(known())}; or the path of a .yaml file.",
    )
