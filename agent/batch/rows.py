"""The records of a batch: a row, a row that can't be used, and the outcome of a row."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal, Self, TypeVar, cast, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError

from limner.agent.archive.pictures import RESERVED, slug
from limner.agent.plain import clean, one_line, uncapped
from limner.agent.records import Critique
from limner.errors import BadInput, LimnerError

__all__ = [
    "LONGEST_ID",
    "STATUSES",
    "BadRow",
    "BatchRow",
    "CheckedClaim",
    "Ids",
    "Outcome",
    "Status",
    "checked_claims",
    "default_id",
    "safe_id",
]

Status = Literal["done", "short", "failed", "set aside", "bad"]
"""How a row ended: all that is required holds; something required is missing; something broke; it
crashed its worker again and again; the row can't be used. Until then the queue has it as
"waiting"."""

STATUSES: tuple[Status, ...] = get_args(Status)

LONGEST_ID = 100
"""Bytes of an id in UTF-8: room is left for what follows it in a file's name."""

_STRICT = ConfigDict(allow_inf_nan=False, extra="forbid")
_DERIVED = ("holds", "all_hold")
_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One request of a batch with everything that its row says.

    `number` is its place in the input, 1-based, bad rows included; `line` the line of the file
    where it begins (in Parquet: the row's number). `id` is a safe file name and unique in the
    batch; `named` is False where limner made it up. `size` is (width, height) in pixels, `budget`
    in image-equivalents; None and "" mean: as for the whole batch. `locked` are words that must be
    in the prompt, `require` is what must hold (see `config.required`), `least` the least
    probability of a claim, 0..1. `columns` are all cells of the row by their columns' own names.
    """

    __pydantic_config__ = _STRICT

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
    columns: dict[str, str] = field(default_factory=dict)
    named: bool = True

    @property
    def content(self) -> tuple[object, ...]:
        """Everything that its picture depends on; a row with another content is done anew."""
        own = (self.request, self.seed, self.size, self.style, self.profile)
        return (*own, self.budget, self.negative, self.locked)

    @property
    def key(self) -> str:
        """Finds the row again in a changed file: its id, or else its content."""
        if self.named:
            return f"id {self.id}"
        return "row " + hashlib.blake2b(repr(self.content).encode(), digest_size=16).hexdigest()

    def outcome(self, status: Status = "done", **fields: Any) -> Outcome:
        """What came of it, with these other fields of an `Outcome`."""
        own = {name: getattr(self, name) for name in ("id", "number", "line", "request")}
        return Outcome(**own, status=status, columns=self.columns, **fields)

    def as_json(self) -> str:
        """The row as one line of JSON, in ASCII."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """The row in one line of JSON; raises `BadInput`."""
        return _parsed(cls, text)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be used: the line where it begins, and why, in one line.

    `id`, `request` and `columns` are what the file has, as text; "" where nothing could be read.
    """

    line: int
    why: str
    id: str = ""
    request: str = ""
    columns: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        line: int,
        problem: LimnerError,
        id: str = "",
        request: str = "",
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """A row that can't be used because of that problem."""
        hint = f" — {uncapped(problem.hint)}" if problem.hint else ""
        why = one_line(uncapped(problem.message) + hint, 300)
        return cls(line, why, one_line(id, LONGEST_ID), one_line(request, 500), {**(columns or {})})

    def outcome(self, number: int) -> Outcome:
        """Its line of the manifest."""
        return Outcome(
            id=self.id or f"{number:05d}-unusable",
            number=number,
            line=self.line,
            request=self.request,
            status="bad",
            attempts=0,
            error=self.why,
            hint="mend the row in the file, and type the same again",
            columns=self.columns,
        )


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim and what the critic found: a probability in 0..1, and whether it holds.

    Both are None where nobody checked. An invented claim (`source`) decides nothing.
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

    def __str__(self) -> str:
        """The claim in one line, for people: ✓ one cat (93%)."""
        mark = {True: "✓", False: "✗", None: "?"}[self.holds]
        known = "" if self.probability is None else f" ({self.probability:.0%})"
        return f"{mark} {one_line(self.text)}{known}{'' if self.decides else ', added'}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a row: one line of the manifest.

    `picture` is a path from the manifest's folder, or ""; `sha256` that of the file, in hex.
    `brief` and `verdict` have the same fields as everywhere (see `outputs`), `prompt` is what the
    painter got. `ended` is as in `Result`, `spent` in image-equivalents; `error` and `hint` are ""
    unless something broke. `short` says what was required and is missing, `notes` what else is
    worth knowing. `columns` are the cells of the input.
    """

    __pydantic_config__ = _STRICT

    id: str
    number: int
    line: int
    request: str
    status: Status
    picture: str = ""
    sha256: str = ""
    seed: int | None = None
    prompt: str = ""
    brief: Mapping[str, Any] = field(default_factory=dict)
    claims: tuple[CheckedClaim, ...] = ()
    ended: str = ""
    spent: float = 0.0
    seconds: float = 0.0
    attempts: int = 1
    error: str = ""
    hint: str = ""
    short: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    verdict: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> int:
        """How many of the asked claims hold."""
        return sum(claim.holds is True for claim in self.asked)

    @property
    def all_hold(self) -> bool:
        """Whether there are asked claims, and each was checked and holds."""
        return bool(self.asked) and self.holds == len(self.asked)

    @property
    def asked(self) -> tuple[CheckedClaim, ...]:
        """The claims that decide."""
        return tuple(claim for claim in self.claims if claim.decides)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not done, in words: what broke, else what is missing."""
        if self.status == "done":
            return ()
        missing = self.short or tuple(str(claim) for claim in self.asked if not claim.holds)
        return (self.error,) if self.error else missing or (self.status,)

    def words(self, key: str) -> tuple[str, ...]:
        """The words that the verdict names as "unchecked" or "not_shown"."""
        found = self.verdict.get(key)
        return tuple(map(str, found)) if isinstance(found, list) else ()

    def as_mapping(self) -> dict[str, Any]:
        """All fields by name, in the manifest's order."""
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


def checked_claims(critique: Critique) -> tuple[CheckedClaim, ...]:
    """The claims of a critique, as a manifest keeps them."""
    pairs = zip(critique.claims, critique.probabilities, strict=True)
    return tuple(
        CheckedClaim(c.text, c.kind, p, None if p is None else p >= critique.threshold, c.source)
        for c, p in pairs
    )


def safe_id(text: str) -> str:
    """An id from a file; raises `BadInput` for one that is not a safe file name on every system."""
    name = unicodedata.normalize("NFC", text.strip())
    if why := _unsafe(name):
        raise BadInput(f"the id {one_line(text, 40)!r} {why}", "use letters, digits and hyphens")
    return name


def default_id(number: int, request: str) -> str:
    """The id of a row that has none: its number and some words of its request."""
    return f"{number:05d}-{slug(request)[:40].strip('-')}"


@dataclass(slots=True)
class Ids:
    """The ids of one input so far, by their digests: some 100 bytes for each row."""

    _lines: dict[int, int] = field(default_factory=dict)

    def add(self, name: str, line: int) -> None:
        """Take an id for the row of that line; raises `BadInput` where another row has it.

        Ids that differ in case alone are one: some file systems see no difference.
        """
        plain = unicodedata.normalize("NFKC", name).casefold().encode(errors="replace")
        digest = int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest())
        taken = self._lines.setdefault(digest, line)
        if taken != line:
            raise BadInput(
                f"the id {one_line(name, 40)!r} is that of line {taken}", "give each row its own"
            )


def _unsafe(name: str) -> str:
    if not name:
        return "is empty"
    if _FORBIDDEN.search(name):
        return "has a character that no file name may have"
    if clean(name) != name:
        return "has characters that can't be seen"
    if name.startswith((".", "-", "~")) or name.endswith("."):
        return f"begins or ends with {name[0] if name[0] in '.-~' else '.'!r}"
    if len(name.encode()) > LONGEST_ID:
        return f"is longer than {LONGEST_ID} bytes"
    reserved = name.split(".")[0].strip().casefold() in RESERVED
    return "is a name that systems keep for themselves" if reserved else ""


def _parsed(kind: type[_Record], text: str | bytes) -> _Record:
    try:
        fields = json.loads(text)
        if isinstance(fields, Mapping):
            fields = {name: fields[name] for name in fields if name not in _DERIVED}
            if "more" in fields:  # its name in limner 0.1
                fields["columns"] = fields.pop("more")
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
