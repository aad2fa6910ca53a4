"""A conversation that comes in line by line: what each line asks for, and the painting it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from limner.agent.conversation.session import Session
from limner.agent.events import Event
from limner.agent.language.hearing import Heard, answer_of
from limner.errors import BadInput

__all__ = ["Talk", "Turn"]

Painting = Generator[Event, None, None]


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of a line: `said` at once, a line each, and `painting` where it takes models.

    `painting` is called where the models are; its events end with `Finished`.
    """

    said: tuple[str, ...] = ()
    painting: Callable[[], Painting] | None = None


@dataclass(slots=True)
class Talk:
    """A session, and what was asked back and is not answered yet.

    `job` is the latest of it; who takes a turn in it holds `alone`.
    """

    session: Session
    asked: Heard | None = None
    job: str = ""
    alone: threading.Lock = field(default_factory=threading.Lock)

    def fork(self) -> Talk:
        """The same conversation once more, to go on from here in another way."""
        return Talk(self.session.fork(), self.asked)

    def hear(self, words: str) -> Turn:
        """What one line asks for. Raises `BadInput` for what can't be done."""
        heard = self._answered(words) or self.session.hear(words)
        take = len(self.session.takes) if heard.take == -1 else heard.take
        match heard.kind:
            case "request" | "change":
                anew = heard.kind == "request"
                return Turn(painting=lambda: self._draft(heard.words, take, anew))
            case "unclear":
                self.asked = heard
                return Turn((f"{heard.question} ({', '.join(heard.choices)})",))
            case "finish":
                return Turn(self.session.finish(heard.words))
            case step:
                return self.step(step, take)

    def step(self, name: str, number: int | None = None) -> Turn:
        """A step that needs no words: pick, branch, undo, redo, again or go."""
        session = self.session
        match name:
            case "pick" | "branch" if number is None:
                raise BadInput("Which one?", f"Say its number: {name} 2.")
            case "pick":
                return Turn((f"#{session.pick(number or 0).number + 1} it is.",))
            case "branch":
                return Turn((_at(session.branch(number or 0).request),))
            case "undo":
                return Turn((_at(session.undo().request),))
            case "redo":
                return Turn((_at(session.redo().request),))
            case "again" | "go":
                if session.brief is None:
                    raise BadInput("There is no picture yet.", "Say what you want to see.")
                return Turn(painting=lambda: self._again(name, number))
        raise BadInput(f"There is no step {name!r}.", "One of: pick, branch, undo, redo, again.")

    def _draft(self, words: str, take: int | None, anew: bool) -> Painting:
        yield from self.session.draft(words, take, anew=anew)
        yield from self.session.paint()

    def _again(self, name: str, number: int | None) -> Painting:
        unpainted = not any(past.takes for past in self.session.history() if past.here)
        fresh = name == "again" or not unpainted
        yield from self.session.again(number) if fresh else self.session.paint()

    def _answered(self, words: str) -> Heard | None:
        """What an unclear line becomes by its answer; None where this is no answer to it."""
        asked, self.asked = self.asked, None
        chosen = answer_of(words, asked.choices) if asked else ""
        if not asked or not chosen:
            return None
        return Heard("change", asked.words.replace("{thing}", chosen), asked.take)


def _at(request: str) -> str:
    return f"Now at: {request}"
