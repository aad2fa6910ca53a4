"""Reads the arms and budgets that were typed, and tells how far a run is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from limner.errors import BadInput

if TYPE_CHECKING:
    from limner.benchmarks.runner import Progress

__all__ = ["ALL", "names_of", "numbers_of", "progress", "share_of"]

ALL = "all"


def names_of(text: str) -> list[str]:
    """The arms that a line names. Raises `BadInput` for what is none."""
    from limner.benchmarks.arms import ARMS, SETS

    found: list[str] = []
    for word in filter(None, map(str.strip, text.split(";"))):
        if word not in ARMS and word not in SETS:
            known = "; ".join([*SETS, *ARMS])
            raise BadInput(f"There is no arm {word!r}.", f"Arms: {known}")
        found += SETS.get(word, [word])
    if not found:
        raise BadInput("No arm was named.", f"Arms: {'; '.join([*SETS, *ARMS])}")
    return list(dict.fromkeys(found))


def numbers_of(text: str) -> list[int]:
    """Budgets, each a whole number above 0. Raises `BadInput` for anything else."""
    words = [word.strip() for word in text.split(",")]
    if not words or not all(w.isascii() and w.isdigit() and 0 < int(w) <= 4096 for w in words):
        raise BadInput(f"{text!r} is no list of budgets", "type --budgets 1,2,4,8")
    return sorted({int(word) for word in words})


def share_of(text: str) -> tuple[int, int]:
    """This process's share, from "1/2". Raises `BadInput` for anything else."""
    own, _, of = text.partition("/")
    if not (own.isdecimal() and of.isdecimal() and 0 < int(own) <= int(of)):
        raise BadInput(f"{text!r} is no share of a run", "type --share 1/2, elsewhere --share 2/2")
    return int(own), int(of)


def progress() -> Progress:
    """Tells on standard error how far a run is: over and over at a terminal, else now and then."""
    live = sys.stderr.isatty()

    def tell(done: int, of: int, left: float) -> None:
        if not live and done % max(1, of // 20) and done != of:
            return
        line = f"{done} of {of} trials, {_duration(left)} left"
        print(
            f"\r{line:<60}" if live else line,
            end="" if live and done < of else "\n",
            file=sys.stderr,
        )

    return tell


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
