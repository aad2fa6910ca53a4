"""Where a conversation's lines come from: a prompt with history and completion, or plain input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
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

__all__ = ["PlainLines", "PromptedLines", "history_in"]

_STYLE = Style.from_dict({"bottom-toolbar": "noreverse ansibrightblack", "prompt": "ansicyan bold"})

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
