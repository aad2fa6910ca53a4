"""Where a conversation stands, beyond what was said and painted: what going on with it needs."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.Image import Image

from limner.agent.archive import pictures
from limner.agent.archive.archive import Archive
from limner.agent.brief import patch
from limner.agent.brief.patch import KeepClaim, apply_patch
from limner.agent.brief.patch import words as changed
from limner.agent.brief.prompt import restyled, size_for, styled
from limner.agent.brief.tool_call import Call, CandidateSummary, TurnContext
from limner.agent.brief.verdict import verdict_of
from limner.agent.brief.writer import Drafted
from limner.agent.conversation.recorder import SessionRecorder, read
from limner.agent.events import (
    BriefToken,
    CandidateReady,
    Decided,
    Event,
    Finished,
    Replied,
    TurnHeard,
)
from limner.agent.history import CandidateHistory, CandidateRun, SessionState, Version, VersionTree
from limner.agent.i18n import Language, language_of, noted, phrase
from limner.agent.plain import request_line
from limner.agent.records import Brief, Candidate, Claim, company
from limner.agent.scoring.evaluate import instead
from limner.agent.search.loop import ready, tokens
from limner.agent.search.moves import Variation
from limner.agent.search.run import Limits
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.prompts.styles import Style
from limner.prompts.styles import style as style_called

if TYPE_CHECKING:
    pass

__all__ = [
    "Session",
    "Trail",
    "VersionLine",
]


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version as a list shows it: numbers count from 1, `here` is the one at hand."""

    number: int
    parent: int | None
    words: str
    changes: tuple[str, ...]
    takes: tuple[int, ...]
    here: bool


@dataclass(kw_only=True)
class Trail:
    """Where a conversation has been, and where it stands; it drafts and paints nothing itself.

    Takes are numbered through the whole session, from 1, as people see them: "#3". The take that is
    meant now is the one that was picked of the version at hand, or its best. With a diary, every
    move is on disk when the call returns. `picked` and `starts` are as in `SessionState`.
    """

    diary: SessionRecorder | None = None
    tree: VersionTree = field(default_factory=VersionTree)
    reel: CandidateHistory = field(default_factory=CandidateHistory)
    picked: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)

    @property
    def takes(self) -> list[Candidate]:
        """All takes, in the order they were painted."""
        return self.reel.takes

    @property
    def brief(self) -> Brief | None:
        """The brief of the version at hand; None before the first request."""
        return self.tree.head.brief if self.tree.head else None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What that brief claims."""
        return self.brief.claims if self.brief else ()

    @property
    def version(self) -> int:
        """The number of the version at hand, from 1; 0 before the first request."""
        return self.tree.head.id + 1 if self.tree.head else 0

    @property
    def meant(self) -> int | None:
        """The number of the take that the next change starts from; None when none was painted.

        A version that was not painted yet goes on from the take that was meant before.
        """
        here = self.version - 1
        if here in self.picked:
            return self.picked[here]
        mine = [number for number in self._takes_of(here) if not self.take(number).blocked]
        return max(mine, key=self._score) if mine else self.starts.get(here)

    def take(self, number: int) -> Candidate:
        """The take of that number, -1 for the last. Raises `BadInput` if there is no such take."""
        return self.reel.take(number)

    def picture(self, number: int | None = None) -> Image:
        """A take as it stands: painted, then finished. Without a number, the one meant now."""
        return self.reel.picture(self._meant() if number is None else number)

    def pick(self, number: int) -> Candidate:
        """Means this take from now on, and the version that it was painted from.

        Raises `BadInput` where there is no such take, or its picture was blocked.
        """
        take = self.take(number)
        if take.blocked:
            raise BadInput(f"That take was blocked: {take.safety.why}.", "Choose another.")
        number = len(self.takes) if number == -1 else number
        here = self.tree.branch(self.tree.version_of(number).id)
        self.picked[here.id] = number
        self._went(here)
        return take

    def undo(self) -> Brief:
        """Takes back what was done last to the take meant, or else goes to the version before.

        Raises `BadInput` at the first.
        """
        number = self._own()
        if number and self.reel.unfinish(number):
            return self._refinished(number)
        return self._went(self.tree.undo(), "There is nothing before this.").brief

    def redo(self) -> Brief:
        """Forward to where `undo` came from. Raises `BadInput` when there is nothing ahead."""
        number = self._own()
        if number and self.reel.refinish(number):
            return self._refinished(number)
        return self._went(self.tree.redo(), "There is nothing to do again.").brief

    def branch(self, version: int) -> Brief:
        """On from that version; the others stay as they are. Raises `BadInput` if unknown."""
        return self._went(self.tree.branch(self._id(version))).brief

    def finish(self, words: str) -> tuple[str, ...]:
        """Adds finishing to the take meant ("brighter", "1024 by 768"); says what, a line each."""
        number = self._meant()
        done = self.reel.finish(number, words)
        self._refinished(number)
        return tuple(map(str, done))

    def rate(self, said: str, number: int, other: int | None = None) -> None:
        """Keeps what the user thinks of a take, or of one against another: "good", "better", …

        Raises `BadInput` where there is no such take, or nothing to keep it in.
        """
        self.take(number)
        self.take(number if other is None else other)
        if self.diary is None:
            raise BadInput("This conversation is not kept.", "Begin one without --no-archive.")
        self.diary.rate(number, said, other)

    def history(self) -> list[VersionLine]:
        """Every version, the first one first."""
        return [self._past(version) for version in self.tree.versions]

    def diff(self, one: int, other: int) -> tuple[str, ...]:
        """What differs between two versions, a line each: "cat: red → blue"."""
        return tuple(patch.words(self.tree.diff(self._id(one), self._id(other))))

    def standing(self) -> SessionState:
        """All of where it stands that versions and takes don't tell."""
        return SessionState(dict(self.tree.forward), dict(self.picked), dict(self.starts))

    def _add(self, version: Version, start: int | None) -> None:
        """Takes in a new version, which goes on from that take."""
        if start is not None:
            self.starts[version.id] = start
        if self.diary:
            self.diary.version(version, self.standing())
        if start in self.reel.undone:  # a new turn leaves nothing ahead
            del self.reel.undone[start]
            self._refinished(start)

    def _went(self, version: Version | None, otherwise: str = "") -> Version:
        """Takes in that the head has moved. Raises `BadInput` where it could not."""
        if version is None:
            raise BadInput(otherwise, "Say what should be different.")
        if self.diary:
            self.diary.head(version, self.standing())
        return version

    def _refinished(self, number: int) -> Brief:
        """Takes in that a take is finished otherwise."""
        if self.diary:
            steps, undone = (kept.get(number, ()) for kept in (self.reel.steps, self.reel.undone))
            self.diary.finish(number, steps, undone)
        return self._head().brief

    def _own(self) -> int | None:
        """The take meant, where it is one of the version at hand."""
        number = self.meant
        return number if number in self._takes_of(self.version - 1) else None

    def _head(self) -> Version:
        if self.tree.head is None:
            raise BadInput("There is no picture yet.", "Say what you want to see.")
        return self.tree.head

    def _meant(self) -> int:
        if self.meant is None:
            raise BadInput("There is no picture yet.", "Say what you want to see.")
        return self.meant

    def _id(self, version: int) -> int:
        if not 1 <= version <= len(self.tree.versions):
            known = f"Versions: 1 to {len(self.tree.versions)}."
            raise BadInput(f"There is no version {version}.", known)
        return version - 1

    def _takes_of(self, version: int) -> list[int]:
        bound = [*self.tree.takes.items()]  # another thread may be painting meanwhile
        return [number for number, one in bound if one.version == version]

    def _score(self, number: int) -> tuple[int, float]:
        return self.takes[number - 1].critique.score

    def _past(self, version: Version) -> VersionLine:
        return VersionLine(
            number=version.id + 1,
            parent=None if version.parent is None else version.parent + 1,
            words=version.words,
            changes=tuple(patch.words(version.patch)),
            takes=tuple(self._takes_of(version.id)),
            here=version.id + 1 == self.version,
        )


_IT = re.compile(r"\b(?:it|them|they|one of them)\b|它们|它|他们", re.IGNORECASE)


@dataclass
class Session(Trail):
    """One conversation: what was said, drafted, painted and decided.

    With a diary, all of it is on disk before it is yielded, and `resumed` goes on as if nothing had
    come between. `since` is how many runs there were when the seed was set.
    """

    studio: Studio
    seed: int
    limits: Limits = field(default_factory=lambda: Limits())
    style: str = ""
    since: int = 0
    decisions: list[Decided] = field(default_factory=list)
    _question: Call | None = None
    _notes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _spoken: Language | None = None

    @classmethod
    def resumed(cls, studio: Studio, archive: Archive, number: int, profile: str = "") -> Session:
        """A session of the archive, as it was left. Raises `BadInput` for an unknown one."""
        kept = read(archive, number)
        first, stood = kept.tree.root, kept.standing
        return cls(
            studio,
            stood.seed if stood.seed is not None else first.seed if first else 0,
            style=stood.style,
            since=stood.since,
            diary=SessionRecorder(archive, profile, number),
            tree=kept.tree,
            reel=kept.reel,
            picked=dict(stood.picked),
            starts=dict(stood.starts),
            decisions=kept.decisions,
        )

    def turn(self, line: str, *, paint: bool = True) -> Generator[Event, None, None]:
        """Does what a line of plain words says: understands it as a call of a tool, and does that.

        Yields `TurnHeard` first, then what follows from the call: see `do`. Raises `BadInput` for a
        line that is empty or too long.
        """
        said = self._answered(request_line(line))
        heard: list[Call] = []
        for event in self.studio.in_turn(self._hearing(said), paints=False):
            if isinstance(event, TurnHeard):
                heard.append(event.call)
            yield event
        if heard:
            yield from self.do(heard[0], paint=paint)

    def do(self, call: Call, *, paint: bool = True) -> Generator[Event, None, None]:
        """One call of a tool; slash commands make the same calls.

        "draw" and "edit" draft a version (`BriefReady`) and paint it to `Finished`, without `paint`
        only the first; an edit that changes nothing makes no version. The others end with
        `Replied`, and paint nothing; "save" is left to whoever knows where pictures go. Raises
        `BadInput` for what can't be done.
        """
        match call.tool:
            case "draw" if not call.request and self.brief:
                if paint:
                    yield from self.again(call.candidate)
            case "draw" | "edit":
                yield from self._new_version(call, paint)
            case "select":
                yield from self._select(call, paint)
            case "undo" | "redo" | "back_to":
                yield from self._step(call)
            case "adjust":
                done = self.finish(call.instruction or call.line)
                yield Replied(", ".join(noted(line, self.language) for line in done))
            case "answer":
                yield Replied(call.text or phrase(self.language, "ready"))
            case "ask":
                self._question = call
                yield Replied(call.question, call.choices)

    @property
    def language(self) -> Language:
        """The language to answer in: that of what was said last."""
        return self._spoken or language_of(self.tree.head.words if self.tree.head else "")

    def talk(self) -> TurnContext:
        """Where the conversation stands, as a writer is told of it."""
        meant = self.meant
        head = self.tree.head
        candidates = [self._candidate(number) for number in sorted(self.tree.takes)[-12:]]
        return TurnContext(
            brief=self.brief,
            request="; ".join(v.words for v in self.tree.path(head.id)) if head else "",
            verdict=verdict_of(self.take(meant), self.language) if meant else None,
            versions=tuple((past.number, past.words, past.changes) for past in self.history()),
            candidates=tuple(candidates),
            selected=meant,
            language=self.language,
        )

    def draft(
        self, words: str, take: int | None = None, *, anew: bool = False
    ) -> Generator[Event, None, None]:
        """Drafts a version: of a request at first, then of a change to the version at hand.

        With `take`, the change starts from the version that this take was painted from; with `anew`
        it is no change, but a picture from nothing. Ends with `BriefReady`; closed before that,
        there is no new version. A change that changes nothing makes none, either.
        """
        line = request_line(words)
        if take is not None:
            self.pick(take)
        head, writer = self.tree.head, self.studio.writer
        if head is None or anew:
            return self._versioned(line, writer.draw(line, self.seed), anew=True)
        return self._versioned(line, writer.edit(head.brief, line, self.seed))

    def _hearing(self, line: str) -> Generator[Event, None, None]:
        self._spoken = language_of(line, self.language)
        hearing = self.studio.writer.hear(line, self.talk(), self.seed)
        with closing(hearing):
            while True:
                try:
                    yield BriefToken(next(hearing))
                except StopIteration as end:
                    yield TurnHeard(end.value)
                    return

    def _answered(self, line: str) -> str:
        """The line; or the line that was asked about, with the answer put in its place."""
        asked, self._question = self._question, None
        if asked is None or not asked.choices:
            return line
        said = line.casefold().strip(" .!。")
        numbered = dict(enumerate(asked.choices, start=1))
        low = [(choice, choice.casefold()) for choice in asked.choices]
        named = [choice for choice, one in low if one in said or (said and said in one)]
        chosen = numbered.get(int(said)) if said.isdecimal() else None
        chosen = chosen or (named[0] if len(named) == 1 else None)
        if chosen is None:
            return line
        if asked.line.casefold() in chosen.casefold():  # a choice that is a whole line
            return chosen
        whole = _IT.sub(lambda _: chosen, asked.line, count=1)
        return whole if whole != asked.line else f"{asked.line}: {chosen}"

    def _new_version(self, call: Call, paint: bool) -> Generator[Event, None, None]:
        writer, before = self.studio.writer, self.version
        anew = call.tool == "draw" or self.brief is None
        if anew:
            drafting = writer.draw(call.request or call.line, self.seed)
        else:
            drafting = writer.patched(self._head().brief, call, self.seed)
        yield from self._versioned(call.line, drafting, anew=anew)
        if self.version == before:
            yield Replied(phrase(self.language, "unchanged"))
        elif paint:
            yield from self.paint()

    def _versioned(
        self, line: str, drafting: Generator[str, None, Drafted], *, anew: bool = False
    ) -> Generator[Event, None, None]:
        return self.studio.in_turn(self._drafting(line, drafting, anew), paints=False)

    def _drafting(
        self, line: str, drafting: Generator[str, None, Drafted], anew: bool
    ) -> Generator[Event, None, None]:
        drafted = yield from tokens(drafting)
        brief, head = drafted.brief, self.tree.head
        if head and not anew:
            changes = apply_patch(head.brief, brief)
            if changes == (KeepClaim(),) and brief.not_shown == head.brief.not_shown:
                return
            told = phrase(self.language, "comma").join(changed(changes, self.language))
            drafted = replace(drafted, brief=replace(restyled(head.brief, brief), reply=told))
        start = None if anew else self.meant
        self._add(self.tree.add(line, drafted.brief, self.seed), start)
        event = ready(drafted, "\n".join(v.words for v in self.tree.path(self.version - 1)))
        self._notes[self.version] = event.notes
        yield event

    def _select(self, call: Call, paint: bool) -> Generator[Event, None, None]:
        number = call.candidate if call.candidate is not None else -1
        self.pick(number)
        if call.then:
            yield from self.do(call.then, paint=paint)
        else:
            yield Replied(phrase(self.language, "selected", n=self.meant))

    def _step(self, call: Call) -> Generator[Event, None, None]:
        if call.tool == "back_to":
            self.branch(call.version or 1)
        else:
            self.undo() if call.tool == "undo" else self.redo()
        yield Replied(phrase(self.language, "version", n=self.version))

    def _candidate(self, number: int) -> CandidateSummary:
        critique = self.take(number).critique
        version = self.tree.takes[number].version + 1
        return CandidateSummary(number, version, critique.score[0], len(critique.decisive))

    def reseed(self, seed: int) -> None:
        """Another seed for what comes next: a new request gives what it would give at first."""
        self.seed, self.since = seed, self.reel.painted
        self._kept()

    def restyle(self, name: str) -> None:
        """The style that pictures are made in from now on, by its name; "" for the brief's own."""
        self.style = name
        self._kept()

    def rewrite(self, brief: Brief) -> None:
        """A version by the user's own hand, from an editor. Raises `BadInput` before the first."""
        _, start = self._head(), self.meant
        self._add(self.tree.add("(by hand)", brief, self.seed), start)

    def paint(self) -> Generator[Event, None, None]:
        """Paints the version at hand until its claims hold or the budget is spent.

        The first take starts from the noise of the take meant now, so that a change leaves alone
        what it does not touch. Ends with `Finished`; the best take is then the one meant. Closing
        cancels, and the takes so far are kept.
        """
        meant = self.meant
        return self._painting(self.take(meant).order.seed if meant else None)

    def again(self, number: int | None = None) -> Generator[Event, None, None]:
        """Paints the version at hand, or that of a take, from fresh seeds."""
        if number is not None:
            self.pick(number)
        return self._painting(None)

    def vary(self, number: int, strength: float = 0.3) -> Generator[Event, None, None]:
        """Paints more of what a take shows: its version, wording and size, from fresh seeds.

        Where the painter can paint over a picture, they differ from it by `strength`, above 0 and
        up to 1, and there is one round of them. The best of them is then the one meant.
        """
        take = self.pick(number)
        size: Limits = {"size": (take.order.width, take.order.height)}
        room = copy(self.studio)
        if room.painter.dialect.starts:
            ran = self.reel.result(take.number + 1).takes
            room.search = Variation(take, strength, company(take, ran))
        try:
            yield from self._painting(None, take.brief, size, room)
        finally:
            near = [n for n in self.reel.runs[-1].numbers if not self.take(n).blocked]
            if near:  # the best of these is meant, not of all
                self.pick(max(near, key=self._score))

    def instead(self, number: int) -> dict[int, str]:
        """What a take looks like in place of the claims that are to blame; see `instead`."""
        take = self.take(number)
        return instead(self.studio.critic, take.picture, take.critique)

    def save(self, out: Path, profile: str = "") -> Path:
        """Writes the take meant, finished, with its recipe; see `saving.save`."""
        number = self._meant()
        return pictures.save(
            self.reel.result(number),
            self.tree.words(number),
            self.studio,
            out,
            seed=self.seed,
            profile=profile,
            finishes=self.reel.finishes(number),
        )

    def stamped(self, number: int, profile: str = "") -> bytes:
        """What `save` would write of a take: the bytes of its PNG. Raises `BadInput` if unknown."""
        return pictures.stamped(
            self.reel.result(number),
            self.take(number),
            self.tree.words(number),
            self.studio,
            seed=self.seed,
            profile=profile,
            finishes=self.reel.finishes(number),
        )

    def fork(self) -> Session:
        """The same conversation once more, to go on from in another way; it has no diary."""
        return replace(
            self,
            diary=None,
            limits={**self.limits},
            tree=deepcopy(self.tree),
            reel=self.reel.copy(),
            picked={**self.picked},
            starts={**self.starts},
            decisions=[*self.decisions],
        )

    def why(self) -> tuple[str, ...]:
        """The last decisions and their reasons, in order."""
        return tuple(f"{d.what}: {d.why}" for d in self.decisions[-8:])

    def standing(self) -> SessionState:
        """All of where it stands that versions and takes don't tell."""
        where = super().standing()
        return SessionState(
            where.forward, where.picked, where.starts, self.seed, self.since, self.style
        )

    def _painting(
        self,
        first_seed: int | None,
        brief: Brief | None = None,
        size: Limits | None = None,
        room: Studio | None = None,
    ) -> Generator[Event, None, None]:
        """Paints the version at hand, or a wording of it in a size, here or in another room."""
        version, seed = self._head(), (self.seed + self.reel.painted - self.since) % 2**32
        limits: Limits = {**self._limits(), **(size or Limits())}
        self.reel.runs.append(CandidateRun())
        self.picked.pop(version.id, None)
        self._kept()
        events = (room or self.studio).paint(
            brief or self._as_styled(version.brief),
            seed=seed,
            first_seed=first_seed,
            first_number=len(self.takes),
            notes=self._notes.get(version.id + 1, ()),
            **limits,
        )
        if self.diary:
            events = self.diary.painting(events, self.studio, version, seed, self.reel.painted + 1)
        try:
            with closing(events):
                for event in events:
                    self._notice(event, version)
                    yield event
        finally:
            self._catch_up(version)

    def _notice(self, event: Event, version: Version) -> None:
        if isinstance(event, CandidateReady):
            number = self.reel.add(event.take, event.spent)
            self.tree.bind(number, version.id, event.take.order.seed)
        elif isinstance(event, Decided):
            self.decisions.append(event)
        elif isinstance(event, Finished):
            self.reel.end(event.result)

    def _catch_up(self, version: Version) -> None:
        """Takes in what the diary has kept of the run and nobody waited for: numbers stay equal."""
        seen = len(self.reel.runs[-1].numbers)
        for kept in self.diary.painted[seen:] if self.diary else ():
            self._notice(kept, version)

    def _kept(self) -> None:
        """Has where it stands on disk; before the first version there is nothing to keep."""
        if self.tree.head:
            self._went(self.tree.head)

    def _as_styled(self, brief: Brief) -> Brief:
        if not self.style:
            return brief
        known, dialect = self.studio.settings.styles, self.studio.painter.dialect
        return styled(brief, self._style(), dialect, known)

    def _style(self) -> Style:
        return style_called(self.style, self.studio.settings.prompts)

    def _limits(self) -> Limits:
        """The limits, in the shape that the style suggests where nobody asked for a size."""
        settings, sized = self.studio.settings, self.limits.get("size")
        if not self.style or settings.styles or settings.size or sized:
            return self.limits
        return {**self.limits, "size": size_for(self._style(), self.studio.painter.dialect)}
