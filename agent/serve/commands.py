"""Does what a line on the page asks for besides describing a picture: /help, /undo, /pick 2."""

from __future__ import annotations

import re

from limner.agent.brief.tool_call import Call, Tool
from limner.errors import BadInput
from limner.prompts.words import turn_words

__all__ = ["HELP", "STEPS", "asks_for_help", "call_of", "typed_step"]

HELP = (
    "Say what you want to see, then what should be different: “make it night”, “remove the"
    " balloon”, “the second one, but blue”, “brighter”, “undo”. A question paints nothing."
    " Typed commands: /undo, /redo, /again, /pick 2, /version 1."
)

STEPS: dict[str, Tool] = {
    "pick": "select",
    "branch": "back_to",
    "undo": "undo",
    "redo": "redo",
    "again": "draw",
}
"""Steps that need no words, and the tools that do them."""

_OLDER = {"version": "branch", "select": "pick", "go": "again"}


def asks_for_help(words: str) -> bool:
    """Whether a line asks what can be said here."""
    bare = words.casefold().strip(" .!?。！？")
    return bare == "/help" or bare in turn_words().help


def typed_step(words: str) -> tuple[str, int | None] | None:
    """The step that a line types, such as "/pick 2", with its number; None for plain words.

    Raises `BadInput` for a command that there is not.
    """
    if not words.startswith("/"):
        return None
    found = re.fullmatch(r"/(\w+)(?: +#?(\d{1,6}))?", words.strip())
    name = _OLDER.get(found[1], found[1]) if found else ""
    if found is None or name not in STEPS:
        raise BadInput(f"there is no command {words[:40]} here", "type /help to see what there is")
    return name, int(found[2]) if found[2] else None


def call_of(step: str, number: int | None) -> Call:
    """The call of a tool that does a step; `number` is that of a candidate or version."""
    if step in ("pick", "branch") and number is None:
        raise BadInput("Which one?", f"Say its number: {step} 2.")
    if step == "branch":
        return Call("back_to", version=number)
    return Call(STEPS[step], candidate=number if step in ("pick", "again") else None)
