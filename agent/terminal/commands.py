"""What can be typed in a conversation besides plain words: each command, its help and its work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from limner import configs
from limner.agent.archive.archive import Archive
from limner.agent.archive.gallery import page_of
from limner.agent.brief import as_text, patch
from limner.agent.brief.tool_call import Call
from limner.agent.plain import one_line
from limner.agent.records import Brief
from limner.agent.search.run import pixels
from limner.agent.terminal.words import as_rows, world_rows
from limner.errors import BadInput, LimnerError
from limner.prompts.styles import style as find
from limner.prompts.styles import styles

if TYPE_CHECKING:
    from limner.agent.terminal.chat import Chat

__all__ = [
    "COMMANDS",
    "Command",
    "completions",
    "obey",
]

Run = Callable[["Chat", str], None]
Choices = Callable[["Chat"], list[str]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `arguments` as the help shows them, `choices` for the first of them."""

    name: str
    arguments: str
    help: str
    run: Run
    choices: Choices = lambda _: []


COMMANDS: dict[str, Command] = {}
"""All commands by name, in the order of the help."""
_ALIASES = {"exit": "quit", "?": "help", "reproduce": "again"}


def obey(chat: Chat, line: str) -> None:
    """Runs a line such as `/pick #2`. Raises `BadInput` for a command that there isn't."""
    name, _, rest = line.removeprefix("/").partition(" ")
    command = COMMANDS.get(_ALIASES.get(name.lower(), name.lower()))
    if command is None:
        near = get_close_matches(name.lower(), COMMANDS, 1)
        hint = f"did you mean /{near[0]}?" if near else "type /help to see what there is"
        raise BadInput(f"there is no command /{name}", hint)
    chat.last.command = command.name
    command.run(chat, rest.strip())


def completions(chat: Chat, text: str) -> Iterator[tuple[str, str]]:
    """What the last word of a command line may become, and what that means."""
    name, space, rest = text.removeprefix("/").partition(" ")
    if not text.startswith("/"):
        return
    if not space:
        fitting = (c for c in COMMANDS.values() if c.name.startswith(name.lower()))
        yield from ((f"/{one.name}", chat.screen.words(one.help)) for one in fitting)
    elif (command := COMMANDS.get(name.lower())) and " " not in rest:
        with suppress(LimnerError):  # what can't be looked up is not offered
            yield from ((c, "") for c in command.choices(chat) if c.startswith(rest))


def _command(
    name: str, arguments: str, help: str, choices: Choices = lambda _: []
) -> Callable[[Run], Run]:
    """Puts the function below into the table."""

    def register(run: Run) -> Run:
        COMMANDS[name] = Command(name, arguments, help, run, choices)
        return run

    return register


def _candidates(chat: Chat) -> list[str]:
    return [f"#{number + 1}" for number in range(len(chat.session.candidates))]


def _versions(chat: Chat) -> list[str]:
    return [str(past.number) for past in chat.session.versions()]


def _sessions(chat: Chat) -> list[str]:
    return [str(row.id) for row in _archive(chat).sessions()[:_SHOWN]]


def _styles(chat: Chat) -> list[str]:
    return [*styles(chat.session.studio.settings.prompts), "none"]


@_command("help", "[COMMAND]", "what can be typed here", lambda _: list(COMMANDS))
def _help(chat: Chat, rest: str) -> None:
    wanted = rest.removeprefix("/").lower()
    shown = [c for c in COMMANDS.values() if not wanted or c.name == wanted]
    if not shown:
        raise BadInput(f"there is no command /{wanted}", "type /help to see what there is")
    if not wanted:
        chat.screen.tell(
            "Say what you want to see, then what should be different:",
            '  "a cat on the grass" · "make it night" · "the second one, but blue"',
        )
    chat.screen.table(
        (f"/{c.name} {c.arguments}".rstrip(), chat.screen.words(c.help)) for c in shown
    )


@_command("things", "", "what the models at hand can paint")
def _things(chat: Chat, _: str) -> None:
    chat.screen.rows(**world_rows(chat.session.studio.writer.world))


@_command(
    "brief", "[edit | ask]", "show it; edit it; ask before painting", lambda _: ["edit", "ask"]
)
def _brief(chat: Chat, rest: str) -> None:
    if rest == "ask":
        chat.ask = not chat.ask
        chat.screen.tell("the brief waits for your word" if chat.ask else "painting at once")
    elif rest == "edit":
        before = _brief_at_hand(chat)
        text = as_text.written(before)
        if (after := as_text.read(chat.edit(text), before)) != before:
            _rewrite(chat, after)
        else:
            chat.screen.tell("the brief is as it was")
    elif rest:
        raise BadInput(f"/brief {rest} is not known", "type /brief, /brief edit or /brief ask")
    else:
        _brief_at_hand(chat)
        chat.tell_version(None)


@_command("go", "", "paint the version at hand")
def _go(chat: Chat, _: str) -> None:
    chat.go()


@_command("again", "[#N]", "paint it from fresh seeds", _candidates)
def _again(chat: Chat, rest: str) -> None:
    _brief_at_hand(chat)
    chat.do(Call("draw", candidate=_number(rest, "/again #2") if rest else None))


@_command("pick", "#N", "go on from that picture", _candidates)
def _pick(chat: Chat, rest: str) -> None:
    chat.do(Call("select", candidate=_number(rest, "/pick #2")))


@_command("show", "[#N]", "a picture, large, with its claims", _candidates)
def _show(chat: Chat, rest: str) -> None:
    chat.look(_number(rest, "/show #2") if rest else _meant(chat))


@_command("finish", "WORDS", "brighter, 1024 by 768, sharper: without painting")
def _finish(chat: Chat, rest: str) -> None:
    if not rest:
        raise BadInput("finish it how?", "type /finish brighter, or /finish 1024 by 768")
    chat.do(Call("adjust", instruction=rest))


_MUCH = {"hardly": 0.15, "a little": 0.3, "a bit": 0.3, "some": 0.45, "much": 0.65, "a lot": 0.65}


@_command("vary", "[#N] [HOW MUCH]", "more like that picture: its words, other seeds", _candidates)
def _vary(chat: Chat, rest: str) -> None:
    """How much they differ counts where the painter can paint over a picture."""
    named, _, much = rest.partition(" ") if rest.startswith("#") else ("", "", rest)
    number = _number(named, "/vary #2") if named else _meant(chat)
    share = _share(much.strip().lower() or "a little")
    near = chat.session.studio.painter.spec.starts
    how = f"painted over, {share:.0%} anew"
    how = how if near else "from fresh seeds: this painter can do no other"
    chat.session.candidate(number)
    chat.screen.tell(f"#{number} in its own words, {how}", style="dim")
    chat.follow(chat.session.vary(number, share))


@_command("describe", "[#N]", "what holds, what doesn't, and what it looks like", _candidates)
def _describe(chat: Chat, rest: str) -> None:
    chat.describe(_number(rest, "/describe #2") if rest else _meant(chat))


_VERDICTS = {"good": "good", "bad": "bad", "1": "better", "2": "worse", "=": "equal"}
_RATE = "type /rate #2 good, /rate #2 bad, or /rate #1 #2 and 1, 2 or ="


@_command("rate", "#N good|bad", "your opinion; /rate #1 #2 and 1, 2 or = compares", _candidates)
def _rate(chat: Chat, rest: str) -> None:
    *named, said = rest.split() or [""]
    if said not in _VERDICTS or len(named) not in (1, 2) or (len(named) == 1) == (said in "12="):
        raise BadInput("what do you think of which take?", _RATE)
    shown = [_number(word, "/rate #2 good") for word in named]
    chat.session.rate(_VERDICTS[said], *shown)
    other = f" against #{shown[1]}" if len(shown) > 1 else ""
    chat.screen.tell(f"noted: #{shown[0]}{other} is {_VERDICTS[said]}")


@_command("save", "[PATH]", "save the picture that is meant")
def _save(chat: Chat, rest: str) -> None:
    chat.save(Path(rest).expanduser() if rest else chat.out)


@_command("export", "[PATH]", "this session as one page that needs nothing else")
def _export(chat: Chat, rest: str) -> None:
    archive = _archive(chat)
    if chat.session.recorder is None or chat.session.recorder.number is None:
        raise BadInput("there is nothing to export yet", "say what you want to see")
    own = chat.out.parent if chat.out.suffix.lower() == ".png" else chat.out
    here = Path(rest).expanduser() if rest else own
    chat.screen.line("page", str(page_of(archive, chat.session.recorder.number, here)), "bold")


_SHOWN = 20  # of the latest sessions; the gallery has all


@_command("sessions", "[WORDS]", "what was painted before")
def _list_sessions(chat: Chat, rest: str) -> None:
    found = _archive(chat).sessions(rest)
    here = chat.session.recorder.number if chat.session.recorder else None
    if not found:
        chat.screen.tell(f"no session has “{rest}”" if rest else "nothing is kept yet")
    at_hand = chat.screen.words("at hand")
    chat.screen.table(
        (*row, at_hand if one.id == here else "")
        for one, row in zip(found, as_rows(found[:_SHOWN]), strict=False)
    )
    if len(found) > _SHOWN:
        chat.screen.tell(f"and {len(found) - _SHOWN} more: say some of the words", style="dim")


@_command("resume", "NUMBER", "go on with that session; this one is kept", _sessions)
def _resume(chat: Chat, rest: str) -> None:
    archive = _archive(chat)
    chat.resume(archive, _number(rest, "/resume 3"))


@_command("undo", "", "take back the last finishing, or the last version")
def _undo(chat: Chat, _: str) -> None:
    chat.do(Call("undo"))


@_command("redo", "", "forward again")
def _redo(chat: Chat, _: str) -> None:
    chat.do(Call("redo"))


@_command("branch", "VERSION", "go on from an earlier version", _versions)
def _branch(chat: Chat, rest: str) -> None:
    chat.do(Call("back_to", version=_number(rest, "/branch 1")))


@_command("history", "", "all versions")
def _history(chat: Chat, _: str) -> None:
    versions, words = chat.session.versions(), chat.screen.words
    tree, language = chat.session.tree.versions, chat.screen.language
    if not versions:
        chat.screen.tell("nothing yet: say what you want to see")
    chat.screen.table(
        (
            str(past.number),
            words("at hand") if past.here else "",
            words(f"from {past.parent}") if past.parent else "",
            past.words,
            "; ".join(patch.words(tree[past.number - 1].patch, language)) if past.parent else "",
            " ".join(f"#{number}" for number in past.candidates),
        )
        for past in versions
    )


@_command("diff", "[VERSION VERSION]", "what differs between two versions", _versions)
def _diff(chat: Chat, rest: str) -> None:
    given = rest.split()
    if len(given) not in (0, 2):
        raise BadInput("two versions are compared", "type /diff 1 3")
    one, other = (_number(word, "/diff 1 3") for word in given) if given else _last_two(chat)
    if chat.session.diff(one, other):  # or it says that there is no such version
        found = chat.session.tree.diff(one - 1, other - 1)
        chat.screen.changes(patch.words(found, chat.screen.language))


@_command("why", "", "what was decided last, and why")
def _why(chat: Chat, _: str) -> None:
    chat.screen.tell(*(chat.session.why() or ("nothing was decided yet",)))


@_command("negative", "[WORDS | none]", "what must not be there")
def _negative(chat: Chat, rest: str) -> None:
    before = _brief_at_hand(chat)
    if rest:
        words = (one_line(word, 40) for word in re.split(r"[,，、;；]", rest))
        kept = () if rest == "none" else tuple(dict.fromkeys(filter(None, words)))
        _rewrite(chat, replace(before, negative=kept))
    else:
        avoid = ", no ".join(before.negative)
        chat.screen.tell(f"no {avoid}" if avoid else "anything goes")


@_command("style", "[NAME | none]", "photo, poster, pixel art and the like", _styles)
def _style(chat: Chat, rest: str) -> None:
    session = chat.session
    if rest:
        folder = session.studio.settings.prompts
        session.restyle("" if rest == "none" else find(rest, folder).name)
    chat.screen.tell(f"style {session.style or 'none: as the brief says'}")


@_command("seed", "[NUMBER]", "same seed, same pictures")
def _seed(chat: Chat, rest: str) -> None:
    if rest:
        if not rest.isdecimal() or not int(rest) < 2**32:
            raise BadInput(f"{rest!r} is no seed", "type a number, for instance /seed 7")
        chat.session.reseed(int(rest))
    chat.screen.tell(f"seed {chat.session.seed}")


@_command("size", "[WxH | own]", "of the pictures, in pixels; own is the painter's own")
def _size(chat: Chat, rest: str) -> None:
    limits, studio = chat.session.limits, chat.session.studio
    if rest:
        limits["size"] = None if rest == "own" else pixels(rest, "/size 128x128")
    size = limits.get("size") or studio.settings.size or studio.painter.spec.size
    width, height = (size if isinstance(size, tuple) else pixels(size)) or studio.painter.spec.size
    chat.screen.tell(f"size {width} × {height}")


@_command("budget", "[NUMBER]", "what each request may cost, in whole pictures")
def _budget(chat: Chat, rest: str) -> None:
    limits = chat.session.limits
    if rest:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", rest) or not float(rest):
            raise BadInput(f"{rest!r} is no budget", "type /budget 8, for instance")
        limits["budget"] = float(rest)
    chat.screen.tell(f"budget {limits.get('budget') or chat.session.studio.settings.budget:g}")


@_command("profile", "[NAME]", "which models are at work", lambda _: configs.known())
def _profile(chat: Chat, rest: str) -> None:
    if rest:
        chat.session.studio = chat.open_studio(rest)
        chat.profile = rest
    chat.screen.models(chat.profile, chat.session.studio.names)


@_command("clear", "", "an empty screen")
def _clear(chat: Chat, _: str) -> None:
    chat.screen.clear()


@_command("quit", "", "leave; what was painted last is saved")
def _quit(chat: Chat, _: str) -> None:
    chat.leaving = True


def _archive(chat: Chat) -> Archive:
    recorder = chat.session.recorder
    if recorder is None:
        raise BadInput("this conversation is not kept", "begin one without --no-archive")
    if recorder.problem:
        raise BadInput(recorder.problem.message, recorder.problem.hint)
    return recorder.archive


def _brief_at_hand(chat: Chat) -> Brief:
    if chat.session.brief is None:
        raise BadInput("there is no brief yet", "say what you want to see")
    return chat.session.brief


def _rewrite(chat: Chat, after: Brief) -> None:
    before = chat.session.brief
    chat.session.rewrite(after)
    chat.tell_version(before)
    chat.screen.tell("type /go to paint it", style="dim")


def _last_two(chat: Chat) -> tuple[int, int]:
    here = next((past for past in chat.session.versions() if past.here), None)
    if here is None or here.parent is None:
        raise BadInput("there is only one version", "say what should be different")
    return here.parent, here.number


def _meant(chat: Chat) -> int:
    """The candidate that is meant now. Raises `BadInput` where there is none."""
    if chat.session.meant is None:
        raise BadInput("there is no picture yet", "say what you want to see")
    return chat.session.meant


def _number(word: str, example: str) -> int:
    """The number that a word such as `#3` names. Raises `BadInput` for another word."""
    digits = word.strip().removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 7):
        raise BadInput(f"{word!r} is no number" if word else "which one?", f"type {example}")
    return int(digits)


def _share(much: str) -> float:
    """How much may differ, 0 to 1, as in "a little", "30%" or "0.3"."""
    found = re.fullmatch(r"(0?\.\d+|\d{1,2}(?= ?%)) ?%?", much)
    share = _MUCH.get(much, 0.0) if not found else float(found[1]) / (100 if "%" in much else 1)
    if not 0 < share < 1:
        raise BadInput(f"{much!r} is no amount", "type /vary #2 a little, /vary #2 much, or 30%")
    return share
