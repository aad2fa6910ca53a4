"""Does what programs and other models ask for: turns of a conversation, and pictures by name."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from limner.agent.archive import pictures
from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder, read
from limner.agent.archive.rows import CandidateRow
from limner.agent.brief.tool_call import Call
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, Event, Finished, TurnHeard
from limner.agent.history import CandidateRun
from limner.agent.plain import one_line
from limner.agent.records import Brief, Candidate, Result
from limner.agent.search.run import Limits
from limner.agent.studio import Studio
from limner.agent.tools.recently_used import RecentlyUsed
from limner.agent.tools.turns import DRAFTS, MOVES, IssuedCandidate, ToolRequest
from limner.errors import BadInput, LimnerError, ModelFailed
from limner.pipelines.finish import Finish
from limner.prompts.styles import style

__all__ = [
    "OpenSession",
    "ToolService",
    "briefed",
    "going_on",
]


_MOST_TAKES = 256  # with their pictures, of all sessions that are open


@dataclass(slots=True)
class OpenSession:
    """A session that goes on between calls; `issued` names its takes, each as it was finished.

    `start` is the take that it began with, where it did; `number` is 0 before anything came of it.
    """

    session: Session
    start: IssuedCandidate | None = None
    number: int = 0
    issued: dict[tuple[int, tuple[Finish, ...]], str] = field(default_factory=dict)


def _weight(opened: OpenSession) -> int:
    return max(1, len(opened.session.candidates))


@dataclass(frozen=True, slots=True)
class ToolService:
    """The takes that were handed out, each a file of `folder`, and the sessions they are of.

    The latest are remembered, and the files of all stay. `numbered` takes are called t1, t2, … and
    go on from the files that are there; others are called by their files' SHA-256. Sessions are
    kept in `archive`, where there is one; then "12-4" is take 4 of session 12, and session 12 can
    be gone on with after it was forgotten here.
    """

    folder: Path
    profile: str = ""
    archive: Archive | None = None
    numbered: bool = False
    candidates: RecentlyUsed[IssuedCandidate] = field(default_factory=lambda: RecentlyUsed(32))
    sessions: RecentlyUsed[OpenSession] = field(
        default_factory=lambda: RecentlyUsed(_MOST_TAKES, _weight)
    )
    _numbers: count[int] = field(default_factory=count)

    def find(self, name: str) -> IssuedCandidate:
        """The take of that name. Raises `BadInput` where nobody knows it any more."""
        if "-" in name:
            return self._archived_take(name)
        kept = self.candidates.find(name)
        if kept is None:
            known = ", ".join(self.candidates.names()) or "none yet"
            raise BadInput(
                f"There is no take {one_line(name, 20)!r}.", f"Takes that are known: {known}."
            )
        return kept

    def content(self, name: str) -> bytes:
        """The whole PNG of a take. Raises `BadInput` as `find` does, or where its file is gone."""
        if "-" not in name:
            return self.find(name).content()
        archive, _, row = self._row(name)
        return archive.pictures.read(row.picture)

    def kept_archive(self) -> Archive:
        """The archive. Raises `BadInput` where none is kept."""
        if self.archive is None:
            raise BadInput("there is no archive here", "start limner mcp without --no-archive")
        return self.archive

    def work(self, asked: ToolRequest, studio: Studio) -> Generator[Event, None, ToolRequest]:
        """Does what is asked for, and fills in what came of it; also when it is cancelled."""
        opened = self._opened(asked, studio)
        session = opened.session
        try:
            with closing(self._events(asked, opened)) as events:
                for event in events:
                    asked.see(event)
                    if isinstance(event, Finished):
                        self._keep(asked, opened, event.result)
                    yield event
                    if isinstance(event, TurnHeard) and not self._may_go_on(asked, opened):
                        break
        except GeneratorExit:
            if asked.best and not asked.kept:
                self._keep(asked, opened, session.history.result(asked.best))
            raise
        if asked.kept is None:
            asked.kept = self._unpainted(asked, opened)
        return asked

    def _opened(self, asked: ToolRequest, studio: Studio) -> OpenSession:
        """The conversation that is gone on with, or a new one."""
        if asked.session is not None:
            opened = self._session(asked.session, studio)
            _continue(opened.session, asked)
            return opened
        seed, start = asked.seed or 0, asked.take
        if start is None:
            session = Session(studio, seed, asked.limits)
            if asked.style:
                session.style = style(asked.style, studio.settings.prompts).name
            return OpenSession(session)
        session = going_on(studio, start.take, start.words, seed, asked.limits)
        session.history.runs[-1].ended = start.ended
        if start.finishes:
            session.history.steps[1] = (start.finishes,)
        return OpenSession(session, start, issued={(1, start.finishes): start.name})

    def _session(self, number: int, studio: Studio) -> OpenSession:
        if opened := self.sessions.find(str(number)):
            return opened
        if self.archive is None:
            known = ", ".join(self.sessions.names()) or "none yet"
            raise BadInput(f"There is no session {number}.", f"Sessions that are open: {known}.")
        return OpenSession(
            Session.resumed(studio, self.archive, number, self.profile), None, number
        )

    def _events(self, asked: ToolRequest, opened: OpenSession) -> Generator[Event, None, None]:
        session, turn = opened.session, asked.turn
        if isinstance(turn, str):
            return session.turn(turn)
        if not isinstance(turn, Call):
            turn = turn(session.brief or Brief("", ""))
        asked.tool = turn.tool
        if turn.tool in DRAFTS:
            self._begin_archive(opened)
        return session.do(turn)

    def _may_go_on(self, asked: ToolRequest, opened: OpenSession) -> bool:
        """Whether a line that was understood is done; before it is, its session is kept."""
        if asked.answers_only and asked.tool not in ("answer", "ask"):
            asked.reply = "That is no question; say it with refine_image."
            asked.tool = "answer"
            return False
        if opened.start and opened.number == 0 and asked.tool in MOVES:
            return False
        if asked.tool in DRAFTS:
            self._begin_archive(opened)
        return True

    def _begin_archive(self, opened: OpenSession) -> None:
        """Has a session in the archive from now on, with the take that it began with."""
        session, start = opened.session, opened.start
        if self.archive is None or session.recorder:
            return
        recorder = session.recorder = SessionRecorder(self.archive, self.profile)
        if start is None or session.tree.root is None:
            return
        recorder.version(session.tree.root, session.standing())
        if recorder.number is None or recorder.problem:
            return
        take = start.take
        row = CandidateRow(1, take.round, take.image_request, take.critique, start.spent, run=1)
        try:
            plain = session.stamped(1, self.profile) if start.finishes else start.content()
            self.archive.add_candidate(recorder.number, row, plain)
        except LimnerError as error:  # which costs no picture
            recorder.problem = error
        if steps := session.history.steps.get(1):
            recorder.finish(1, steps, ())

    def _keep(self, asked: ToolRequest, opened: OpenSession, result: Result) -> None:
        """Saves the best take, and remembers it."""
        if result.best is None:
            raise ModelFailed("nothing was painted", "; ".join(result.notes))
        notes = [*asked.notes, *result.notes]
        if (recorder := opened.session.recorder) and recorder.problem:
            notes.append(f"not all is in the archive: {recorder.problem.message}")
        number = result.best.number + 1
        asked.kept = self._issued(opened, number, asked, tuple(dict.fromkeys(notes)))

    def _unpainted(self, asked: ToolRequest, opened: OpenSession) -> IssuedCandidate:
        """The take that is meant after a turn for which nothing was painted."""
        start, session = opened.start, opened.session
        if start and opened.number == 0 and asked.tool in MOVES:
            if asked.tool == "undo" and start.before:
                return self.find(start.before)
            first = f"There is nothing before {start.name}."
            other = "A take is chosen by its name here, or by its number in a session."
            why = first if asked.tool == "undo" else other
            raise BadInput(why, "Go on from any take by its name.")
        if session.meant is None:
            raise BadInput("There is no picture yet.", "Say what you want to see.")
        return self._issued(opened, session.meant, asked)

    def _issued(
        self, opened: OpenSession, number: int, asked: ToolRequest, notes: tuple[str, ...] = ()
    ) -> IssuedCandidate:
        """A take of a session as it is finished now, by the name that it had or gets."""
        session = opened.session
        finishes = session.history.finishes(number)
        known = self.candidates.find(opened.issued.get((number, finishes), ""))
        if opened.start and (number, finishes) == (1, opened.start.finishes):
            known = opened.start
        if known and not asked.painted:
            return known
        result, words = session.history.result(number), session.tree.words(number)
        version = session.tree.version_of(number)
        seed = session.seed if asked.painted else version.seed
        if opened.start and number == 1:
            seed = opened.start.seed
        path = pictures.save(
            result,
            words,
            session.studio,
            _next(self.folder) if self.numbered else self.folder,
            seed=seed,
            profile=self.profile,
            finishes=finishes,
        )
        self._numbered(opened)
        kept = replace(
            IssuedCandidate.of(result, path, words, seed, path.stem if self.numbered else ""),
            notes=notes or result.notes,
            finishes=finishes,
            before=opened.start.name if opened.start else "",
            session=opened.number,
            version=version.id + 1,
            candidate=number,
        )
        opened.issued[number, finishes] = kept.name
        self.candidates.keep(kept.name, kept)
        return kept

    def _numbered(self, opened: OpenSession) -> None:
        """Gives a session its number: the archive's, or else one that the archive has not."""
        recorder = opened.session.recorder
        if recorder and recorder.number is not None:
            opened.number = recorder.number
        elif not opened.number:
            opened.number = next(self._numbers) + (10**9 if self.archive else 1)
        self.sessions.keep(str(opened.number), opened)

    def _archived_take(self, name: str) -> IssuedCandidate:
        archive, session, row = self._row(name)
        past = read(archive, session)
        words, version = past.tree.words(row.number), past.tree.version_of(row.number)
        path = archive.pictures.path(row.picture)
        kept = IssuedCandidate.of(past.history.result(row.number), path, words, version.seed, name)
        return replace(kept, session=session, version=version.id + 1, candidate=row.number)

    def _row(self, name: str) -> tuple[Archive, int, CandidateRow]:
        session, number = map(int, name.split("-"))
        archive = self.kept_archive()
        for row in archive.load(session).candidates:
            if row.number == number:
                return archive, session, row
        raise BadInput(f"there is no take {name}", f"look into limner://gallery/{session}")


def going_on(studio: Studio, take: Candidate, words: str, seed: int, limits: Limits) -> Session:
    """A conversation in which nothing but this take was painted yet, of these words."""
    size = limits.get("size") or (take.image_request.width, take.image_request.height)
    session = Session(studio, seed, {**limits, "size": size}, since=1)
    version = session.tree.add(words, take.brief, seed)
    session.history.runs.append(CandidateRun())
    number = session.history.add(replace(take, number=0), 0.0)
    session.tree.bind(number, version.id, take.image_request.seed)
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


def _continue(session: Session, asked: ToolRequest) -> None:
    """Has a session go on as asked: from the next seed of its own, where none is given."""
    seed = (session.seed + session.history.painted - session.since) % 2**32
    asked.seed = seed if asked.seed is None else asked.seed
    turn = asked.turn
    if isinstance(turn, Call) and turn.tool not in DRAFTS:
        return
    session.reseed(asked.seed)
    session.limits = {**asked.limits}
    if asked.style:
        session.restyle(style(asked.style, session.studio.settings.prompts).name)
    anew = isinstance(turn, Call) and turn.tool == "draw"
    if not anew and session.meant and not asked.limits.get("size"):
        order = session.candidate(session.meant).image_request
        session.limits["size"] = (order.width, order.height)


def _next(folder: Path) -> Path:
    files = (re.fullmatch(r"t(\d{1,9})", file.stem) for file in folder.glob("t*.png"))
    return folder / f"t{max((int(found[1]) for found in files if found), default=0) + 1}.png"
