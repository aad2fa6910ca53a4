"""The terminal itself: what it can show, and what becomes of output that nobody reads any more."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import IO, cast

from rich.console import Console

from limner.agent.plain import one_line
from limner.errors import BadInput

__all__ = [
    "can_show_pictures",
    "console_for",
    "hush",
    "kept_clean",
    "say",
    "undisturbed",
    "warn",
]


_AS_LONG_AS_IT_IS = 100_000  # columns
_LONGEST_WARNING = 600  # characters


class _Outlet:
    """Standard output, which falls silent instead of failing when nobody can read it any more."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):  # a closed pipe or a full disk: the painting goes on
            self._stream.write(text)
            return len(text)
        hush()
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
            return
        hush()


def console_for(stream: IO[str] | None) -> Console:
    """A console that never guesses at colours, emoji codes or markup; None swallows all.

    Where it is no terminal, lines are as long as they are: whoever reads them breaks them.
    """
    console = Console(
        file=cast("IO[str]", _Outlet(stream)) if stream else io.StringIO(),
        highlight=False,
        markup=False,
        emoji=False,
    )
    if not console.is_terminal:
        console.width = _AS_LONG_AS_IT_IS
    return console


def can_show_pictures(console: Console) -> bool:
    """True for a terminal that has colours, is not dumb, and can print ▀."""
    return (
        console.is_terminal
        and not console.is_dumb_terminal
        and not console.no_color
        and console.color_system is not None
        and console.encoding.lower().startswith("utf")
    )


def say(text: str) -> None:
    """Print one line on standard output, if anybody reads it. Raises `BadInput` for a full disk."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        hush()
    except OSError as error:
        hush()
        raise BadInput(f"can't print: {error.strerror}", "send the output elsewhere") from error


def warn(text: str) -> None:
    """Print one line on standard error about what went wrong and does not matter much."""
    with suppress(OSError):  # nobody reads it
        if sys.stderr is not None:
            print(one_line(f"limner: {text}", _LONGEST_WARNING), file=sys.stderr)


def hush() -> None:
    """Send what is still to come on standard output to nowhere."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or not a file at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def kept_clean(wanted: bool) -> Iterator[None]:
    """Where a program reads standard output, nothing that a library prints may get there."""
    if not wanted:
        yield
        return
    with redirect_stdout(sys.stderr or io.StringIO()):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back for the moment that saving takes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
