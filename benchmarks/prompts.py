"""MicroGenEval's prompts: what is asked, in whose words, and what must then be true of the picture.

`python -m benchmarks.prompts` wrote benchmarks/prompts/test.jsonl and development.jsonl. They are
frozen: figures compare only over the same prompts, so they are not written again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from limner.benchmarks.asked import Asked, dumped, loaded
from limner.benchmarks.scenes_asked import CATEGORIES, example
from limner.benchmarks.wild import wild
from limner.errors import BadInput
from limner.pipelines.pocket.captions import describe
from limner.pipelines.pocket.scene import Crowded

FOLDER = Path(__file__).with_suffix("")
SUMS = FOLDER / "SHA256SUMS"
SHARES = {"test": 1.0, "development": 0.25}
SIZES = {name: 80 if name.startswith("k=") else 100 for name in (*CATEGORIES, "wild")}


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


def generated(split: str, taken: set[str]) -> Iterator[Prompt]:
    """New prompts; no request is among those `taken`, to which each is added."""
    for category, size in SIZES.items():
        for number in range(round(size * SHARES[split])):
            name = f"{split}/{category}/{number:03d}"
            request, asked = drawn(category, Random(f"MicroGenEval/{name}"), taken)
            taken.add(request.casefold())
            yield Prompt(name, category, request, asked)


def main() -> None:
    """Write both files and their sums, where there are none yet."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if SUMS.exists():
        raise SystemExit("The prompts are frozen. Remove benchmarks/prompts/ to draw new ones.")
    FOLDER.mkdir(exist_ok=True)
    taken: set[str] = set()
    sums = []
    for split in SHARES:
        rows = [_row(prompt) for prompt in generated(split, taken)]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        (FOLDER / f"{split}.jsonl").write_bytes(text)
        sums.append(f"{sha256(text).hexdigest()}  {split}.jsonl\n")
        print(f"{split}: {len(rows)} prompts")
    SUMS.write_text("".join(sums), encoding="ascii")


def drawn(category: str, chance: Random, taken: set[str]) -> tuple[str, Asked]:
    """A request that is new and can be met, which a scene that meets it proves."""
    while True:
        if category == "wild":
            request, asked = wild(chance)
        else:
            asked = Asked(CATEGORIES[category](chance))
            request = _said(asked, chance)
        try:
            example(asked, chance)
        except Crowded:
            continue
        if request.casefold() not in taken:
            return request, asked


def _said(asked: Asked, chance: Random) -> str:
    """One of the wordings of the world's captions, but none that says the same thing twice."""
    while ". " in (text := describe(asked.spec, chance)):
        continue
    return text


def _row(prompt: Prompt) -> dict[str, Any]:
    return {
        "id": prompt.id,
        "category": prompt.category,
        "request": prompt.request,
        **dumped(prompt.asked),
    }


def _prompt(row: dict[str, Any]) -> Prompt:
    return Prompt(row["id"], row["category"], row["request"], loaded(row))


def _sums() -> dict[str, str]:
    lines = SUMS.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


if __name__ == "__main__":
    main()
