"""Commands that say how the next pictures are painted: style, seed, size, budget and models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from limner import configs
from limner.agent.archive.archive import Archive
from limner.agent.archive.gallery import page_of
from limner.agent.terminal import picture_commands
from limner.agent.terminal.picture_commands import number
from limner.agent.terminal.words import as_rows
from limner.agent.tools.arguments import pixels
from limner.errors import BadInput, LimnerError
from limner.prompts.styles import style as find
from limner.prompts.styles import styles

if TYPE_CHECKING:
    from limner.agent.terminal.chat import Chat

__all__ = [
    "COMMANDS",
    "Command",
    "budget",
    "completions",
    "export",
    "obey",
    "profile",
    "profiles",
    "resume",
    "seed",
    "sessions",
    "sessions_there_are",
    "size",
    "style",
    "styles_there_are",
]


def seed(chat: Chat, rest: str) -> None:
    """Shows the seed, or sets it: from then on the same words paint the same pictures."""
    if rest:
        if not rest.isdecimal() or not int(rest) < 2**32:
            raise BadInput(f"{rest!r} is no seed", "type a number, for instance /seed 7")
        chat.session.reseed(int(rest))
    chat.screen.tell(f"seed {chat.session.seed}")


def size(chat: Chat, rest: str) -> None:
    """Shows the size of what is painted next, or sets it; "own" is the painter's own."""
    limits, studio = chat.session.limits, chat.session.studio
    if rest:
        limits["size"] = None if rest == "own" else pixels(rest, "/size 128x128")
    width, height = limits.get("size") or studio.settings.size or studio.painter.dialect.size
    chat.screen.tell(f"size {width} × {height}")


def budget(chat: Chat, rest: str) -> None:
    """Shows what a request may cost, in pictures' worth of painting, or sets it."""
    limits = chat.session.limits
    if rest:
        limits["budget"] = _number(rest)
    chat.screen.tell(f"budget {limits.get('budget') or chat.session.studio.settings.budget:g}")


def style(chat: Chat, rest: str) -> None:
    """Shows the style that pictures are made in, or sets it, by any of its names; or none."""
    session = chat.session
    if rest:
        session.restyle("" if rest == "none" else find(rest, _folder(chat)).name)
    chat.screen.tell(f"style {session.style or 'none: as the brief says'}")


def styles_there_are(chat: Chat) -> list[str]:
    """The names of the styles that can be set."""
    return [*styles(_folder(chat)), "none"]


def profile(chat: Chat, rest: str) -> None:
    """Shows which models are at work, or opens those of another profile."""
    if rest:
        chat.session.studio = chat.open_studio(rest)
        chat.profile = rest
    chat.screen.models(chat.profile, chat.session.studio.names)


def profiles(_: Chat) -> list[str]:
    """The names of the profiles that ship with limner."""
    return configs.known()


def _folder(chat: Chat) -> Path | None:
    return chat.session.studio.settings.prompts


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise BadInput(f"{text!r} is no budget", "type /budget 8, for instance")
    return number


_SHOWN = 20  # of the latest sessions; the gallery has all


def sessions(chat: Chat, rest: str) -> None:
    """Lists the latest sessions, or those in which every word is found."""
    found = _archive(chat).sessions(rest)
    here = chat.session.diary.number if chat.session.diary else None
    if not found:
        chat.screen.tell(f"no session has “{rest}”" if rest else "nothing is kept yet")
    chat.screen.table(
        (*row, "at hand" if one.id == here else "")
        for one, row in zip(found, as_rows(found[:_SHOWN]), strict=False)
    )
    if len(found) > _SHOWN:
        chat.screen.tell(f"and {len(found) - _SHOWN} more: say some of the words", style="dim")


def resume(chat: Chat, rest: str) -> None:
    """Goes on with another session; this one is on disk as it is."""
    archive = _archive(chat)
    chat.resume(archive, number(rest, "/resume 3"))


def export(chat: Chat, rest: str) -> None:
    """Saves this session as one page that needs nothing else."""
    archive = _archive(chat)
    if chat.session.diary is None or chat.session.diary.number is None:
        raise BadInput("there is nothing to export yet", "say what you want to see")
    here = Path(rest).expanduser() if rest else _folder_commands_sessions(chat.out)
    chat.screen.told(page_of(archive, chat.session.diary.number, here))


def sessions_there_are(chat: Chat) -> list[str]:
    """The numbers of the latest sessions."""
    return [str(row.id) for row in _archive(chat).sessions()[:_SHOWN]]


def _archive(chat: Chat) -> Archive:
    diary = chat.session.diary
    if diary is None:
        raise BadInput("this conversation is not kept", "begin one without --no-archive")
    if diary.problem:
        raise BadInput(diary.problem.message, diary.problem.hint)
    return diary.archive


def _folder_commands_sessions(out: Path) -> Path:
    return out.parent if out.suffix.lower() == ".png" else out


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


COMMANDS = {
    command.name: command
    for command in (
        Command("help", "[COMMAND]", "what can be typed here", _help, _names),
        Command(
            "brief",
            "[edit | ask]",
            "show it; change it by hand; agree to it before painting",
            picture_commands.brief,
            lambda _: ["edit", "ask"],
        ),
        Command("go", "", "paint the version at hand", picture_commands.go),
        Command(
            "again",
            "[#TAKE]",
            "paint it from fresh seeds",
            picture_commands.again,
            picture_commands.takes,
        ),
        Command(
            "pick", "#TAKE", "go on from that take", picture_commands.pick, picture_commands.takes
        ),
        Command(
            "show",
            "[#TAKE]",
            "a take, large, with its claims",
            picture_commands.show,
            picture_commands.takes,
        ),
        Command(
            "finish",
            "WORDS",
            "brighter, 1024 by 768, sharper: without painting",
            picture_commands.finish,
        ),
        Command(
            "vary",
            "[#TAKE] [HOW MUCH]",
            "more like that take: its words, other seeds",
            picture_commands.vary,
            picture_commands.takes,
        ),
        Command(
            "describe",
            "[#TAKE]",
            "in words: what holds, what doesn't, what it looks like instead",
            picture_commands.describe,
            picture_commands.takes,
        ),
        Command(
            "rate",
            "#TAKE good|bad",
            "what you think of it; /rate #1 #2 and 1, 2 or = compares",
            picture_commands.rate,
            picture_commands.takes,
        ),
        Command("save", "[PATH]", "save the take that is meant", picture_commands.save),
        Command(
            "export",
            "[PATH]",
            "this session as one page that needs nothing else",
            export,
        ),
        Command("sessions", "[WORDS]", "what was painted before", sessions),
        Command(
            "resume",
            "NUMBER",
            "go on with that session; this one is kept",
            resume,
            sessions_there_are,
        ),
        Command(
            "undo", "", "take back the last finishing, or the last version", picture_commands.undo
        ),
        Command("redo", "", "forward again", picture_commands.redo),
        Command(
            "branch",
            "VERSION",
            "go on from an earlier version",
            picture_commands.branch,
            picture_commands.versions,
        ),
        Command("history", "", "all versions", picture_commands.history),
        Command(
            "diff",
            "[VERSION VERSION]",
            "what differs between two versions",
            picture_commands.diff,
            picture_commands.versions,
        ),
        Command("why", "", "what was decided last, and why", picture_commands.why),
        Command("negative", "[WORDS | none]", "what must not be there", picture_commands.negative),
        Command(
            "style",
            "[NAME | none]",
            "photo, poster, pixel art and the like",
            style,
            styles_there_are,
        ),
        Command("seed", "[NUMBER]", "same seed, same pictures", seed),
        Command("size", "[WxH | own]", "of the pictures, in pixels", size),
        Command("budget", "[NUMBER]", "pictures' worth of painting for each request", budget),
        Command("profile", "[NAME]", "which models are at work", profile, profiles),
        Command("quit", "", "leave; what was painted last is saved", _quit),
    )
}
