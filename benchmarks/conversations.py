"""Holds conversations with limner and counts in how many turns it did what was said, and no more.

`python -m benchmarks.conversations` types each conversation of a file (prompts/conversations.jsonl)
into `limner chat --json`, and compares every turn with what is expected there: the tool that was
called, and all asked claims that stand afterwards. A line of the file is one turn:

- `tool`, and of `args` what matters ({"candidate": 2}); checked where the output tells them
- `claims`: each [kind, subject, value, object], in any order; those in `optional` may be there, too
- `not_shown`, `unchecked`: words that must be named as such
- `or`: other right outcomes, each with the keys that differ
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from limner.errors import BadInput

__all__ = ["FILE", "Slots", "TurnReport", "compare", "loaded", "slots_of", "total"]

FILE = Path(__file__).with_name("prompts") / "conversations.jsonl"
OPTIONS = ("--no-archive", "--budget", "1", "--takes", "1", "--seed", "1")
MINUTES = 20  # for one conversation
INVERSE = {"right of": "left of", "below": "above"}
SCENERY = ("scene", "light", "style", "text")  # their value says it all

Slots = tuple[str, ...]
TurnRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TurnReport:
    """How one turn went: what was wrong with it, if anything.

    `inherited` is true where the tool was right, and the claims are only wrong by what an earlier
    turn left wrong. `unchecked` are words that limner says nobody looked at.
    """

    conversation: str
    turn: int
    line: str
    wrong: tuple[str, ...] = ()
    inherited: bool = False
    unchecked: tuple[str, ...] = ()

    def __str__(self) -> str:
        mark = "right" if not self.wrong else "as before" if self.inherited else "WRONG"
        lines = [f"{self.conversation}{self.turn:<3} {mark:9} {self.line}"]
        lines += [f"{'':14} {fault}" for fault in self.wrong]
        if self.unchecked:
            lines.append(f"{'':14} (unchecked: {', '.join(self.unchecked)})")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Fault:
    """One way in which a turn differs; `claim` where it is about a claim that stands."""

    text: str
    claim: Slots = ()


def main() -> None:
    """Hold the conversations, or read stored output, and print how each turn went."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--file", type=Path, default=FILE, help="the expected turns")
    parser.add_argument("--conversation", help="only the one of that name")
    parser.add_argument("--profile", default="pocket")
    parser.add_argument("--keep", type=Path, help="store limner's output in this file")
    parser.add_argument("--from-json", type=Path, help="compare output that was stored by --keep")
    given = parser.parse_args()
    wanted = [r for r in loaded(given.file) if given.conversation in (None, r["conversation"])]
    if not wanted:
        parser.error(f"there is no conversation {given.conversation} in {given.file}")
    stored = loaded(given.from_json) if given.from_json else None
    kept, reports = list[TurnRow](), list[TurnReport]()
    for name, turns in groupby(wanted, key=lambda row: str(row["conversation"])):
        expected = list(turns)
        lines = [str(row["line"]) for row in expected]
        said = _held(lines, given.profile) if stored is None else _of(name, stored)
        kept += [{"conversation": name, **row} for row in said]
        for report in compare(expected, said):
            reports.append(report)
            print(report, flush=True)
    if given.keep:
        told = [json.dumps(row, ensure_ascii=False) + "\n" for row in kept]
        given.keep.write_text("".join(told), encoding="utf-8")
    print(total(reports))


def total(reports: Sequence[TurnReport]) -> str:
    """The lines that sum up: of each conversation and of all."""
    lines = list[str]()
    for name, turns in groupby(reports, key=lambda report: report.conversation):
        own = list(turns)
        lines.append(f"{name}: {sum(not r.wrong for r in own)} of {len(own)}")
    right = sum(not report.wrong for report in reports)
    lines.append(f"{right} of {len(reports)} turns right")
    if inherited := sum(report.inherited for report in reports):
        lines.append(f"{inherited} more are wrong only by what an earlier turn left wrong")
    if unchecked := sum(bool(report.unchecked) for report in reports):
        lines.append(f"in {unchecked}, words that say nothing of the picture are left unchecked")
    return "\n".join(lines)


def loaded(path: Path) -> list[TurnRow]:
    """The JSON objects of a file, one a line. Raises `BadInput` for a line that is none."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as problem:
        raise BadInput(f"{path} can't be read: {problem}", "give JSON, one object a line") from None
    if not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"{path} has lines that are no objects", "give JSON, one object a line")
    return rows


def compare(expected: Sequence[TurnRow], said: Sequence[TurnRow]) -> list[TurnReport]:
    """How each turn of one conversation went.

    A turn that tells no brief leaves the claims as they were: an answer makes no new version.
    """
    by_turn = {row.get("turn"): row for row in said}
    told_before = list[str]()
    now, before = Counter[Slots](), set[Slots]()
    reports = list[TurnReport]()
    for row in expected:
        told_before += row.get("not_shown", ())
        got = by_turn.get(row["turn"])
        now = _asked(got, now)
        ways = [row, *({**row, **other} for other in row.get("or", ()))]
        faults = min((_faults(way, got, now, told_before) for way in ways), key=len)
        wrong = {fault.claim for fault in faults}
        inherited = bool(faults) and () not in wrong and wrong <= before
        before = wrong - {()}
        reports.append(
            TurnReport(
                row["conversation"],
                row["turn"],
                row["line"],
                tuple(fault.text for fault in faults),
                inherited,
                _without(_words(got, "unchecked"), row.get("unchecked", ())),
            )
        )
    return reports


def slots_of(claim: Sequence[str]) -> Slots:
    """A claim's [kind, subject, value, object] in one form, whichever way round it was said."""
    kind, subject, value, other = (*(part.strip().lower() for part in claim), "", "", "", "")[:4]
    if kind in SCENERY:
        return kind, value
    if kind == "relation":
        if value in INVERSE:
            subject, value, other = other, INVERSE[value], subject
        return kind, subject, value, other
    if kind == "object":
        return kind, subject
    if kind == "absent":
        return kind, *sorted(filter(None, (subject, value)))
    return kind, subject, value.replace("center", "centre")


def _faults(
    row: TurnRow, got: TurnRow | None, now: Counter[Slots], told_before: Sequence[str]
) -> list[_Fault]:
    if got is None:
        return [_Fault("no answer")]
    found = list[_Fault]()
    if got.get("tool") != row["tool"]:
        found.append(_Fault(f"called {got.get('tool')}, not {row['tool']}"))
    found += _arguments(row.get("args", {}), got.get("arguments") or got.get("args") or {})
    wanted, free = _counted(row["claims"]), _counted(row.get("optional", ()))
    found += [_Fault(f"lacks: {' '.join(c)}", c) for c in (wanted - now).elements()]
    found += [_Fault(f"too much: {' '.join(c)}", c) for c in (now - wanted - free).elements()]
    return found + _unsaid(row, got, told_before)


def _arguments(wanted: Mapping[str, Any], told: Mapping[str, Any]) -> list[_Fault]:
    differ = [k for k in wanted if k in told and str(told[k] or "") != str(wanted[k] or "")]
    return [_Fault(f"{key} is {told[key]!r}, not {wanted[key]!r}") for key in differ]


def _unsaid(row: TurnRow, got: TurnRow, told_before: Sequence[str]) -> list[_Fault]:
    """Words that should have been named as not shown or unchecked, and those named in error."""
    found = list[_Fault]()
    for key in ("not_shown", "unchecked"):
        missed = _without(row.get(key, ()), _words(got, key))
        found += [_Fault(f"not named as {key.replace('_', ' ')}: {word}") for word in missed]
    falsely = _without(_words(got, "not_shown"), told_before)
    return found + [_Fault(f"named as not shown: {word}") for word in falsely]


def _words(got: TurnRow | None, key: str) -> tuple[str, ...]:
    """The words that the brief and the verdict name, each once."""
    parts = [(got or {}).get(part) or {} for part in ("brief", "verdict")]
    return tuple(dict.fromkeys(str(word) for part in parts for word in part.get(key) or ()))


def _without(words: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """The words that none of the others is a part of, or has as its part."""
    known = [other.lower() for other in others if other]
    return tuple(w for w in words if not any(w.lower() in o or o in w.lower() for o in known))


def _asked(got: TurnRow | None, before: Counter[Slots]) -> Counter[Slots]:
    brief = (got or {}).get("brief")
    if not brief:
        return before
    keys = ("kind", "subject", "value", "object")
    asked = [c for c in brief.get("claims") or () if c.get("source", "asked") == "asked"]
    return _counted([[str(claim.get(key) or "") for key in keys] for claim in asked])


def _counted(claims: Iterable[Sequence[str]]) -> Counter[Slots]:
    return Counter(slots_of(claim) for claim in claims)


def _of(name: str, stored: Sequence[TurnRow]) -> list[TurnRow]:
    return [row for row in stored if row.get("conversation", name) == name]


def _held(lines: Sequence[str], profile: str) -> list[TurnRow]:
    """What `limner chat --json` says to these lines; raises `BadInput` where it says nothing."""
    with tempfile.TemporaryDirectory() as folder:
        typed = [sys.executable, "-m", "limner", "chat", "--json", "--profile", profile]
        ran = subprocess.run(
            [*typed, *OPTIONS, "--out", folder],
            input="".join(f"{line}\n" for line in lines).encode(),
            capture_output=True,
            timeout=60 * MINUTES,
            check=False,
        )
    rows = [json.loads(line) for line in ran.stdout.decode().splitlines() if line.strip()]
    if not rows:
        problem = ran.stderr.decode(errors="replace").strip()[-2_000:]
        raise BadInput(f"limner chat --json said nothing: {problem}", "run it by hand")
    return rows


if __name__ == "__main__":
    main()
