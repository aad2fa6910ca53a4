"""A conversation about a picture: what was said, drafted, painted and decided, and what is next."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import closing
from copy import copy, deepcopy
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path

from PIL.Image import Image

from limner.agent.archive import pictures
from limner.agent.archive.archive import Archive
from limner.agent.archive.recorder import SessionRecorder, read
from limner.agent.brief import patch
from limner.agent.brief.patch import KeepClaim, apply_patch
from limner.agent.brief.patch import words as changed
from limner.agent.brief.prompt import restyled, size_for, styled
from limner.agent.brief.tool_call import Call, CandidateSummary, TurnContext
from limner.agent.brief.verdict import verdict_of
from limner.agent.brief.writer import Drafted
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
from limner.agent.records import Brief, Candidate, Claim, batch_of
from limner.agent.scoring.evaluate import instead
from limner.agent.search.loop import ready, tokens
from limner.agent.search.run import Limits
from limner.agent.search.variation import Variation
from limner.agent.studio import Studio
from limner.errors import BadInput
from limner.prompts.styles import Style
from limner.prompts.styles import style as style_called

__all__ = [
    "Session",
    "VersionLine",
]


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version as a list shows it: numbers count from 1, `here` is the one at hand."""

    number: int
    parent: int | None
    words: str
    changes: tuple[str, ...]
    candidates: tuple[int, ...]
    here: bool


_IT = re.compile(r"\b(?:it|them|they|one of them)\b|它们|它|他们", re.IGNORECASE)


@dataclass
class Session:
    """One conversation: what was said, drafted, painted and decided.

    Pictures are numbered through the whole session, from 1, as people see them: "#3". The one that
    is meant now is the one that was picked of the version at hand, or its best. With a recorder,
    every move is on disk when the call returns, every event before it is yielded, and `resumed`
    goes on as if nothing had come between. `picked` and `starts` are as in `SessionState`; `since`
    is how many runs there were when the seed was set.
    """

    studio: Studio
    seed: int
    limits: Limits = field(default_factory=lambda: Limits())
    style: str = ""
    since: int = 0
    decisions: list[Decided] = field(default_factory=list)
    _: KW_ONLY
    recorder: SessionRecorder | None = None
    tree: VersionTree = field(default_factory=VersionTree)
    history: CandidateHistory = field(default_factory=CandidateHistory)
    picked: dict[int, int] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)
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
            recorder=SessionRecorder(archive, profile, number),
            tree=kept.tree,
            history=kept.history,
            picked=dict(stood.picked),
            starts=dict(stood.starts),
            decisions=kept.decisions,
        )

    @property
    def candidates(self) -> list[Candidate]:
        """All candidates, in the order they were painted."""
        return self.history.candidates

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
        """The number of the picture that the next change starts from; None when none was painted.

        A version that was not painted yet goes on from the one that was meant before.
        """
        here = self.version - 1
        if here in self.picked:
            return self.picked[here]
        mine = [number for number in self._of_version(here) if not self.candidate(number).blocked]
        return max(mine, key=self._score) if mine else self.starts.get(here)

    @property
    def language(self) -> Language:
        """The language to answer in: that of what was said last."""
        return self._spoken or language_of(self.tree.head.words if self.tree.head else "")

    def candidate(self, number: int) -> Candidate:
        """The candidate of that number, -1 for the last. Raises `BadInput` if there is none."""
        return self.history.candidate(number)

    def picture(self, number: int | None = None) -> Image:
        """A picture as it stands: painted, then finished. Without a number, the one meant now."""
        return self.history.picture(self._meant() if number is None else number)

    def versions(self) -> list[VersionLine]:
        """Every version, the first one first."""
        return [self._past(version) for version in self.tree.versions]

    def diff(self, one: int, other: int) -> tuple[str, ...]:
        """What differs between two versions, a line each: "cat: red → blue"."""
        return tuple(patch.words(self.tree.diff(self._id(one), self._id(other))))

    def why(self) -> tuple[str, ...]:
        """The last decisions and their reasons, in order."""
        return tuple(f"{d.what}: {d.why}" for d in self.decisions[-8:])

    def instead(self, number: int) -> dict[int, str]:
        """What a picture looks like in place of the claims that are to blame; see `instead`."""
        candidate = self.candidate(number)
        return instead(self.studio.critic, candidate.picture, candidate.critique)

    def standing(self) -> SessionState:
        """All of where it stands that versions and candidates don't tell."""
        return SessionState(
            dict(self.tree.forward),
            dict(self.picked),
            dict(self.starts),
            self.seed,
            self.since,
            self.style,
        )

    def talk(self) -> TurnContext:
        """Where the conversation stands, as a writer is told of it."""
        meant = self.meant
        head = self.tree.head
        candidates = [self._candidate(number) for number in sorted(self.tree.candidates)[-12:]]
        return TurnContext(
            brief=self.brief,
            request="; ".join(v.words for v in self.tree.path(head.id)) if head else "",
            verdict=verdict_of(self.candidate(meant), self.language) if meant else None,
            versions=tuple((past.number, past.words, past.changes) for past in self.versions()),
            candidates=tuple(candidates),
            selected=meant,
            language=self.language,
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

    def draft(
        self, words: str, candidate: int | None = None, *, anew: bool = False
    ) -> Generator[Event, None, None]:
        """Drafts a version: of a request at first, then of a change to the version at hand.

        With `candidate`, the change starts from the version that this one was painted from; with
        `anew` it is no change, but a picture from nothing. Ends with `BriefReady`; closed before
        that, there is no new version. A change that changes nothing makes none, either.
        """
        line = request_line(words)
        if candidate is not None:
            self.pick(candidate)
        head, writer = self.tree.head, self.studio.writer
        if head is None or anew:
            return self._versioned(line, writer.draw(line, self.seed), anew=True)
        return self._versioned(line, writer.edit(head.brief, line, self.seed))

    def rewrite(self, brief: Brief) -> None:
        """A version by the user's own hand, from an editor. Raises `BadInput` before the first."""
        _, start = self._head(), self.meant
        self._add(self.tree.add("(by hand)", brief, self.seed), start)

    def pick(self, number: int) -> Candidate:
        """Means this picture from now on, and the version that it was painted from.

        Raises `BadInput` where there is no such picture, or it was blocked.
        """
        candidate = self.candidate(number)
        if candidate.blocked:
            raise BadInput(f"That picture was blocked: {candidate.safety.why}.", "Choose another.")
        number = len(self.candidates) if number == -1 else number
        here = self.tree.branch(self.tree.version_of(number).id)
        self.picked[here.id] = number
        self._went(here)
        return candidate

    def undo(self) -> Brief:
        """Takes back what was done last to the picture meant, or else goes to the version before.

        Raises `BadInput` at the first.
        """
        number = self._own()
        if number and self.history.unfinish(number):
            return self._refinished(number)
        return self._went(self.tree.undo(), "There is nothing before this.").brief

    def redo(self) -> Brief:
        """Forward to where `undo` came from. Raises `BadInput` when there is nothing ahead."""
        number = self._own()
        if number and self.history.refinish(number):
            return self._refinished(number)
        return self._went(self.tree.redo(), "There is nothing to do again.").brief

    def branch(self, version: int) -> Brief:
        """On from that version; the others stay as they are. Raises `BadInput` if unknown."""
        return self._went(self.tree.branch(self._id(version))).brief

    def finish(self, words: str) -> tuple[str, ...]:
        """Finishes the picture meant ("brighter", "1024 by 768"); says how, a line each."""
        number = self._meant()
        done = self.history.finish(number, words)
        self._refinished(number)
        return tuple(map(str, done))

    def rate(self, said: str, number: int, other: int | None = None) -> None:
        """Keeps what the user thinks of a picture, or of one against another: "good", "better", …

        Raises `BadInput` where there is no such picture, or nothing to keep it in.
        """
        self.candidate(number)
        self.candidate(number if other is None else other)
        if self.recorder is None:
            raise BadInput("This conversation is not kept.", "Begin one without --no-archive.")
        self.recorder.rate(number, said, other)

    def reseed(self, seed: int) -> None:
        """Another seed for what comes next: a new request gives what it would give at first."""
        self.seed, self.since = seed, self.history.painted
        self._kept()

    def restyle(self, name: str) -> None:
        """The style that pictures are made in from now on, by its name; "" for the brief's own."""
        self.style = name
        self._kept()

    def fork(self) -> Session:
        """The same conversation once more, to go on from in another way; it has no recorder."""
        return replace(
            self,
            recorder=None,
            limits={**self.limits},
            tree=deepcopy(self.tree),
            history=self.history.copy(),
            picked={**self.picked},
            starts={**self.starts},
            decisions=[*self.decisions],
        )

    def paint(self) -> Generator[Event, None, None]:
        """Paints the version at hand until its claims hold or the budget is spent.

        The first picture starts from the noise of the one meant now, so that a change leaves alone
        what it does not touch. Ends with `Finished`; the best is then the one meant. Closing
        cancels, and the pictures so far are kept.
        """
        meant = self.meant
        return self._painting(self.candidate(meant).image_request.seed if meant else None)

    def again(self, number: int | None = None) -> Generator[Event, None, None]:
        """Paints the version at hand, or that of a picture, from fresh seeds."""
        if number is not None:
            self.pick(number)
        return self._painting(None)

    def vary(self, number: int, strength: float = 0.3) -> Generator[Event, None, None]:
        """Paints more of what a picture shows: its version, wording and size, from fresh seeds.

        Where the painter can paint over a picture, they differ from it by `strength`, above 0 and
        up to 1, and there is one round of them. The best of them is then the one meant.
        """
        candidate = self.pick(number)
        size: Limits = {"size": (candidate.image_request.width, candidate.image_request.height)}
        studio = copy(self.studio)
        if studio.painter.spec.starts:
            ran = self.history.result(candidate.number + 1).candidates
            studio.search = Variation(candidate, strength, batch_of(candidate, ran))
        try:
            yield from self._painting(None, candidate.brief, size, studio)
        finally:
            near = [n for n in self.history.runs[-1].numbers if not self.candidate(n).blocked]
            if near:  # the best of these is meant, not of all
                self.pick(max(near, key=self._score))

    def save(self, out: Path, profile: str = "") -> Path:
        """Writes the picture meant, finished, with its recipe; see `Studio.save`."""
        number = self._meant()
        content = self.stamped(number, profile)
        return pictures.write_new(pictures.wanted(out, self.tree.words(number)), content)

    def stamped(self, number: int, profile: str = "") -> bytes:
        """The bytes of the PNG that `save` would write. Raises `BadInput` for an unknown number."""
        return pictures.stamped(
            self.history.result(number),
            self.candidate(number),
            self.tree.words(number),
            self.studio,
            seed=self.seed,
            profile=profile,
            finishes=self.history.finishes(number),
        )

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

    def _add(self, version: Version, start: int | None) -> None:
        """Takes in a new version, which goes on from that picture."""
        if start is not None:
            self.starts[version.id] = start
        if self.recorder:
            self.recorder.version(version, self.standing())
        if start in self.history.undone:  # a new turn leaves nothing ahead
            del self.history.undone[start]
            self._refinished(start)

    def _went(self, version: Version | None, otherwise: str = "") -> Version:
        """Takes in that the head has moved. Raises `BadInput` where it could not."""
        if version is None:
            raise BadInput(otherwise, "Say what should be different.")
        if self.recorder:
            self.recorder.head(version, self.standing())
        return version

    def _kept(self) -> None:
        """Has where it stands on disk; before the first version there is nothing to keep."""
        if self.tree.head:
            self._went(self.tree.head)

    def _refinished(self, number: int) -> Brief:
        """Takes in that a picture is finished otherwise."""
        if self.recorder:
            steps, undone = (
                kept.get(number, ()) for kept in (self.history.steps, self.history.undone)
            )
            self.recorder.finish(number, steps, undone)
        return self._head().brief

    def _painting(
        self,
        first_seed: int | None,
        brief: Brief | None = None,
        size: Limits | None = None,
        studio: Studio | None = None,
    ) -> Generator[Event, None, None]:
        """Paints the version at hand, or a wording of it in a size, by this or another studio."""
        version, seed = self._head(), (self.seed + self.history.painted - self.since) % 2**32
        limits: Limits = {**self._limits(), **(size or Limits())}
        self.history.runs.append(CandidateRun())
        self.picked.pop(version.id, None)
        self._kept()
        events = (studio or self.studio).paint(
            brief or self._as_styled(version.brief),
            seed=seed,
            first_seed=first_seed,
            first_number=len(self.candidates),
            notes=self._notes.get(version.id + 1, ()),
            **limits,
        )
        if self.recorder:
            run = self.history.painted + 1
            events = self.recorder.record(events, self.studio, seed, version.id + 1, run)
        try:
            with closing(events):
                for event in events:
                    self._notice(event, version)
                    yield event
        finally:
            self._catch_up(version)

    def _notice(self, event: Event, version: Version) -> None:
        if isinstance(event, CandidateReady):
            number = self.history.add(event.candidate, event.spent)
            self.tree.bind(number, version.id, event.candidate.image_request.seed)
        elif isinstance(event, Decided):
            self.decisions.append(event)
        elif isinstance(event, Finished):
            self.history.end(event.result)

    def _catch_up(self, version: Version) -> None:
        """Takes in what the recorder has kept and nobody waited for: numbers stay equal."""
        seen = len(self.history.runs[-1].numbers)
        for kept in self.recorder.painted[seen:] if self.recorder else ():
            self._notice(kept, version)

    def _as_styled(self, brief: Brief) -> Brief:
        if not self.style:
            return brief
        known, spec = self.studio.settings.styles, self.studio.painter.spec
        return styled(brief, self._style(), spec, known)

    def _style(self) -> Style:
        return style_called(self.style, self.studio.settings.prompts)

    def _limits(self) -> Limits:
        """The limits, in the shape that the style suggests where nobody asked for a size."""
        settings, sized = self.studio.settings, self.limits.get("size")
        if not self.style or settings.styles or settings.size or sized:
            return self.limits
        return {**self.limits, "size": size_for(self._style(), self.studio.painter.spec)}

    def _own(self) -> int | None:
        """The picture meant, where it is one of the version at hand."""
        number = self.meant
        return number if number in self._of_version(self.version - 1) else None

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

    def _of_version(self, version: int) -> list[int]:
        bound = [*self.tree.candidates.items()]  # another thread may be painting meanwhile
        return [number for number, one in bound if one.version == version]

    def _score(self, number: int) -> tuple[int, float]:
        return self.candidates[number - 1].critique.score

    def _past(self, version: Version) -> VersionLine:
        return VersionLine(
            number=version.id + 1,
            parent=None if version.parent is None else version.parent + 1,
            words=version.words,
            changes=tuple(patch.words(version.patch)),
            candidates=tuple(self._of_version(version.id)),
            here=version.id + 1 == self.version,
        )

    def _candidate(self, number: int) -> CandidateSummary:
        critique = self.candidate(number).critique
        version = self.tree.candidates[number].version + 1
        return CandidateSummary(number, version, critique.score[0], len(critique.decisive))
