"""Paints what programs and other models ask for, and keeps what they were handed out, by name."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from limner.agent.archive import pictures
from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import name_of
from limner.agent.archive.recorder import RequestRecorder
from limner.agent.brief.tool_call import Call
from limner.agent.brief.verdict import verdict_of
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, CandidateReady, Event, Finished, Replied, TurnHeard
from limner.agent.history import CandidateRun
from limner.agent.plain import one_line, request_line
from limner.agent.records import Candidate, Result, company
from limner.agent.scoring.evaluate import described
from limner.agent.search.run import Limits
from limner.agent.studio import Studio
from limner.agent.tools.outputs import cleaned, judged
from limner.errors import BadInput, ModelFailed
from limner.pipelines.finish import Finish
from limner.prompts.styles import style

__all__ = [
    "IssuedCandidate",
    "RecentlyUsed",
    "ToolRequest",
    "ToolService",
    "briefed",
    "going_on",
]


T = TypeVar("T")


class RecentlyUsed(Generic[T]):
    """Things that weigh at most `most` together, and the latest however much it weighs.

    Each weighs 1, or what `weigh` says of it. Any thread may use it.
    """

    def __init__(self, most: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._things: OrderedDict[str, T] = OrderedDict()
        self._alone = threading.Lock()

    def keep(self, name: str, thing: T) -> None:
        """Remembers a thing, in the place of one of the same name."""
        with self._alone:
            self._things[name] = thing
            self._things.move_to_end(name)
            while len(self._things) > 1 and self._weight() > self._most:
                self._things.popitem(last=False)

    def find(self, name: str) -> T | None:
        """The thing of that name; None where it is forgotten or never was."""
        with self._alone:
            if name in self._things:
                self._things.move_to_end(name)
            return self._things.get(name)

    def names(self) -> list[str]:
        """The names of all that is remembered, those first that nobody has asked for longest."""
        with self._alone:
            return list(self._things)

    def all(self) -> list[T]:
        """All that is remembered, in the order of `names`."""
        with self._alone:
            return list(self._things.values())

    def _weight(self) -> int:
        return sum(map(self._weigh, self._things.values()))


@dataclass(frozen=True, slots=True)
class IssuedCandidate:
    """A take with its name and its file at `path`, whose SHA-256 is `sha256`.

    `words` is all that was asked for, "; " between the turns; `before` is the name of the take that
    it came from, "" where it came from words alone. `finishes` were done to what was painted.
    `takes`, `rounds`, `spent`, `ended` and `notes` are of the result that it is the best of;
    `session` is the archive's number of it, where there is an archive.
    """

    name: str
    path: Path
    sha256: str
    take: Candidate
    words: str
    seed: int
    ended: str
    takes: int
    rounds: int
    spent: float
    notes: tuple[str, ...] = ()
    finishes: tuple[Finish, ...] = ()
    before: str = ""
    session: int | None = None

    @classmethod
    def of(
        cls, result: Result, path: Path, words: str, seed: int, name: str = ""
    ) -> IssuedCandidate:
        """The best take of a result, which was saved at `path`.

        Without a name, it has the first 16 digits of its file's SHA-256. Raises `ModelFailed` where
        nothing was painted.
        """
        if result.best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        sha256 = name_of(path.read_bytes())
        seeds, gone = company(result.best, result.takes)
        return cls(
            name=name or sha256[:16],
            path=path,
            sha256=sha256,
            take=replace(result.best, beside=seeds, gone=gone),
            words=words,
            seed=seed,
            ended=result.ended,
            takes=len(result.takes),
            rounds=len({take.round for take in result.takes}),
            spent=result.spent,
            notes=result.notes,
        )

    @property
    def told(self) -> dict[str, Any]:
        """All that is known of it, as JSON has it."""
        order = self.take.order
        plain = {
            "take": self.name,
            "sha256": self.sha256,
            "request": self.words,
            "prompt": order.prompt,
            "seed": self.seed,
            "width": order.width,
            "height": order.height,
            "ended": self.ended,
            "takes": self.takes,
            "rounds": self.rounds,
            "spent": round(self.spent, 4),
            "session": self.session,
            "notes": [*self.notes],
        }
        return {**cleaned(plain), **judged(self.take.brief, self.take.critique)}

    @property
    def said(self) -> str:
        """The same in a few lines, for another model."""
        take = self.take
        size = f"{take.order.width} × {take.order.height} pixels"
        lines = [
            f"{self.name}: {one_line(verdict_of(take).said)} ({size}, seed {self.seed})",
            described(take.critique),
            f"prompt: {one_line(take.order.prompt, 400)}",
        ]
        return "\n".join(lines + [f"note: {one_line(note, 200)}" for note in self.notes])

    def content(self) -> bytes:
        """The whole PNG. Raises `BadInput` where the file is gone or not what it was."""
        hint = "paint it again from its request and seed"
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise BadInput(f"the picture of take {self.name} is gone", hint) from error
        if name_of(content) != self.sha256:
            raise BadInput(f"the picture of take {self.name} was changed", hint)
        return content


_BY_NAME = ("select", "undo", "redo", "back_to")  # who asks by name says which take is meant


@dataclass(slots=True)
class ToolRequest:
    """What somebody asks for: a picture, or a line that is said to a take. Then what came of it.

    `kept` is the take that was painted, or the one at hand where nothing was; `tool` is what the
    line was understood as, `reply` what is said to it, and `choices` are the answers to a question.
    """

    request: str
    seed: int
    limits: Limits = field(default_factory=lambda: Limits())
    style: str = ""
    start: IssuedCandidate | None = None
    tool: str = "draw"
    reply: str = ""
    choices: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    painted: list[CandidateReady] = field(default_factory=list)
    kept: IssuedCandidate | None = None

    def __post_init__(self) -> None:
        self.request = request_line(self.request)

    @property
    def answer(self) -> IssuedCandidate:
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
            case CandidateReady():
                self.painted.append(event)

    def so_far(self) -> Result:
        """What was painted before it was cancelled."""
        takes = tuple(event.take for event in self.painted)
        best = next((event.take for event in reversed(self.painted) if event.best), None)
        spent = self.painted[-1].spent if self.painted else 0.0
        return Result(best, takes, "cancelled", spent, 0.0)


@dataclass(frozen=True, slots=True)
class ToolService:
    """The takes that were handed out, each a file of `folder`, and what more is asked of them.

    The latest takes are remembered, and the files of all stay. `numbered` takes are called t1, t2,
    … and go on from the files that are there; others are called by their files' SHA-256. What is
    painted is recorded in `archive`, where there is one.
    """

    folder: Path
    profile: str = ""
    archive: Archive | None = None
    numbered: bool = False
    takes: RecentlyUsed[IssuedCandidate] = field(default_factory=lambda: RecentlyUsed(32))

    def find(self, name: str) -> IssuedCandidate:
        """The take of that name. Raises `BadInput` where nobody knows it any more."""
        kept = self.takes.find(name)
        if kept is None:
            known = ", ".join(self.takes.names()) or "none yet"
            raise BadInput(
                f"There is no take {one_line(name, 20)!r}.", f"Takes that are known: {known}."
            )
        return kept

    def work(self, wish: ToolRequest, studio: Studio) -> Generator[Event, None, ToolRequest]:
        """Does what is asked for, and fills in what came of it; also when it is cancelled."""
        session = _session(wish, studio)
        events = _events(wish, studio, session)
        recorder = None
        if self.archive:
            recorder = RequestRecorder(self.archive, studio, wish.seed, self.profile)
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
        wish: ToolRequest,
        result: Result,
        studio: Studio,
        session: Session | None,
        recorder: RequestRecorder | None,
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

    def _unpainted(
        self, wish: ToolRequest, start: IssuedCandidate, session: Session, studio: Studio
    ) -> IssuedCandidate:
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
    ) -> IssuedCandidate:
        path = pictures.save(
            result,
            words,
            studio,
            _next(self.folder) if self.numbered else self.folder,
            seed=seed,
            profile=self.profile,
            finishes=finishes,
        )
        return IssuedCandidate.of(result, path, words, seed, path.stem if self.numbered else "")

    def _remembered(self, kept: IssuedCandidate) -> IssuedCandidate:
        self.takes.keep(kept.name, kept)
        return kept


def going_on(studio: Studio, take: Candidate, words: str, seed: int, limits: Limits) -> Session:
    """A conversation in which nothing but this take was painted yet, of these words."""
    size = limits.get("size") or (take.order.width, take.order.height)
    session = Session(studio, seed, {**limits, "size": size}, since=1)
    version = session.tree.add(words, take.brief, seed)
    session.reel.runs.append(CandidateRun())
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


def _session(wish: ToolRequest, studio: Studio) -> Session | None:
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


def _events(
    wish: ToolRequest, studio: Studio, session: Session | None
) -> Generator[Event, None, None]:
    if session is None:
        return studio.takes(wish.request, seed=wish.seed, **wish.limits)
    if wish.start is None:
        return session.do(Call("draw", wish.request, request=wish.request))
    return session.turn(wish.request)


def _next(folder: Path) -> Path:
    files = (re.fullmatch(r"t(\d{1,9})", file.stem) for file in folder.glob("t*.png"))
    return folder / f"t{max((int(found[1]) for found in files if found), default=0) + 1}.png"
