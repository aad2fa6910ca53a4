"""MicroGenEval's prompts: what is asked, in whose words, and what must then be true of the picture.

They are frozen in prompts/test.jsonl and prompts/development.jsonl: figures compare only over the
same prompts, so they are never written again. Requests and truths were drawn by chance, in the
categories of GenEval (arXiv:2310.11513) and ConceptMix (arXiv:2408.14339); those of "wild" are
worded as people type, in English and Chinese.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from limner.benchmarks.asked import Asked, loaded
from limner.errors import BadInput

FOLDER = Path(__file__).with_suffix("")
SUMS = FOLDER / "SHA256SUMS"
SHARES = {"test": 1.0, "development": 0.25}
SIZES = {
    **dict.fromkeys(
        ("one thing", "two things", "counting", "colour", "position", "colour attribution"), 100
    ),
    **{f"k={k}": 80 for k in range(1, 6)},
    "out of distribution": 100,
    "wild": 100,
}
"""How many prompts of each category `test` has; `k` counts the claims beside the first."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One frozen prompt: its id ("test/counting/007"), category, request and what must be true."""

    id: str
    category: str
    request: str
    asked: Asked


def prompts(split: str) -> list[Prompt]:
    """The frozen prompts of `test` or `development`, in the order of their categories.

    Raises `BadInput` when the file is not the frozen one.
    """
    text = (FOLDER / f"{split}.jsonl").read_bytes()
    if sha256(text).hexdigest() != _sums()[f"{split}.jsonl"]:
        raise BadInput(
            f"The {split} prompts are not those that were frozen.",
            f"git checkout -- benchmarks/prompts/{split}.jsonl",
        )
    return [_prompt(json.loads(line)) for line in text.decode().splitlines()]


def quick() -> list[Prompt]:
    """Every fifth development prompt, the same 60 each time: five of each kind of a hundred."""
    return prompts("development")[::5]


def _prompt(row: dict[str, Any]) -> Prompt:
    return Prompt(row["id"], row["category"], row["request"], loaded(row))


def _sums() -> dict[str, str]:
    lines = SUMS.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}
