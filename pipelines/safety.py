"""Says which requests are not painted, and which pictures are not shown, and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol, cast, get_args

import yaml
from PIL.Image import Image, new

from limner.errors import BadInput, ModelUnusable
from limner.pipelines.device import place
from limner.pipelines.loading import hushed, load, opening
from limner.pipelines.registry import resolve
from limner.pipelines.weights import verify

__all__ = [
    "KNOWN",
    "OFF",
    "UNCHECKED",
    "Guard",
    "Mode",
    "PictureCheck",
    "Rule",
    "Safety",
    "SafetyChecker",
    "blank",
    "mode_of",
    "open_guard",
    "rules",
]


Mode = Literal["off", "flag", "block"]
Outcome = Literal["unchecked", "passed", "flagged", "blocked"]


@dataclass(frozen=True, slots=True)
class Safety:
    """What was found of a text or a picture; `why` is "" where it passed or nobody looked.

    A picture that is "blocked" is nowhere: not in the take, not in the archive.
    """

    outcome: Outcome = "unchecked"
    why: str = ""


UNCHECKED = Safety()


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to refuse words: a phrase of each list must stand in them; see `safety.yaml`."""

    why: str
    lists: tuple[re.Pattern[str], ...]
    firm: bool = False

    def holds(self, text: str) -> bool:
        """Whether the rule applies to a text."""
        return all(phrases.search(_plain(text)) for phrases in self.lists)


class PictureCheck(Protocol):
    """Looks at pictures after any painter: what each must not be shown for, "" for nothing."""

    name: str

    def find(self, pictures: Sequence[Image]) -> list[str]:
        """One line for each picture."""
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """The policy of a studio: "off", "flag" what is found and go on, or "block" it.

    Words are held against `rules`, pictures are shown to `check`, where there is one.
    """

    mode: Mode = "off"
    check: PictureCheck | None = None

    def words(self, *texts: str) -> Safety:
        """What is found in texts, such as a request and a prompt."""
        found = [rule for rule in rules() for text in texts if rule.holds(text)]
        if self.mode == "off":
            return UNCHECKED
        if not found:
            return Safety("passed")
        blocked = self.mode == "block" or any(rule.firm for rule in found)
        return Safety("blocked" if blocked else "flagged", found[0].why)

    def pictures(self, pictures: Sequence[Image]) -> list[Safety]:
        """What is found in each picture."""
        if self.mode == "off" or self.check is None or not pictures:
            return [UNCHECKED] * len(pictures)
        found: Outcome = "blocked" if self.mode == "block" else "flagged"
        whys = self.check.find(pictures)
        return [Safety(found, why) if why else Safety("passed") for why in whys]

    def shown(self, previews: dict[int, Image]) -> dict[int, Image]:
        """The previews without those that would be blocked."""
        if self.mode != "block":
            return previews
        seen = zip(previews, self.pictures([*previews.values()]), strict=True)
        return {index: previews[index] for index, safety in seen if safety.outcome != "blocked"}


OFF = Guard()


def mode_of(said: str) -> Mode:
    """The mode of that name. Raises `BadInput` where there is none."""
    for mode in get_args(Mode):
        if said == mode:
            return cast("Mode", mode)
    raise BadInput(f"There is no safety mode {said!r}.", "Known: off, flag, block.")


def blank(picture: Image) -> Image:
    """What stands in the place of a blocked picture: grey, and as large."""
    return new("RGB", picture.size, (128, 128, 128))


@cache
def rules() -> tuple[Rule, ...]:
    """All rules of `safety.yaml`."""
    text = files(__package__).joinpath("safety.yaml").read_text(encoding="utf-8")
    return tuple(
        Rule(row["why"], tuple(map(_phrases, row["lists"])), row.get("firm", False))
        for row in yaml.safe_load(text).values()
    )


def _phrases(lines: list[str]) -> re.Pattern[str]:
    """One pattern for all phrases of a list."""
    phrases = [phrase.strip() for line in lines for phrase in line.split(",")]
    return re.compile("|".join(map(_pattern, phrases)))


def _pattern(phrase: str) -> str:
    if not phrase.isascii():
        return re.escape(phrase)
    words = re.escape(phrase).replace(r"\*", "[a-z]*").replace(r"\ ", r"[\s_-]+")
    return rf"(?<![a-z0-9]){words}(?![a-z0-9])"


def _plain(text: str) -> str:
    """In small letters and ordinary width, without accents and what cannot be seen."""
    apart = unicodedata.normalize("NFKD", text)
    seen = (c for c in apart if unicodedata.category(c) not in ("Cf", "Mn"))
    return "".join(seen).casefold()


KNOWN = "CompVis/stable-diffusion-safety-checker"
"""Where the checker is to be had by itself."""


class SafetyChecker:
    """diffusers' `StableDiffusionSafetyChecker`: CLIP's distance to 17 hidden sexual concepts.

    It sees sexual content only, and neither all of it nor nothing else (Rando et al.,
    arXiv:2210.04610). `folder` has the checker, or a pipeline that has it as a part.
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        part = folder / "safety_checker"
        folder, beside = (part, folder / "feature_extractor") if part.is_dir() else (folder, folder)
        for one in {folder, beside}:
            verify(one)
        self._device, self._dtype = place(device)
        with opening(folder.name, "safety checker", "diffusers"):
            from diffusers.pipelines.stable_diffusion.safety_checker import (
                StableDiffusionSafetyChecker,
            )
            from transformers import CLIPImageProcessorPil

            how = {"local_files_only": True, "trust_remote_code": False}
            self._eyes = CLIPImageProcessorPil.from_pretrained(beside, **how)
            model = load(StableDiffusionSafetyChecker, folder, self._dtype)
        self._model: Any = model.to(self._device).eval()
        self.name = folder.name

    def find(self, pictures: Sequence[Image]) -> list[str]:
        """ "sexual content" for each picture that is near one of the concepts, else ""."""
        import numpy as np

        shown = [picture.convert("RGB") for picture in pictures]
        pixels = self._eyes(images=shown, return_tensors="pt")["pixel_values"]
        with hushed("diffusers"):
            _, found = self._model(
                clip_input=pixels.to(self._device, self._dtype),
                images=[np.zeros((1, 1, 3))] * len(shown),  # it blackens these, not ours
            )
        return ["sexual content" if one else "" for one in found]


def open_guard(said: str | None, checker: str, painter: Any) -> Guard:
    """The guard of a studio with that painter; without a mode, on where it can paint anything.

    `checker` is a folder or hub id; "" for the painter's own, or the known one where it is on this
    machine. Raises `ModelUnusable` for a checker that can't be opened, and `BadInput` for a mode
    that there is not.
    """
    mode = mode_of(said or ("block" if getattr(painter, "paints_anything", True) else "off"))
    if mode == "off":
        return OFF
    found = resolve(checker, "safety checker") if checker else _here(painter)
    return Guard(mode, SafetyChecker(found) if found else None)


def _here(painter: Any) -> Path | None:
    """A checker on this machine: a part of the painter's folder, or the known one, else None."""
    own: Path | None = getattr(painter, "folder", None)
    if own and any((own / "safety_checker").glob("*.safetensors")):
        return own
    try:
        known = resolve(KNOWN, "safety checker")
    except ModelUnusable:
        return None
    return known if any(known.glob("*.safetensors")) else None
