"""Profiles: one file names a writer, a painter and a critic, and how they work together."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from limner.errors import BadInput

__all__ = ["Profile", "Role", "known", "load"]


class _Strict(BaseModel):
    """A settings file with a word that nobody reads is a mistake, so it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Role(_Strict):
    """Which model plays a part: a registered name, a folder or a hub id, and its own settings.

    In a file, the name alone is enough: `critic: google/siglip2-base-patch16-224`.
    """

    name: str = Field(min_length=1)
    settings: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, said: object) -> object:
        return {"name": said} if isinstance(said, str) else said


def _spelled(mode: object) -> object:
    return "off" if mode is False else mode  # YAML reads a bare off so


class Profile(_Strict):
    """A writer, a painter and a critic, and what a request may cost.

    `takes` is how many pictures are painted at once, `budget` what a request may cost in
    image-equivalents, `seconds` how long it may take, `threshold` the probability from which a
    claim holds, `sure` the chance that all of them do from which no more is painted, `repairs`
    whether what is wrong may be painted over, `patience` how many rounds of fresh seeds a wording
    has before anything else is tried. With `sketches`, so many are begun and looked at after the
    share `rough` of all steps, and the best of them, `takes` at most, are painted on. `calibration`
    has, for kinds of claims, the scale and shift that `limner calibrate` found; with `locate`,
    where things stand is found by covering places, at ten looks a picture. `guidance`,
    `steps` and `size` (width, height in pixels) are the painter's own where not given. `domain`
    tells a general writer what the painter can show, `styles` are the only ones that it knows
    (none: any). `expansion` is how much the writer adds to a request: "full", "light", "skip"
    (nothing), or "auto", by how much it says already. `prompts` is a folder of templates and styles
    that win over ours. `safety` is what is done about what the policy and the `checker` (a folder
    or hub id) find: "off", "flag" or "block"; where not given, "block" for every painter that can
    paint anything.
    """

    writer: Role
    painter: Role
    critic: Role
    takes: int = Field(4, ge=1, le=64)
    budget: float = Field(8.0, gt=0)
    seconds: float | None = Field(None, gt=0)
    threshold: float = Field(0.5, gt=0, lt=1)
    sure: float = Field(0.5, ge=0, le=1)
    repairs: bool = True
    patience: int = Field(1, ge=1, le=1000)
    sketches: int = Field(0, ge=0, le=64)
    rough: float = Field(0.2, gt=0, le=1)
    calibration: dict[str, tuple[float, float]] = {}
    locate: bool = False
    guidance: float | None = Field(None, ge=0, le=100)
    steps: int | None = Field(None, ge=1, le=1000)
    size: tuple[int, int] | None = None
    domain: str = ""
    styles: tuple[str, ...] = ()
    expansion: Literal["auto", "full", "light", "skip"] = "auto"
    prompts: Path | None = None
    safety: Annotated[Literal["off", "flag", "block"] | None, BeforeValidator(_spelled)] = None
    checker: str = ""


def known() -> list[str]:
    """The names of the profiles that ship with limner."""
    return sorted(p.name[:-5] for p in files(__package__).iterdir() if p.name.endswith(".yaml"))


def load(name: str | Path) -> Profile:
    """The profile of that name, or in the YAML file at that path.

    Raises `BadInput` for a name that nobody knows and for a file that is not a profile.
    """
    try:
        return Profile.model_validate(yaml.safe_load(_text(name)))
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(
            f"The profile {str(name)!r} is not usable: {where}: {first['msg']}.",
            f"A profile has: {', '.join(Profile.model_fields)}.",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        line = str(problem).splitlines()[0]
        raise BadInput(f"The profile {str(name)!r} is not YAML: {line}", "Mend the file.") from None


def _text(name: str | Path) -> str:
    if str(name) in known():
        return files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path.read_text(encoding="utf-8")
    raise BadInput(
        f"There is no profile {str(name)!r}.",
        f"Known: {', '.join(known())}; or the path of a .yaml file.",
    )
