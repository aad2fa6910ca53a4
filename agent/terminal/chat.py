"""A conversation in the terminal: a line is said, a brief drafted, pictures painted, and so on."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from limner.agent.archive.archive import Archive
from limner.agent.archive.pictures import slug
from limner.agent.brief import patch
from limner.agent.brief.tool_call import Call
from limner.agent.conversation.session import Session
from limner.agent.events import BriefReady, Event, Finished, Replied, TurnHeard
from limner.agent.i18n import language_of
from limner.agent.records import Brief, Result
from limner.agent.studio import Studio
from limner.agent.syntax.reader import pasted_seed
from limner.agent.terminal import commands
from limner.agent.terminal.chat_screen import ChatScreen
from limner.agent.terminal.input import stoppable, unechoed
from limner.agent.terminal.terminal import undisturbed
from limner.agent.terminal.words import NOTE
from limner.errors import INTERRUPTED, BadInput, LimnerError
from limner.prompts.words import turn_words

__all__ = [
    "Chat",
    "ChatTurn",
    "InputLines",
]


_BARE = {
    **dict.fromkeys(("quit", "exit", "bye", ":q", "退出", "再见"), "quit"),
    **dict.fromkeys(("clear", "cls", "清屏"), "clear"),
}
_ANOTHER = "a new picture; /undo goes back to the one before, “add …” puts things into it"
_PAINT_IT = "paint it? (enter = go, or say what to change)"
_STOPPED = "stopped; the brief is as it was"
_LATER = "type /go to paint it"


class InputLines(Protocol):
    """Where the lines of a conversation come from."""

    interactive: bool

    def read(self) -> str:
        """The next line. Raises `EOFError` after the last, `KeyboardInterrupt` for Ctrl-C."""
        ...


@dataclass(slots=True)
class ChatTurn:
    """What became of one line: the call that it was, or the `command`; what was said and saved."""

    call: Call | None = None
    command: str = ""
    drafted: BriefReady | None = None
    reply: str = ""
    saved: Path | None = None


@dataclass(slots=True)
class Chat:
    """One conversation: what is said goes to the session, what happens to the screen.

    `open_studio` opens the models of another profile, `edit` lets the user change a text by hand,
    `out` is where pictures are saved. With `ask`, a brief is only painted once it is agreed to.
    """

    session: Session
    screen: ChatScreen
    profile: str
    open_studio: Callable[[str], Studio]
    edit: Callable[[str], str]
    out: Path = Path()
    ask: bool = False
    leaving: bool = False
    unsaved: bool = False
    last: ChatTurn = field(default_factory=ChatTurn)
    _agreeing: bool = False
    _interrupted: bool = False

    def run(self, lines: InputLines) -> int:
        """Talk until the lines end or the user leaves; returns the exit code.

        What was painted last is saved on leaving, unless it was saved already. Between programs,
        the code is that of the first line that could not be done.
        """
        code = 0
        self.screen.models(self.profile, self.session.studio.names)
        while not self.leaving:
            self.screen.tell("")
            try:
                self.hear(lines.read())
            except EOFError:
                break
            except KeyboardInterrupt:
                self.leaving = self._interrupted or not lines.interactive
                self._interrupt()
            except LimnerError as error:
                self.screen.refuse(error)
                code = 0 if lines.interactive else code or error.exit_code
            if self._interrupted and (self.leaving or not lines.interactive):
                return self._left(INTERRUPTED)
        return self._left(code)

    def hear(self, line: str) -> None:
        """Do what one line says. Raises `LimnerError` for what can't be done."""
        said, self._interrupted, self.last = line.strip(), False, ChatTurn()
        agreeing, self._agreeing = self._agreeing, False
        bare = said.casefold().strip(" .!?。！？")
        if said.startswith("/"):
            commands.obey(self, said)
        elif command := _BARE.get(bare) or ("help" if bare in turn_words().help else ""):
            self.screen.language = language_of(said, self.screen.language)
            commands.obey(self, f"/{command}")
        elif said:
            self.screen.language = language_of(said, self.screen.language)
            if (seed := pasted_seed(said)) is not None:  # as if it had been set
                commands.obey(self, f"/seed {seed}")
            self.follow(self.session.turn(said, paint=not self.ask))
        elif agreeing:
            self.go()

    def do(self, call: Call) -> None:
        """Make one call of a tool, as a line of plain words would; only painting is never asked."""
        self.last.call = call
        self.follow(self.session.do(call))

    def go(self) -> None:
        """Paint the version at hand; where it has takes already, from fresh seeds."""
        painted = any(past.candidates for past in self.session.versions() if past.here)
        if painted:
            self.do(Call("draw"))
        else:
            self.last.call = Call("draw")
            self.follow(self.session.paint())

    def follow(self, events: Iterator[Event]) -> None:
        """Show what a turn does, to its end or to Ctrl-C, which keeps what there is."""
        session, started = self.session, time.monotonic()
        version, first, runs = session.version, len(session.candidates), len(session.history.runs)
        self.screen.begin(session.claims)
        try:
            finished = self._watch(events)
        finally:
            takes = tuple(session.candidates[first:])
            self.unsaved = self.unsaved or any(not take.blocked for take in takes)
        painted = len(session.history.runs) > runs
        if not finished and painted:
            spent = session.history.runs[-1].spent if takes else 0.0
            seconds = time.monotonic() - started
            self.screen.finished(Result(self.screen.best, takes, "cancelled", spent, seconds))
        elif not finished:
            self.screen.tell(_LATER if self.last.drafted else _STOPPED, style=NOTE)
        elif not painted:
            self._arrived(version)
        if takes and (best := self.screen.best):
            self.screen.instead(best, self._instead(best.number + 1))
            self.screen.rows(kept=self._kept())

    def _kept(self) -> str:
        """Where the picture is by now, and how to have it as a file."""
        recorder, out = self.session.recorder, self.out
        if out.suffix.lower() != ".png":
            out /= f"{slug(self.session.tree.words(self.session.meant or 1))}.png"
        where = f"session {recorder.number}" if recorder and recorder.number else "nowhere yet"
        return self.screen.words(f"{where}; /save writes {out}")

    def describe(self, number: int) -> None:
        """Tell in words what is known of a picture."""
        self.screen.described(self.session.candidate(number), number, self._instead(number))

    def resume(self, archive: Archive, number: int) -> None:
        """Go on with another session of the archive; this one is there as it is.

        Raises `BadInput` for an unknown one; then nothing has changed.
        """
        here = self.session.recorder.number if self.session.recorder else None
        if here == number:
            raise BadInput(f"session {number} is this one", "type /sessions to see the others")
        after = Session.resumed(self.session.studio, archive, number, self.profile)
        after.limits = self.session.limits
        self.session, self.unsaved = after, False
        on = f"on with session {number}"
        self.screen.tell(f"session {here} is kept; {on}" if here else on, style="dim")
        self.arrive()

    def arrive(self) -> None:
        """Show where a session stands that is gone on with."""
        if head := self.session.tree.head:
            self.screen.language = language_of(head.words, self.screen.language)
        self.tell_version(None)
        self.look()

    def tell_version(self, before: Brief | None) -> None:
        """Show the version at hand: whole, or what differs from the brief that was before."""
        if brief := self.session.brief:
            found = patch.apply_patch(before, brief) if before else ()
            changes = (
                [] if found == (patch.KeepClaim(),) else patch.words(found, self.screen.language)
            )
            self.screen.version(self.session.version, brief, before, changes)

    def look(self, number: int | None = None) -> None:
        """Show a take, finished as it is, with its claims; without a number the one meant now."""
        number = self.session.meant if number is None else number
        if number is not None:
            take, picture = self.session.candidate(number), self.session.picture(number)
            self.screen.look(take, picture, number, bool(self.session.history.finishes(number)))

    def save(self, out: Path) -> None:
        """Save the take that is meant."""
        with undisturbed():
            path = self.session.save(out, self.profile)
        self.unsaved, self.last.saved = False, path
        self.screen.saved(path, self.session.seed)

    def status(self) -> str:
        """Version, take, profile, budget and seed, for the bar below the prompt."""
        session = self.session
        budget = session.limits.get("budget") or session.studio.settings.budget
        parts = [f"version {session.version}"] if session.version else []
        parts += [f"#{session.meant}"] if session.meant else []
        parts += [self.profile, f"budget {budget:g}", f"seed {session.seed}"]
        return " · ".join(map(self.screen.words, parts))

    def _watch(self, events: Iterator[Event]) -> bool:
        """Show events as they come; false when Ctrl-C stopped them before the last."""
        work = closing(cast("Generator[Event, None, None]", events))
        with unechoed(), stoppable() as stop, work:
            try:
                for event in events:
                    self._show(event)
                    if stop.asked and not isinstance(event, Finished | Replied):
                        return False
            finally:
                self._interrupted = stop.asked
                self.screen.close()
        return True

    def _show(self, event: Event) -> None:
        self.screen.show(event)
        match event:
            case TurnHeard(call):
                self.last.call = call
                if call.tool == "draw" and call.request and self.session.brief:
                    self.screen.tell(_ANOTHER, style="dim")
            case BriefReady():
                self.last.drafted = event
                self.tell_version(self._before())
                self.screen.begin(event.claims)
            case Replied(text):
                self.last.reply = text

    def _before(self) -> Brief | None:
        """What the version at hand is a change of; None for a picture from nothing."""
        call, head = self.last.call, self.session.tree.head
        if head is None or head.parent is None or (call and call.tool == "draw"):
            return None
        return self.session.tree.versions[head.parent].brief

    def _arrived(self, version: int) -> None:
        """Show where a turn led that painted nothing: another version, another take or finish."""
        call, moved = self.last.call, self.session.version != version
        tool = call.tool if call else ""
        if self.last.drafted:
            self._agreeing = True
            self.screen.tell(_PAINT_IT, style="bold")
        elif tool == "draw":  # "again" needs no agreement
            self.go()
        elif tool == "save":
            self.save(self.out)
        elif tool in ("select", "undo", "redo", "back_to", "adjust"):
            if moved and tool != "select":
                self.tell_version(None)
            self.unsaved = self.unsaved or tool == "select" or not moved
            self.look()

    def _instead(self, number: int) -> dict[int, str]:
        """What a take looks like in place of what was claimed; {} where nobody can tell."""
        try:
            return self.session.instead(number)
        except Exception:  # a critic is anyone's code, and the picture is there without it
            return {}

    def _interrupt(self) -> None:
        """The first Ctrl-C says what a second one does."""
        self._interrupted = True
        if not self.leaving:
            self.screen.tell("Ctrl-C once more leaves; so does /quit", style="dim")

    def _left(self, code: int) -> int:
        """Keep what nobody has saved; a failure to do so is the last thing that is said."""
        try:
            if self.unsaved:
                self.save(self.out)
        except LimnerError as error:
            self.screen.refuse(error)
            return code or error.exit_code
        return code
