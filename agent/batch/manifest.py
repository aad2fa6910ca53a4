"""The list of what came of every row: a line of JSON each, appended as it happens."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from limner.agent.archive.whole import cannot_save, write_slowly
from limner.agent.batch.rows import Outcome
from limner.errors import BadInput

__all__ = ["Manifest"]

NAME = "manifest.jsonl"
"""What the file is called, in the folder of a batch."""
_LONGEST = 1 << 22  # bytes of a line


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a folder, which is read anew each time that it is gone through.

    However long it is, one line is in memory at a time.
    """

    path: Path

    @classmethod
    def of(cls, folder: Path) -> Manifest:
        """The manifest in a folder, or that file itself. Raises `BadInput` where there is none."""
        path = folder / NAME if folder.is_dir() else folder
        if not path.is_file():
            raise BadInput(f"there is no {NAME} in {folder}", "name the folder of a batch")
        return cls(path)

    @property
    def folder(self) -> Path:
        """Where the pictures are."""
        return self.path.parent

    def __iter__(self) -> Iterator[Outcome]:
        """Every outcome, in the order of the file.

        A last line without an end is one that was never written whole, and is left out. Raises
        `BadInput` for a file that can't be read, and for a line that is no outcome.
        """
        try:
            with self.path.open("rb") as file:
                number = 0
                while line := file.readline(_LONGEST):
                    number += 1
                    if line.endswith(b"\n") and line.strip():
                        yield self._parsed(line, number)
        except OSError as error:
            raise BadInput(f"can't read {self.path}: {error.strerror}") from error

    def append(self, outcome: Outcome) -> None:
        """Add one line, whole, and have it on the disk. Raises `BadInput` when that can't be.

        A line that was cut off by a crash is ended first. One process may do this at a time.
        """
        line = outcome.as_json().encode() + b"\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+", buffering=0) as file:
                _drop_half_line(file.fileno())
                os.write(file.fileno(), line)
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_save(self.path, error) from error

    def rewrite(self, outcomes: Iterable[Outcome]) -> None:
        """Replace all lines at once. Raises `BadInput` when that can't be; then nothing changes."""
        with write_slowly(self.path) as file:
            for outcome in outcomes:
                file.write(outcome.as_json().encode() + b"\n")

    def _parsed(self, line: bytes, number: int) -> Outcome:
        try:
            return Outcome.parse(line)
        except BadInput as problem:
            raise BadInput(f"{self.path}, line {number}: {problem.message}", problem.hint) from None


def _drop_half_line(handle: int) -> None:
    """Cut off what follows the last line end: the start of a line whose writing was cut short."""
    size = os.fstat(handle).st_size
    end = size
    while end > 0:
        start = max(end - 4096, 0)
        at = os.pread(handle, end - start, start).rfind(b"\n")
        if at >= 0:
            end = start + at + 1
            break
        end = start
    if end != size:
        os.ftruncate(handle, end)
