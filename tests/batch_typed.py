"""What the tests of `limner batch` share: what is typed, what is left, and a worker."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.agent.batch.ingest import config_of
from limner.agent.batch.queue import Queue
from limner.agent.batch.row_group import Studios
from limner.agent.batch.stop_signal import StopSignal
from limner.agent.batch.workers import BatchEvent, ResultStore, work_through

WISHES = ["a red cat on the grass", "two dogs in the snow", "a castle", "a tree", "a boat"]


def typed(file: Path | str, out: Path, *more: str) -> list[str]:
    return ["batch", str(file), "--out", str(out), "--profile", "fake", *more]


def manifest(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


@dataclass
class InProcess:
    """Works in this process in place of a `WorkerPool`, where processes are not the point."""

    folder: Path
    count: int

    def events(self, _: StopSignal) -> Iterator[BatchEvent]:
        with Queue.open(self.folder) as queue:
            config = config_of(queue)
            studios = Studios(config)
            studios.studio()
            yield from work_through(queue, studios, config, ResultStore(queue, threading.Event()))
