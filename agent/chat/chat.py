"""A conversation in the terminal: a line is said, a brief drafted, takes painted, and so on."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from limner.agent.archive.archive import Archive
from limner.agent.chat import commands
from limner.agent.chat.interrupts import stoppable, unechoed
from limner.agent.conversation.patch import Keep
from limner.agent.conversation.session import Session
from limner.agent.events import Event, Finished
from limner.agent.language.hearing import Heard, answer_of
from limner.agent.language.tongues import tongue_of
from limner.agent.records import Brief, Result
from limner.agent.studio import Studio
from limner.agent.view.chat import ChatScreen
from limner.agent.view.terminal import undisturbed
from limner.errors import INTERRUPTED, BadInput, LimnerError

__all__ = ["Chat", "Lines"]

_LEAVE = {"quit", "exit", "bye", ":q", "退出", "再见"}
_ANOTHER = "a new picture; /undo goes back to the one before, “add …” puts things into it"
_SAME = "so nothing is painted: say it in other words, or type /go for fresh seeds of the same"
_PAINT_IT = "paint it? (enter = go, or say what to change)"


class Lines(Protocol):
    """Where the lines of a conversation come from."""

    interactive: bool

    def read(self) -> str:
        """The next line. Raises `EOFError` after the last, `KeyboardInterrupt` for Ctrl-C."""
        ...


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
    _question: Heard | None = None
    _agreeing: bool = False
    _interrupted: bool = False

    def run(self, lines: Lines) -> int:
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
        said, self._interrupted = line.strip(), False
        agreeing, self._agreeing = self._agreeing, False
        if said.startswith("/"):
            commands.obey(self, said)
        elif said.lower() in _LEAVE:
            self.leaving = True
        elif said:
            self.screen.tongue = tongue_of(said, self.screen.tongue)
            self._do(self._answered(said) or self.session.hear(said))
        elif agreeing:
            self.go()

    def draft(self, words: str, take: int | None = None, *, anew: bool = False) -> None:
        """Have the next version of the brief written, and painted unless the user wants a say."""
        before = None if anew else self.session.brief
        if not self._watch(self.session.draft(words, take, anew=anew)):
            self.screen.tell("stopped; the brief is as it was", style="yellow")
            return
        self.tell_version(before)
        if self._is_same(before):
            self.screen.tell(_SAME, style="yellow")
        elif self.ask:
            self._agreeing = True
            self.screen.tell(_PAINT_IT, style="bold")
        else:
            self.paint(self.session.paint())

    def go(self) -> None:
        """Paint the version at hand; where it has takes already, from fresh seeds."""
        painted = any(past.takes for past in self.session.history() if past.here)
        self.paint(self.session.again() if painted else self.session.paint())

    def paint(self, events: Iterator[Event]) -> None:
        """Show the painting to its end, or to Ctrl-C, which keeps what there is."""
        first, started = len(self.session.takes), time.monotonic()
        self.screen.begin(self.session.claims)
        try:
            finished = self._watch(events)
        finally:
            takes = tuple(self.session.takes[first:])
            self.unsaved = self.unsaved or any(not take.blocked for take in takes)
        if not finished:
            spent = self.session.reel.runs[-1].spent if takes else 0.0
            seconds = time.monotonic() - started
            self.screen.finished(Result(self.screen.best, takes, "cancelled", spent, seconds))
        if takes and (best := self.screen.best):
            self.screen.instead(best, self._instead(best.number + 1))

    def describe(self, number: int) -> None:
        """Tell in words what is known of a take."""
        self.screen.described(self.session.take(number), number, self._instead(number))

    def resume(self, archive: Archive, number: int) -> None:
        """Go on with another session of the archive; this one is there as it is.

        Raises `BadInput` for an unknown one; then nothing has changed.
        """
        here = self.session.diary.number if self.session.diary else None
        if here == number:
            raise BadInput(f"session {number} is this one", "type /sessions to see the others")
        after = Session.resumed(self.session.studio, archive, number, self.profile)
        after.limits = self.session.limits
        self.session, self._question, self.unsaved = after, None, False
        on = f"on with session {number}"
        self.screen.tell(f"session {here} is kept; {on}" if here else on, style="dim")
        self.arrive()

    def arrive(self) -> None:
        """Show where a session stands that is gone on with."""
        if head := self.session.tree.head:
            self.screen.tongue = tongue_of(head.words, self.screen.tongue)
        self.tell_version(None)
        self.look()

    def tell_version(self, before: Brief | None) -> None:
        """Show the version at hand: whole, or what differs from the brief that was before."""
        if brief := self.session.brief:
            changed = next(past.changes for past in self.session.history() if past.here)
            self.screen.version(self.session.version, brief, before, changed)

    def look(self, number: int | None = None) -> None:
        """Show a take, finished as it is, with its claims; without a number the one meant now."""
        number = self.session.meant if number is None else number
        if number is not None:
            take, picture = self.session.take(number), self.session.picture(number)
            self.screen.look(take, picture, number, bool(self.session.reel.finishes(number)))

    def save(self, out: Path) -> None:
        """Save the take that is meant."""
        with undisturbed():
            path = self.session.save(out, self.profile)
        self.unsaved = False
        self.screen.saved(path, self.session.seed)

    def status(self) -> str:
        """Version, take, profile, budget and seed, for the bar below the prompt."""
        session = self.session
        budget = session.limits.get("budget") or session.studio.settings.budget
        parts = [f"version {session.version}"] if session.version else []
        parts += [f"#{session.meant}"] if session.meant else []
        return " · ".join([*parts, self.profile, f"budget {budget:g}", f"seed {session.seed}"])

    def _do(self, heard: Heard) -> None:
        take = len(self.session.takes) if heard.take == -1 else heard.take
        match heard.kind:
            case "request" | "change":
                if heard.kind == "request" and self.session.brief:
                    self.screen.tell(_ANOTHER, style="dim")
                self.draft(heard.words, take, anew=heard.kind == "request")
            case "unclear":
                self._question = heard
                self.screen.tell(f"{heard.question} ({', '.join(heard.choices)})", style="bold")
            case "finish":
                self.finish(heard.words)
            case "pick":
                commands.obey(self, f"/pick {take}")
            case step:
                commands.obey(self, f"/{step}")

    def finish(self, words: str) -> None:
        """Finish the take that is meant: brighter, larger, and the like."""
        self.screen.tell(*self.session.finish(words))
        self.unsaved = True
        self.look()

    def _is_same(self, before: Brief | None) -> bool:
        """Whether a change changed nothing that is painted."""
        now = self.session.brief
        head = self.session.tree.head
        kept = head is not None and head.parent is not None and head.patch == (Keep(),)
        return bool(before and now and kept and now.prompt == before.prompt)

    def _answered(self, said: str) -> Heard | None:
        """What an unclear line becomes by its answer; None where this is no answer to it."""
        asked, self._question = self._question, None
        if asked is None:
            return None
        chosen = answer_of(said, asked.choices)
        return (
            Heard("change", asked.words.replace("{thing}", chosen), asked.take) if chosen else None
        )

    def _watch(self, events: Iterator[Event]) -> bool:
        """Show events as they come; false when Ctrl-C stopped them before the last."""
        work = closing(cast("Generator[Event, None, None]", events))
        with unechoed(), stoppable() as stop, work:
            try:
                for event in events:
                    self.screen.show(event)
                    if stop.asked and not isinstance(event, Finished):
                        return False
            finally:
                self._interrupted = stop.asked
                self.screen.close()
        return True

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
