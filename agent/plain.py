"""Makes text from anywhere safe to print: nothing in it can steer a terminal or hide."""

from __future__ import annotations

import re

from limner.errors import BadInput

__all__ = ["LONGEST_REQUEST", "clean", "first_line", "one_line", "request_line", "uncapped"]

LONGEST_REQUEST = 4_000  # characters

_STRINGS = r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
_CONTROL_SEQUENCE = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
_SHORT_ESCAPE = r"\x1b[ -/]*[0-~]?"
_SEQUENCES = re.compile(f"{_STRINGS}|{_CONTROL_SEQUENCE}|{_SHORT_ESCAPE}")  # ECMA-48 §5.3 to §5.6
_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"  # halves of pairs; tags
)


def clean(text: str) -> str:
    """The text without anything that could steer a terminal or hide from its reader.

    Removed: terminal sequences with their payload, control characters other than tab and line
    feed, characters of zero width, and those that turn the direction of writing.
    """
    return _UNSEEN.sub("", _BREAKS.sub("\n", _SEQUENCES.sub("", text)))


def one_line(text: str, longest: int = 0) -> str:
    """The clean text with its white space collapsed, cut with … when `longest` is exceeded."""
    line = " ".join(clean(text).split())
    return line[: longest - 1] + "…" if 0 < longest < len(line) else line


def first_line(problem: Exception) -> str:
    """What somebody else's code raised, in one clean line."""
    return one_line(f"{type(problem).__name__}: {problem}", 200)


def request_line(text: str) -> str:
    """The request as one clean line.

    Raises `BadInput` when nothing readable is left, or for more than 4,000 characters.
    """
    if not isinstance(text, str):
        raise BadInput(f"a request is text, not {type(text).__name__}", 'say what to paint: "…"')
    if len(text) > LONGEST_REQUEST:
        raise BadInput(
            f"the request has {len(text):,} characters; {LONGEST_REQUEST:,} are the most",
            "say it in fewer words",
        )
    line = one_line(text)
    if not line:
        raise BadInput("the request is empty", 'say what to paint: limner "a cat on the grass"')
    return line


def uncapped(sentence: str) -> str:
    """The sentence as a part of a line: no capital at its start, no full stop at its end."""
    head = sentence[:2]
    return (head.lower() if head.istitle() else head) + sentence[2:].rstrip(".")
