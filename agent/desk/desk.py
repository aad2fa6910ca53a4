"""Paints what programs and other models ask for, and keeps what they were handed out, by name."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from limner.agent.archive import saving
from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import Recorder
from limner.agent.conversation.reel import Painted
from limner.agent.conversation.session import Session
from limner.agent.desk.handed_out import Kept
from limner.agent.desk.memory import Memory
from limner.agent.events import BriefReady, Event, Finished, Replied, TakeReady, TurnHeard
from limner.agent.plain import one_line, request_line
from limner.agent.records import Result, Take
from limner.agent.run import Limits
from limner.agent.studio import Studio
from limner.agent.tool_call import Call
from limner.errors import BadInput, ModelFailed
from limner.pipelines.finish import Finish
from limner.prompts.styles import style

__all__ = ["Desk", "Wish", "briefed", "going_on"]

_BY_NAME = ("select", "undo", "redo", "back_to")  # who asks by name says which take is meant


@dataclass(slots=True)
class Wish:
    """What somebody asks for: a picture, or a line that is said to a take. Then what came of it.

    `kept` is the take that was painted, or the one at hand where nothing was; `tool` is what the
    line was understood as, `reply` what is said to it, and `choices` are the answers to a question.
    """

    request: str
    seed: int
    limits: Limits = field(default_factory=lambda: Limits())
    style: str = ""
    start: Kept | None = None
    tool: str = "draw"
    reply: str = ""
    choices: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    painted: list[TakeReady] = field(default_factory=list)
    kept: Kept | None = None

    def __post_init__(self) -> None:
        self.request = request_line(self.request)

    @property
    def answer(self) -> Kept:
        """The take that the answer is about. Raises `ModelFailed` where there is none."""
        if self.kept is None:
            raise ModelFailed("nothing was painted", "try again")
        return self.kept

    @property
    def shows(self) -> bool:
        """Whether there is another picture to look at than before."""
        return bool(self.painted) or self.tool in ("adjust", "undo")

    @property
    def told(self) -> dict[str, object]:
        """What came of it, as JSON has it."""
        said = {"tool": self.tool, "reply": one_line(self.reply), "choices": [*self.choices]}
        return {**self.answer.told, **said}

    @property
    def said(self) -> str:
        """The same in words: the take that was painted, or the reply where nothing was."""
        if self.shows or not self.reply:
            reply = f"\nlimner says: {one_line(self.reply)}" if self.reply else ""
            return self.answer.said + reply
        choices = f" ({'; '.join(self.choices)})" if self.choices else ""
        again = " Say the whole change once more, without a doubt." if self.tool == "ask" else ""
        reply = f"{one_line(self.reply)}{choices}{again}"
        return f"{reply}\n{self.answer.name} is as it was; nothing was painted."

    def see(self, event: Event) -> None:
        """Takes in what happens while it is worked on."""
        match event:
            case TurnHeard(call):
                self.tool = call.tool
            case Replied(text, choices):
                self.reply, self.choices = text, choices
            case BriefReady():
                self.reply, self.notes = event.brief.reply, [*event.notes]
            case TakeReady():
                self.painted.append(event)

    def so_far(self) -> Result:
        """What was painted before it was cancelled."""
        takes = tuple(event.take for event in self.painted)
        best = next((event.take for event in reversed(self.painted) if event.best), None)
        spent = self.painted[-1].spent if self.painted else 0.0
        return Result(best, takes, "cancelled", spent, 0.0)


@dataclass(frozen=True, slots=True)
class Desk:
    """The takes that were handed out, each a file of `folder`, and what more is asked of them.

    The latest takes are remembered, and the files of all stay. `numbered` takes are called t1, t2,
    … and go on from the files that are there; others are called by their files' SHA-256. What is
    painted is recorded in `archive`, where there is one.
    """

    folder: Path
    profile: str = ""
    archive: Archive | None = None
    numbered: bool = False
    takes: Memory[Kept] = field(default_factory=lambda: Memory(32))

    def find(self, name: str) -> Kept:
        """The take of that name. Raises `BadInput` where nobody knows it any more."""
        kept = self.takes.find(name)
        if kept is None:
            known = ", ".join(self.takes.names()) or "none yet"
            raise BadInput(
                f"There is no take {one_line(name, 20)!r}.", f"Takes that are known: {known}."
            )
        return kept

    def work(self, wish: Wish, studio: Studio) -> Generator[Event, None, Wish]:
        """Does what is asked for, and fills in what came of it; also when it is cancelled."""
        session = _session(wish, studio)
        events = _events(wish, studio, session)
        recorder = None
        if self.archive:
            recorder = Recorder(self.archive, studio, wish.seed, self.profile)
            events = recorder.record(events)
        try:
            with closing(events):
                for event in events:
                    wish.see(event)
                    if isinstance(event, Finished):
                        self._keep(wish, event.result, studio, session, recorder)
                    yield event
                    if isinstance(event, TurnHeard) and wish.tool in _BY_NAME:
                        break
        except GeneratorExit:
            if (so_far := wish.so_far()).best and not wish.kept:
                self._keep(wish, so_far, studio, session, recorder)
            raise
        if wish.start and session and not wish.kept:
            wish.kept = self._unpainted(wish, wish.start, session, studio)
        return wish

    def _keep(
        self,
        wish: Wish,
        result: Result,
        studio: Studio,
        session: Session | None,
        recorder: Recorder | None,
    ) -> None:
        """Saves the best take, and remembers it."""
        notes = [*wish.notes, *result.notes]
        if recorder and recorder.problem:
            notes.append(f"not all is in the archive: {recorder.problem.message}")
        words = session.tree.words(len(session.takes)) if session else wish.request
        kept = self._saved(result, words, wish.seed, studio)
        wish.kept = self._remembered(
            replace(
                kept,
                notes=tuple(dict.fromkeys(notes)),
                before=wish.start.name if wish.start else "",
                session=recorder.session if recorder else None,
            )
        )

    def _unpainted(self, wish: Wish, start: Kept, session: Session, studio: Studio) -> Kept:
        """The take that is meant after a line for which nothing was painted."""
        if wish.tool == "undo" and start.before:
            return self.find(start.before)
        if wish.tool in _BY_NAME:
            first = f"There is nothing before {start.name}."
            other = "A take is chosen by its name here."
            why = first if wish.tool == "undo" else other
            raise BadInput(why, "Go on from any take by its name.")
        if wish.tool != "adjust":
            return start
        finishes = session.reel.finishes(1)
        whole = replace(session.reel.result(1), ended=start.ended)
        kept = self._saved(whole, start.words, start.seed, studio, finishes)
        return self._remembered(replace(kept, finishes=finishes, before=start.name))

    def _saved(
        self,
        result: Result,
        words: str,
        seed: int,
        studio: Studio,
        finishes: tuple[Finish, ...] = (),
    ) -> Kept:
        path = saving.save(
            result,
            words,
            studio,
            _next(self.folder) if self.numbered else self.folder,
            seed=seed,
            profile=self.profile,
            finishes=finishes,
        )
        return Kept.of(result, path, words, seed, path.stem if self.numbered else "")

    def _remembered(self, kept: Kept) -> Kept:
        self.takes.keep(kept.name, kept)
        return kept


def going_on(studio: Studio, take: Take, words: str, seed: int, limits: Limits) -> Session:
    """A conversation in which nothing but this take was painted yet, of these words."""
    size = limits.get("size") or (take.order.width, take.order.height)
    session = Session(studio, seed, {**limits, "size": size}, since=1)
    version = session.tree.add(words, take.brief, seed)
    session.reel.runs.append(Painted())
    number = session.reel.add(replace(take, number=0), 0.0)
    session.tree.bind(number, version.id, take.order.seed)
    return session


def briefed(studio: Studio, request: str, seed: int) -> Generator[Event, None, BriefReady]:
    """Writes a brief and paints nothing."""
    ready: BriefReady | None = None
    with closing(studio.expand(request, seed=seed)) as events:
        for event in events:
            ready = event if isinstance(event, BriefReady) else ready
            yield event
    if ready is None:
        raise ModelFailed("the writer wrote no brief", "try again with another seed")
    return ready


def _session(wish: Wish, studio: Studio) -> Session | None:
    """The conversation that a wish needs; None for a picture of words alone."""
    if wish.start:
        start = wish.start
        session = going_on(studio, start.take, start.words, wish.seed, wish.limits)
        if start.finishes:
            session.reel.steps[1] = (start.finishes,)
        return session
    if wish.style:
        called = style(wish.style, studio.settings.prompts).name
        return Session(studio, wish.seed, wish.limits, style=called)
    return None


def _events(wish: Wish, studio: Studio, session: Session | None) -> Generator[Event, None, None]:
    if session is None:
        return studio.takes(wish.request, seed=wish.seed, **wish.limits)
    if wish.start is None:
        return session.do(Call("draw", wish.request, request=wish.request))
    return session.turn(wish.request)


def _next(folder: Path) -> Path:
    files = (re.fullmatch(r"t(\d{1,9})", file.stem) for file in folder.glob("t*.png"))
    return folder / f"t{max((int(found[1]) for found in files if found), default=0) + 1}.png"
