"""Tells which of several processes that share a folder are still alive, without any clock."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "TIMEOUT",
    "Heartbeat",
    "HeartbeatMonitor",
]


TIMEOUT = 60.0
"""Seconds without a heartbeat after which a process that still is there counts as stuck."""

_BEAT = 1.0  # seconds


class Heartbeat:
    """A sign of life: a file in `folder` that this process holds locked and touches every second.

    The system lets go of the lock when the process ends, however it ends. `name` is its own.
    """

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(8)
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / self.name
        self._file = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        _lock(self._file)
        self._ended = threading.Event()
        threading.Thread(target=self._beat, name="limner-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Ends it; stopping twice is harmless."""
        if self._ended.is_set():
            return
        self._ended.set()
        with suppress(OSError):  # the folder was taken away
            self._path.unlink()
        os.close(self._file)

    def _beat(self) -> None:
        """Touching a file needs no room on the disk; its new time is a sign, and never compared."""
        while not self._ended.wait(_BEAT):
            with suppress(OSError):
                os.utime(self._path)


@dataclass(slots=True)
class HeartbeatMonitor:
    """Watches the heartbeats in `folder`.

    A process is gone when nobody holds its lock, and stuck (stopped, or the machine too busy) when
    its file's time was the same for `timeout` seconds of this process's own steady clock, which no
    one can set and which stands still while the machine sleeps. What is assumed: all processes
    are on one machine, or the file system shares locks between machines.
    """

    folder: Path
    timeout: float = TIMEOUT
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def gone(self, name: str) -> bool:
        """True when the process of that heartbeat is gone, or stuck."""
        path = self.folder / name
        try:
            if _released(path):
                return True
            beat = path.stat().st_mtime_ns
        except FileNotFoundError:
            return True
        now = time.monotonic()
        before, since = self._seen.get(name, (-1, now))
        if beat != before:
            self._seen[name] = (beat, now)
            return False
        return now - since >= self.timeout


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _released(path: Path) -> bool:
    """True when nobody holds the file's lock; then it is deleted."""
    file = os.open(path, os.O_RDWR)
    try:
        _lock(file)
        path.unlink()
    except BlockingIOError:
        return False
    except PermissionError:  # so says Windows
        return False
    finally:
        os.close(file)
    return True
