"""Finds the model that a name stands for: ours, another package's, a folder, or one of a hub's."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from limner.errors import BadInput, ModelUnusable
from limner.pipelines.roles import Critic, Painter

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from limner.pipelines.detector import Detector

__all__ = [
    "POCKET_DETECTOR",
    "folder_of",
    "is_ours",
    "known",
    "open_critic",
    "open_detector",
    "open_painter",
    "open_writer",
    "resolve",
]

_SERVED = re.compile(r"(?!https:)[a-z][a-z0-9_]+:")
"""How the name of a writer begins that is no folder: provider:model, or http://…"""

POCKET_DETECTOR = {"words": "{}", "threshold": 0.5, "steep": 1.0, "rivals": False}
"""How limner's own detector is asked: its scores are probabilities, of phrases as they are."""


def open_writer(spec: str | Path | BaseChatModel, settings: dict[str, Any]) -> BaseChatModel:
    """The writer of that name, folder, hub id or provider:model; an object is returned as it is.

    Raises `ModelUnusable` for what can't be found or opened, `BadInput` for settings it has not.
    """
    return cast("BaseChatModel", _open("writer", spec, settings))


def open_painter(spec: str | Path | Painter, settings: dict[str, Any]) -> Painter:
    """The painter of that name, folder or hub id; an object is returned as it is.

    Raises `ModelUnusable` for what can't be found or opened, `BadInput` for settings it has not.
    """
    return cast("Painter", _open("painter", spec, settings))


def open_critic(
    spec: str | Path | Critic, settings: dict[str, Any], writer: object = None
) -> Critic:
    """The critic of that name, folder or hub id; an object is returned as it is.

    The name "writer" stands for the weights of that `writer`, where it can see. Raises
    `ModelUnusable` for what can't be found or opened, `BadInput` for settings it has not.
    """
    return cast("Critic", _open("critic", spec, settings, writer))


def open_detector(spec: str | Path | Detector, settings: dict[str, Any]) -> Detector:
    """The detector of that name, folder or hub id; an object is returned as it is.

    "pocket" is limner's own, which knows the small world alone. Raises `ModelUnusable` for what
    can't be found or opened, `BadInput` for settings it has not.
    """
    return cast("Detector", _open("detector", spec, settings))


def known(part: str) -> list[str]:
    """The names registered for a writer, painter or critic; other packages' come last."""
    theirs = sorted(entry.name for entry in entry_points(group=f"limner.{part}s"))
    ours = ["pocket", *(["fake"] if part != "detector" else [])]
    ours += ["writer"] if part == "critic" else []
    return [*ours, *(name for name in theirs if name not in ours)]


def is_ours(part: str, name: str) -> bool:
    """Whether limner itself opens weights by that name: those of no fake, and nobody else's."""
    return name == "pocket" or not (name in known(part) or _served(part, name))


def folder_of(part: str, spec: str | Path, fetched: bool = False) -> Path:
    """The folder of one of limner's own models, or that `resolve` finds; raises as that does."""
    return _pocket(part) if str(spec) == "pocket" else resolve(spec, part, fetched)


def resolve(spec: str | Path, part: str, fetched: bool = False, only: str = "") -> Path:
    """The folder that a path or hub id stands for; the hub is asked only where `fetched` is true.

    Else only what was fetched before is found. `only` is the one file that is needed of it.
    Raises `ModelUnusable` with what to type.
    """
    if str(spec) and Path(spec).is_dir():
        return Path(spec)
    if not _like_hub_id(str(spec)):
        raise ModelUnusable(
            f"There is no {part} {str(spec)!r}.",
            f"Known: {', '.join(known(part))}; or a folder, or a hub id such as owner/model"
            + (", or provider:model such as ollama:qwen3:4b." if part == "writer" else "."),
        )
    from limner.pipelines import hub

    wanted = "/".join(filter(None, (str(spec), only)))
    if found := hub.here(wanted):
        return found
    if not fetched:
        raise ModelUnusable(
            f"The {part} {str(spec)!r} is not on this machine.",
            f"While online: limner pull {wanted}",
        )
    plan = hub.planned(wanted)
    told = "Fetching %s: %.2f GB, licence %s."
    logging.getLogger("limner").warning(told, wanted, plan.missing / 1e9, plan.licence)
    return hub.fetch(plan)


def _open(part: str, spec: Any, settings: dict[str, Any], writer: object = None) -> Any:
    if not isinstance(spec, str | Path):
        return spec
    from pydantic import ValidationError

    opener = _opener(part, str(spec), writer)
    try:
        return opener(**settings)
    except (TypeError, ValidationError) as problem:
        if isinstance(problem, TypeError) and "argument" not in str(problem):
            raise
        raise BadInput(
            f"The {part} {str(spec)!r} does not take these settings: {', '.join(settings)}.",
            "See the settings of its profile.",
        ) from problem


def _opener(part: str, name: str, writer: object) -> Callable[..., Any]:
    if name == "fake" and part != "detector":
        from limner.pipelines import fakes

        return cast("Callable[..., Any]", getattr(fakes, f"Fake{part.title()}"))
    if part == "critic" and name == "writer":
        from limner.pipelines.critic_local import critic_of

        return partial(critic_of, writer)
    for entry in entry_points(group=f"limner.{part}s"):
        if entry.name == name and name != "pocket":
            return cast("Callable[..., Any]", entry.load())
    if _served(part, name):
        from limner.pipelines.writer_served import open_served_writer

        return partial(open_served_writer, name)
    return lambda **settings: _local(part, name, settings)


def _served(part: str, name: str) -> bool:
    """Whether a server, or a provider of LangChain's, speaks for it."""
    return part == "writer" and bool(_SERVED.match(name)) and not Path(name).is_dir()


def _local(part: str, name: str, settings: dict[str, Any]) -> Any:
    """A model of ours over an ordinary Hugging Face folder."""
    hub = bool(settings.get("hub", False))
    folder = folder_of(part, name, hub)
    name = name if folder != Path(name) else folder.resolve().name  # recipes keep no paths
    settings = {key: value for key, value in settings.items() if key != "hub"}
    if name == "pocket":
        return _in_its_world(part, folder, settings)
    if part == "writer":
        from limner.pipelines.writer_local import open_local_writer

        return open_local_writer(folder, name, **settings)
    if part == "painter":
        return _painter(folder, name, settings, hub)
    if part == "detector":
        return _detector(folder, name, settings)
    return _critic(folder, name, settings, hub)


def _in_its_world(part: str, folder: Path, settings: dict[str, Any]) -> Any:
    """A pocket model: one of the ordinary classes, which knows the small world that it is of."""
    from limner.pipelines.pocket.small_world import SmallWorld

    if part == "writer":
        from limner.pipelines.pocket.pocket_writer import open_pocket_writer

        return open_pocket_writer(folder, "pocket", **settings)
    if part == "detector":
        opened = _detector(folder, "pocket", POCKET_DETECTOR | settings)
    else:
        opened = (_painter if part == "painter" else _critic)(folder, "pocket", settings, False)
    opened.world = SmallWorld()
    return opened


def _detector(folder: Path, name: str, settings: dict[str, Any]) -> Any:
    from limner.pipelines.detector import Detector

    return Detector(folder, name, **settings)


def _critic(folder: Path, name: str, settings: dict[str, Any], hub: bool) -> Any:
    from limner.pipelines.critic_local import open_local_critic

    if "reads" in settings:
        settings["reads"] = resolve(settings["reads"], "critic", hub)
    return open_local_critic(folder, name, **settings)


def _painter(folder: Path, name: str, settings: dict[str, Any], hub: bool) -> Any:
    """A painter with the folders that belong to it, each a path or hub id like its own."""
    from limner.pipelines.painter_diffusers import DiffusersPainter

    kinds = ("lora", "prior", "second", "preview")
    others = {kind: _part(settings[kind], kind, hub) for kind in kinds if kind in settings}
    rest = {key: value for key, value in settings.items() if key not in kinds}
    return DiffusersPainter(folder, name, others=others, **rest)


def _part(spec: Any, kind: str, hub: bool) -> Path:
    """A folder, or one .safetensors file in it: owner/model/file.safetensors, where on a hub."""
    path = Path(str(spec))
    if path.suffix != ".safetensors":
        return resolve(str(spec), kind, hub)
    found = path
    if not path.is_file():
        found = resolve(path.parent.as_posix(), kind, hub, path.name) / path.name
    if not found.is_file():
        raise ModelUnusable(f"There is no {kind} {str(spec)!r}.", "Check the file's name.")
    return found


def _pocket(part: str) -> Path:
    folder = Path(str(files("limner.pipelines.pocket"))) / "weights" / part
    if not folder.is_dir():
        raise ModelUnusable(
            f"The pocket {part} has no weights in this installation.",
            f"Train it: limner train {part}; or try --profile fake.",
        )
    return folder


def _like_hub_id(spec: str) -> bool:
    owner, _, model = spec.partition("/")
    plain = all(c.isalnum() or c in "-_./" for c in spec)
    return bool(owner and model) and "/" not in model and plain and spec[0] not in "./~"
