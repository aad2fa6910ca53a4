"""Notes Ctrl-C and the system's request to end, while a batch is worked on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["StopSignal", "stop_signals"]


@dataclass(slots=True)
class StopSignal:
    """Whether a signal asked the batch to stop: 0, or the number of the signal."""

    signal: int = 0

    def asked(self) -> bool:
        """True when a signal came."""
        return self.signal != 0

    @property
    def patience(self) -> float:
        """Seconds that stopping may take: after SIGTERM, whoever sent that soon sends SIGKILL."""
        return 5.0 if self.signal == signal.SIGTERM else 30.0

    @property
    def exit_code(self) -> int:
        """The exit code of a command that it ended: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.signal


@contextmanager
def stop_signals() -> Iterator[StopSignal]:
    """While it is open, the first signal is only noted; a second Ctrl-C raises.

    Outside of the main thread nothing changes.
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number: int, _: object) -> None:
        if stop.signal == number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.signal = number

    wanted = [signal.SIGINT, signal.SIGTERM]
    heeded = [number for number in wanted if signal.getsignal(number) != signal.SIG_IGN]
    before = [signal.signal(number, note) for number in heeded]
    try:
        yield stop
    finally:
        for number, handler in zip(heeded, before, strict=True):
            signal.signal(number, handler)
