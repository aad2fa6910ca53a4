"""Writes files so that they appear whole or not at all, and never over another one by chance."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO

from limner.errors import BadInput

__all__ = [
    "PART",
    "cannot_save",
    "write_named",
    "write_new",
    "write_slowly",
]


PART = ".part"  # ends the name of a file that is not finished

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}


def write_new(path: Path, content: bytes, check: Callable[[Path], object] | None = None) -> Path:
    """Write a file under `path`, or the next free name (`cat-2.png`), and return its path.

    `check` looks at the finished file before it is named, and raises where it is not as it should
    be. Raises `BadInput` when the disk is full or the folder can't be written; then nothing is
    left.
    """
    try:
        with _finished(path, content) as part:
            if check:
                check(part)
            return next(name for name in _names(path) if _claimed(part, name))
    except (OSError, ValueError) as error:
        raise cannot_save(path, error) from error


def write_named(path: Path, content: bytes) -> None:
    """Write a file under `path` and no other name, in the place of what was there.

    Raises `OSError`; then what was there is still there, and nothing else is.
    """
    with _finished(path, content) as part:
        part.replace(path)
        _flush_folder(path.parent)


@contextmanager
def write_slowly(path: Path) -> Iterator[IO[bytes]]:
    """A file to write piece by piece; under `path`, it is there once the last piece is written.

    Raises `BadInput` when that can't be; then what was there is still there, and nothing else is.
    """
    part = _part_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise cannot_save(path, error) from error
    finally:
        with suppress(OSError):  # it has its name, or was never there
            part.unlink()


def cannot_save(out: Path, error: Exception) -> BadInput:
    """What to say when `out` can't be written."""
    if getattr(error, "errno", None) in _FULL:
        return BadInput(f"can't save {out}: the disk is full", "make room, or type --out FOLDER")
    reason = getattr(error, "strerror", None) or "not a possible name"
    return BadInput(f"can't save {out}: {reason}", "type --out and a folder that you may write")


@contextmanager
def _finished(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside `path` that holds the content: flushed to the disk and read back."""
    part = _part_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if part.read_bytes() != content:
            raise OSError(errno.EIO, "the disk gave back something else than was written")
        yield part
    finally:
        with suppress(OSError, ValueError):  # it was never there, or its folder is none
            part.unlink()


def _part_beside(path: Path) -> Path:
    return path.parent / f".limner-{secrets.token_hex(8)}{PART}"


def _claimed(part: Path, name: Path) -> bool:
    """Give the finished file its name, unless another file has it."""
    try:
        os.link(part, name)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _claimed_without_links(part, name)
    return True


def _claimed_without_links(part: Path, name: Path) -> bool:
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    try:
        part.replace(name)
    except OSError:
        name.unlink()
        raise
    return True


def _names(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))


def _flush_folder(folder: Path) -> None:
    """Have the disk remember the new name, too, where folders can be flushed."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
