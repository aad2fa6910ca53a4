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
    "Telling",
    "detail_words",
    "finish_words",
    "telling",
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
class Telling:
    """How is told what is known of a picture, by language; see `telling.yaml`."""

    english: dict[str, str]
    chinese: dict[str, str]
    claims: dict[str, str]
    values: dict[str, str]
    measures: dict[str, list[str]]
    notes: dict[str, str]
    done: list[str]
    cannot: list[str]
    admits: list[str]


@cache
def telling() -> Telling:
    """The wording of verdicts, from `telling.yaml`."""
    return Telling(**_table("telling.yaml"))


@cache
def detail_words() -> DetailWords:
    """The words that a request's details are counted by, from `details.yaml`."""
    return DetailWords(**_table("details.yaml"))


@cache
def finish_words() -> dict[str, FinishWords]:
    """The wording of finishes by language, from `finish.yaml`."""
    return {language: FinishWords(**words) for language, words in _table("finish.yaml").items()}


def _table(name: str) -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(
        files(__package__).joinpath(name).read_text(encoding="utf-8")
    )
    return table
