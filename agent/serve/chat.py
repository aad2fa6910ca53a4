"""A conversation for OpenAI's chat clients, who send all that was said so far with every line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from limner.agent.archive.diary import Diary
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, Event, Finished
from limner.agent.plain import one_line
from limner.agent.records import Critique
from limner.agent.run import Limits
from limner.agent.serve.house import House
from limner.agent.serve.talk import Talk, Turn
from limner.agent.studio import Studio
from limner.errors import LimnerError

__all__ = ["Reply", "seed_from", "words_in"]

_MARKS = {True: "✓", False: "✗", None: "?"}


@dataclass(slots=True)
class Reply:
    """The answer to the last of `lines`, which are all that the user has said.

    What was remembered of the lines before is gone on from; what was not is painted once more,
    from the same seeds, so that the same lines always get the same answer. `base` is this server's
    own address, for links.
    """

    house: House
    lines: Sequence[str]
    seed: int
    limits: Limits
    base: str
    said: list[str] = field(default_factory=list)

    def work(self, studio: Studio) -> Generator[Event, None, None]:
        """What the job does; at its end `said` is the answer, a paragraph each."""
        talk, known = self._remembered(studio)
        for number in range(known, len(self.lines)):
            last = number == len(self.lines) - 1
            try:
                yield from self._turn(talk, self.lines[number], last)
            except LimnerError:
                if last:
                    raise  # earlier ones were refused then, too, and changed nothing
            self.house.chats.keep(self._key(number + 1), talk if last else talk.fork())

    def tell(self, event: Event) -> str:
        """What an event adds to the answer; "" for most."""
        return one_line(event.brief.reply) if isinstance(event, BriefReady) else ""

    def _turn(self, talk: Talk, words: str, last: bool) -> Generator[Event, None, None]:
        turn = talk.hear(words)
        if not turn.painting:
            self._conclude(talk, turn, last)
            return
        with closing(turn.painting()) as events:
            for event in events:
                if isinstance(event, BriefReady) and last:
                    self.said += filter(None, [self.tell(event)])
                if isinstance(event, Finished):
                    self._conclude(talk, turn, last)
                if last:
                    yield event

    def _conclude(self, talk: Talk, turn: Turn, last: bool) -> None:
        if not last:
            return
        self.said += turn.said
        number = talk.session.meant
        if number is not None and not talk.asked:
            content = talk.session.stamped(number, self.house.profile)
            link = self.house.link(content, self.base)
            take = talk.session.take(number)
            title = re.sub(r"[\[\]()<>\\`]", "", one_line(take.brief.request, 80))
            self.said += [f"![{title}]({link})", _claims(number, take.critique)]

    def _remembered(self, studio: Studio) -> tuple[Talk, int]:
        """The conversation as it was before what is new, and how many lines that was.

        Only the first to go on from it goes on in its diary, too: an archived session has one end.
        """
        for known in range(len(self.lines) - 1, 0, -1):
            if talk := self.house.chats.find(self._key(known)):
                fork = talk.fork()
                fork.session.diary, talk.session.diary = talk.session.diary, None
                return fork, known
        return Talk(Session(studio, self.seed, self.limits, diary=self._diary())), 0

    def _diary(self) -> Diary | None:
        return Diary(self.house.archive, self.house.profile) if self.house.archive else None

    def _key(self, count: int) -> str:
        told = [self.seed, sorted(self.limits.items()), *self.lines[:count]]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def seed_from(lines: Sequence[str]) -> int:
    """The seed of a conversation whose caller gave none: it follows from its first line."""
    return int.from_bytes(hashlib.sha256(lines[0].encode()).digest()[:4], "big")


def words_in(text: str) -> int:
    """About as many tokens as a text has: words, signs, and Chinese characters."""
    return len(re.findall(r"[一-鿿]|[^\W一-鿿]+|[^\w\s]", text))


def _claims(number: int, critique: Critique) -> str:
    lines = [f"Take #{number}" + (":" if critique.claims else ".")]
    for claim, known in zip(critique.claims, critique.probabilities, strict=True):
        holds = None if known is None else known >= critique.threshold
        percent = "" if known is None else f" ({known:.0%})"
        lines.append(f"- {_MARKS[holds]} {one_line(claim.text)}{percent}")
    return "\n".join(lines)
