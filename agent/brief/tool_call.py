"""What one line of a conversation does: one call of one tool, and what a writer is told for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal

from limner.agent.brief.finishing import finishing
from limner.agent.plain import one_line
from limner.agent.records import Brief, Claim, Verdict
from limner.prompts.words import turn_words

__all__ = [
    "TOOLS",
    "Call",
    "CandidateSummary",
    "Tool",
    "TurnContext",
    "plain_call",
]


Tool = Literal[
    "draw", "edit", "select", "undo", "redo", "back_to", "adjust", "save", "answer", "ask"
]

TOOLS: dict[str, str] = {
    "draw": "Paint a new picture; with an empty request, the same brief again from fresh seeds.",
    "edit": "Change the brief at hand: claims to add, to remove and to change, by number.",
    "select": "Mean another candidate from now on, by its number.",
    "undo": "Go back to what was before the last change.",
    "redo": "Do again what was undone.",
    "back_to": "Go on from an earlier version, by its number.",
    "adjust": "Finish the picture: brightness, contrast, colour, size, crop.",
    "save": "Save the picture that is selected.",
    "answer": "Answer a question about what was done or seen; nothing is painted.",
    "ask": "Ask one question, because a line can mean two things.",
}
"""What each tool does, in one sentence."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one tool; what a tool does not take is left empty.

    `request` is the description of a new picture, `add`, `remove` (numbers from 1) and `change`
    (by number) the patch to the claims at hand, `instruction` the change in one sentence, or what
    to adjust. `candidate` and `version` count from 1, -1 is the last. `text` answers, `question`
    and `choices` ask. `then` follows a selection: "the second one, but at night". `line` is what
    was typed; `unchecked` are words of it that a writer of rules could not use, None where nobody
    told. `fallback` is "" or one line on why the line was not understood by the writer.
    """

    tool: Tool
    line: str = ""
    request: str = ""
    add: tuple[Claim, ...] = ()
    remove: tuple[int, ...] = ()
    change: Mapping[int, Claim] = field(default_factory=dict)
    instruction: str = ""
    candidate: int | None = None
    version: int | None = None
    text: str = ""
    question: str = ""
    choices: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    unchecked: tuple[str, ...] | None = None
    then: Call | None = None
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class CandidateSummary:
    """A picture of the conversation in short: which version it shows, and how it was judged."""

    number: int
    version: int
    holds: int
    of: int


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What a writer is told of a conversation, to understand its next line.

    `brief` is that of the version at hand, None before the first; `request` all that was said.
    `versions` are (number, words, changes), `candidates` the pictures, `selected` the number of
    the one that is meant.
    """

    brief: Brief | None = None
    request: str = ""
    verdict: Verdict | None = None
    versions: tuple[tuple[int, str, tuple[str, ...]], ...] = ()
    candidates: tuple[CandidateSummary, ...] = ()
    selected: int | None = None
    language: str = "english"

    def values(self, line: str) -> dict[str, Any]:
        """The values of the task "turn"; see `limner.agent.brief.schema`."""
        claims, seen = self.brief.claims if self.brief else (), self.verdict
        told = ("reached", "holds", "fails", "cannot_tell", "unchecked", "not_shown")
        verdict = {name: getattr(seen, name) for name in told} if seen else None
        keys = ("text", "kind", "subject", "value", "object", "source", "quote")
        return {
            "line": line,
            "claims": [
                {"number": n, **{key: getattr(claim, key) for key in keys}}
                for n, claim in enumerate(claims, start=1)
            ],
            "request": self.request,
            "verdict": verdict,
            "versions": [
                {"number": n, "words": one_line(words, 120), "changes": [*changes][:8]}
                for n, words, changes in self.versions[-12:]
            ],
            "candidates": [asdict(candidate) for candidate in self.candidates[-12:]],
            "selected": self.selected,
            "language": self.language,
        }


def plain_call(line: str, talk: TurnContext) -> Call | None:
    """The call of a line that can only mean one thing ("undo", "#2", "thanks"); None for others."""
    said = one_line(line).casefold().strip(" .!。！~")
    words = turn_words()
    if said in words.small or said in words.help:
        return Call("answer", line)
    if talk.brief is None:
        return None
    for tool in ("undo", "redo", "save"):
        if said in getattr(words, tool):
            return Call(tool, line)
    if said in words.again:
        return Call("draw", line)
    if finishing(line):
        return Call("adjust", line, instruction=line)
    for pattern, number in _called():
        if (found := pattern.fullmatch(said)) and talk.candidates:
            named = number if number is not None else int(found["n"])
            return Call("select", line, candidate=named)
    return None


@cache
def _called() -> tuple[tuple[re.Pattern[str], int | None], ...]:
    """The ways to name a candidate, each with the number that it means (None: in figures)."""
    words = turn_words()
    before, after = ("|".join(map(re.escape, told)) for told in (words.before, words.after))
    frame = rf"(?:(?:{before})\s*)?{{}}(?:,?\s*(?:{after}))?"
    made: list[tuple[re.Pattern[str], int | None]] = []
    for form in words.called:
        left, _, right = form.partition("{n}")
        edges = (re.escape(left), re.escape(right))
        made.append((re.compile(frame.format(rf"{edges[0]}(?P<n>\d{{1,3}}){edges[1]}")), None))
        if not (left or right) or left == "#":
            continue  # "two" alone is a number of things
        for number, names in words.ordinals.items():
            names = [name for name in names if name.isascii() == form.isascii()]
            inner = rf"{edges[0]}(?:{'|'.join(map(re.escape, names))}){edges[1]}"
            made.append((re.compile(frame.format(inner)), number))
    return tuple(made)
