"""Tells a build server what came of a batch: a row is a test, and what is missing its failure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import XMLGenerator

from limner.agent.archive.whole import write_slowly
from limner.agent.batch.rows import BadRow, Outcome, Seen
from limner.agent.plain import clean, one_line

if TYPE_CHECKING:
    from limner.agent.batch.rows import Status

__all__ = ["write_junit"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, §2.2
_BROKEN: tuple[Status, ...] = ("failed", "set aside")


def write_junit(
    outcomes: Iterable[Outcome], path: Path, bad: Sequence[BadRow] = (), name: str = "limner"
) -> Path:
    """Write JUnit's XML and return its path; the outcomes are gone through twice.

    A row that falls short is a failure that names what is missing; a row that broke and a row that
    couldn't be used are errors. Raises `BadInput` when the file can't be saved.
    """
    counts = _counts(outcomes, bad) | {"name": name}
    with write_slowly(path) as file:
        xml = _Xml(file)
        xml.startDocument()
        xml.begin("testsuites", **counts)
        xml.begin("testsuite", **counts)
        for outcome in outcomes:
            _case(xml, outcome, name)
        for row in bad:
            xml.begin("testcase", classname=name, name=f"line {row.line}", time="0")
            xml.element("error", "", message=row.why, type="bad row")
            xml.end("testcase")
        xml.end("testsuite")
        xml.end("testsuites")
        xml.endDocument()
    return path


class _Xml(XMLGenerator):
    """Elements whose text and attributes hold only what XML 1.0 allows."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, "utf-8", short_empty_elements=True)

    def begin(self, tag: str, **attributes: str) -> None:
        shown = {name: _allowed(one_line(value, 1_000)) for name, value in attributes.items()}
        self.startElement(tag, shown)  # type: ignore[arg-type]  # any mapping will do

    def end(self, tag: str) -> None:
        self.endElement(tag)
        self.ignorableWhitespace("\n")

    def element(self, tag: str, text: str, **attributes: str) -> None:
        self.begin(tag, **attributes)
        self.characters(_allowed(clean(text)))
        self.end(tag)


def _case(xml: _Xml, outcome: Outcome, suite: str) -> None:
    xml.begin("testcase", classname=suite, name=outcome.id, time=f"{outcome.seconds:.3f}")
    if outcome.status == "short":
        missing = list(outcome.short) or [_told(c) for c in outcome.asked if not c.holds]
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        message = (missing or ["it falls short"])[0] + more
        xml.element("failure", "\n".join(missing), message=message, type="short")
    if outcome.status in _BROKEN:
        hint = f"\n{outcome.hint}" if outcome.hint else ""
        xml.element(
            "error", outcome.error + hint, message=outcome.error or outcome.status, type="broken"
        )
    xml.element("system-out", "\n".join(_lines(outcome)))
    xml.end("testcase")


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"request: {one_line(outcome.request)}"
    if outcome.prompt:
        yield f"prompt: {one_line(outcome.prompt)}"
    if outcome.picture:
        yield f"picture: {one_line(outcome.picture)}"
    yield from map(_told, outcome.asked)
    yield from (f"not checked: {one_line(words)}" for words in outcome.words("unchecked"))
    yield from (f"can't be shown: {one_line(words)}" for words in outcome.words("not_shown"))
    own = (claim for claim in outcome.claims if not claim.decides)
    yield from (f"added by the writer: {_told(claim)}" for claim in own)


def _told(claim: Seen) -> str:
    seen = "not checked" if claim.probability is None else f"{100 * claim.probability:.1f} %"
    mark = {True: "holds", False: "does not hold", None: "open"}[claim.holds]
    return f"{mark}: {one_line(claim.text)} ({seen})"


def _counts(outcomes: Iterable[Outcome], bad: Sequence[BadRow]) -> dict[str, str]:
    tests, failures, errors, seconds = len(bad), 0, len(bad), 0.0
    for outcome in outcomes:
        tests += 1
        failures += outcome.status == "short"
        errors += outcome.status in _BROKEN
        seconds += outcome.seconds
    counted = {"tests": tests, "failures": failures, "errors": errors, "skipped": 0}
    return {name: str(count) for name, count in counted.items()} | {"time": f"{seconds:.3f}"}


def _allowed(text: str) -> str:
    return _NOT_XML.sub("", text)
