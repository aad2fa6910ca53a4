"""What the tests of `limner batch` share: what is typed, what is left, and a worker at hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.agent.batch.events import Happening
from limner.agent.batch.ingest import terms_of
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import Studios
from limner.agent.batch.stop_signal import StopSignal
from limner.agent.batch.workers import ResultStore, work

WISHES = ["a red cat on the grass", "two dogs in the snow", "a castle", "a tree", "a boat"]


def typed(file: Path | str, out: Path, *more: str) -> list[str]:
    return ["batch", str(file), "--out", str(out), "--profile", "fake", *more]


def manifest(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


@dataclass
class AtHand:
    """Works in this process in place of a `Crew`, where processes are not the point."""

    folder: Path
    count: int

    def events(self, _: StopSignal) -> Iterator[Happening]:
        with Queue.open(self.folder) as queue:
            terms = terms_of(queue)
            rooms = Studios(terms)
            rooms.studio()
            yield from work(queue, rooms, terms, ResultStore(queue, threading.Event()))
