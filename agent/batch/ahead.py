"""Writes the briefs of the next rows while rows are painted, where the two don't share a device."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, fields
from threading import Event, Lock
from typing import Any

from limner.agent.batch.queue import Asked
from limner.agent.brief import BriefWriter, Drafted
from limner.agent.studio import Studio

__all__ = ["Ahead", "apart"]

_BETWEEN_LOOKS = 0.2  # seconds


def apart(studio: Studio) -> bool:
    """Whether the writer computes on a device of its own, or elsewhere.

    Models of ours say where they are; a writer that doesn't is a program or a service of its own.
    A critic that looks with the writer's weights is where that is: one can't work beside the other.
    """
    models = (studio.writer.writer, studio.painter, studio.critic)
    writer, *others = (getattr(model, "device", None) for model in models)
    return writer is None or writer not in others


class Ahead:
    """The drafts of some rows, written one after another in a thread of their own.

    A draft follows from the writer, the request and the seed: it is the same whenever it is
    written, and one that nobody comes for is lost time alone.
    """

    def __init__(self, writer: BriefWriter) -> None:
        told = {field.name: getattr(writer, field.name) for field in fields(writer)}
        self.writer: BriefWriter = _Shared(**told, ahead=self)
        self.turn = Lock()
        self._thread = ThreadPoolExecutor(1, "limner-ahead")
        self._drafts: dict[tuple[str, int], Future[Drafted]] = {}
        self._closed = Event()

    def foresee(self, rows: Iterable[Asked]) -> None:
        """Have the drafts of these rows written, in their order, and of no others any more."""
        wanted = dict.fromkeys((asked.row.request, asked.seed) for asked in rows)
        for key in self._drafts.keys() - wanted:
            self._drafts[key].cancel()
        self._drafts = {key: self._drafts.get(key) or self._begun(*key) for key in wanted}

    def draft(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """The draft of a row; yields "" while it is being written, so that one may stop waiting."""
        draft = self._drafts.get((request, seed)) or self._begun(request, seed)
        while not draft.done():
            yield ""
            wait([draft], _BETWEEN_LOOKS)
        return draft.result()

    def close(self) -> None:
        """Stops after the piece that is being written."""
        self._closed.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begun(self, request: str, seed: int) -> Future[Drafted]:
        return self._thread.submit(self._written, request, seed)

    def _written(self, request: str, seed: int) -> Drafted:
        with closing(BriefWriter.draw(self.writer, request, seed)) as pieces:
            while not self._closed.is_set():
                try:
                    next(pieces)
                except StopIteration as end:
                    drafted: Drafted = end.value
                    return drafted
        raise CancelledError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared(BriefWriter):
    """A writer whose drafts are written ahead; one thread at a time asks it for anything."""

    ahead: Ahead

    def draw(self, request: str, seed: int) -> Generator[str, None, Drafted]:
        """As `BriefWriter.draw`; of what is written, nothing is told."""
        return self.ahead.draft(request, seed)

    def _pieces(self, task: str, values: Mapping[str, Any], seed: int) -> Iterator[str]:
        with self.ahead.turn:
            yield from BriefWriter._pieces(self, task, values, seed)
