"""The command `limner chat`: opens the models and the terminal for a conversation."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.agent.cli.gallery import ArchiveFolder
from limner.agent.cli.options import (
    Budget,
    Explain,
    Model,
    Out,
    Profile,
    Seconds,
    Seed,
    Size,
    Takes,
    Writer,
    above_zero,
)
from limner.agent.tools.arguments import pixels
from limner.errors import BadInput, LimnerError

if TYPE_CHECKING:
    from rich.console import Console

    from limner.agent.archive.archive import Archive
    from limner.agent.conversation.recorder import SessionRecorder
    from limner.agent.conversation.session import Session
    from limner.agent.search.run import Limits
    from limner.agent.studio import Studio
    from limner.agent.terminal.chat import Chat, InputLines
    from limner.agent.terminal.chat_screen import ChatScreen

__all__ = [
    "at_a_terminal",
    "chat",
]


Tell = Callable[[dict[str, Any]], None]
"""Gets each turn of a conversation as a JSON object."""


def chat(
    seed: Seed = None,
    budget: Budget = None,
    seconds: Seconds = None,
    takes: Takes = None,
    size: Size = None,
    out: Out = Path(),
    profile: Profile = "pocket",
    writer: Writer = None,
    painter: Model = None,
    critic: Model = None,
    explain: Explain = False,
    pictures: Annotated[
        str, typer.Option(metavar="WAY", help="auto, kitty, sixel, blocks or none.")
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
    above_zero(budget=budget, seconds=seconds, takes=takes)
    limits: Limits = {"budget": budget, "seconds": seconds, "takes": takes, "size": pixels(size)}
    given = {"writer": writer, "painter": painter, "critic": critic}
    models = {part: name for part, name in given.items() if name}
    drawn = int.from_bytes(os.urandom(4), "big") if seed is None else seed
    from limner.agent.archive.pictures import probe
    from limner.agent.conversation.recorder import SessionRecorder
    from limner.agent.machine import AUTO
    from limner.agent.terminal.screen import PREVIEW_EVERY
    from limner.agent.terminal.terminal import console_for, kept_clean

    probe(out)
    if explain or profile == AUTO:
        from limner.agent.cli import doctor

        doctor.explain(profile, models)
    screen = _screen("none", quiet=True) if as_json else _screen(pictures)
    limits["preview_every"] = PREVIEW_EVERY if screen.graphics else 0
    screen.greet()
    output = console_for(sys.stdout)
    with (
        kept_clean(as_json),
        _kept(screen, archive, wanted=not no_archive or resume is not None) as kept,
    ):

        def session(studio: Studio) -> Session:
            diary = SessionRecorder(kept, profile) if kept else None
            return _session(studio, drawn, limits, diary, resume)

        tell: Tell = lambda told: output.out(json.dumps(told), highlight=False)  # noqa: E731
        talk = _talk(screen, profile, models, session, tell if as_json else None)
        talk.out = out
        if resume is not None:
            talk.arrive()
        code = talk.run(_lines(talk, screen.console, plain=as_json))
    _told(screen, talk.session.diary)
    return code


@contextmanager
def _kept(screen: ChatScreen, folder: Path | None, wanted: bool) -> Iterator[Archive | None]:
    """The archive; None where it isn't wanted, or can't be opened, which costs no picture."""
    from limner.agent.archive.archive import Archive

    if not wanted:
        yield None
        return
    try:
        archive = Archive.open(folder)
    except LimnerError as problem:
        screen.tell("not kept in the archive:", style="yellow")
        screen.refuse(problem)
        yield None
        return
    with archive:
        yield archive


def _session(
    studio: Studio, seed: int, limits: Limits, diary: SessionRecorder | None, resume: int | None
) -> Session:
    """A new session, or that of the archive. Raises `BadInput` for one that isn't there."""
    from limner.agent.conversation.session import Session

    if resume is None:
        return Session(studio, seed, limits, diary=diary)
    if diary is None:
        raise BadInput("there is no archive to go on from", "type limner gallery")
    session = Session.resumed(studio, diary.archive, resume, diary.profile)
    session.limits = limits
    return session


def _told(screen: ChatScreen, diary: SessionRecorder | None) -> None:
    """Where to go on from, or why not all of it is kept."""
    if diary and diary.problem:
        screen.tell("not all is in the archive:", style="yellow")
        screen.refuse(diary.problem)
    elif diary and diary.number:
        screen.tell(f"limner chat --resume {diary.number} goes on from here", style="dim")


def _screen(pictures: str, quiet: bool = False) -> ChatScreen:
    """The screen of a conversation; a `quiet` one remembers what it would show."""
    from limner.agent.terminal.chat_screen import ChatScreen
    from limner.agent.terminal.pictures import graphics_for
    from limner.agent.terminal.terminal import console_for

    console = console_for(None if quiet else sys.stdout)
    complaints = None if console.is_terminal else console_for(sys.stderr)
    return ChatScreen(console, graphics_for(console, pictures), complaints)


def _talk(
    screen: ChatScreen,
    profile: str,
    models: Mapping[str, str],
    session: Callable[[Studio], Session],
    tell: Tell | None,
) -> Chat:
    """The conversation, with the profile's models open; `models` replace them one by one.

    With `tell`, that gets each turn, for a program.
    """
    from limner.agent.studio import Studio
    from limner.agent.terminal.chat import Chat
    from limner.agent.terminal.input import edited
    from limner.agent.terminal.json_chat import JsonChat

    def studio(name: str) -> Studio:
        with screen.waiting(f"opening {name}"):
            return Studio.open(name, **models)

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    start = session(studio(profile))
    parts = (start, screen, profile, studio, lambda text: edited(text, editor))
    return JsonChat(*parts, tell=tell) if tell else Chat(*parts)


def at_a_terminal() -> bool:
    """True when somebody types and looks."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _lines(talk: Chat, console: Console, plain: bool = False) -> InputLines:
    """A prompt where somebody types at a terminal that can show one, else plain lines."""
    from limner.agent.terminal.commands import completions
    from limner.agent.terminal.input import PlainLines, PromptedLines, history_in

    typed = at_a_terminal() and not plain
    if typed and not console.is_dumb_terminal:
        from platformdirs import user_state_path

        history = history_in(user_state_path("limner"))
        return PromptedLines(lambda text: completions(talk, text), talk.status, history)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return PlainLines(sys.stdin or io.StringIO(), console, typed)
