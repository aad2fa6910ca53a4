"""What the page shows of a conversation: each line that was said, and what came of it, in words."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from limner.agent.archive.rows import ArchivedSession
from limner.agent.brief.patch import KeepClaim
from limner.agent.brief.patch import words as change_lines
from limner.agent.brief.verdict import left_open, verdict_of
from limner.agent.conversation.session import Session
from limner.agent.events import (
    BriefReady,
    Decided,
    Event,
    Finished,
    PromptRevised,
    Replied,
    TurnHeard,
)
from limner.agent.history import Version
from limner.agent.i18n import Language, noted, phrase
from limner.agent.plain import clean, first_line, one_line
from limner.agent.records import Result
from limner.agent.terminal.words import work
from limner.agent.tools.http_auth import error_line
from limner.errors import LimnerError

__all__ = ["Transcript", "TranscriptTurn"]


@dataclass(slots=True)
class TranscriptTurn:
    """What the user said, "" for a click, and the lines of what came of it.

    A line has a `kind`: "change", "reply", "note", "left out", "step", "verdict", "stopped",
    "error" or "question", which has `choices`.
    """

    words: str
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, *texts: str, **more: Any) -> None:
        """Adds a line for each text that says something."""
        self.lines += [{"kind": kind, "text": one_line(text), **more} for text in texts if text]


@dataclass(slots=True)
class Transcript:
    """All turns of a conversation, the first one first."""

    turns: list[TranscriptTurn] = field(default_factory=list)

    def record(
        self, session: Session, words: str, events: Generator[Event, None, None]
    ) -> Generator[Event, None, None]:
        """Begins a turn, and passes its events through, each told here before it is seen."""
        turn = TranscriptTurn(words)
        self.turns.append(turn)
        return _recorded(turn, session, events)

    @contextmanager
    def unless_refused(self) -> Iterator[None]:
        """Takes back the turns that are begun within, where an error comes of it."""
        known = len(self.turns)
        try:
            yield
        except LimnerError:
            del self.turns[known:]
            raise

    def say(self, words: str, reply: str) -> None:
        """Adds a turn that only has a reply."""
        turn = TranscriptTurn(words)
        turn.add("reply", reply)
        self.turns.append(turn)

    @classmethod
    def of(cls, session: Session, kept: ArchivedSession) -> Transcript:
        """What can be told of a session of the archive: its versions, and what was decided."""
        return cls([_archived(session, version, kept) for version in session.tree.versions])


def _recorded(
    turn: TranscriptTurn, session: Session, events: Generator[Event, None, None]
) -> Generator[Event, None, None]:
    painted, drawn = len(session.candidates), False
    try:
        with closing(events):
            for event in events:
                if isinstance(event, TurnHeard):
                    drawn = event.call.tool == "draw"
                _add(turn, session, event, drawn)
                yield event
    except GeneratorExit:
        kept = (
            f"kept #{session.meant}" if len(session.candidates) > painted else "nothing was painted"
        )
        turn.add("stopped", f"stopped; {kept}")
        raise
    except Exception as problem:  # models are anyone's code
        said = error_line(problem) if isinstance(problem, LimnerError) else first_line(problem)
        turn.add("error", said)
        raise


def _add(turn: TranscriptTurn, session: Session, event: Event, drawn: bool) -> None:
    language = session.language
    match event:
        case TurnHeard(call) if call.tool == "save":
            turn.add("reply", "the Save button below the picture saves it, with its recipe")
        case BriefReady(brief):
            if (head := session.tree.head) and not drawn:
                turn.add("change", *_changes(head, language))
            if not any(line["kind"] == "change" for line in turn.lines):
                turn.add("reply", brief.reply)
            turn.add("note", *(noted(line, language) for line in (event.why, *event.notes)))
            turn.add("left out", *left_open(brief, language))
        case Replied(text, ()):
            turn.add("reply", text)
        case Replied(text, choices):
            turn.add("question", text, choices=[clean(choice) for choice in choices])
        case Decided(_, what, why) if what != "done":
            turn.add("step", noted(why, language))
        case PromptRevised(_, _, after):
            turn.add("step", f"{noted('new wording', language)}: {after}")
        case Finished(result):
            _end(turn, result, language)


def _end(turn: TranscriptTurn, result: Result, language: Language) -> None:
    if result.best:
        said = verdict_of(result.best, language, result.best.number + 1).said
        turn.add("verdict", said + phrase(language, result.ended))
    spent = work(len(result.candidates), result.spent, result.seconds)
    shown = {line["text"] for line in turn.lines}
    notes = [noted(note, language) for note in result.notes]
    turn.add("note", *(note for note in notes if one_line(note) not in shown))
    turn.add("note", noted(spent, language))


def _changes(version: Version, language: Language) -> Sequence[str]:
    """What a version changed in the one that it was made from; () where that is nothing."""
    if version.parent is None or version.patch == (KeepClaim(),):
        return ()
    return change_lines(version.patch, language)


def _from_nothing(session: Session, version: Version) -> bool:
    """Whether a version has nothing of the one that it came after."""
    before = () if version.parent is None else session.tree.versions[version.parent].brief.claims
    return not {claim.text for claim in before} & {claim.text for claim in version.brief.claims}


def _archived(session: Session, version: Version, kept: ArchivedSession) -> TranscriptTurn:
    language = session.language
    turn = TranscriptTurn(version.words)
    if not _from_nothing(session, version):
        turn.add("change", *_changes(version, language))
    if not turn.lines:
        turn.add("reply", version.brief.reply)
    turn.add("left out", *left_open(version.brief, language))
    for row in kept.decisions:
        if row.version == version.id + 1 and row.what != "done":
            turn.add("note" if row.what == "note" else "step", noted(row.why, language))
    bound = session.tree.candidates.items()
    numbers = [number for number, one in bound if one.version == version.id]
    shown = [number for number in numbers if not session.candidate(number).blocked]
    if shown:
        best = max(shown, key=lambda number: session.candidate(number).critique.score)
        turn.add("verdict", verdict_of(session.candidate(best), language, best).said)
    return turn
