"""Gives each row of a batch a name that is safe as a file's name and unlike any other."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field

from limner.agent.archive.saving import RESERVED, slug
from limner.agent.plain import clean, one_line
from limner.errors import BadInput

__all__ = ["Ids", "derived", "safe"]

LONGEST = 100
"""Bytes of an id in UTF-8: room is left for what is put after it in a file's name."""

_FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')


def safe(text: str) -> str:
    """An id from a file, as it is; raises `BadInput` for one that is no safe file name anywhere."""
    name = unicodedata.normalize("NFC", text.strip())
    why = _fault(name)
    if why:
        raise BadInput(f"the id {one_line(text, 40)!r} {why}", "use letters, digits and hyphens")
    return name


def derived(number: int, request: str) -> str:
    """The id of a row that has none: its number and some words of its request."""
    return f"{number:05d}-{slug(request)[:40].strip('-')}"


@dataclass(slots=True)
class Ids:
    """The ids of one input so far, by their digests: some 100 bytes for each row."""

    _lines: dict[int, int] = field(default_factory=dict)

    def claim(self, name: str, line: int) -> None:
        """Take a name for a row of that line; raises `BadInput` where another row has it.

        Names that differ in capitals alone are one: some disks know no difference.
        """
        plain = unicodedata.normalize("NFKC", name).casefold().encode(errors="replace")
        digest = int.from_bytes(hashlib.blake2b(plain, digest_size=8).digest())
        taken = self._lines.get(digest)
        if taken is not None:
            raise BadInput(
                f"the id {one_line(name, 40)!r} is that of line {taken}", "give each row its own"
            )
        self._lines[digest] = line


def _fault(name: str) -> str:
    if not name:
        return "is empty"
    if _FORBIDDEN.search(name):
        return "has a character that no file name may have"
    if clean(name) != name:
        return "has characters that can't be seen"
    if name.startswith((".", "-", "~")) or name.endswith("."):
        return f"begins or ends with {name[0] if name[0] in '.-~' else '.'!r}"
    if len(name.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return "is a name that systems keep for themselves" if _is_reserved(name) else ""


def _is_reserved(name: str) -> bool:
    return name.split(".")[0].strip().casefold() in RESERVED
