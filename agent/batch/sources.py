"""Opens a file of requests, or standard input, as text, whatever wrote it."""

from __future__ import annotations

import codecs
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from limner.errors import BadInput

__all__ = ["TextSource", "Unfinished", "as_text", "opened"]

_BLOCK = 1 << 18
_SAMPLE = 1 << 16
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
MOST_LINES, LONGEST_RECORD = 100, 1 << 16
"""The lines and the characters of one record; whatever has more was never closed."""


class Unfinished(Exception):
    """A record that goes on for too long, or to the end of the file."""


@contextmanager
def opened(source: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file; `-` is standard input. What can be read only once is put aside first.

    Raises `BadInput` for what can't be opened.
    """
    try:
        with _bytes(source) as stream:
            yield stream
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadInput(f"can't read {source}: {reason}", "name a file of requests, or -") from error


@contextmanager
def as_text(stream: IO[bytes]) -> Iterator[TextIO]:
    """The bytes as text in the encoding that they are in; line ends stay as they are.

    Known: UTF-8, UTF-16 and UTF-32 with or (UTF-16) without a mark; then GB 18030 where it reads as
    Chinese; then Windows-1252. Of UTF-8 with damaged places these alone are lost: they become lone
    surrogates. The whole file is read for it, block by block. Raises `BadInput` for anything else.
    """
    encoding, errors = _encoding(stream)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
    try:
        yield text
    finally:
        text.detach()  # whoever opened the bytes closes them


class TextSource:
    """The lines of a text, with their numbers, and a way back to where a record began.

    `number` is that of the last line that was given, 1-based.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: list[str] = []
        self._record: list[str] = []
        self._length = 0
        self.number = 0

    def begin(self) -> int:
        """Begin a record; returns the number of its first line."""
        self._record, self._length = [], 0
        return self.number + 1

    def __iter__(self) -> TextSource:
        return self

    def __next__(self) -> str:
        """The next line. Raises `Unfinished` where a record that was begun can't end well."""
        line = self._read()
        if not line and not self._record:
            raise StopIteration
        if line:
            self.number += 1
            self._record.append(line)
            self._length += len(line)
        if not line or len(self._record) > MOST_LINES or self._length >= LONGEST_RECORD:
            self._skip_rest(line)
            raise Unfinished
        return line

    def abandon(self) -> None:
        """Go on with the line after the first of this record."""
        self._back += reversed(self._record[1:])
        self.number -= max(len(self._record) - 1, 0)
        self._record = []

    def peek(self, most: int) -> list[str]:
        """Up to so many of the next lines, which stay to be read."""
        found: list[str] = []
        while len(found) < most and (line := self._read()):
            found.append(line)
        self._back += reversed(found)
        return found

    def _skip_rest(self, line: str) -> None:
        """Of a line too long to be read at once, nothing more is read into the memory."""
        while len(line) == LONGEST_RECORD and not line.endswith(("\n", "\r")):
            line = self._read()

    def _read(self) -> str:
        return self._back.pop() if self._back else self._text.readline(LONGEST_RECORD)


@contextmanager
def _bytes(source: Path) -> Iterator[IO[bytes]]:
    if str(source) == "-":
        with _put_aside(sys.stdin.buffer) as copy:
            yield copy
        return
    with source.open("rb") as stream:
        if stream.seekable():
            yield stream
            return
        with _put_aside(stream) as copy:
            yield copy


@contextmanager
def _put_aside(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy, _BLOCK)
        copy.seek(0)
        yield copy


def _encoding(stream: IO[bytes]) -> tuple[str, str]:
    start = _start(stream)
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding, "surrogateescape" if encoding == "utf-8-sig" else "replace"
    wide = _wide(start)
    if wide:
        return wide, "replace"
    good, bad = _utf8(stream)
    if good >= 9 * bad:
        return "utf-8", "surrogateescape"
    if _is_chinese(start) and _decodes(stream, "gb18030"):
        return "gb18030", "strict"
    if _decodes(stream, "cp1252"):
        return "cp1252", "strict"
    raise BadInput("that file is no text that can be read", "save it as UTF-8")


def _start(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read(_SAMPLE)


def _wide(start: bytes) -> str:
    """UTF-16 without a mark: every other byte of plain text is 0."""
    half = max(len(start) // 2, 1)
    zeros = [start[first::2].count(0) / half for first in (0, 1)]
    if max(zeros) < 0.3 or min(zeros) > 0.05:
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _utf8(stream: IO[bytes]) -> tuple[int, int]:
    """How many letters beyond ASCII are good UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    stream.seek(0)
    while block := stream.read(_BLOCK):
        text = decoder.decode(block)
        damaged = 0 if text.isascii() else sum("\udc80" <= letter <= "\udcff" for letter in text)
        bad += damaged
        good += 0 if text.isascii() else sum(letter > "\x7f" for letter in text) - damaged
    return good, bad + len(decoder.getstate()[0])


def _is_chinese(start: bytes) -> bool:
    """Whether most letters beyond ASCII are pairs of high bytes, as those of GB 2312 are."""
    text = start.decode("gb18030", errors="replace")
    beyond = [letter for letter in text if letter > "\x7f"]
    common = sum(len(letter.encode("gb2312", errors="ignore")) == 2 for letter in beyond)
    return common >= 0.9 * len(beyond)


def _decodes(stream: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    try:
        while block := stream.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
