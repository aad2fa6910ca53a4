"""Pictures on disk, each named by what is in it, so that none is kept twice or changed unseen."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from limner.agent.archive.whole import PART, write_named
from limner.errors import BadInput

__all__ = ["Pictures", "name_of"]

_NAME = re.compile(r"[0-9a-f]{64}")
_STALE = 3_600  # seconds after which an unfinished file has no writer any more


def name_of(content: bytes) -> str:
    """The SHA-256 of a file's bytes, in 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Pictures:
    """PNG files below `folder`: the one named abcd… is `ab/abcd….png`."""

    folder: Path

    def keep(self, content: bytes) -> str:
        """Have the file on disk, flushed and verified, and return its name.

        Raises `BadInput` when the disk is full or the folder can't be written.
        """
        name = name_of(content)
        if not self._is_whole(name):
            try:
                write_named(self.path(name), content)
            except OSError as error:
                raise BadInput(
                    f"the archive can't keep a picture in {self.folder}: {error.strerror}",
                    "make room, or type --archive FOLDER to use another",
                ) from error
        return name

    def read(self, name: str) -> bytes:
        """The file's bytes. Raises `BadInput` where it is gone or not what it was."""
        try:
            content = self.path(name).read_bytes()
        except OSError as error:
            raise BadInput(
                f"the picture {self.path(name)} can't be read: {error.strerror}",
                "copy it back, if there is a copy",
            ) from error
        if name_of(content) != name:
            raise BadInput(
                f"the picture {self.path(name)} is damaged", "copy it back, if there is a copy"
            )
        return content

    def path(self, name: str) -> Path:
        """Where the file of that name is. Raises `ValueError` for anything but a SHA-256."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no picture's name")
        return self.folder / name[:2] / f"{name}.png"

    def sweep(self, wanted: Container[str]) -> None:
        """Delete every file that is not wanted, and what was never finished."""
        for path in self._files():
            with suppress(FileNotFoundError):  # someone else swept it
                if self._is_litter(path, wanted):
                    path.unlink()

    def _is_litter(self, path: Path, wanted: Container[str]) -> bool:
        if path.suffix == PART:
            return time.time() - path.stat().st_mtime > _STALE
        return bool(_NAME.fullmatch(path.stem)) and path.stem not in wanted

    def _files(self) -> Iterator[Path]:
        yield from self.folder.glob("??/*.png")
        yield from self.folder.glob(f"??/.limner-*{PART}")

    def _is_whole(self, name: str) -> bool:
        try:
            return name_of(self.path(name).read_bytes()) == name
        except OSError:
            return False
