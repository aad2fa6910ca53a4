"""What is typed: the prompt with history and completion, an editor for long texts, and Ctrl-C."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style
from rich.console import Console

from limner.agent.plain import clean, one_line
from limner.errors import BadInput

__all__ = [
    "Interrupts",
    "PlainLines",
    "PromptedLines",
    "edited",
    "history_in",
    "stoppable",
    "unechoed",
]


_STYLE = Style.from_dict({"bottom-toolbar": "noreverse", "prompt": "ansicyan bold"})
_LOOK_AGAIN = 0.5  # seconds: the bar below says when the models are open

Complete = Callable[[str], Iterable[tuple[str, str]]]


class PlainLines:
    """Lines from a pipe, a file, or a terminal that can do no more than that.

    Where nobody types, each line is shown as it is read, so that the output tells the whole story.
    """

    def __init__(self, stream: IO[str], console: Console, interactive: bool) -> None:
        self.interactive = interactive
        self._stream = stream
        self._console = console
        self._mark = "› " if console.encoding.lower().startswith("utf") else "> "

    def read(self) -> str:
        """The next line without its end."""
        if self.interactive:
            self._console.print(self._mark, end="")
        line = self._stream.readline()
        if not line:
            raise EOFError
        if not self.interactive:
            self._console.print(self._mark + one_line(line))
        return line.rstrip("\n")


class PromptedLines:
    """Lines that a person types at a prompt, with history, completion and a bar of what is set.

    Enter sends; text that is pasted, or typed with Alt-Enter, may have many lines.
    """

    interactive = True

    def __init__(
        self,
        complete: Complete,
        status: Callable[[], str],
        history: History,
        *,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            [("class:prompt", "› ")],
            completer=_Completer(complete),
            complete_while_typing=Condition(lambda: get_app().current_buffer.text.startswith("/")),
            history=history,
            auto_suggest=AutoSuggestFromHistory(),
            bottom_toolbar=lambda: one_line(status()),
            key_bindings=_keys(),
            style=_STYLE,
            reserve_space_for_menu=6,
            refresh_interval=_LOOK_AGAIN,
            input=input,
            output=output,
        )

    def read(self) -> str:
        """What was typed."""
        return self._session.prompt()


def history_in(folder: Path | None) -> History:
    """What was typed in earlier conversations; in memory alone where that folder can't be used."""
    if folder is not None:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / "history").touch(mode=0o600)
            return _LenientHistory(str(folder / "history"))
    return InMemoryHistory()


class _LenientHistory(FileHistory):
    """A full disk costs the memory of a line, not the conversation."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(clean(string))


class _Completer(Completer):
    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        """Completions of the word before the cursor."""
        text = document.text_before_cursor
        word = text.rpartition(" ")[2]
        for found, meaning in self._complete(text):
            yield Completion(found, -len(word), display_meta=meaning)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def edited(text: str, editor: str, suffix: str = ".yaml") -> str:
    """The text as the user left it; `editor` is a command line, such as `code --wait`.

    The file lies in a folder that only the user can read, and is gone afterwards. Raises `BadInput`
    when the editor can't be started or says that it failed.
    """
    with tempfile.TemporaryDirectory(prefix="limner-") as folder:
        page = Path(folder) / f"brief{suffix}"
        page.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(editor), str(page)], check=False)
            if done.returncode:
                raise BadInput(f"{editor} ended with {done.returncode}", "nothing was changed")
            return page.read_text(encoding="utf-8")
        except (OSError, ValueError) as problem:
            reason = f"can't edit with {editor!r}: {problem}"
            raise BadInput(
                reason, "set EDITOR to an editor that you have, such as nano"
            ) from problem


@dataclass(slots=True)
class Interrupts:
    """Whether the user wants it to stop."""

    asked: bool = False


@contextmanager
def stoppable() -> Iterator[Interrupts]:
    """While it is open, the first Ctrl-C is only noted; the second raises `KeyboardInterrupt`.

    Outside of the main thread, and where Ctrl-C is ignored by whoever started us, nothing changes.
    """
    stop = Interrupts()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):
        yield stop
        return

    def heard(*_: object) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = signal.signal(signal.SIGINT, heard)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def unechoed() -> Iterator[None]:
    """While it is open, a terminal doesn't show the keys that are typed; the next prompt gets them.

    Without it, `^C` would tear what is drawn.
    """
    if sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(sys.stdin)
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
