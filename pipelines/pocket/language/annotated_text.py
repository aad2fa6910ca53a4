"""A text under construction that remembers which of its words state what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Row = tuple[str, str, str, str]  # kind, subject, value, object
Quoted = tuple[str, str, str, str, str]  # the same and the very words that say it
FIRST = 0xE000  # private characters, two for each statement, mark where its words begin and end
LOOSE = " ,.;:!?，。；：！？、…\"'“”"


@dataclass(slots=True)
class AnnotatedText:
    """What has been stated so far; `targets` says what each replaces (0: nothing)."""

    rows: list[Row] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    earlier: Callable[[Row], int] = lambda _row: 0

    def mark(self, words: str, row: Row, target: int | None = None) -> str:
        """The words, marked as those that state the row, in place of what was stated earlier."""
        at = FIRST + 2 * len(self.rows)
        self.rows.append(row)
        self.targets.append(self.earlier(row) if target is None else target)
        return f"{chr(at)}{words}{chr(at + 1)}"

    def read(self, text: str) -> tuple[str, list[tuple[int, Quoted]]]:
        """The plain text, and the statements that are in it with their words, in its order."""
        plain: list[str] = []
        begins: dict[int, int] = {}
        ends: dict[int, int] = {}
        for letter in text:
            number, end = divmod(ord(letter) - FIRST, 2)
            if 0 <= number < len(self.rows):
                (ends if end else begins)[number] = len(plain)
            else:
                plain.append(letter)
        whole = "".join(plain)
        found = sorted(ends, key=lambda n: (begins[n], -ends[n], n))
        rows = []
        for number in found:
            kind, subject, value, other = self.rows[number]
            words = whole[begins[number] : ends[number]].strip(LOOSE)
            rows.append(
                (
                    self.targets[number],
                    (kind, subject, words if kind == "text" else value, other, words),
                )
            )
        assert all(quoted[-1] for _, quoted in rows), whole  # every statement has words
        return whole, rows


def bare(text: str) -> str:
    """The text without marks."""
    return "".join(letter for letter in text if not FIRST <= ord(letter) < FIRST + 0x1000)
