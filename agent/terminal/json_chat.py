"""A conversation between programs: each line in is one turn, and each turn one line of JSON out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limner.agent.brief.verdict import verdict, verdict_of
from limner.agent.records import Verdict
from limner.agent.terminal.chat import Chat, ChatTurn
from limner.agent.tools.outputs import brief_dict, verdict_dict
from limner.errors import LimnerError

__all__ = [
    "JsonChat",
]


def _nowhere(_: dict[str, Any]) -> None:
    """Tells nobody."""


@dataclass
class JsonChat(Chat):
    """As `Chat`; what came of a line goes to `tell`, and its picture is saved at once.

    A line that can't be done is told with `error` and `hint`, and the next one is heard.
    """

    tell: Callable[[dict[str, Any]], None] = _nowhere
    turn: int = 0

    def hear(self, line: str) -> None:
        """Do what one line says, and tell it; an empty line is no turn."""
        self.turn += bool(line.strip())
        self.screen.remembered()
        try:
            super().hear(line)
            if self.unsaved:
                self.save(self.out)
        except LimnerError as error:
            self.tell({"turn": self.turn, "error": error.message, "hint": error.hint})
            raise
        if line.strip():
            self.tell(self._told(line, self.screen.remembered().strip()))

    def _told(self, line: str, printed: str) -> dict[str, Any]:
        last, brief, known = self.last, self.session.brief, self._verdict()
        return {
            "turn": self.turn,
            "line": line.rstrip("\n"),
            "tool": last.call.tool if last.call else last.command,
            "arguments": _arguments(last),
            "brief": brief_dict(brief) if brief else None,
            "verdict": verdict_dict(known) if known else None,
            "picture": str(last.saved) if last.saved else None,
            "reply": self._reply(printed),
            "fallback": _fallback(last),
            "seed": self.session.seed,
        }

    def _reply(self, printed: str) -> str:
        """What is said to the user: an answer, what changed, or what a command has printed."""
        last = self.last
        if last.reply or not last.drafted:
            return last.reply or ("" if last.call else printed)
        return last.drafted.brief.reply

    def _verdict(self) -> Verdict | None:
        """What is known of the version at hand: of its picture, or before it has one."""
        session = self.session
        number, language = session.meant, self.screen.language
        if number and session.tree.candidates[number].version + 1 == session.version:
            return verdict_of(session.candidate(number), language, number)
        return verdict(session.brief, language=language) if session.brief else None


def _arguments(turn: ChatTurn) -> dict[str, Any]:
    """What the call was given, as far as it is short."""
    if turn.call is None:
        return {}
    keys = ("request", "candidate", "version", "remove", "instruction", "choices")
    return {key: value for key in keys if (value := getattr(turn.call, key))}


def _fallback(turn: ChatTurn) -> str:
    drafted = turn.drafted.fallback if turn.drafted else ""
    return (turn.call.fallback if turn.call else "") or drafted
