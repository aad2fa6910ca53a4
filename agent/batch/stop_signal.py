"""Hears Ctrl-C and the system's request to end, while a batch is worked on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = [
    "StopSignal",
    "halting",
]


@dataclass(slots=True)
class StopSignal:
    """Whether somebody asked it to stop: 0, or the number of the signal.

    `patience` is how many seconds what is in hand may still take: after Ctrl-C, the step that each
    worker is at; after SIGTERM, 5 seconds, for whoever sends that ends it by force soon.
    """

    signal: int = 0

    def asked(self) -> bool:
        """True when somebody asked."""
        return self.signal != 0

    @property
    def patience(self) -> float:
        """Seconds that stopping may take."""
        return 5.0 if self.signal == signal.SIGTERM else 30.0

    @property
    def exit_code(self) -> int:
        """What a command returns that was ended so: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.signal


@contextmanager
def halting() -> Iterator[StopSignal]:
    """While it is open, the first signal is only noted; a second Ctrl-C raises.

    Outside of the main thread nothing changes.
    """
    halt = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield halt
        return

    def heard(number: int, _: object) -> None:
        if halt.signal == number == signal.SIGINT:
            raise KeyboardInterrupt
        halt.signal = number

    wanted = [signal.SIGINT, signal.SIGTERM]
    heeded = [number for number in wanted if signal.getsignal(number) != signal.SIG_IGN]
    before = [signal.signal(number, heard) for number in heeded]
    try:
        yield halt
    finally:
        for number, handler in zip(heeded, before, strict=True):
            signal.signal(number, handler)
