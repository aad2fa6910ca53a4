"""Prompt files of real models' benchmarks as cases: GenEval's, DPG-Bench's and T2I-CompBench's.

Their claims come from the files; whether they are true is decided by a judge that the user names, a
critic role (a VLM or a detector, say) that takes no part in choosing.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL.Image import Image

from limner import Brief
from limner.agent.brief.claims import complete
from limner.agent.brief.english import NUMBERS, plural
from limner.agent.plain import one_line
from limner.agent.records import Claim
from limner.benchmarks.arms import Case
from limner.errors import BadInput
from limner.pipelines.roles import Critic

__all__ = ["file_cases"]

LARGEST = 64 * 2**20  # bytes of a prompt file
PARTS = ("left of", "right of", "above", "below")


def file_cases(path: Path, judge: Critic) -> list[Case]:
    """The prompts of a file, each with its claims and who decides them.

    By its kind: `.jsonl` is GenEval's metadata (`prompt`, `include` with class, count, color and
    position, `exclude`), `.csv` is DPG-Bench's (a row for each question, with its dependencies),
    `.txt` is T2I-CompBench's (a prompt on each line, which is its only claim). Raises `BadInput`
    for a file that is none of these.
    """
    readers = {".jsonl": _geneval, ".csv": _dpg, ".txt": _compbench}
    reader = readers.get(path.suffix.lower())
    if reader is None or not path.is_file() or path.stat().st_size > LARGEST:
        raise BadInput(
            f"{path} is no prompt file.",
            "Give GenEval's .jsonl, DPG-Bench's .csv or T2I-CompBench's .txt.",
        )
    try:
        found = reader(path)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, csv.Error) as problem:
        raise BadInput(f"{path} can't be read as {path.suffix}: {problem!r}.", "Mend it.") from None
    if not found:
        raise BadInput(f"{path} has no prompts.", "Give another file.")
    return [_case(one, judge) for one in found]


@dataclass(frozen=True, slots=True)
class _FilePrompt:
    id: str
    category: str
    request: str
    claims: tuple[Claim, ...]
    exact: Brief | None = None


@dataclass(frozen=True, slots=True)
class _DependentClaims:
    """Asks the judge; a claim fails with the claim that it needs, as in DSG (arXiv:2310.18235)."""

    judge: Critic
    claims: tuple[Claim, ...]

    def __call__(self, picture: Image) -> tuple[bool, ...]:
        """Which claims are true of the picture."""
        texts, foils = [c.text for c in self.claims], [c.foils for c in self.claims]
        (row,) = self.judge.look([picture], texts, foils)
        held = [p >= 0.5 for p in row]
        return tuple(self._true(n, held) for n in range(len(held)))

    def _true(self, number: int, held: Sequence[bool]) -> bool:
        at: int | None = number
        for _ in held:  # a chain without circles is no longer than this
            if at is not None and held[at]:
                at = self.claims[at].needs
        return at is None


def _case(one: _FilePrompt, judge: Critic) -> Case:
    texts = tuple(claim.text for claim in one.claims)
    return Case(
        one.id, one.category, one.request, texts, _DependentClaims(judge, one.claims), one.exact
    )


def _geneval(path: Path) -> list[_FilePrompt]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        if line.strip():
            row = json.loads(line)
            brief = _brief(row)
            name = f"{path.stem}/{number:04d}"
            found.append(_FilePrompt(name, str(row["tag"]), brief.request, brief.claims, brief))
    return found


def _brief(row: dict[str, Any]) -> Brief:
    """What GenEval's row asks for, as the brief that says just that."""
    names = [str(one["class"]) for one in row["include"]]
    claims: list[Claim] = []
    for name, one in zip(names, row["include"], strict=True):
        count = int(one.get("count", 1))
        noun, be = (plural(name), "are") if count > 1 else (name, "is")
        number = NUMBERS[count] if 0 < count < len(NUMBERS) else str(count)
        claims.append(
            Claim(f"There {be} {number} {noun}.", "count", subject=name, value=str(count))
        )
        if colour := str(one.get("color", "")):
            claims.append(Claim(f"The {noun} {be} {colour}.", "colour", subject=name, value=colour))
        how, other = one.get("position", ("", 0))
        if how in PARTS:
            text = f"The {name} is {how} the {names[int(other)]}."
            claims.append(Claim(text, "relation", "asked", "", name, str(how), names[int(other)]))
    prompt = one_line(str(row["prompt"]))
    return Brief(prompt, prompt, complete(claims))


def _dpg(path: Path) -> list[_FilePrompt]:
    items: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            items.setdefault(row["item_id"], []).append(row)
    return [_of_item(path.stem, name, rows) for name, rows in items.items()]


def _of_item(stem: str, name: str, rows: list[dict[str, str]]) -> _FilePrompt:
    places = {row["proposition_id"].strip(): n for n, row in enumerate(rows)}
    claims = tuple(_question(row, places) for row in rows)
    request = one_line(next(row["text"] for row in rows if row["text"].strip()))
    return _FilePrompt(f"{stem}/{one_line(name, 80)}", "dense", request, claims)


def _question(row: dict[str, str], places: dict[str, int]) -> Claim:
    """A question as a statement; it needs the first of the questions that it depends on."""
    asked = one_line(row["question_natural_language"])
    parents = [places[p] for word in row["dependency"].split(",") if (p := word.strip()) in places]
    kind = one_line(row.get("category_broad") or "question")
    yes, no = (f"the answer to “{asked}” is {word}" for word in ("yes", "no"))
    return Claim(yes, kind, foils=(no,), needs=parents[0] if parents else None)


def _compbench(path: Path) -> list[_FilePrompt]:
    lines = [one_line(line) for line in path.read_text(encoding="utf-8").splitlines()]
    foil = ("a picture of something else",)
    return [
        _FilePrompt(f"{path.stem}/{n:04d}", path.stem, line, (Claim(line, foils=foil),))
        for n, line in enumerate(filter(None, lines))
    ]
