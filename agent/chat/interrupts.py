"""Keys while limner works: Ctrl-C once stops where nothing is torn apart, twice at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Stop", "stoppable", "unechoed"]


@dataclass(slots=True)
class Stop:
    """Whether the user wants it to stop."""

    asked: bool = False


@contextmanager
def stoppable() -> Iterator[Stop]:
    """While it is open, the first Ctrl-C is only noted; the second raises `KeyboardInterrupt`.

    Outside of the main thread, and where Ctrl-C is ignored by whoever started us, nothing changes.
    """
    stop = Stop()
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
