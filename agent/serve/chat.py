"""A conversation for OpenAI's chat clients, who send all that was said so far with every line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from limner.agent.brief.verdict import verdict_of
from limner.agent.conversation.recorder import SessionRecorder
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, Event, Finished, Replied, TurnHeard
from limner.agent.i18n import Language, claim_in, noted, phrase
from limner.agent.plain import one_line
from limner.agent.records import Critique
from limner.agent.scoring.evaluate import verdicts
from limner.agent.search.run import Limits
from limner.agent.serve.house import AppState
from limner.agent.studio import Studio
from limner.agent.tools.outputs import judged
from limner.errors import LimnerError

__all__ = ["Reply", "seed_from", "words_in"]

_MARKS = {"holds": "✓", "fails": "✗", "can't tell": "?"}
_SHOWN = ("select", "undo", "redo", "back_to", "adjust", "save")  # without being painted


@dataclass(slots=True)
class Reply:
    """The answer to the last of `lines`, which are all that the user has said.

    What was remembered of the lines before is gone on from; what was not is painted once more,
    from the same seeds, so that the same lines always get the same answer. `base` is this server's
    own address, for links.
    """

    house: AppState
    lines: Sequence[str]
    seed: int
    limits: Limits
    base: str
    said: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=lambda: {"tool": "", "choices": []})

    def work(self, studio: Studio) -> Generator[Event, None, None]:
        """What the job does; at its end `said` is the answer, a paragraph each."""
        session, known = self._remembered(studio)
        for number in range(known, len(self.lines)):
            last = number == len(self.lines) - 1
            try:
                with closing(session.turn(self.lines[number])) as events:
                    if last:
                        yield from self._answered(events, session)
                    for _ in events:
                        pass  # nobody hears of earlier lines again
            except LimnerError:
                if last:
                    raise  # earlier ones were refused then, too, and changed nothing
            self.house.chats.keep(self._key(number + 1), session if last else session.fork())

    def _answered(
        self, events: Generator[Event, None, None], session: Session
    ) -> Generator[Event, None, None]:
        """The events of the last line, of which the answer is made."""
        painted = False
        for event in events:
            match event:
                case TurnHeard(call):
                    self.told["tool"] = call.tool
                case BriefReady(brief):
                    notes = [noted(note, session.language) for note in event.notes]
                    self.said += filter(None, [one_line(brief.reply), *notes])
                case Replied(text, choices):
                    self._ask(text, choices)
                case Finished():
                    painted = True
            yield event
        if (painted or self.told["tool"] in _SHOWN) and session.meant is not None:
            self._show(session, session.meant)
        self.said = self.said or [phrase(session.language, "ready")]

    def _ask(self, text: str, choices: Sequence[str]) -> None:
        lines = [f"{n}. {one_line(choice)}" for n, choice in enumerate(choices, start=1)]
        self.said.append("\n".join([one_line(text), *lines]))
        self.told["choices"] = [*choices]

    def _show(self, session: Session, number: int) -> None:
        """The picture with its verdict, and claim by claim."""
        take, language = session.take(number), session.language
        link = self.house.link(session.stamped(number, self.house.profile), self.base)
        title = re.sub(r"[\[\]()<>\\`]", "", one_line(take.brief.request, 80))
        said = one_line(verdict_of(take, language, number).said)
        claims = _claims(take.critique, language)
        self.said += [f"![{title}]({link})", "\n".join([said, *claims])]
        self.told |= {"take": number, **judged(take.brief, take.critique)}

    def _remembered(self, studio: Studio) -> tuple[Session, int]:
        """The conversation as it was before what is new, and how many lines that was.

        Only the first to go on from it goes on in its diary, too: an archived session has one end.
        """
        for known in range(len(self.lines) - 1, 0, -1):
            if session := self.house.chats.find(self._key(known)):
                fork = session.fork()
                fork.diary, session.diary = session.diary, None
                return fork, known
        return Session(studio, self.seed, self.limits, diary=self._diary()), 0

    def _diary(self) -> SessionRecorder | None:
        return (
            SessionRecorder(self.house.archive, self.house.profile) if self.house.archive else None
        )

    def _key(self, count: int) -> str:
        told = [self.seed, sorted(self.limits.items()), *self.lines[:count]]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def seed_from(lines: Sequence[str]) -> int:
    """The seed of a conversation whose caller gave none: it follows from its first line."""
    return int.from_bytes(hashlib.sha256(lines[0].encode()).digest()[:4], "big")


def words_in(text: str) -> int:
    """About as many tokens as a text has: words, signs, and Chinese characters."""
    return len(re.findall(r"[一-鿿]|[^\W一-鿿]+|[^\w\s]", text))


def _claims(critique: Critique, language: Language) -> list[str]:
    """A line for each claim; those that the writer added come last, in one."""
    asked, own = list[str](), list[str]()
    rows = zip(critique.claims, critique.probabilities, verdicts(critique), strict=True)
    for claim, known, seen in rows:
        percent = "" if known is None else f" ({known:.0%})"
        line = f"{_MARKS[seen]} {one_line(claim_in(claim, language))}{percent}"
        (own if claim.source == "invented" else asked).append(line)
    added = phrase(language, "invented", texts=phrase(language, "comma").join(own))
    return [*(f"- {line}" for line in asked), *([f"- {added}"] if own else [])]
