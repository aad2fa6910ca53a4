"""The command `limner chat`: opens the models and the terminal for a conversation."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.agent.cli.options import (
    ArchiveFolder,
    Budget,
    Explain,
    ImagesPerRound,
    Model,
    Out,
    Profile,
    Seconds,
    Seed,
    Size,
    Writer,
    above_zero,
    named,
)
from limner.agent.search.run import pixels
from limner.errors import INTERRUPTED, BadInput, LimnerError

if TYPE_CHECKING:
    from rich.console import Console

    from limner.agent.archive.archive import Archive
    from limner.agent.archive.recorder import SessionRecorder
    from limner.agent.conversation.session import Session
    from limner.agent.search.run import Limits
    from limner.agent.studio import Studio
    from limner.agent.terminal.chat import Chat, InputLines
    from limner.agent.terminal.chat_screen import ChatScreen

__all__ = [
    "at_a_terminal",
    "chat",
]


def chat(
    seed: Seed = None,
    budget: Budget = None,
    seconds: Seconds = None,
    images_per_round: ImagesPerRound = None,
    size: Size = None,
    out: Out = Path(),
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    explain: Explain = False,
    pictures: Annotated[
        str, typer.Option(metavar="WAY", help="auto, kitty, sixel, sextants, blocks or none.")
    ] = "auto",
    archive: ArchiveFolder = None,
    no_archive: Annotated[
        bool, typer.Option("--no-archive", help="Keep nothing but what is saved.")
    ] = False,
    resume: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Go on with session N of limner gallery."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON for each turn, nothing else.")
    ] = False,
) -> int:
    """Talk about a picture until it is right; of a pipe, each line is one turn."""
    above_zero(budget=budget, seconds=seconds, images_per_round=images_per_round)
    from limner.agent.archive.pictures import probe
    from limner.agent.machine import AUTO, planned
    from limner.agent.terminal.terminal import console_for

    limits: Limits = {"budget": budget, "seconds": seconds, "images_per_round": images_per_round}
    limits["size"] = pixels(size)
    models = named(writer, painter, critic)
    drawn = int.from_bytes(os.urandom(4), "big") if seed is None else seed
    probe(out)
    if explain or profile == AUTO:
        from limner.agent.cli import doctor

        doctor.explain(profile, models)
    if missing := planned(profile, models).missing:
        raise missing[0]
    screen = _screen("none" if as_json else pictures, quiet=as_json)
    output = console_for(sys.stdout)  # before it is kept clean
    start = ChatStart(screen, output, profile, models, drawn, limits, out, resume, as_json)
    return start.run(archive, not no_archive or resume is not None)


@dataclass
class ChatStart:
    """What a conversation begins with: screen, models, seed and limits, and where it goes on."""

    screen: ChatScreen
    output: Console
    profile: str
    models: dict[str, str]
    seed: int
    limits: Limits
    out: Path
    resume: int | None
    as_json: bool

    def run(self, folder: Path | None, wanted: bool) -> int:
        """Talk, kept in the archive in that folder if that is `wanted`; returns the exit code."""
        from limner.agent.cli.gallery import kept_archive
        from limner.agent.terminal.screen import PREVIEW_EVERY
        from limner.agent.terminal.terminal import kept_clean

        self.limits["preview_every"] = PREVIEW_EVERY if self.screen.graphics else 0
        self.screen.greet()
        complain = partial(_complain, self.screen, "not kept in the archive:")
        with (
            kept_clean(self.as_json),
            kept_archive(folder, wanted, complain) as archive,
            ThreadPoolExecutor(1) as aside,
        ):
            studio = aside.submit(_open, self.profile, self.models)
            return self._talk(Opening(studio, lambda opened: self._chat(opened, archive)))

    def _talk(self, opening: Opening) -> int:
        lines = _lines(opening, self.screen, self.profile, plain=self.as_json)
        if lines.interactive and self.resume is None:  # what is typed while the models open
            try:
                lines = FirstLine(lines.read(), lines)
            except EOFError:
                return 0
            except KeyboardInterrupt:
                return INTERRUPTED
        with self.screen.waiting(f"opening {self.profile}"):
            talk = opening.wait()
        if self.resume is not None:
            talk.arrive()
        code = talk.run(lines)
        _tell_where_to_go_on(self.screen, talk.session.recorder)
        return code

    def _chat(self, studio: Studio, archive: Archive | None) -> Chat:
        """The conversation, for people or, a line of JSON for each turn, for a program."""
        from limner.agent.terminal.chat import Chat
        from limner.agent.terminal.input import edited
        from limner.agent.terminal.json_chat import JsonChat

        def another(name: str) -> Studio:
            with self.screen.waiting(f"opening {name}"):
                return _open(name, self.models)

        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        session = self._session(studio, archive)
        parts = (session, self.screen, self.profile, another, lambda text: edited(text, editor))
        if not self.as_json:
            return Chat(*parts, out=self.out)
        write = partial(self.output.out, highlight=False)
        return JsonChat(*parts, out=self.out, tell=lambda turn: write(json.dumps(turn)))

    def _session(self, studio: Studio, archive: Archive | None) -> Session:
        """A new session, or that of the archive. Raises `BadInput` for one that isn't there."""
        from limner.agent.archive.recorder import SessionRecorder
        from limner.agent.conversation.session import Session

        if self.resume is None:
            recorder = SessionRecorder(archive, self.profile) if archive else None
            return Session(studio, self.seed, self.limits, recorder=recorder)
        if archive is None:
            raise BadInput("there is no archive to go on from", "type limner gallery")
        session = Session.resumed(studio, archive, self.resume, self.profile)
        session.limits = self.limits
        return session


@dataclass
class Opening:
    """A conversation whose models are being opened in another thread."""

    studio: Future[Studio]
    begin: Callable[[Studio], Chat]
    _chat: Chat | None = None

    def ready(self) -> Chat | None:
        """The conversation, once its models are open; raises nothing while a prompt is shown."""
        with suppress(Exception):  # `wait` raises it, once a line was typed
            return self.wait() if self.studio.done() else None
        return None

    def wait(self) -> Chat:
        """The conversation; raises what opening the models did."""
        if self._chat is None:
            self._chat = self.begin(self.studio.result())
        return self._chat


@dataclass
class FirstLine:
    """Lines of which the first was read before."""

    first: str | None
    rest: InputLines
    interactive: bool = True

    def read(self) -> str:
        """The next line; raises as the rest does."""
        line, self.first = self.first, None
        return self.rest.read() if line is None else line


def _open(profile: str, models: dict[str, str]) -> Studio:
    from limner.agent.studio import Studio

    return Studio.open(profile, **models)


def _screen(pictures: str, quiet: bool) -> ChatScreen:
    """The screen of a conversation; a `quiet` one remembers what it would show."""
    from limner.agent.terminal.chat_screen import ChatScreen
    from limner.agent.terminal.pictures import graphics_for
    from limner.agent.terminal.terminal import console_for

    console = console_for(None if quiet else sys.stdout)
    complaints = None if console.is_terminal else console_for(sys.stderr)
    return ChatScreen(console, graphics_for(console, pictures), complaints)


def at_a_terminal() -> bool:
    """True when somebody types and looks."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _lines(opening: Opening, screen: ChatScreen, profile: str, plain: bool) -> InputLines:
    """A prompt where somebody types at a terminal that can show one, else plain lines."""
    from limner.agent.terminal.commands import completions
    from limner.agent.terminal.input import PlainLines, PromptedLines, history_in

    typed = at_a_terminal() and not plain
    if typed and not screen.console.is_dumb_terminal:
        from platformdirs import user_state_path

        def status() -> str:
            talk = opening.ready()
            if talk or not opening.studio.done():
                return talk.status() if talk else f"{profile} · opening …"
            return f"{profile} · did not open: press enter to see why"

        return PromptedLines(
            lambda text: completions(talk, text) if (talk := opening.ready()) else (),
            status,
            history_in(user_state_path("limner")),
        )
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return PlainLines(sys.stdin or io.StringIO(), screen.console, typed)


def _complain(screen: ChatScreen, what: str, problem: LimnerError) -> None:
    from limner.agent.terminal.words import NOTE

    screen.tell(what, style=NOTE)
    screen.refuse(problem)


def _tell_where_to_go_on(screen: ChatScreen, recorder: SessionRecorder | None) -> None:
    """Where to go on from, or why not all of it is kept."""
    if recorder and recorder.problem:
        _complain(screen, "not all is in the archive:", recorder.problem)
    elif recorder and recorder.number:
        screen.tell(f"limner chat --resume {recorder.number} goes on from here", style="dim")
