"""The words by which limner knows what a person means: tables that a person can read and change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = [
    "DetailWords",
    "FinishWords",
    "FoilWords",
    "TurnWords",
    "VerdictWords",
    "detail_words",
    "finish_words",
    "foil_words",
    "pairs",
    "telling",
    "turn_words",
    "word_set",
    "words",
]


@dataclass(frozen=True, slots=True)
class FinishWords:
    """How people ask in one language for a picture to be finished; see `finish.yaml`."""

    polite: list[str]
    joins: list[str]
    subjects: list[str]
    degrees: dict[str, float]
    slots: dict[str, list[str]]
    phrases: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class DetailWords:
    """The words that are details of a picture, by kind, and those that refuse something."""

    kinds: dict[str, list[str]]
    refusals: list[str]


@dataclass(frozen=True, slots=True)
class FoilWords:
    """Values that contradict one another, by the kind of claim; see `foils.yaml`."""

    colours: list[str]
    sizes: list[str]
    places: dict[str, str]
    relations: dict[str, str]
    lights: list[str]
    styles: list[str]
    same: dict[str, list[str]]
    others: list[str]


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """How is told what is known of a picture, by language; see `telling.yaml`."""

    english: dict[str, str]
    chinese: dict[str, str]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class TurnWords:
    """Lines of a conversation that can only mean one thing; see `turns.yaml`."""

    undo: list[str]
    redo: list[str]
    again: list[str]
    save: list[str]
    small: list[str]
    help: list[str]
    called: list[str]
    ordinals: dict[int, list[str]]
    before: list[str]
    after: list[str]


@cache
def turn_words() -> TurnWords:
    """The lines of a conversation that can only mean one thing, from `turns.yaml`."""
    return TurnWords(**_table("turns.yaml"))


@cache
def telling() -> VerdictWords:
    """The wording of verdicts, from `telling.yaml`."""
    return VerdictWords(**_table("telling.yaml"))


@cache
def detail_words() -> DetailWords:
    """The words that a request's details are counted by, from `details.yaml`."""
    return DetailWords(**_table("details.yaml"))


@cache
def foil_words() -> FoilWords:
    """The values that contradict one another, from `foils.yaml`."""
    return FoilWords(**_table("foils.yaml"))


@cache
def finish_words() -> dict[str, FinishWords]:
    """The wording of finishes by language, from `finish.yaml`."""
    return {language: FinishWords(**words) for language, words in _table("finish.yaml").items()}


def words(name: str) -> tuple[str, ...]:
    """The words of that name in `language.yaml`, in their order."""
    return tuple(_language()[name].split())


def word_set(name: str) -> frozenset[str]:
    """The same words as a set."""
    return frozenset(words(name))


def pairs(name: str) -> dict[str, str]:
    """The words of that name in `language.yaml`, each with its meaning."""
    return dict(word.split("=", 1) for word in words(name))


@cache
def _language() -> dict[str, str]:
    return _table("language.yaml")


def _table(name: str) -> dict[str, Any]:
    source = files(__package__).joinpath(name).read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.load(source, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return table
