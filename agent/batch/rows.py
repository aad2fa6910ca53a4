"""The nouns of a batch: a row that asks, a row that can't be used, and what came of a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal, Self, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError

from limner.agent.plain import one_line, uncapped
from limner.agent.records import Critique
from limner.errors import BadInput, LimnerError

__all__ = ["BadRow", "BatchRow", "CheckedClaim", "Outcome", "Status", "seen"]

Status = Literal["done", "short", "failed", "set aside"]
"""What came of a row: all that was required, less, nothing, or given up after several attempts."""

_NO_NAN = ConfigDict(allow_inf_nan=False, extra="forbid")
_DERIVED = ("holds", "all_hold")
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One request of a batch with all that its row says.

    `number` is its place in the input, 1-based, bad rows counted too; `line` the line of the file
    where it begins (of a table without lines: the row's number). `id` is a safe file name, unlike
    any other id of the input. `size` is (width, height) in pixels, `budget` in image-equivalents;
    None and "" mean: as for the whole batch. `locked` are words that must be seen as they stand,
    `require` is what must hold (see `requiring`), `least` the least probability of a claim, 0..1.
    `more` are the columns that limner does not know, carried through.
    """

    __pydantic_config__ = _NO_NAN

    number: int
    line: int
    id: str
    request: str
    seed: int | None = None
    size: tuple[int, int] | None = None
    style: str = ""
    profile: str = ""
    budget: float | None = None
    negative: str = ""
    locked: tuple[str, ...] = ()
    require: str = ""
    least: float | None = None
    more: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """The row as one line of JSON, in ASCII."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """The row in one line of JSON; raises `BadInput`."""
        return _parsed(cls, text)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be used: the line where it begins, and why, in one line."""

    line: int
    why: str

    @classmethod
    def of(cls, line: int, problem: LimnerError) -> Self:
        """A row that can't be used because of that."""
        hint = f" — {uncapped(problem.hint)}" if problem.hint else ""
        return cls(line, one_line(uncapped(problem.message) + hint, 300))


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim with what the critic made of it: 0..1, and whether it holds; None: not checked.

    What the writer thought of itself ("invented" as its `source`) decides nothing.
    """

    text: str
    kind: str
    probability: float | None
    holds: bool | None
    source: str = "asked"

    @property
    def decides(self) -> bool:
        """Whether it was asked for, by the user or with a style."""
        return self.source != "invented"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a row: one line of the manifest.

    `picture` is a path from the manifest's folder, or ""; `sha256` that of the file, in hex.
    `brief` and `verdict` are as through every door (see `outputs`), `prompt` is what the painter
    was told.
    `ended` is as in `Result`, `spent` in image-equivalents; `error` and `hint` are "" unless
    something broke. `short` says, in words, what was required and is missing.
    """

    __pydantic_config__ = _NO_NAN

    id: str
    number: int
    line: int
    request: str
    status: Status
    picture: str = ""
    sha256: str = ""
    seed: int | None = None
    prompt: str = ""
    brief: dict[str, Any] = field(default_factory=dict)
    claims: tuple[CheckedClaim, ...] = ()
    ended: str = ""
    spent: float = 0.0
    seconds: float = 0.0
    attempts: int = 1
    error: str = ""
    hint: str = ""
    short: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    verdict: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> int:
        """How many of the asked claims hold."""
        return sum(claim.holds is True for claim in self.asked)

    @property
    def all_hold(self) -> bool:
        """Whether there are asked claims, and every one was checked and holds."""
        return bool(self.asked) and self.holds == len(self.asked)

    @property
    def asked(self) -> tuple[CheckedClaim, ...]:
        """The claims that decide."""
        return tuple(claim for claim in self.claims if claim.decides)

    def words(self, key: str) -> tuple[str, ...]:
        """The words that the verdict names as "unchecked" or "not_shown"."""
        said = self.verdict.get(key)
        return tuple(map(str, said)) if isinstance(said, list) else ()

    def as_mapping(self) -> dict[str, Any]:
        """All that the manifest says of it, by name, in the manifest's order."""
        fields = asdict(self)
        derived = {"verdict": self.verdict, "holds": self.holds, "all_hold": self.all_hold}
        before = list(fields)[: list(fields).index("ended")]
        return {name: fields[name] for name in before} | derived | fields

    def as_json(self) -> str:
        """The outcome as one line of JSON, in ASCII."""
        return json.dumps(self.as_mapping(), allow_nan=False)

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """The outcome in one line of JSON; raises `BadInput`."""
        return _parsed(cls, text)


def seen(critique: Critique) -> tuple[CheckedClaim, ...]:
    """The claims of a critique, as a manifest keeps them."""
    pairs = zip(critique.claims, critique.probabilities, strict=True)
    return tuple(
        CheckedClaim(c.text, c.kind, p, None if p is None else p >= critique.threshold, c.source)
        for c, p in pairs
    )


def _parsed(kind: type[_Record], text: str | bytes) -> _Record:
    try:
        fields = json.loads(text)
        if isinstance(fields, Mapping):
            fields = {name: fields[name] for name in fields if name not in _DERIVED}
        return cast("_Record", _reader(cast("Any", kind)).validate_python(fields))
    except (ValueError, RecursionError) as problem:  # pydantic's and json's errors are the former
        raise BadInput(
            f"that is no {kind.__name__.lower()} of a batch: {_why(problem)}",
            "choose a manifest.jsonl that limner wrote",
        ) from None


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _why(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"
    return "not valid JSON"
