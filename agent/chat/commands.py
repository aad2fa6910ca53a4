"""The slash commands of a conversation: a table of names, what they do, and how to call them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from limner.agent.chat import commands_picture, commands_sessions, commands_settings, commands_takes
from limner.errors import BadInput, LimnerError

if TYPE_CHECKING:
    from limner.agent.chat.chat import Chat

__all__ = ["COMMANDS", "Command", "completions", "obey"]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `arguments` as the help shows them, `choices` for the first of them."""

    name: str
    arguments: str
    help: str
    do: Callable[[Chat, str], None]
    choices: Callable[[Chat], list[str]] = lambda _: []


def obey(chat: Chat, line: str) -> None:
    """Runs a line such as `/pick #2`. Raises `BadInput` for a command that there isn't."""
    name, _, rest = line.removeprefix("/").partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        near = get_close_matches(name.lower(), COMMANDS, 1)
        hint = f"did you mean /{near[0]}?" if near else "type /help to see what there is"
        raise BadInput(f"there is no command /{name}", hint)
    chat.last.command = command.name
    command.do(chat, rest.strip())


def completions(chat: Chat, text: str) -> Iterator[tuple[str, str]]:
    """What the last word of a command line may become, and what that means."""
    name, space, rest = text.removeprefix("/").partition(" ")
    if not text.startswith("/"):
        return
    if not space:
        fitting = (c for c in COMMANDS.values() if c.name.startswith(name.lower()))
        yield from ((f"/{command.name}", command.help) for command in fitting)
    elif (command := COMMANDS.get(name.lower())) and " " not in rest:
        with suppress(LimnerError):  # what can't be looked up is not offered
            yield from ((c, "") for c in command.choices(chat) if c.startswith(rest))


def _help(chat: Chat, rest: str) -> None:
    wanted = rest.removeprefix("/").lower()
    shown = [c for c in COMMANDS.values() if not wanted or c.name == wanted]
    if not shown:
        raise BadInput(f"there is no command /{wanted}", "type /help to see what there is")
    if not wanted:
        chat.screen.tell("Say what you want to see, then what should be different: ")
        chat.screen.tell('"a cat on the grass" · "make it night" · "the second one, but blue"')
    chat.screen.table((f"/{c.name} {c.arguments}".rstrip(), c.help) for c in shown)


def _quit(chat: Chat, _: str) -> None:
    chat.leaving = True


def _names(_: Chat) -> list[str]:
    return list(COMMANDS)


_picture, _settings = commands_picture, commands_settings
_takes, _sessions = commands_takes, commands_sessions
COMMANDS = {
    command.name: command
    for command in (
        Command("help", "[COMMAND]", "what can be typed here", _help, _names),
        Command(
            "brief",
            "[edit | ask]",
            "show it; change it by hand; agree to it before painting",
            _picture.brief,
            lambda _: ["edit", "ask"],
        ),
        Command("go", "", "paint the version at hand", _picture.go),
        Command("again", "[#TAKE]", "paint it from fresh seeds", _picture.again, _takes.takes),
        Command("pick", "#TAKE", "go on from that take", _picture.pick, _takes.takes),
        Command("show", "[#TAKE]", "a take, large, with its claims", _picture.show, _takes.takes),
        Command(
            "finish", "WORDS", "brighter, 1024 by 768, sharper: without painting", _picture.finish
        ),
        Command(
            "vary",
            "[#TAKE] [HOW MUCH]",
            "more like that take: its words, other seeds",
            _takes.vary,
            _takes.takes,
        ),
        Command(
            "describe",
            "[#TAKE]",
            "in words: what holds, what doesn't, what it looks like instead",
            _takes.describe,
            _takes.takes,
        ),
        Command(
            "rate",
            "#TAKE good|bad",
            "what you think of it; /rate #1 #2 and 1, 2 or = compares",
            _takes.rate,
            _takes.takes,
        ),
        Command("save", "[PATH]", "save the take that is meant", _picture.save),
        Command(
            "export",
            "[PATH]",
            "this session as one page that needs nothing else",
            _sessions.export,
        ),
        Command("sessions", "[WORDS]", "what was painted before", _sessions.sessions),
        Command(
            "resume",
            "NUMBER",
            "go on with that session; this one is kept",
            _sessions.resume,
            _sessions.sessions_there_are,
        ),
        Command("undo", "", "take back the last finishing, or the last version", _picture.undo),
        Command("redo", "", "forward again", _picture.redo),
        Command(
            "branch", "VERSION", "go on from an earlier version", _picture.branch, _picture.versions
        ),
        Command("history", "", "all versions", _picture.history),
        Command(
            "diff",
            "[VERSION VERSION]",
            "what differs between two versions",
            _picture.diff,
            _picture.versions,
        ),
        Command("why", "", "what was decided last, and why", _picture.why),
        Command("negative", "[WORDS | none]", "what must not be there", _picture.negative),
        Command(
            "style",
            "[NAME | none]",
            "photo, poster, pixel art and the like",
            _settings.style,
            _settings.styles_there_are,
        ),
        Command("seed", "[NUMBER]", "same seed, same pictures", _settings.seed),
        Command("size", "[WxH | own]", "of the pictures, in pixels", _settings.size),
        Command(
            "budget", "[NUMBER]", "pictures' worth of painting for each request", _settings.budget
        ),
        Command(
            "profile", "[NAME]", "which models are at work", _settings.profile, _settings.profiles
        ),
        Command("quit", "", "leave; what was painted last is saved", _quit),
    )
}
