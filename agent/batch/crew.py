"""The workers of a batch on this machine, each a process: begun, heard, replaced, and stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from limner.agent.batch.halt import Halt
from limner.agent.batch.happenings import Happening
from limner.errors import BadInput, LimnerError, ModelFailed

__all__ = ["Crew", "gpus"]

_LOST_AT_ONCE = 3  # times in a row that workers may end before they begin anything
_BETWEEN_LOOKS = 0.2  # seconds
_LAST_MOMENT = 5.0  # seconds, for workers when the command itself fails


@dataclass(slots=True)
class _Hand:
    """One worker: its place in the crew, its process, and whether it has told its last."""

    place: int
    process: subprocess.Popen[str]
    silent: bool = False


@dataclass(slots=True)
class Crew:
    """So many workers on one folder; with GPUs, each has one of them for itself.

    A worker that is lost is replaced, and what it had in hand is done again; a row that ends its
    worker again and again is set aside by the queue.
    """

    folder: Path
    count: int
    _hands: list[_Hand] = field(default_factory=list)
    _said: SimpleQueue[tuple[_Hand, str]] = field(default_factory=SimpleQueue)
    _lost_at_once: int = 0

    def events(self, halt: Halt) -> Iterator[Happening]:
        """What the workers tell, until the last has gone; a "tick" while there is nothing.

        When they are to halt they are told so, and ended if that takes more than its patience.
        Raises what a worker could not begin for.
        """
        try:
            self._hands = [self._begun(place) for place in range(self.count)]
            while self._hands:
                if halt.asked():
                    yield from self._stopped(halt.patience)
                    return
                yield from self._heard()
        finally:
            self._end()

    def _heard(self) -> Iterator[Happening]:
        try:
            hand, line = self._said.get(timeout=_BETWEEN_LOOKS)
        except Empty:
            yield {"event": "tick"}
            return
        if line:
            yield self._read(line)
            return
        hand.silent = True
        code = hand.process.wait()
        self._hands.remove(hand)
        if code:
            yield {"event": "worker-lost", "exit": code}
            self._lost_at_once += 1
            if self._lost_at_once >= _LOST_AT_ONCE * self.count:
                raise ModelFailed(f"the workers end at once, with {_told(code)}", "see above")
            self._hands.append(self._begun(hand.place))

    def _read(self, line: str) -> Happening:
        happening: Happening = json.loads(line)
        if happening["event"] == "refused":
            kind = BadInput if happening["exit_code"] == 2 else LimnerError
            raise kind(happening["error"], happening["hint"])
        self._lost_at_once = 0
        return happening

    def _stopped(self, patience: float) -> Iterator[Happening]:
        """Tells the workers to stop, and hears them to their end."""
        for hand in self._hands:
            _close(hand)
        until = time.monotonic() + patience
        while any(not hand.silent for hand in self._hands) and time.monotonic() < until:
            try:
                hand, line = self._said.get(timeout=_BETWEEN_LOOKS)
            except Empty:
                continue
            if line:
                yield self._read(line)
            else:
                hand.silent = True

    def _end(self) -> None:
        """Ends whoever is left: those who were told to stop in vain at once."""
        told = [hand for hand in self._hands if _close(hand)]
        for hand in self._hands:
            try:
                hand.process.wait(_LAST_MOMENT if hand in told or hand.silent else 0)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                hand.process.kill()
                hand.process.wait()

    def _begun(self, place: int) -> _Hand:
        process = subprocess.Popen(
            [sys.executable, "-m", "limner.agent.batch.child", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | _own_gpu(place, self.count),
        )
        hand = _Hand(place, process)
        Thread(target=self._listen, args=(hand,), daemon=True).start()
        return hand

    def _listen(self, hand: _Hand) -> None:
        """Passes on what a worker tells; "" when it has gone."""
        assert hand.process.stdout
        with hand.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # else it was cut off
                    self._said.put((hand, line))
        self._said.put((hand, ""))


def gpus() -> list[str]:
    """The GPUs that workers may use, as CUDA_VISIBLE_DEVICES names them; no library is asked."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name.strip() not in ("", "-1")]
    known = Path("/proc/driver/nvidia/gpus")
    return [str(i) for i in range(len(list(known.iterdir())))] if known.is_dir() else []


def _own_gpu(place: int, count: int) -> dict[str, str]:
    known = gpus()
    return {"CUDA_VISIBLE_DEVICES": known[place % len(known)]} if known and count > 1 else {}


def _close(hand: _Hand) -> bool:
    """Tells a worker to stop; false where it had been told."""
    assert hand.process.stdin
    told = hand.process.stdin.closed
    with suppress(BrokenPipeError):  # it has gone already
        hand.process.stdin.close()
    return not told


def _told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
